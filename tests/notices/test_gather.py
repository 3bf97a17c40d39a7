"""From events and coming starts to notices: each person once, nobody who does not want it, whatever happens twice."""

from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.campaigns import service as campaigns
from app.campaigns.models import Campaign
from app.channels import stand_ins
from app.extensions import db
from app.kernel import audit, clock, queues
from app.kernel.audit import What
from app.kernel.db import transaction
from app.kernel.errors import InvalidInput
from app.kernel.queues import QueueName
from app.notices import choices, gather
from app.notices.models import MailState, Notice, NoticeKind, NoticeMark, Scope, Way
from jobs import notices as jobs
from jobs import sending
from tests import factories
from tests.notices.people import person, wants

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture(autouse=True)
def looked(app: Flask) -> None:
    """The installation has notices already: what happens from now on is told."""
    jobs.gather_notices()


def told() -> list[tuple[int, NoticeKind, str, MailState]]:
    db.session.rollback()
    rows = db.session.scalars(select(Notice).order_by(Notice.id))
    return [(row.person_id, row.kind, row.name, row.mail_state) for row in rows]


def noted(what: What, campaign_id: int, **detail: str) -> None:
    with transaction():
        audit.note(what, campaign_id, campaigns.get(campaign_id).name, **detail)


def campaign(by: str = "ann", **values: object) -> int:
    with transaction():
        made = factories.campaign(factories.folder(), name=f"Sale {by}", **values)
        made.created_by = by
        return made.id


def test_the_maker_hears_of_the_own_campaign_and_nobody_else_does() -> None:
    ann, bob = person("ann"), person("bob")
    noted(What.CAMPAIGN_FINISH, campaign("ann"))
    jobs.gather_notices()
    assert told() == [(ann, NoticeKind.FINISHED, "Sale ann", MailState.DUE)]
    assert bob not in {row[0] for row in told()}


def test_who_asked_for_all_campaigns_hears_of_others_too() -> None:
    person("ann")
    bob = person("bob")
    wants(bob, NoticeKind.STARTED, Way.PANEL, Scope.ALL)
    noted(What.CAMPAIGN_BEGIN, campaign("ann"))
    jobs.gather_notices()
    assert {row[0] for row in told()} >= {bob}


def test_looking_twice_tells_nobody_twice() -> None:
    person("ann")
    noted(What.CAMPAIGN_FAIL, campaign("ann"), reason="the server refused the sender")
    for _ in range(3):
        jobs.gather_notices()
    assert len(told()) == 1
    db.session.rollback()
    assert db.session.scalars(select(Notice.detail)).one() == "the server refused the sender"


def test_an_event_that_is_committed_late_is_told() -> None:
    ann = person("ann")
    campaign_id = campaign("ann")
    with transaction():
        audit.note(What.CAMPAIGN_FINISH, campaign_id, "Late")
        db.session.flush()
        db.session.execute(update(audit.AuditEvent).values(happened_at=clock.utcnow() - gather.LOOK_BACK / 2))
        db.session.execute(update(NoticeMark).values(looked_until=clock.utcnow()))
    jobs.gather_notices()
    assert [row[0] for row in told()] == [ann]


def test_nothing_is_lost_when_more_happened_than_is_looked_at_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gather, "PORTION", 2)
    monkeypatch.setattr(gather, "LOOK_BACK", timedelta(0))
    person("ann")
    campaign_id = campaign("ann")
    begun = clock.utcnow() - timedelta(minutes=20)
    with transaction():
        db.session.execute(update(NoticeMark).values(looked_until=begun))
    for number in range(5):
        noted(What.CAMPAIGN_FINISH, campaign_id)
        with transaction():
            newest = select(audit.AuditEvent.id).order_by(audit.AuditEvent.id.desc()).limit(1)
            which = audit.AuditEvent.id == db.session.scalar(newest)
            at = begun + timedelta(minutes=number + 1)
            db.session.execute(update(audit.AuditEvent).where(which).values(happened_at=at))
    for _ in range(5):
        jobs.gather_notices()
    assert len(told()) == 5


def test_somebody_whose_account_is_switched_off_hears_nothing() -> None:
    person("ann", active=False)
    noted(What.CAMPAIGN_FINISH, campaign("ann"))
    jobs.gather_notices()
    assert told() == []


