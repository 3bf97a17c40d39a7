"""The page of receipts: what checks the reports of each provider goes in, secrets never come out."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.channels import bounce_mailboxes, receipt_hooks
from app.channels.receipt_models import ReceiptHook
from app.channels.receipts import ReceiptKind, ReceiptWay
from app.extensions import db
from app.kernel.audit import AuditEvent, What
from app.kernel.db import transaction
from tests import factories
from tests.sending.test_mailboxes import WANTED
from tests.web.conftest import Browser, form_of
from tests.web.hooks import providers

W = ReceiptWay
GOOD = {
    W.SES: providers.TOPIC,
    W.SENDGRID: providers.sendgrid_public_key(),
    W.POSTMARK: providers.SECRET,
    W.MAILGUN: providers.SECRET,
}


def stored(way: ReceiptWay) -> ReceiptHook:
    db.session.rollback()
    return db.session.get_one(ReceiptHook, way, populate_existing=True)


def save(browser: Browser, way: ReceiptWay, value: str) -> str:
    form = form_of(browser, f"/receipts/{way.value}") | {"value": value}
    text: str = browser.post(f"/receipts/{way.value}", data=form, follow_redirects=True).text
    return text


@pytest.mark.parametrize(("way", "value"), GOOD.items())
def test_reports_are_taken_once_a_provider_is_set_up(
    admin: Browser, panel: Flask, monkeypatch: pytest.MonkeyPatch, way: ReceiptWay, value: str
) -> None:
    monkeypatch.setitem(panel.config, "PUBLIC_URL", "https://muster.example")
    assert "an https address" not in admin.get("/receipts/").text
    page = admin.get(f"/receipts/{way.value}").text
    assert f'value="https://muster.example/hooks/{way.value}"' in page
    assert "Saved." in save(admin, way, value)
    assert receipt_hooks.is_on(stored(way))
    is_secret = way in (W.POSTMARK, W.MAILGUN)
    assert (stored(way).setting, receipt_hooks.secret_of(stored(way))) == (("", value) if is_secret else (value, ""))
    for path in ("/receipts/", f"/receipts/{way.value}"):
        page = admin.get(path).text
        assert (value in page) == (not is_secret and path != "/receipts/")
    events = select(AuditEvent.name, AuditEvent.detail).where(AuditEvent.what == What.RECEIPT_HOOK_CHANGE)
    assert len(db.session.execute(events).all()) == 1


def test_an_empty_secret_keeps_the_stored_one(admin: Browser) -> None:
    save(admin, W.MAILGUN, providers.SECRET)
    assert "Saved." in save(admin, W.MAILGUN, "")
    assert receipt_hooks.secret_of(stored(W.MAILGUN)) == providers.SECRET


@pytest.mark.parametrize(
    ("way", "value", "sentence"),
    [
        (W.SES, "arn:aws:sqs:eu-central-1:123456789012:receipts", "Copy the ARN of the topic"),
        (W.SES, "", "Copy the ARN of the topic"),
        (W.SENDGRID, "not a key", "Copy the verification key"),
        (W.SENDGRID, "AAAA", "Copy the verification key"),
        (W.SENDGRID, "ż", "Copy the verification key"),
        (W.POSTMARK, "too short", "Use at least 16 characters."),
        (W.MAILGUN, "", "Use at least 16 characters."),
        (W.MAILGUN, "x" * 2000, "Use one line of at most 900 bytes."),
    ],
)
def test_what_cannot_check_anything_is_refused(admin: Browser, way: ReceiptWay, value: str, sentence: str) -> None:
    assert sentence in save(admin, way, value)
    assert db.session.get(ReceiptHook, way) is None


def test_a_provider_can_be_switched_off_and_its_counts_stay(admin: Browser) -> None:
    save(admin, W.POSTMARK, providers.SECRET)
    with transaction():
        receipt_hooks.count(W.POSTMARK, [ReceiptKind.DELIVERED, ReceiptKind.SOFT_BOUNCE], 3)
    page = admin.post("/receipts/postmark/stop", follow_redirects=True).text
    assert "Reports of Postmark are not taken any more." in page
    hook = stored(W.POSTMARK)
    assert not receipt_hooks.is_on(hook)
    assert (hook.delivered, hook.bounced, hook.unknown) == (1, 1, 3)
    admin.post("/receipts/ses/stop")  # one that never was on
    assert db.session.get(ReceiptHook, W.SES) is None


@pytest.mark.parametrize("path", ["/receipts/nobody", "/receipts/mailbox"])
def test_a_provider_that_is_none_is_not_found(admin: Browser, path: str) -> None:
    assert admin.get(path).status_code == 404


def test_the_page_names_the_mailboxes_and_their_problems(admin: Browser) -> None:
    with transaction():
        accounts = [factories.account(name=f"Box {n}", bounce_address=f"b{n}@shop.example") for n in range(3)]
        accounts.append(factories.account(name="Plain"))
        bounce_mailboxes.save(accounts[1], WANTED)
        bounce_mailboxes.save(accounts[2], WANTED).problem = "The connection to § broke: gone."
    page = admin.get("/receipts/").text
    for words in ("Box 0", "nobody reads it", "Box 1", "not yet", "Box 2", "The connection to § broke: gone."):
        assert words in page
    assert "Plain" not in page


@pytest.mark.parametrize("role", ["Campaign Manager", "Analyst"])
def test_receipts_belong_to_the_administrator(sign_in: Any, role: str) -> None:
    browser = sign_in(role)
    for path in ("/receipts/", "/receipts/ses"):
        assert browser.get(path).status_code in (302, 403)
    assert 'href="/receipts/"' not in browser.get("/smtp-accounts/list/").text
