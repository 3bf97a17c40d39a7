"""From what happened to what people are told: events of the audit log and starts that come near become notices.

The audit log is written with each change, so that nothing is lost; a notice has a key, so that nothing is told twice.
Called again and again by the scheduler: each time it looks a little further back than the last time, because an event
may be committed later than one that happened after it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute

from app.campaigns import checks
from app.campaigns.lifecycle import LIVE, CampaignStatus
from app.campaigns.models import Campaign
from app.campaigns.schedule import next_opening
from app.extensions import db
from app.kernel import clock
from app.kernel.audit import AuditEvent, Subject, What
from app.kernel.queues import JobName, QueueName, enqueue_after_commit
from app.kernel.texts import N_
from app.notices import choices
from app.notices.choices import LEADS, Person
from app.notices.models import MailState, Notice, NoticeKind, NoticeMark, Way

LOOK_BACK = timedelta(minutes=10)  # longer than any transaction that writes an event, and than clocks differ
MAIL_WITHIN = timedelta(hours=24)  # what is older is shown, and not mailed any more
MAIL_JOB = "mail-notices"
PORTION = 500
_MARK = 1

KINDS = {
    What.CAMPAIGN_BEGIN: NoticeKind.STARTED,
    What.CAMPAIGN_FINISH: NoticeKind.FINISHED,
    What.CAMPAIGN_FAIL: NoticeKind.FAILED,
    What.CAMPAIGN_EXPIRE: NoticeKind.PAUSED,
    What.ACCOUNT_PAUSE: NoticeKind.PAUSED,
    What.GATEWAY_PAUSE: NoticeKind.PAUSED,
    What.ACCOUNT_STAND_IN: NoticeKind.STAND_IN,
    What.ACCOUNT_STAND_IN_END: NoticeKind.STAND_IN,
}


@dataclass(frozen=True, slots=True)
class _Fact:
    """Something people are to be told. owners: the names of those whose campaigns it is about."""

    key: str
    kind: NoticeKind
    about: Subject
    about_id: int | None
    name: str
    detail: str
    happened_at: datetime
    owners: frozenset[str]
    starts_at: datetime | None = None  # of a start that comes near


def gather() -> int:
    """Make the notices that are missing and ring for those to be mailed; returns how many were made."""
    now = clock.utcnow()
    looked_until = _mark(now)
    events = _events(looked_until - LOOK_BACK)
    facts = [*events, *_coming(now)]
    made = _tell(facts, now) if facts else 0
    seen_until = events[-1].happened_at + LOOK_BACK if len(events) == PORTION else now  # the rest comes next time
    if abs(seen_until - looked_until) > timedelta(seconds=30):  # no write each time for nothing
        db.session.execute(update(NoticeMark).where(NoticeMark.id == _MARK).values(looked_until=min(seen_until, now)))
    ring_if_due(now)
    return made


def _mark(now: datetime) -> datetime:
    """Up to when was looked; an installation that has just got notices begins now and not with its history."""
    found = db.session.scalar(select(NoticeMark.looked_until).where(NoticeMark.id == _MARK))
    if found is not None:
        return found
    try:
        with db.session.begin_nested():
            db.session.add(NoticeMark(id=_MARK, looked_until=now))
    except IntegrityError:  # another scheduler was first
        pass
    return now + LOOK_BACK


def _events(since: datetime) -> list[_Fact]:
    wanted = (AuditEvent.what.in_(KINDS), AuditEvent.happened_at > since)
    events = db.session.scalars(select(AuditEvent).where(*wanted).order_by(AuditEvent.happened_at).limit(PORTION)).all()
    if not events:
        return []
    owners = _owners([event for event in events if event.subject is Subject.CAMPAIGN])
    users = {
        **_users_of(Subject.ACCOUNT, Campaign.smtp_account_id, events),
        **_users_of(Subject.GATEWAY, Campaign.gateway_id, events),
    }
    return [
        _Fact(
            key=f"event-{event.id}",
            kind=KINDS[event.what],
            about=event.subject,
            about_id=event.subject_id,
            name=event.name,
            detail=_detail(event)[:500],
            happened_at=event.happened_at,
            owners=(owners if event.subject is Subject.CAMPAIGN else users).get(
                (event.subject, event.subject_id), frozenset()
            ),
        )
        for event in events
    ]


def _detail(event: AuditEvent) -> str:
    """What a notice says of an event beside its title, in English."""
    detail = event.detail
    if event.what is What.ACCOUNT_STAND_IN:
        return N_(
            "The messages of %(name)s go over %(stand_in)s, because it cannot send: %(answer)s",
            name=event.name,
            answer=detail.get("reason", ""),
            stand_in=detail.get("stand_in", ""),
        )
    if event.what is What.ACCOUNT_STAND_IN_END:
        return N_("It sends its messages itself again.")
    return str(detail.get("reason", ""))


_Owners = dict[tuple[Subject, int | None], frozenset[str]]


def _owners(events: Iterable[AuditEvent]) -> _Owners:
    """The maker of each campaign."""
    ids = {event.subject_id for event in events}
    if not ids:
        return {}
    rows = db.session.execute(select(Campaign.id, Campaign.created_by).where(Campaign.id.in_(ids)))
    return {(Subject.CAMPAIGN, id_): frozenset({name}) for id_, name in rows}


def _users_of(kind: Subject, sender_id: InstrumentedAttribute[int | None], events: Iterable[AuditEvent]) -> _Owners:
    """The makers of the campaigns that a sender of this kind would have to send."""
    ids = {event.subject_id for event in events if event.subject is kind}
    if not ids:
        return {}
    held = select(sender_id, Campaign.created_by).where(
        sender_id.in_(ids), Campaign.status.in_((*LIVE, CampaignStatus.PAUSED, CampaignStatus.FAILED))
    )
    found: dict[tuple[Subject, int | None], set[str]] = {}
    for id_, name in db.session.execute(held.distinct()):
        found.setdefault((kind, id_), set()).add(name)
    return {key: frozenset(names) for key, names in found.items()}


def _coming(now: datetime) -> list[_Fact]:
    """First messages within the longest time before that anybody may choose: after the start, in the daily hours."""
    horizon = now + timedelta(minutes=max(LEADS))
    waiting = select(Campaign).where(
        Campaign.status == CampaignStatus.SCHEDULED, Campaign.started_at.is_(None), Campaign.start_at <= horizon
    )
    facts = []
    for campaign in db.session.scalars(waiting):
        opening = next_opening(now, checks.window_of(campaign, now)).at
        if campaign.start_at is None or opening is None or not now < opening <= horizon:
            continue
        facts.append(
            _Fact(
                key=start_key(campaign.id, campaign.start_at),
                kind=NoticeKind.UPCOMING,
                about=Subject.CAMPAIGN,
                about_id=campaign.id,
                name=campaign.name,
                detail="",
                happened_at=opening,
                owners=frozenset({campaign.created_by}),
                starts_at=opening,
            )
        )
    return facts


def start_key(campaign_id: int, start_at: datetime) -> str:
    """The key of the notice of this start: a start that was moved is another one."""
    return f"start-{campaign_id}-{start_at:%Y%m%d%H%M}"


def _tell(facts: list[_Fact], now: datetime) -> int:
    people = choices.people()
    keys = [fact.key for fact in facts]
    known = set(db.session.execute(select(Notice.person_id, Notice.key).where(Notice.key.in_(keys))))
    made = 0
    for fact in facts:
        for person in people:
            ways = person.ways(fact.kind, fact.owners)
            if not ways or (person.id, fact.key) in known or not _is_near(fact, person, now):
                continue
            db.session.add(_notice(fact, person, ways, now))
            made += 1
    db.session.flush()
    return made


def _is_near(fact: _Fact, person: Person, now: datetime) -> bool:
    return fact.starts_at is None or fact.starts_at - timedelta(minutes=person.lead_minutes) <= now


def _notice(fact: _Fact, person: Person, ways: frozenset[Way], now: datetime) -> Notice:
    is_mailed = Way.EMAIL in ways and bool(person.email) and now - fact.happened_at < MAIL_WITHIN
    return Notice(
        person_id=person.id,
        key=fact.key,
        kind=fact.kind,
        about=fact.about,
        about_id=fact.about_id,
        name=fact.name,
        detail=fact.detail,
        happened_at=fact.happened_at,
        is_shown=Way.PANEL in ways,
        mail_state=MailState.DUE if is_mailed else MailState.NONE,
        mail_after=now if is_mailed else None,
    )


def ring_if_due(now: datetime) -> None:
    """Ring for the job that mails notices, when there are any."""
    due = select(Notice.id).where(Notice.mail_state == MailState.DUE, Notice.mail_after <= now).limit(1)
    if db.session.scalar(due) is not None:
        enqueue_after_commit(QueueName.DEFAULT, JobName.MAIL_NOTICES, job_id=MAIL_JOB)
