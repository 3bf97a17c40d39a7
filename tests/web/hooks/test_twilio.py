"""Twilio's reports and people's replies as they come in: signed ones count, all others are refused."""

import pytest
from flask import Flask
from sqlalchemy import select
from twilio.request_validator import RequestValidator

from app.audience import reply_words
from app.audience.addresses import phone_index
from app.audience.models import Reply, ReplyMeaning
from app.audience.reply_words import Rule
from app.audience.suppressions import is_suppressed
from app.channels import gateways
from app.channels.contract import Channel
from app.channels.models import Gateway
from app.extensions import db
from app.kernel.signing import TokenPurpose, key_for, signer
from app.sending.models import CampaignRecipient
from app.sending.states import RecipientState
from tests import factories
from tests.sending import ledger
from tests.sending.test_text_receipts import _sent
from tests.web.conftest import Browser

BASE = "https://muster.example"
FORM = {"MessageSid": "SM1", "MessageStatus": "delivered", "To": "+48501000001", "Body": "zażółć"}


@pytest.fixture()
def twilio(panel: Flask, monkeypatch: pytest.MonkeyPatch) -> Browser:
    """The provider as it calls us; we are known on the internet as BASE."""
    monkeypatch.setitem(panel.config, "PUBLIC_URL", BASE)
    return Browser(panel, panel.response_class, use_cookies=False)


def message(panel: Flask, **values: object) -> tuple[int, str]:
    """A message that was accepted; returns its campaign and the path of its reports."""
    campaign_id = _sent(RecipientState.SENT, "SM1")
    gateway = factories.gateway(secret="the token", **values)  # type: ignore[arg-type]
    db.session.query(CampaignRecipient).update({"sender_id": gateway.id})
    db.session.commit()
    return campaign_id, f"/hooks/twilio/status/{signer(key_for(TokenPurpose.CALLBACK))(campaign_id, 1).decode()}"


def signed(path: str, form: dict[str, str], token: str = "the token") -> dict[str, str]:
    return {"X-Twilio-Signature": RequestValidator(token).compute_signature(BASE + path, form)}


def test_a_signed_report_counts(panel: Flask, twilio: Browser) -> None:
    campaign_id, path = message(panel)
    assert twilio.post(path, data=FORM, headers=signed(path, FORM)).status_code == 204
    assert ledger.states(campaign_id) == {"delivered": 1}


def test_a_report_with_a_false_signature_or_none_is_refused(panel: Flask, twilio: Browser) -> None:
    campaign_id, path = message(panel)
    other = FORM | {"MessageStatus": "failed"}
    for headers in ({}, signed(path, FORM, "another token"), signed(path, other), {"X-Twilio-Signature": "ż"}):
        assert twilio.post(path, data=FORM, headers=headers).status_code == 403
    assert ledger.states(campaign_id) == {"sent": 1}


def test_with_an_api_key_nothing_can_be_checked_so_nothing_is_believed(panel: Flask, twilio: Browser) -> None:
    campaign_id, path = message(panel, key_sid=f"SK{'1' * 32}")
    assert twilio.post(path, data=FORM, headers=signed(path, FORM)).status_code == 403
    assert ledger.states(campaign_id) == {"sent": 1}


def test_a_token_that_we_did_not_make_is_not_found(panel: Flask, twilio: Browser) -> None:
    _campaign_id, path = message(panel)
    wrong = path[:-3] + "AAA"
    assert twilio.post(wrong, data=FORM, headers=signed(wrong, FORM)).status_code == 404
    assert twilio.get(path).status_code == 405


def inbound(panel: Flask, **values: object) -> str:
    """The path at which a gateway is told what people write."""
    gateway = factories.gateway(secret="the token", **values)  # type: ignore[arg-type]
    db.session.commit()
    path = f"/hooks/twilio/inbound/{signer(key_for(TokenPurpose.INBOUND))(gateway.id, 0).decode()}"
    assert gateways.inbound_address(gateway) == ("" if gateway.key_sid else BASE + path)
    return path


