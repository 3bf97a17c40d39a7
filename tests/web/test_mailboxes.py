"""The bounce mailbox of an account in the panel, and what came back on the pages of people and messages."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from app.channels import bounce_mailboxes
from app.channels.contract import Security
from app.channels.mailbox import MailProtocol
from app.channels.models import SmtpAccount
from app.channels.receipts import ReceiptKind, ReceiptWay
from app.extensions import db
from app.kernel.db import in_transaction
from app.sending import mail_receipts
from app.sending.models import CampaignRecipient
from tests import factories
from tests.channels import mails
from tests.providers import dovecot
from tests.providers.dovecot import Dovecot
from tests.sending.test_mail_receipts import receipt, sent
from tests.sending.test_mailboxes import mark
from tests.web.conftest import Browser, form_of

SECRET = "correct horse battery"


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with dovecot.running() as made:
        yield made


def account(**values: Any) -> SmtpAccount:
    made = factories.account(**{"bounce_address": "bounces@shop.example"} | values)
    db.session.commit()
    return made


def filled(browser: Browser, pk: int, **values: Any) -> dict[str, Any]:
    return form_of(browser, f"/bounce-mailboxes/{pk}") | {
        "protocol": "imap",
        "security": "tls",
        "host": "imap.example.org",
        "username": "bounces",
        "secret": SECRET,
        **values,
    }


def test_the_bounce_address_is_given_with_the_account(admin: Browser) -> None:
    pk = account(bounce_address=None).id
    assert 'id="mailbox"' not in admin.get(f"/smtp-accounts/show/{pk}").text
    values = form_of(admin, f"/smtp-accounts/edit/{pk}") | {"security": "none", "auth": "auto"}
    page = admin.post(f"/smtp-accounts/edit/{pk}", data=values | {"bounce_address": "a+b@shop.example"}).text
    assert "without a plus sign" in page
    admin.post(f"/smtp-accounts/edit/{pk}", data=values | {"bounce_address": "Bounces@shop.example"})
    page = admin.get(f"/smtp-accounts/show/{pk}").text
    assert "nobody reads yet what comes back to bounces@shop.example" in page


def test_the_password_of_the_mailbox_is_stored_and_never_shown(admin: Browser) -> None:
    pk = account().id
    page = admin.post(f"/bounce-mailboxes/{pk}", data=filled(admin, pk), follow_redirects=True).text
    assert "The bounce mailbox was saved" in page and "imap.example.org:993" in page
    assert bounce_mailboxes.settings_of(bounce_mailboxes.get(pk)).secret == SECRET
    for path in (f"/bounce-mailboxes/{pk}", f"/smtp-accounts/show/{pk}"):
        assert SECRET not in admin.get(path).text
    admin.post(f"/bounce-mailboxes/{pk}", data=filled(admin, pk, secret="", protocol="pop3", port="1995"))
    db.session.rollback()
    db.session.expire_all()
    there = bounce_mailboxes.settings_of(bounce_mailboxes.get(pk))
    assert (there.secret, there.protocol, there.port) == (SECRET, MailProtocol.POP3, 1995)


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("host", "https://imap.example.org", "Enter the name of the mail server alone"),
        ("port", "70000", "Choose a port from 1 to 65535"),
        ("username", "", "Fill in “User name”."),
        ("secret", "", "Enter the password that goes with the user name."),
        ("protocol", "nntp", "Not a valid choice"),
    ],
)
def test_a_wrong_value_is_said_at_its_field(admin: Browser, field: str, value: str, sentence: str) -> None:
    pk = account().id
    page = admin.post(f"/bounce-mailboxes/{pk}", data=filled(admin, pk, **{field: value})).text
    assert sentence in page
    assert SECRET not in page
    assert bounce_mailboxes.find(pk) is None


def test_checking_says_what_was_found_or_what_is_wrong(
    manager: Browser, panel: Flask, server: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(panel.config, "SMTP_CA_FILE", server.ca_file)
    made, there = account(), server.settings(MailProtocol.IMAP)
    wanted = bounce_mailboxes.Wanted(
        MailProtocol.IMAP, there.host, there.port, Security.TLS, there.username, there.secret
    )
    bounce_mailboxes.save(made, wanted)
    db.session.commit()
    pk, campaign_id = made.id, sent()
    assert "There was nothing new in it" in manager.post(f"/bounce-mailboxes/{pk}/check", follow_redirects=True).text
    server.deliver(mails.failed(to=mark(campaign_id)), mails.plain("Hello", subject="Question"))
    page = manager.post(f"/bounce-mailboxes/{pk}/check", follow_redirects=True).text
    assert "2 mails were read. 1 of them was a report on a message." in page
    bounce_mailboxes.get(pk).port = 1
    db.session.commit()
    page = manager.post(f"/bounce-mailboxes/{pk}/check", follow_redirects=True).text
    assert "The mailbox could not be read: The connection to 127.0.0.1 broke" in page


def test_a_mailbox_is_taken_away(admin: Browser) -> None:
    pk = account().id
    admin.post(f"/bounce-mailboxes/{pk}", data=filled(admin, pk))
    assert "is not read any more" in admin.post(f"/bounce-mailboxes/{pk}/remove", follow_redirects=True).text
    assert bounce_mailboxes.find(pk) is None


def test_a_mailbox_goes_with_its_account(admin: Browser) -> None:
    pk = account().id
    admin.post(f"/bounce-mailboxes/{pk}", data=filled(admin, pk))
    assert "was deleted" in admin.post(f"/smtp-accounts/delete/{pk}", follow_redirects=True).text
    db.session.rollback()
    assert bounce_mailboxes.find(pk) is None


def test_a_manager_reads_the_mailbox_and_does_not_change_it(manager: Browser) -> None:
    pk = account().id
    page = manager.get(f"/smtp-accounts/show/{pk}").text
    assert f'href="/bounce-mailboxes/{pk}"' not in page
    for path in (f"/bounce-mailboxes/{pk}", f"/bounce-mailboxes/{pk}/remove"):
        assert manager.post(path).status_code in (302, 403)
    assert "has no bounce mailbox" in manager.post(f"/bounce-mailboxes/{pk}/check", follow_redirects=True).text


def test_what_came_back_is_told_with_the_message_the_contact_and_the_campaign(manager: Browser) -> None:
    campaign_id = sent()
    for kind in (ReceiptKind.HARD_BOUNCE, ReceiptKind.COMPLAINT):
        told = receipt(campaign_id, kind, code="5.1.1", detail="no <such> user")
        in_transaction(mail_receipts.take, told, ReceiptWay.SES)
    contact_id = db.session.query(CampaignRecipient.contact_id).scalar()
    trail = manager.get(f"/reports/campaign/{campaign_id}/recipient/1").text
    for words in ("Came back: there is no such mailbox", "Reported as unwanted mail", "told by: Amazon SES"):
        assert words in trail
    person = manager.get(f"/contacts/show/{contact_id}").text
    for words in ("on the suppression list since", "(bounced)", "5.1.1 no &lt;such&gt; user", "Reported as unwanted"):
        assert words in person
    report = manager.get(f"/reports/campaign/{campaign_id}").text
    assert "1 person reported this message as unwanted mail" in report
