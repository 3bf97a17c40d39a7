"""The audit log: its events page by page, newest first. Reads, and notes when somebody takes a file of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_, select

from app.campaigns.models import Campaign
from app.extensions import db
from app.kernel import audit
from app.kernel.audit import AuditEvent, Subject, What

MOST_CAMPAIGNS = 200  # of one name whose events are looked for together

_E = AuditEvent


@dataclass(frozen=True, slots=True)
class EventFilter:
    """What a person asks the log for; what is empty asks for nothing. campaign_ids: events about these campaigns."""

    done_by: str = ""
    what: What | None = None
    campaign_ids: tuple[int, ...] | None = None
    from_at: datetime | None = None
    until_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class EventPage:
    """Some events, newest first. has_more: there are older ones."""

    rows: list[AuditEvent]
    has_more: bool


def page(asked: EventFilter, before: int | None, size: int) -> EventPage:
    """The newest events that match, or those behind the event with the id before."""
    query = select(_E).where(*_conditions(asked), *_behind(before))
    found = list(db.session.scalars(_newest_first(query).limit(size + 1)))
    return EventPage(found[:size], len(found) > size)


def of_campaign(campaign_id: int, before: int | None, size: int) -> EventPage:
    """What happened to one campaign, whether it is still there or not."""
    return page(EventFilter(campaign_ids=(campaign_id,)), before, size)


def every(asked: EventFilter, size: int) -> Iterator[list[AuditEvent]]:
    """All events that match, in portions, each read for itself."""
    before: int | None = None
    while True:
        found = page(asked, before, size)
        before = found.rows[-1].id if found.has_more else None
        yield found.rows
        if before is None:
            return


def campaigns_named(text: str) -> tuple[int, ...]:
    """The ids of campaigns whose name contains the text, those that are gone too; #12 is the campaign of that id."""
    if text.startswith("#") and text[1:].isdecimal() and text.isascii() and len(text) < 11:
        return (int(text[1:]),)
    there = select(Campaign.id).where(Campaign.name.contains(text, autoescape=True))
    gone = select(_E.subject_id).where(_E.what == What.CAMPAIGN_DELETE, _E.name.contains(text, autoescape=True))
    found = [*_newest(there, Campaign.id), *_newest(gone, _E.subject_id)]
    return tuple(sorted(set(found), reverse=True)[:MOST_CAMPAIGNS])


def note_export(by: str, is_filtered: bool) -> None:
    """Somebody takes a file of the log."""
    audit.note(What.AUDIT_EXPORT, None, by=by, is_filtered=is_filtered)


def _newest(query: Select[Any], column: Any) -> Sequence[int]:
    return db.session.scalars(query.order_by(column.desc()).limit(MOST_CAMPAIGNS)).all()


def _newest_first(query: Select[AuditEvent]) -> Select[AuditEvent]:
    return query.order_by(_E.happened_at.desc(), _E.id.desc())  # as every index of the table has it


def _behind(before: int | None) -> list[ColumnElement[bool]]:
    at = db.session.scalar(select(_E.happened_at).where(_E.id == before)) if before is not None else None
    if at is None:
        return []
    return [_E.happened_at <= at, or_(_E.happened_at < at, and_(_E.happened_at == at, _E.id < before))]


def _conditions(asked: EventFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if asked.done_by:
        found.append(_E.done_by == asked.done_by)
    if asked.what is not None:
        found.append(_E.what == asked.what)
    if asked.campaign_ids is not None:
        found += [_E.subject == Subject.CAMPAIGN, _E.subject_id.in_(asked.campaign_ids)]
    if asked.from_at is not None:
        found.append(_E.happened_at >= asked.from_at)
    if asked.until_at is not None:
        found.append(_E.happened_at < asked.until_at)
    return found
