"""From the return path of a message to the suppression list, by way of a real mail server and a real mailbox."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import select

from app.audience.models import Suppression, SuppressionSource
from app.channels import bounce_mailboxes, message_marks, rotation
from app.channels.bounce_mail import Sort
from app.channels.bounce_mailboxes import Wanted
from app.channels.contract import Reason, Security
from app.channels.mailbox import MailProtocol
from app.channels.models import SmtpAccount
from app.channels.receipt_models import BounceMailbox
from app.extensions import db
from app.kernel import leases, queues
from app.kernel.crypto import Sealer
from app.kernel.db import transaction
from app.kernel.errors import Conflict, InvalidInput, NotFound
from app.kernel.queues import QueueName
from app.sending import mailboxes
from app.sending.states import RecipientState
from jobs import receipts as jobs
from jobs import sending as sending_jobs
from tests import factories
from tests.channels import mails
from tests.providers import dovecot
from tests.providers.dovecot import Dovecot
from tests.providers.script import Script, at
from tests.providers.servers import Server
from tests.sending import ledger
from tests.sending.test_mail_receipts import sent

pytestmark = pytest.mark.usefixtures("app", "true_counters")
BOTH = list(MailProtocol)


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with dovecot.running() as made:
        yield made


@pytest.fixture(autouse=True)
def trusting(app: Flask, server: Dovecot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "SMTP_CA_FILE", server.ca_file)
    server.empty()


def account_with_mailbox(server: Dovecot, protocol: MailProtocol = MailProtocol.IMAP, **values: object) -> int:
    with transaction():
        account = factories.account(bounce_address="bounces@shop.example", **values)  # type: ignore[arg-type]
        there = server.settings(protocol)
        wanted = Wanted(protocol, there.host, there.port, Security.TLS, there.username, there.secret)
        bounce_mailboxes.save(account, wanted)
        return account.id


def mailbox(account_id: int) -> BounceMailbox:
    db.session.rollback()
    found = db.session.get_one(BounceMailbox, account_id, populate_existing=True)
    db.session.expunge(found)
    db.session.rollback()
    return found


def mark(campaign_id: int, seq: int = 1) -> str:
    return message_marks.return_path("bounces@shop.example")(campaign_id, seq).decode()


@pytest.mark.parametrize("protocol", BOTH)
def test_a_message_that_comes_back_is_found_by_its_return_path(server: Dovecot, protocol: MailProtocol) -> None:
    with Server(Script(rules=[at("RCPT", "250 ok")])) as smtp:
        account_id = account_with_mailbox(server, protocol, port=smtp.port)
        with transaction():
            account = db.session.get_one(SmtpAccount, account_id)
            campaign_id = factories.live_campaign(2, sender=account).id
        sending_jobs.settle_campaign(campaign_id)
        sending_jobs.look_at_campaigns()
        sending_jobs.send_slice(campaign_id, 1, 0)
    senders = {each.sender.split()[0] for each in smtp.accepted}
    assert senders == {f"<{mark(campaign_id, 1)}>", f"<{mark(campaign_id, 2)}>"}
    server.deliver(mails.failed(to=mark(campaign_id, 2)))
    jobs.check_mailbox(account_id)
    assert ledger.states(campaign_id) == {"sent": 1, "bounced": 1}
    row = ledger.row(campaign_id, 2)
    assert (row.state, row.reason) == (RecipientState.BOUNCED, Reason.INVALID_RECIPIENT)
    entry = db.session.scalars(select(Suppression)).one()
    assert (entry.source, entry.address_index, entry.campaign_id) == (
        SuppressionSource.BOUNCED,
        row.address_index,
        campaign_id,
    )
    assert (server.inbox(), mailbox(account_id).receipts) == ([], 1)


def test_without_a_bounce_address_messages_leave_as_before() -> None:
    with Server() as smtp:
        campaign_id = ledger.sending_campaign(1, port=smtp.port)
        sending_jobs.send_slice(campaign_id, 1, 0)
    assert [each.sender.split()[0] for each in smtp.accepted] == ["<news@shop.example>"]


@pytest.mark.parametrize("protocol", BOTH)
def test_each_mail_is_treated_as_what_it_is(server: Dovecot, protocol: MailProtocol) -> None:
    account_id, campaign_id = account_with_mailbox(server, protocol), sent(people=3)
    away = mails.plain("Away.", sender="a@people.example", more="Auto-Submitted: auto-replied\n", to=mark(campaign_id))
    person = mails.plain("Who are you?", subject="Question", sender="a@people.example", to=mark(campaign_id))
    forged = mails.failed(to=f"bounces+{'0' * 36}@shop.example")
    told = [mails.failed("4.4.1", action="delayed", to=mark(campaign_id)), mails.complaint(to=mark(campaign_id, 3))]
    server.deliver(away, forged, *told, b"\x00\xff" * 90, person)
    found = mailboxes.visit(account_id)
    assert found.problem == ""
    assert found.found == {Sort.RECEIPT: 1, Sort.PASSING: 1, Sort.AUTOMATIC: 1, Sort.STRANGE: 3}
    assert ledger.states(campaign_id) == {"sent": 2, "delivered": 1}
    there = server.inbox() if protocol is MailProtocol.POP3 else server.put_aside()
    assert sorted(there) == sorted([away, forged, b"\x00\xff" * 90, person])
    kept = mailbox(account_id)
    assert (kept.receipts, kept.ignored, kept.strange, kept.failures) == (1, 2, 3, 0)
    assert len(kept.left_over) == (4 if protocol is MailProtocol.POP3 else 0)
    assert mailboxes.visit(account_id).found == {}


def test_a_report_that_comes_too_early_waits_in_the_mailbox(server: Dovecot) -> None:
    account_id, campaign_id = account_with_mailbox(server), sent(RecipientState.SENDING)
    server.deliver(mails.failed(to=mark(campaign_id)))
    assert mailboxes.visit(account_id).found == {}
    assert len(server.inbox()) == 1


def test_a_report_without_a_return_path_is_known_by_the_message_id(server: Dovecot) -> None:
    with Server() as smtp:
        account_id = account_with_mailbox(server)
        campaign_id = ledger.sending_campaign(1, port=smtp.port)
        sending_jobs.send_slice(campaign_id, 1, 0)
    head = smtp.accepted[0].content.partition(b"\r\n\r\n")[0].decode().replace("\r\n", "\n")
    server.deliver(mails.complaint(original=head + "\n"))
    assert mailboxes.visit(account_id).found == {Sort.RECEIPT: 1}
    assert db.session.scalars(select(Suppression.source)).one() is SuppressionSource.COMPLAINED


def test_two_do_not_read_one_mailbox_at_once(server: Dovecot) -> None:
    account_id = account_with_mailbox(server)
    with transaction():
        assert leases.acquire(f"mailbox-{account_id}", "another", 60)
    with pytest.raises(Conflict, match="being read"):
        mailboxes.visit(account_id)
    jobs.check_mailbox(account_id)  # says nothing
    with transaction():
        leases.release(f"mailbox-{account_id}", "another")
    assert mailboxes.visit(account_id).problem == ""
    assert mailboxes.visit(account_id).problem == ""  # the lease was given back


def test_a_mailbox_that_does_not_answer_is_asked_less_and_less_often(server: Dovecot) -> None:
    account_id = account_with_mailbox(server)
    with transaction():
        db.session.get_one(BounceMailbox, account_id).port = 1
    waits = []
    for number in range(1, 7):
        jobs.check_mailbox(account_id)
        kept = mailbox(account_id)
        assert kept.checked_at is not None
        assert (kept.failures, kept.problem[:26]) == (number, "The connection to 127.0.0.")
        waits.append(round((kept.due_at - kept.checked_at).total_seconds()))
    assert waits == [120, 240, 480, 900, 900, 900]


def test_the_scheduler_rings_once_a_minute_for_a_mailbox(server: Dovecot) -> None:
    account_id = account_with_mailbox(server)
    for _ in range(3):
        jobs.ring_mailboxes()
    assert queues.queue(QueueName.DEFAULT).job_ids == [f"mailbox-{account_id}"]


def test_an_error_of_ours_gives_the_lease_back_and_keeps_the_mail(
    server: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    account_id, campaign_id = account_with_mailbox(server), sent()
    server.deliver(mails.failed(to=mark(campaign_id)))

    def broken(*_args: object) -> None:
        raise RuntimeError("the database is away")

    with monkeypatch.context() as patch:
        patch.setattr(mailboxes.mail_receipts, "take", broken)
        with pytest.raises(RuntimeError):
            mailboxes.visit(account_id)
    assert mailboxes.visit(account_id).found == {Sort.RECEIPT: 1}


# --- saving one


WANTED = Wanted(MailProtocol.IMAP, "imap.example.org", None, Security.TLS, "bounces", "secret")


def save(account: SmtpAccount, **values: object) -> BounceMailbox:
    return bounce_mailboxes.save(account, replace(WANTED, **values))  # type: ignore[arg-type]


def test_the_usual_port_is_filled_in_and_an_empty_password_keeps_the_stored_one() -> None:
    with transaction():
        account = factories.account(bounce_address="bounces@shop.example")
        assert save(account).port == 993
        changed = save(account, protocol=MailProtocol.POP3, security=Security.STARTTLS, secret="")
        assert changed.port == 110
        assert bounce_mailboxes.settings_of(changed).secret == "secret"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"host": "https://imap.example.org"}, "host"),
        ({"host": ""}, "host"),
        ({"username": "a\nb"}, "username"),
        ({"port": 70000}, "port"),
        ({"secret": ""}, "secret"),
        ({"secret": "a\nb"}, "secret"),
    ],
)
def test_a_mailbox_that_cannot_be_is_refused(values: dict[str, object], field: str) -> None:
    account = factories.account(bounce_address="bounces@shop.example")
    with pytest.raises(InvalidInput) as refused:
        save(account, **values)
    assert refused.value.field == field
    db.session.rollback()


def test_a_mailbox_needs_a_bounce_address_and_can_be_taken_away() -> None:
    with pytest.raises(InvalidInput, match="bounce address first"):
        save(factories.account())
    db.session.rollback()
    with transaction():
        account = factories.account(bounce_address="bounces@shop.example")
        save(account)
        bounce_mailboxes.remove(account)
    with pytest.raises(NotFound):
        bounce_mailboxes.get(account.id)


def test_the_password_of_a_mailbox_follows_a_new_key(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with transaction():
        account_id = save(factories.account(bounce_address="bounces@shop.example")).smtp_account_id
    ring = app.extensions["muster_keyring"].rotated()
    monkeypatch.setitem(app.extensions, "muster_sealers", lambda purpose: Sealer(ring, purpose))
    assert rotation.count_old() == 1
    with transaction():
        assert rotation.reseal(10) == 1
    assert rotation.count_old() == 0
    assert bounce_mailboxes.settings_of(bounce_mailboxes.get(account_id)).secret == "secret"
