"""Gateways: what is refused and how, and that their secrets are sealed."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.channels import gateways, rotation, senders
from app.channels.contract import Channel
from app.channels.models import Gateway
from app.extensions import db
from app.kernel.audit import AuditEvent, What
from app.kernel.errors import InvalidInput, NotFound
from tests import factories

pytestmark = pytest.mark.usefixtures("app")

BAD = [
    ("no name", {"name": " "}, "name"),
    ("no account", {"account_sid": ""}, "account_sid"),
    ("half an account", {"account_sid": "AC12"}, "account_sid"),
    ("a token for an account", {"account_sid": "0" * 32}, "account_sid"),
    ("a key that is none", {"key_sid": "AC" + "0" * 32}, "key_sid"),
    ("no sender", {"sender": ""}, "sender"),
    ("a national number", {"sender": "501 502 503"}, "sender"),
    ("a name that is too long", {"sender": "Muster Shop 24"}, "sender"),
    ("an impossible number", {"sender": "+48123"}, "sender"),
    ("two lines", {"name": "a\nb"}, "name"),
    ("too many requests", {"max_connections": 101}, "max_connections"),
    ("a limit of nothing", {"per_hour": 0}, "per_hour"),
    ("a price without a currency", {"segment_price_micros": 1}, "currency"),
    ("a negative price", {"segment_price_micros": -1, "currency": "EUR"}, "segment_price"),
]


@pytest.mark.parametrize(("values", "field"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_a_gateway_that_cannot_work_is_refused_at_its_field(values: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        factories.gateway(**values)
    assert refused.value.field == field


def test_a_gateway_without_a_token_is_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        factories.gateway(secret="")
    assert refused.value.field == "secret"


@pytest.mark.parametrize("sender", ["+15005550006", f"MG{'a' * 32}", "Shop 24", "70123"])
def test_a_sender_is_a_number_a_service_a_short_code_or_a_name(sender: str) -> None:
    assert factories.gateway(sender=sender).sender == sender


def test_the_number_of_a_sender_is_written_one_way() -> None:
    assert factories.gateway(sender="0048 501-502-503").sender == "+48501502503"


def test_two_gateways_have_two_names() -> None:
    factories.gateway(name="Twilio")
    with pytest.raises(InvalidInput):
        factories.gateway(name="Twilio")


def test_the_token_is_sealed_and_only_the_settings_open_it() -> None:
    made = factories.gateway(secret="very secret", key_sid=f"SK{'1' * 32}")
    assert made.secret_sealed is not None
    assert b"very secret" not in made.secret_sealed
    settings = gateways.settings_of(made)
    assert (settings.secret, settings.username) == ("very secret", made.key_sid)
    assert "very secret" not in repr(settings)


def test_saving_without_a_token_keeps_it_and_ends_a_pause() -> None:
    made = factories.gateway(secret="first")
    made.paused_reason = "20003"
    gateways.prepare(made, "")
    assert (gateways.settings_of(made).secret, made.paused_reason) == ("first", None)


def test_the_keys_of_senders_of_all_channels_differ() -> None:
    gateway, account = factories.gateway(), factories.account()
    assert senders.get(gateway.key) is gateway
    assert senders.get(account.key) is account
    with pytest.raises(NotFound):
        senders.get("gateway:999")


def test_the_tokens_are_sealed_again_with_a_new_key(app: Flask) -> None:
    factories.gateway()
    assert rotation.count_old() == 0
    db.session.query(Gateway)  # the active key has sealed it
    assert rotation.reseal(10) == 0


KEY = f"SK{'1' * 32}"


def tokens() -> dict[str, str]:
    return {made.name: gateways.settings_of(made).secret for made in db.session.query(Gateway)}


def test_another_sender_of_an_account_needs_no_token() -> None:
    factories.gateway(secret="of the account", name="A")
    factories.gateway(secret="", name="B", channel=Channel.WHATSAPP, sender="+447700900123")
    assert tokens() == {"A": "of the account", "B": "of the account"}


@pytest.mark.parametrize("other", [{"account_sid": f"AC{'1' * 32}"}, {"key_sid": KEY}])
def test_another_account_or_key_needs_its_own_secret(other: dict[str, Any]) -> None:
    factories.gateway(secret="of the account")
    with pytest.raises(InvalidInput) as refused:
        factories.gateway(secret="", **other)
    assert refused.value.field == "secret"


def test_a_new_token_is_stored_for_the_whole_account_and_ends_its_pauses() -> None:
    one, two = factories.gateway(name="A"), factories.gateway(name="B")
    factories.gateway(secret="of the key", name="C", key_sid=KEY)
    factories.gateway(secret="elsewhere", name="D", account_sid=f"AC{'1' * 32}")
    one.paused_reason = two.paused_reason = "20003"
    gateways.prepare(one, "new")
    assert tokens() == {"A": "new", "B": "new", "C": "of the key", "D": "elsewhere"}
    assert (one.paused_reason, two.paused_reason) == (None, None)
    noted = select(AuditEvent.detail).where(AuditEvent.what == What.GATEWAY_CHANGE, AuditEvent.subject_id == two.id)
    assert db.session.scalars(noted).all() == [{"fields": ["secret"]}]


def test_a_token_that_is_entered_with_a_new_gateway_leaves_the_others_alone() -> None:
    factories.gateway(secret="right", name="A")
    factories.gateway(secret="a slip", name="B")
    assert tokens() == {"A": "right", "B": "a slip"}


def test_a_gateway_that_moves_to_another_account_takes_its_token() -> None:
    factories.gateway(secret="right", name="A", account_sid=f"AC{'1' * 32}")
    moved = factories.gateway(secret="old", name="B")
    moved.account_sid = f"AC{'1' * 32}"
    gateways.prepare(moved)
    assert tokens() == {"A": "right", "B": "right"}
