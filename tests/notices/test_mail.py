"""The e-mails of notices through a real server: at most once, tried again, given up, in the language of the person."""

import email
import email.policy
from datetime import timedelta
from email.message import EmailMessage

import pytest
from sqlalchemy import select, update

from app.extensions import db
from app.kernel import clock
from app.kernel.audit import Subject
from app.kernel.db import in_transaction, transaction
from app.notices import gather, mail
from app.notices.models import MailState, Notice, NoticeKind, Scope, Way
from jobs import notices as jobs
from tests import factories
from tests.notices.people import person, wants
from tests.providers.script import Do, Script, at
from tests.providers.servers import Server

pytestmark = pytest.mark.usefixtures("app")


def due(person_id: int, key: str = "event-1", **values: object) -> int:
    with transaction():
        now = clock.utcnow()
        usual = {"kind": NoticeKind.FINISHED, "about": Subject.CAMPAIGN, "about_id": 1, "name": "Spring sale"}
        made = Notice(
            person_id=person_id, key=key, happened_at=now, mail_state=MailState.DUE, mail_after=now, **usual | values
        )
        db.session.add(made)
        db.session.flush()
        return made.id


def account(port: int) -> None:
    with transaction():
        factories.account(port=port)


def states() -> list[MailState]:
    db.session.rollback()
    return list(db.session.scalars(select(Notice.mail_state).order_by(Notice.id)))


def read(content: bytes) -> EmailMessage:
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def test_a_notice_is_mailed_once_with_what_happened_and_where_to_see_it() -> None:
    ann = person("ann", "ann@team.example")
    due(ann, detail="all were sent")
    with Server() as server:
        account(server.port)
        jobs.mail_notices()
        jobs.mail_notices()
    (accepted,) = server.accepted
    assert accepted.recipient == "ann@team.example"
    message = read(accepted.content)
    assert message["Subject"] == "Spring sale is finished"
    assert message["Auto-Submitted"] == "auto-generated"
    text = message.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "all were sent" in text and "/campaigns/show/1" in text and "/notifications/settings" in text
    assert states() == [MailState.SENT]


def test_many_at_once_are_one_mail_in_the_language_of_the_person() -> None:
    ann = person("ann")
    wants(ann, NoticeKind.FINISHED, Way.EMAIL, Scope.OWN, language="pl")
    why = "The SMTP account Back was refused: 535 5.7.8 wrong password"
    for number in range(3):
        due(ann, f"event-{number}", name=f"Łódź {number}", detail=why)
    with Server() as server:
        account(server.port)
        jobs.mail_notices()
    (accepted,) = server.accepted
    page = read(accepted.content).get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert "Łódź 2" in page and page.count("Serwer odrzucił konto SMTP Back: 535 5.7.8 wrong password") == 3
    assert states() == [MailState.SENT] * 3


def test_a_server_that_refuses_for_now_is_tried_again_and_given_up_in_the_end() -> None:
    notice_id = due(person("ann"))
    with Server(Script(rules=[at("RCPT", "451 4.2.0 later")])) as server:
        account(server.port)
        for _ in range(len(mail.PAUSES) + 1):
            jobs.mail_notices()
            with transaction():
                now = clock.utcnow()
                db.session.execute(update(Notice).where(Notice.id == notice_id).values(mail_after=now))
    db.session.rollback()
    assert states() == [MailState.FAILED]
    assert "451" in db.session.get_one(Notice, notice_id).mail_error


def test_a_refusal_for_good_is_not_tried_again() -> None:
    due(person("ann"))
    with Server(Script(rules=[at("RCPT", "550 5.1.1 nobody")])) as server:
        account(server.port)
        jobs.mail_notices()
    assert states() == [MailState.FAILED]


def test_a_lost_answer_is_unconfirmed_and_not_sent_again() -> None:
    due(person("ann"))
    with Server(Script(rules=[at("END", Do.CLOSE)])) as server:
        account(server.port)
        jobs.mail_notices()
        jobs.mail_notices()
    assert states() == [MailState.UNCONFIRMED] and len(server.accepted) == 1


def test_what_a_dead_worker_was_sending_is_unconfirmed_after_a_while() -> None:
    due(person("ann"))
    account(1)
    assert in_transaction(mail.take, clock.utcnow()) is not None  # and the worker dies
    assert in_transaction(mail.recover, clock.utcnow()) == 0
    assert states() == [MailState.SENDING]
    assert in_transaction(mail.recover, clock.utcnow() + mail.SILENT_AFTER) == 1
    assert states() == [MailState.UNCONFIRMED]
    assert in_transaction(mail.take, clock.utcnow() + timedelta(days=1)) is None


def test_a_start_that_is_over_or_was_moved_is_not_mailed_any_more() -> None:
    ann = person("ann")
    now = clock.utcnow()
    with transaction():
        made = factories.campaign(factories.folder(), start_at=now + timedelta(hours=1))
        campaign_id, start_at = made.id, now + timedelta(hours=1)
    upcoming = {"kind": NoticeKind.UPCOMING, "about_id": campaign_id}
    due(ann, gather.start_key(campaign_id, start_at), **upcoming)  # happened_at is now: it began
    due(ann, "start-0-0", **upcoming)
    account(1)
    assert in_transaction(mail.take, clock.utcnow()) is None
    assert states() == [MailState.NONE, MailState.NONE]


def test_without_an_account_that_works_mails_wait() -> None:
    due(person("ann"))
    with transaction():
        factories.account(is_enabled=False)
    jobs.mail_notices()
    assert states() == [MailState.DUE]


def test_an_account_whose_stand_in_sends_is_the_last_to_carry_notices() -> None:
    with transaction():
        failing, well = factories.account(name="Failing"), factories.account(name="Well")
        found = mail.sender()
        assert found is not None and found.name == "Failing"
        failing.stand_in_id, failing.stood_in_since = well.id, clock.utcnow()
        found = mail.sender()
        assert found is not None and found.name == "Well"