SAID = {"MessageSid": "SM9", "From": "+48501000001", "To": "+15005550006", "Body": "Stop.", "NumMedia": "0"}
EMPTY = '<?xml version="1.0" encoding="UTF-8"?><Response />'


def kept() -> list[Reply]:
    db.session.rollback()
    return list(db.session.scalars(select(Reply)))


def test_a_signed_message_is_kept_once_however_often_it_comes(panel: Flask, twilio: Browser) -> None:
    path = inbound(panel)
    for _ in range(3):
        answer = twilio.post(path, data=SAID, headers=signed(path, SAID))
        assert (answer.status_code, answer.mimetype, answer.text) == (200, "text/xml", EMPTY)
    (reply,) = kept()
    assert (reply.channel, reply.meaning, reply.provider_id) == (Channel.SMS, ReplyMeaning.STOP, "SM9")
    assert is_suppressed(Channel.SMS, phone_index("+48501000001"))


def test_a_message_that_nobody_signed_changes_nothing(panel: Flask, twilio: Browser) -> None:
    path = inbound(panel)
    for headers in ({}, signed(path, SAID, "another token"), signed(path, SAID | {"Body": "START"})):
        assert twilio.post(path, data=SAID, headers=headers).status_code == 403
    other = inbound(panel, key_sid=f"SK{'1' * 32}")
    assert twilio.post(other, data=SAID, headers=signed(other, SAID)).status_code == 403
    wrong = path[:-3] + "AAA"
    assert twilio.post(wrong, data=SAID, headers=signed(wrong, SAID)).status_code == 404
    assert kept() == []


def test_an_address_for_reports_takes_no_messages(panel: Flask, twilio: Browser) -> None:
    _campaign_id, path = message(panel)
    wrong = path.replace("/status/", "/inbound/")
    assert twilio.post(wrong, data=SAID, headers=signed(wrong, SAID)).status_code == 404


@pytest.mark.parametrize("missing", ["MessageSid", "From"])
def test_what_is_no_message_is_refused(panel: Flask, twilio: Browser, missing: str) -> None:
    path = inbound(panel)
    form = {name: value for name, value in SAID.items() if name != missing}
    assert twilio.post(path, data=form, headers=signed(path, form)).status_code == 422


def test_the_gateway_of_the_address_may_be_gone(panel: Flask, twilio: Browser) -> None:
    path = inbound(panel)
    db.session.query(Gateway).delete()
    db.session.commit()
    assert twilio.post(path, data=SAID, headers=signed(path, SAID)).status_code == 404


def test_twilio_s_own_word_for_it_counts(panel: Flask, twilio: Browser) -> None:
    path = inbound(panel)
    form = SAID | {"Body": "genug jetzt", "OptOutType": "STOP", "NumMedia": "2"}
    assert twilio.post(path, data=form, headers=signed(path, form)).text == EMPTY
    (reply,) = kept()
    assert (reply.meaning, reply.media) == (ReplyMeaning.STOP, 2)


def test_help_is_answered_in_twilio_s_language(panel: Flask, twilio: Browser) -> None:
    path = inbound(panel)
    rules = reply_words.rules() | {ReplyMeaning.HELP: Rule(["HELP"], "Call <us> & ask")}
    reply_words.save(rules)
    db.session.commit()
    form = SAID | {"Body": "help"}
    answer = twilio.post(path, data=form, headers=signed(path, form))
    assert "<Response><Message>Call &lt;us&gt; &amp; ask</Message></Response>" in answer.text


@pytest.mark.parametrize("values", [{"key_sid": f"SK{'1' * 32}"}, {}])
def test_no_address_is_shown_that_could_not_be_believed(panel: Flask, values: dict[str, str]) -> None:
    """With an API key, or without https: here the panel is known under http only."""
    gateway = factories.gateway(**values)  # type: ignore[arg-type]
    assert gateways.inbound_address(gateway) == ""
