"""Gateways in the panel: tokens go in and never out, tests show the provider's words."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.channels import gateways
from app.channels.models import Gateway
from app.extensions import db
from app.kernel.audit import AuditEvent, What
from tests import factories
from tests.providers.twilio_server import TwilioServer, refused
from tests.web.conftest import Browser, SignIn, form_of

TOKEN = "correct horse battery"
ACCOUNT = f"AC{'a' * 32}"


@pytest.fixture()
def provider(panel: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[TwilioServer]:
    """A provider that refuses one number."""
    script = lambda form, number: refused(400, 21211, "not valid") if form["To"].endswith("9") else None  # noqa: E731
    with TwilioServer(script) as server:
        monkeypatch.setitem(panel.config, "TWILIO_URL", server.url)
        yield server


def stored() -> Gateway:
    db.session.rollback()
    db.session.expire_all()
    return db.session.scalars(select(Gateway)).one()


def filled(browser: Browser, **values: Any) -> dict[str, Any]:
    return form_of(browser, "/gateways/add") | {
        "name": "Twilio",
        "account_sid": ACCOUNT,
        "secret": TOKEN,
        "sender": "+44 7700 900123",
        **values,
    }


def test_the_token_is_stored_and_never_shown(admin: Browser) -> None:
    page = admin.post("/gateways/add", data=filled(admin), follow_redirects=True)
    assert "was saved" in page.text
    gateway = stored()
    assert (gateway.sender, gateways.settings_of(gateway).secret) == ("+447700900123", TOKEN)
    for path in ("list/", f"show/{gateway.id}", f"edit/{gateway.id}"):
        assert TOKEN not in admin.get(f"/gateways/{path}").text


def test_a_refused_token_is_not_written_back_into_the_page(admin: Browser) -> None:
    page = admin.post("/gateways/add", data=filled(admin, account_sid="nothing"))
    assert "Copy the Account SID" in page.text
    assert TOKEN not in page.text


def test_a_price_is_kept_to_the_millionth_and_shown_as_written(admin: Browser) -> None:
    admin.post("/gateways/add", data=filled(admin, segment_price="0.0075", currency="eur"))
    gateway = stored()
    assert (gateway.segment_price_micros, gateway.currency) == (7500, "EUR")
    assert Decimal(form_of(admin, f"/gateways/edit/{gateway.id}")["segment_price"]) == Decimal("0.0075")
    assert "0.0075" in admin.get(f"/gateways/show/{gateway.id}").text


def test_a_test_message_shows_what_the_provider_said(admin: Browser, provider: TwilioServer) -> None:
    pk = factories.gateway().id
    db.session.commit()
    answer = admin.post(f"/gateways/test/{pk}", data=form_of(admin, f"/gateways/test/{pk}") | {"to": "+48501000001"})
    assert "accepted the message" in answer.text
    assert provider.taken[0]["To"] == "+48501000001"
    answer = admin.post(f"/gateways/test/{pk}", data={"to": "+48501000009"})
    assert "21211 not valid" in answer.text
    answer = admin.post(f"/gateways/test/{pk}", data={"to": "call me"})
    assert "no letters" in answer.text
    assert len(provider.taken) == 1


def test_the_use_of_the_day_is_shown_under_a_limit(admin: Browser) -> None:
    pk = factories.gateway(per_day=500).id
    db.session.commit()
    assert "0 of 500 messages" in admin.get(f"/gateways/show/{pk}").text


def test_a_gateway_that_a_campaign_uses_is_not_deleted(admin: Browser) -> None:
    pk = factories.text_campaign(name="Spring").gateway_id
    db.session.commit()
    page = admin.post(f"/gateways/delete/{pk}", follow_redirects=True)
    assert "The campaign Spring uses this gateway" in page.text
    assert stored().id == pk


def test_its_life_is_in_the_audit_log(admin: Browser) -> None:
    admin.post("/gateways/add", data=filled(admin))
    pk = stored().id
    changed = form_of(admin, f"/gateways/edit/{pk}") | {"secret": "another", "per_hour": "10"}
    admin.post(f"/gateways/edit/{pk}", data=changed)
    admin.post(f"/gateways/delete/{pk}")
    db.session.rollback()
    about = select(AuditEvent).where(AuditEvent.subject_id == pk, AuditEvent.subject == "gateway")
    events = db.session.scalars(about.order_by(AuditEvent.id)).all()
    assert [event.what for event in events] == [What.GATEWAY_CREATE, What.GATEWAY_CHANGE, What.GATEWAY_DELETE]
    assert "secret" in events[1].detail["fields"]
    assert "another" not in str(events[1].detail)


def test_a_manager_tries_a_gateway_and_cannot_change_it(sign_in: SignIn) -> None:
    pk = factories.gateway().id
    db.session.commit()
    manager = sign_in("Campaign Manager")
    assert manager.get(f"/gateways/test/{pk}").status_code == 200
    assert manager.get(f"/gateways/edit/{pk}").status_code in (302, 403)
    assert sign_in("Analyst").get(f"/gateways/test/{pk}").status_code in (302, 403)


def test_another_sender_of_the_account_is_added_without_its_token(admin: Browser) -> None:
    first = factories.gateway(name="Twilio", account_sid=ACCOUNT, secret=TOKEN)
    db.session.commit()
    path = f"/gateways/add?like={first.id}"
    assert path in admin.get(f"/gateways/show/{first.id}").text
    form = form_of(admin, path)
    assert form["account_sid"] == ACCOUNT and TOKEN not in admin.get(path).text
    admin.post(path, data=form | {"name": "WhatsApp", "channel": "whatsapp", "sender": "+447700900123"})
    db.session.rollback()
    second = db.session.scalars(select(Gateway).where(Gateway.name == "WhatsApp")).one()
    assert gateways.settings_of(second).secret == TOKEN
    page = admin.get(f"/gateways/show/{first.id}").text
    assert f'href="/gateways/show/{second.id}"' in page and "+447700900123, WhatsApp" in page
