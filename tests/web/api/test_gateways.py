"""Gateways and campaigns of text messages by REST."""

import pytest
from flask import Flask

from tests.providers.twilio_server import TwilioServer
from tests.web.api.conftest import ACCOUNT, Program

GATEWAY = {"name": "Twilio", "account_sid": f"AC{'a' * 32}", "secret": "the token", "sender": "+44 7700 900123"}


def test_a_gateway_is_made_read_changed_and_deleted(admin_program: Program) -> None:
    made = admin_program.post("/gateway/", GATEWAY | {"per_second": 10})
    pk = made.json["id"]
    changed = admin_program.put(f"/gateway/{pk}", {"per_second": None, "segment_price_micros": 7500, "currency": "eur"})
    shown = admin_program.shown(f"/gateway/{pk}")
    assert (shown["sender"], shown["per_second"], shown["currency"]) == ("+447700900123", None, "EUR")
    for answer in (made, changed, admin_program.get(f"/gateway/{pk}"), admin_program.get("/gateway/")):
        assert "the token" not in answer.text and "secret" not in answer.text
    assert admin_program.delete(f"/gateway/{pk}").status_code == 200
    assert admin_program.get(f"/gateway/{pk}").status_code == 404


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"sender": "nobody at all"}, "sender"),
        ({"secret": ""}, "secret"),
        ({"segment_price_micros": -1}, "segment_price_micros"),
    ],
)
def test_a_refusal_names_the_field(admin_program: Program, values: dict[str, object], field: str) -> None:
    answer = admin_program.post("/gateway/", GATEWAY | values)
    assert (answer.status_code, answer.json["field"]) == (422, field)


def test_a_campaign_of_text_messages_is_written_and_tried(
    panel: Flask, admin_program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = admin_program.made("/gateway/", GATEWAY)
    body = {"name": "Spring", "channel": "sms", "gateway_id": gateway, "text": "Hi"}
    pk = admin_program.made("/campaign/", body | {"subject": "not of texts"})
    shown = admin_program.shown(f"/campaign/{pk}")
    assert (shown["channel"], shown["gateway_id"], shown["subject"]) == ("sms", gateway, "")
    with TwilioServer() as server:
        monkeypatch.setitem(panel.config, "TWILIO_URL", server.url)
        answer = admin_program.post(f"/campaign/{pk}/test", {"to": "+48600100200"})
    assert answer.json["result"]["is_sent"] is True
    assert server.taken[0]["Body"] == "Hi"
    assert admin_program.post(f"/campaign/{pk}/test", {}).status_code == 422


def test_a_campaign_of_text_messages_needs_a_gateway(admin_program: Program) -> None:
    admin_program.made("/smtp_account/", ACCOUNT)
    answer = admin_program.post("/campaign/", {"name": "Spring", "channel": "sms", "text": "Hi"})
    assert (answer.status_code, answer.json["field"]) == (422, "gateway_id")


def test_another_gateway_of_an_account_needs_no_secret(admin_program: Program) -> None:
    admin_program.made("/gateway/", GATEWAY)
    rest = {name: value for name, value in GATEWAY.items() if name != "secret"}
    assert admin_program.post("/gateway/", rest | {"name": "Second"}).status_code == 201
    other = admin_program.post("/gateway/", rest | {"name": "Third", "account_sid": f"AC{'9' * 32}"})
    assert (other.status_code, other.json["field"]) == (422, "secret")