def test_a_paused_account_is_told_to_those_whose_campaigns_need_it() -> None:
    ann = person("ann")
    person("bob")
    with transaction():
        folder = factories.folder()
        factories.contact(folder)
        made = factories.campaign(folder)
        campaigns.publish(made.id, "ann")
        made.created_by = "ann"
        account = made.smtp_account
        assert account is not None
        audit.note(What.ACCOUNT_PAUSE, account.id, account.name, reason="535 wrong password")
    jobs.gather_notices()
    assert [(row[0], row[1]) for row in told()] == [(ann, NoticeKind.PAUSED)]


def test_a_stand_in_that_sends_and_its_end_are_told() -> None:
    ann = person("ann")
    with transaction():
        spare = factories.account(name="Spare")
        account = factories.account(name="News", stand_in_id=spare.id)
        factories.live_campaign(1, sender=account).created_by = "ann"
        stand_ins.begin(account, "421 going down")
        stand_ins.end(account)
    jobs.gather_notices()
    assert [row[:3] for row in told()] == [(ann, NoticeKind.STAND_IN, "News")] * 2
    why = "The messages of News go over Spare, because it cannot send: 421 going down"
    details = [why, "It sends its messages itself again."]
    assert sorted(db.session.scalars(select(Notice.detail))) == sorted(details)


def scheduled(start_at: datetime) -> int:
    with transaction():
        folder = factories.folder()
        factories.contact(folder)
        made = factories.campaign(folder, name="Soon", start_at=start_at)
        campaigns.publish(made.id, "ann")
        made.created_by = "ann"
        campaign_id = made.id
    sending.settle_campaign(campaign_id)
    return campaign_id


def test_a_start_is_told_once_when_it_is_near_and_again_when_it_was_moved() -> None:
    ann = person("ann")
    wants(ann, NoticeKind.UPCOMING, Way.PANEL, Scope.OWN, lead_minutes=15)
    campaign_id = scheduled(clock.utcnow() + timedelta(minutes=40))
    jobs.gather_notices()
    assert told() == []
    for minutes in (10, 10, 12):
        with transaction():
            start_at = (clock.utcnow() + timedelta(minutes=minutes)).replace(second=0, microsecond=0)
            db.session.execute(update(Campaign).where(Campaign.id == campaign_id).values(start_at=start_at))
        jobs.gather_notices()
        jobs.gather_notices()
    assert [row[1] for row in told()] == [NoticeKind.UPCOMING] * 2


def test_a_start_is_told_before_the_hour_at_which_messages_may_leave() -> None:
    ann = person("ann")
    wants(ann, NoticeKind.UPCOMING, Way.PANEL, Scope.OWN, lead_minutes=15)
    campaign_id = scheduled(clock.utcnow() + timedelta(minutes=10))
    opens = (clock.utcnow() + timedelta(hours=3)).replace(second=0, microsecond=0)
    with transaction():
        hours = {"daily_from": opens.time(), "daily_until": (opens + timedelta(hours=1)).time(), "zone": "UTC"}
        db.session.execute(update(Campaign).where(Campaign.id == campaign_id).values(hours))
    jobs.gather_notices()
    assert told() == []


def test_an_installation_that_has_just_got_notices_does_not_tell_its_history() -> None:
    person("ann")
    campaign_id = campaign("ann")
    with transaction():
        db.session.execute(NoticeMark.__table__.delete())
        audit.note(What.CAMPAIGN_FINISH, campaign_id, "Old")
        db.session.flush()
        db.session.execute(update(audit.AuditEvent).values(happened_at=clock.utcnow() - timedelta(seconds=5)))
    jobs.gather_notices()
    assert told() == []


def test_what_is_to_be_mailed_rings_its_job() -> None:
    person("ann")
    noted(What.CAMPAIGN_FAIL, campaign("ann"))
    jobs.gather_notices()
    assert queues.queue(QueueName.DEFAULT).job_ids == [gather.MAIL_JOB]


def test_a_time_that_is_not_offered_is_refused() -> None:
    ann = person("ann")
    with pytest.raises(InvalidInput), transaction():
        choices.save(ann, choices.USUAL, 7, "en")


def test_without_a_choice_everybody_has_the_usual_one(app: Flask) -> None:
    ann = person("ann")
    assert choices.of(ann).scopes == choices.USUAL
    assert {each.id for each in choices.people()} == {ann}
