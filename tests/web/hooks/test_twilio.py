"""Twilio's reports as they come in: signed ones count, all others are refused."""

import pytest
from flask import Flask
from twilio.request_validator import RequestValidator

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
