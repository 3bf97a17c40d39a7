"""Reports of providers of e-mail: signed ones move their recipients, all others change nothing."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.audience.models import Suppression
from app.channels import message_marks, receipt_hooks
from app.channels.contract import Reason
from app.channels.receipt_models import ReceiptHook
from app.channels.receipts import ReceiptWay
from app.extensions import db
from app.kernel import queues
from app.kernel.db import transaction
from app.kernel.signing import TokenPurpose, key_for, signer
from app.providers import ses as ses_module
from app.sending import progress, service
from app.sending.models import CampaignRecipient
from app.sending.states import RecipientState
from app.web.hooks import mail as hook_module
from tests.sending import ledger
from tests.sending.test_mail_receipts import sent
from tests.web.conftest import Browser
from tests.web.hooks import providers

W = ReceiptWay
ALL = [W.SES, W.SENDGRID, W.POSTMARK, W.MAILGUN]
fetched: list[str] = []


def fetch(address: str) -> bytes:
    """Amazon SNS, here."""
    fetched.append(address)
    if address.endswith("away.pem"):
        raise OSError("no route")
    return providers.certificate(-1) if address.endswith("old.pem") else providers.certificate()


@pytest.fixture()
def provider(panel: Flask, monkeypatch: pytest.MonkeyPatch) -> Browser:
    """A provider that calls us, and whose reports are taken."""
    monkeypatch.setitem(panel.config, "FETCH", "tests.web.hooks.test_mail.fetch")
    fetched.clear()
    with transaction():
        receipt_hooks.save(W.SES, providers.TOPIC)
        receipt_hooks.save(W.SENDGRID, providers.sendgrid_public_key())
        receipt_hooks.save(W.POSTMARK, providers.SECRET)
        receipt_hooks.save(W.MAILGUN, providers.SECRET)
    return Browser(panel, panel.response_class, use_cookies=False)


def message_id(campaign_id: int, seq: int = 1) -> str:
    return f"<{campaign_id}.{seq}.{signer(key_for(TokenPurpose.TRACK))(campaign_id, seq).decode()}@shop.example>"


def return_path(campaign_id: int, seq: int = 1) -> str:
    return message_marks.return_path("bounces@shop.example")(campaign_id, seq).decode()


def hook(way: ReceiptWay) -> ReceiptHook:
    db.session.rollback()
    return db.session.get_one(ReceiptHook, way, populate_existing=True)


def counts(way: ReceiptWay) -> tuple[int, int, int, int]:
    found = hook(way)
    return found.delivered, found.bounced, found.complained, found.unknown


# --- how each provider says the same


def ses(campaign_id: int, what: str) -> dict[str, Any]:
    mail = {"source": return_path(campaign_id), "messageId": "0000", "destination": ["anna@people.example"]}
    at = "2026-11-26T03:00:00.000Z"
    status = {"emailAddress": "anna@people.example", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 unknown"}
    bodies = {
        "delivered": {"notificationType": "Delivery", "delivery": {"timestamp": at}},
        "bounced": {
            "notificationType": "Bounce",
            "bounce": {"bounceType": "Permanent", "bouncedRecipients": [status], "timestamp": at},
        },
        "complained": {"eventType": "Complaint", "complaint": {"complaintFeedbackType": "abuse", "timestamp": at}},
        "passing": {"eventType": "DeliveryDelay", "deliveryDelay": {}},
    }
    return {**bodies[what], "mail": mail}


def sendgrid(campaign_id: int, what: str, seq: int = 1) -> dict[str, Any]:
    bodies = {
        "delivered": {"event": "delivered"},
        "bounced": {"event": "bounce", "type": "bounce", "status": "5.1.1", "reason": "550 5.1.1 unknown"},
        "complained": {"event": "spamreport"},
        "passing": {"event": "deferred", "response": "451 4.7.1 later"},
    }
    return {
        **bodies[what],
        "email": "anna@people.example",
        "timestamp": 1764126000,
        "smtp-id": message_id(campaign_id, seq),
    }


def postmark(campaign_id: int, what: str) -> dict[str, Any]:
    line = message_marks.header_for("smtp.postmarkapp.com")
    assert line is not None
    value = line(campaign_id, 1).decode().partition(":")[2].strip()
    bodies = {
        "delivered": {"RecordType": "Delivery", "DeliveredAt": "2026-11-26T03:00:00Z"},
        "bounced": {"RecordType": "Bounce", "Type": "HardBounce", "TypeCode": 1, "Details": "smtp;550 5.1.1 unknown"},
        "complained": {"RecordType": "SpamComplaint", "Type": "SpamComplaint"},
        "passing": {"RecordType": "Bounce", "Type": "AutoResponder"},
    }
    return {**bodies[what], "MessageID": "883953f4", "Metadata": {"muster": value}}


def mailgun(campaign_id: int, what: str) -> dict[str, Any]:
    status = {"code": 550, "enhanced-code": "5.1.1", "message": "unknown"}
    bodies = {
        "delivered": {"event": "delivered"},
        "bounced": {"event": "failed", "severity": "permanent", "reason": "bounce", "delivery-status": status},
        "complained": {"event": "complained"},
        "passing": {"event": "failed", "severity": "temporary", "reason": "generic", "delivery-status": status},
    }
    plain = message_id(campaign_id).strip("<>")
    return {**bodies[what], "timestamp": 1764126000.5, "message": {"headers": {"message-id": plain}}}


def tell(browser: Browser, way: ReceiptWay, campaign_id: int, what: str, **more: Any) -> int:
    """The status with which a report of that provider is answered."""
    headers: dict[str, str] = {}
    if way is W.SES:
        body = providers.sns(ses(campaign_id, what), **more)
    elif way is W.MAILGUN:
        body = providers.mailgun(mailgun(campaign_id, what), **{"token": what} | more)
    elif way is W.POSTMARK:
        body, headers = postmark(campaign_id, what), providers.basic()
    else:
        body = [sendgrid(campaign_id, what)]  # type: ignore[assignment]
    raw = json.dumps(body).encode()
    if way is W.SENDGRID:
        headers = providers.sendgrid_headers(raw)
    return post(browser, way, raw, headers)


def post(browser: Browser, way: ReceiptWay, raw: bytes, headers: dict[str, str] | None = None) -> int:
    status: int = browser.post(f"/hooks/{way.value}", data=raw, headers=headers or {}).status_code
    return status


@pytest.mark.parametrize("way", ALL)
@pytest.mark.parametrize(
    ("what", "state", "reason", "barred"),
    [
        ("delivered", RecipientState.DELIVERED, None, False),
        ("bounced", RecipientState.BOUNCED, Reason.INVALID_RECIPIENT, True),
        ("complained", RecipientState.DELIVERED, None, True),
        ("passing", RecipientState.SENT, None, False),
    ],
)
def test_a_signed_report_counts(
    provider: Browser, way: ReceiptWay, what: str, state: RecipientState, reason: Reason | None, barred: bool
) -> None:
    campaign_id = sent()
    for _ in range(2):
        assert tell(provider, way, campaign_id, what) == 204
    row = ledger.row(campaign_id, 1)
    assert (row.state, row.reason) == (state, reason)
    assert bool(db.session.scalars(select(Suppression)).all()) == barred
    assert sum(counts(way)) == (0 if what == "passing" else 1 if way is W.MAILGUN else 2)
    assert service.reconcile() == []


@pytest.mark.parametrize("way", ALL)
def test_reports_in_any_order_end_the_same(provider: Browser, way: ReceiptWay) -> None:
    campaign_id = sent()
    for what in ("complained", "bounced", "delivered", "passing"):
        assert tell(provider, way, campaign_id, what) == 204
    assert ledger.counters(campaign_id) == {"bounced": 1}
    assert counts(way) == (1, 1, 1, 0)
    assert hook(way).last_event_at is not None


@pytest.mark.parametrize("way", ALL)
def test_nothing_is_taken_before_it_is_set_up_or_after_it_is_switched_off(provider: Browser, way: ReceiptWay) -> None:
    campaign_id = sent()
    with transaction():
        receipt_hooks.stop(way)
    assert tell(provider, way, campaign_id, "bounced") == 403
    with transaction():
        db.session.delete(hook(way))
    assert tell(provider, way, campaign_id, "bounced") == 403
    assert ledger.states(campaign_id) == {"sent": 1}


@pytest.mark.parametrize("way", ALL)
def test_a_report_that_comes_too_early_is_asked_for_again(provider: Browser, way: ReceiptWay) -> None:
    campaign_id = sent(RecipientState.SENDING)
    assert tell(provider, way, campaign_id, "bounced") == 503
    with transaction():
        db.session.execute(update(CampaignRecipient).values(state=RecipientState.SENT))
        progress.move(campaign_id, {RecipientState.SENDING: -1, RecipientState.SENT: 1})
    assert tell(provider, way, campaign_id, "bounced") == 204
    assert (ledger.states(campaign_id), counts(way)) == ({"bounced": 1}, (0, 1, 0, 0))


@pytest.mark.parametrize("way", ALL)
def test_a_report_on_a_message_that_is_not_ours_is_counted_and_changes_nothing(
    provider: Browser, way: ReceiptWay
) -> None:
    assert tell(provider, way, sent() + 7, "bounced") == 204
    assert counts(way) == (0, 0, 0, 1)
    assert db.session.scalars(select(Suppression)).all() == []


@pytest.mark.parametrize("way", ALL)
@pytest.mark.parametrize(
    "raw", [b"", b"{", b"\xff", b"[]", b"null", b"[" * 5000, b'"text"', b"{}", b'{"event-data": 5}']
)
def test_what_is_no_report_is_refused_and_nothing_is_stored(provider: Browser, way: ReceiptWay, raw: bytes) -> None:
    headers = {W.SENDGRID: providers.sendgrid_headers(raw), W.POSTMARK: providers.basic()}.get(way, {})
    is_empty = (way, raw) == (W.SENDGRID, b"[]")  # a report of nothing
    assert post(provider, way, raw, headers) == (204 if is_empty else 400)
    assert (counts(way), hook(way).last_event_at) == ((0, 0, 0, 0), None)


@pytest.mark.parametrize("way", ALL)
def test_a_body_that_is_too_large_is_not_read(
    provider: Browser, way: ReceiptWay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hook_module, "MAX_BODY_BYTES", 1000)
    assert post(provider, way, b" " * 1001, providers.basic()) == 413


@pytest.mark.parametrize("way", ALL)
def test_a_hook_is_called_by_post_only(provider: Browser, way: ReceiptWay) -> None:
    assert provider.get(f"/hooks/{way.value}").status_code == 405


# --- Amazon SES


def test_amazons_older_signature_counts_too_and_the_certificate_is_fetched_once(provider: Browser) -> None:
    campaign_id = sent()
    ses_module._certificate.cache_clear()
    assert tell(provider, W.SES, campaign_id, "delivered", version="1") == 204
    assert tell(provider, W.SES, campaign_id, "delivered", Subject="a subject") == 204
    assert fetched == [providers.CERTIFICATE]
    assert ledger.states(campaign_id) == {"delivered": 1}


@pytest.mark.parametrize(
    "change",
    [
        {"Message": "{}"},
        {"TopicArn": f"{providers.TOPIC}2"},
        {"Signature": ""},
        {"Signature": "AAAA"},
        {"Signature": "ż"},
        {"SignatureVersion": "3"},
        {"SigningCertURL": "http://sns.eu-central-1.amazonaws.com/a.pem"},
        {"SigningCertURL": "https://sns.eu-central-1.amazonaws.com.evil.example/a.pem"},
        {"SigningCertURL": "https://evil.example/sns.eu-central-1.amazonaws.com/a.pem"},
        {"SigningCertURL": "https://sns.eu-central-1.amazonaws.com@evil.example/a.pem"},
        {"SigningCertURL": "https://sns.eu-central-1.amazonaws.com:8443/a.pem"},
        {"SigningCertURL": "https://s3.eu-central-1.amazonaws.com/a.pem"},
        {"SigningCertURL": "https://sns.eu-central-1.amazonaws.com/a.txt"},
        {"SigningCertURL": "https://[::1/a.pem"},
        {"SigningCertURL": None},
    ],
)
def test_what_amazon_did_not_sign_is_refused(provider: Browser, change: dict[str, Any]) -> None:
    campaign_id = sent()
    body = providers.sns(ses(campaign_id, "bounced")) | change
    assert post(provider, W.SES, json.dumps(body).encode()) == 403
    assert ledger.states(campaign_id) == {"sent": 1}
    assert set(fetched) <= {providers.CERTIFICATE}


def test_a_certificate_that_has_ended_signs_nothing(provider: Browser) -> None:
    old = providers.CERTIFICATE.replace("1.pem", "old.pem")
    assert tell(provider, W.SES, sent(), "bounced", SigningCertURL=old) == 403


def test_amazon_out_of_reach_is_asked_again(provider: Browser) -> None:
    away = providers.CERTIFICATE.replace("1.pem", "away.pem")
    assert tell(provider, W.SES, sent(), "bounced", SigningCertURL=away) == 503


def test_the_topic_that_was_named_is_confirmed(provider: Browser) -> None:
    asked = {"Type": "SubscriptionConfirmation", "Token": "abc", "SubscribeURL": providers.CONFIRM}
    assert post(provider, W.SES, json.dumps(providers.sns("Confirm", **asked)).encode()) == 204
    assert fetched[-1] == providers.CONFIRM


@pytest.mark.parametrize(
    "change",
    [
        {"TopicArn": "arn:aws:sns:eu-central-1:999999999999:receipts"},
        {"SubscribeURL": "http://169.254.169.254/latest/meta-data"},
        {"SubscribeURL": "https://evil.example/"},
        {"SubscribeURL": "https://sns.eu-central-1.amazonaws.com.evil.example/"},
    ],
)
def test_nobody_elses_address_is_visited(provider: Browser, change: dict[str, str]) -> None:
    asked = {"Type": "SubscriptionConfirmation", "Token": "abc", "SubscribeURL": providers.CONFIRM} | change
    assert post(provider, W.SES, json.dumps(providers.sns("Confirm", **asked)).encode()) == 403
    assert set(fetched) <= {providers.CERTIFICATE}


def test_the_words_of_a_trial_are_no_report(provider: Browser) -> None:
    body = providers.sns("Successfully validated SNS topic for Amazon SES event publishing.")
    assert post(provider, W.SES, json.dumps(body).encode()) == 204
    assert post(provider, W.SES, json.dumps(providers.sns("what?")).encode()) == 400


@pytest.mark.parametrize(
    ("bounce", "reason"),
    [
        ({"bounceType": "Permanent", "bounceSubType": "OnAccountSuppressionList"}, Reason.INVALID_RECIPIENT),
        ({"bounceType": "Transient", "bounceSubType": "MailboxFull"}, Reason.MAILBOX_FULL),
        ({"bounceType": "Transient", "bounceSubType": "ContentRejected"}, Reason.REJECTED_CONTENT),
        ({"bounceType": "Transient", "bounceSubType": "MessageTooLarge"}, Reason.TOO_LARGE),
        ({"bounceType": "Undetermined", "bounceSubType": "Undetermined"}, Reason.REJECTED),
        ({"bounceType": "Permanent", "bouncedRecipients": [{"status": "5.7.1"}]}, Reason.REJECTED_CONTENT),
        ({"bouncedRecipients": "?"}, Reason.REJECTED),
    ],
)
def test_amazons_kinds_of_bounces(provider: Browser, bounce: dict[str, Any], reason: Reason) -> None:
    campaign_id = sent()
    told = ses(campaign_id, "bounced") | {"bounce": bounce}
    assert post(provider, W.SES, json.dumps(providers.sns(told)).encode()) == 204
    assert ledger.row(campaign_id, 1).reason is reason


def test_the_headers_of_the_original_name_the_message_too(provider: Browser) -> None:
    campaign_id = sent()
    told = ses(campaign_id, "delivered")
    told["mail"] = {
        "headers": [{"name": "Message-ID", "value": message_id(campaign_id)}, "?"],
        "source": "news@x.example",
    }
    assert post(provider, W.SES, json.dumps(providers.sns(told)).encode()) == 204
    assert ledger.states(campaign_id) == {"delivered": 1}


# --- SendGrid


def test_many_events_are_taken_each_by_itself(provider: Browser) -> None:
    campaign_id = sent(people=3)
    events = [sendgrid(campaign_id, "delivered", 1), "?", None, {"event": 5}, sendgrid(campaign_id, "bounced", 2)]
    events += [sendgrid(campaign_id, "passing", 3), sendgrid(campaign_id + 1, "delivered")] * 150
    raw = json.dumps(events).encode()
    assert post(provider, W.SENDGRID, raw, providers.sendgrid_headers(raw)) == 204
    assert ledger.counters(campaign_id) == {"delivered": 1, "bounced": 1, "sent": 1}
    assert counts(W.SENDGRID) == (1, 1, 0, 150)


def test_of_many_events_those_that_are_not_too_early_count_at_once(provider: Browser) -> None:
    campaign_id, early = sent(), sent(RecipientState.SENDING)
    raw = json.dumps([sendgrid(early, "delivered"), sendgrid(campaign_id, "delivered")]).encode()
    assert post(provider, W.SENDGRID, raw, providers.sendgrid_headers(raw)) == 503
    assert ledger.states(campaign_id) == {"delivered": 1}


def test_what_sendgrid_did_not_sign_is_refused(provider: Browser) -> None:
    campaign_id = sent()
    raw = json.dumps([sendgrid(campaign_id, "bounced")]).encode()
    good, now = providers.sendgrid_headers(raw), datetime.now(UTC)
    name, stamp = hook_module.sendgrid.SIGNATURE, hook_module.sendgrid.TIMESTAMP
    old = providers.sendgrid_headers(raw, now - timedelta(hours=26))
    early = providers.sendgrid_headers(raw, now + timedelta(hours=26))
    wrong = [{}, old, early, good | {name: "AAAA"}, good | {name: ""}, good | {stamp: "1"}, good | {stamp: "now"}]
    assert [post(provider, W.SENDGRID, raw, headers) for headers in wrong] == [403] * len(wrong)
    assert post(provider, W.SENDGRID, raw + b" ", good) == 403
    assert ledger.states(campaign_id) == {"sent": 1}


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({"event": "dropped", "reason": "Bounced Address"}, Reason.INVALID_RECIPIENT),
        ({"event": "dropped", "reason": "Unsubscribed Address"}, Reason.REJECTED_CONTENT),
        ({"type": "blocked", "status": "5.1.1", "reason": "550 5.1.1 blocked"}, Reason.REJECTED_CONTENT),
        ({"type": "blocked", "status": "4.2.2", "reason": "452 4.2.2 full"}, Reason.MAILBOX_FULL),
        ({"status": "5.3.0", "reason": "553 5.3.0 no"}, Reason.INVALID_RECIPIENT),
        ({"status": "4.0.0", "reason": "gave up"}, Reason.REJECTED),
    ],
)
def test_sendgrids_kinds_of_bounces(provider: Browser, event: dict[str, str], reason: Reason) -> None:
    campaign_id = sent()
    raw = json.dumps([sendgrid(campaign_id, "bounced") | event]).encode()
    assert post(provider, W.SENDGRID, raw, providers.sendgrid_headers(raw)) == 204
    assert ledger.row(campaign_id, 1).reason is reason


# --- Postmark


@pytest.mark.parametrize(
    "headers",
    [
        {},
        providers.basic(password="another password of a length"),
        providers.basic(user="admin"),
        {"Authorization": "Bearer abc"},
        {"Authorization": "Basic ????"},
        {"Authorization": "Basic"},
    ],
)
def test_who_does_not_know_the_password_is_refused(provider: Browser, headers: dict[str, str]) -> None:
    campaign_id = sent()
    assert post(provider, W.POSTMARK, json.dumps(postmark(campaign_id, "bounced")).encode(), headers) == 403
    assert ledger.states(campaign_id) == {"sent": 1}


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"Type": "SoftBounce", "Details": "452 4.2.2 Mailbox full"}, Reason.MAILBOX_FULL),
        ({"Type": "SoftBounce", "Details": "later"}, Reason.REJECTED),
        ({"Type": "Blocked"}, Reason.REJECTED_CONTENT),
        ({"Type": "BadEmailAddress"}, Reason.INVALID_RECIPIENT),
    ],
)
def test_postmarks_kinds_of_bounces(provider: Browser, told: dict[str, str], reason: Reason) -> None:
    campaign_id = sent()
    raw = json.dumps(postmark(campaign_id, "bounced") | told).encode()
    assert post(provider, W.POSTMARK, raw, providers.basic()) == 204
    assert ledger.row(campaign_id, 1).reason is reason


# --- Mailgun


def test_what_mailgun_did_not_sign_is_refused(provider: Browser) -> None:
    campaign_id, now = sent(), datetime.now(UTC)
    told = mailgun(campaign_id, "bounced")
    good = providers.mailgun(told)
    signature = good["signature"]
    wrong = [
        providers.mailgun(told, key="another signing key"),
        providers.mailgun(told, at=now - timedelta(hours=10)),
        providers.mailgun(told, at=now + timedelta(hours=10)),
        providers.mailgun(told, token=""),
        good | {"signature": {**signature, "token": "two"}},
        good | {"signature": {**signature, "timestamp": "soon"}},
        good | {"signature": {**signature, "signature": "ż"}},
        good | {"signature": None},
    ]
    assert [post(provider, W.MAILGUN, json.dumps(each).encode()) for each in wrong] == [403] * len(wrong)
    assert ledger.states(campaign_id) == {"sent": 1}


def test_a_token_counts_once_and_another_one_again(provider: Browser) -> None:
    campaign_id = sent()
    for token in ("one", "one", "two"):
        assert tell(provider, W.MAILGUN, campaign_id, "bounced", token=token) == 204
    assert counts(W.MAILGUN) == (0, 2, 0, 0)


def test_without_redis_a_report_counts_all_the_same(
    provider: Browser, panel: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign_id = sent()
    with monkeypatch.context() as patch:
        patch.setattr(hook_module.queues, "redis", lambda: queues.connect("redis://127.0.0.1:1/0"))
        assert tell(provider, W.MAILGUN, campaign_id, "bounced") == 204
    assert ledger.states(campaign_id) == {"bounced": 1}


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({"reason": "suppress-bounce", "delivery-status": {}}, Reason.INVALID_RECIPIENT),
        ({"reason": "suppress-complaint", "delivery-status": {}}, Reason.REJECTED_CONTENT),
        ({"delivery-status": {"message": "552 5.2.2 over quota"}}, Reason.MAILBOX_FULL),
        ({"delivery-status": {"description": "Not delivering to previously bounced address"}}, Reason.REJECTED),
        ({"delivery-status": None}, Reason.REJECTED),
    ],
)
def test_mailguns_kinds_of_failures(provider: Browser, event: dict[str, Any], reason: Reason) -> None:
    campaign_id = sent()
    raw = json.dumps(providers.mailgun(mailgun(campaign_id, "bounced") | event)).encode()
    assert post(provider, W.MAILGUN, raw) == 204
    assert ledger.row(campaign_id, 1).reason is reason
