"""Every campaign that was ever made: those that are there, and from the audit log those that are gone. Reads only.

Both halves give the next few places in the asked order, the database merges them, and only what a page shows is read.
Numbers of campaigns grow with their making and are never used again, so they are the order by date as well. Of one that
is gone its end is the last change and the last activity.
"""

import operator
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, asc, desc, false, or_, select, true, union_all

from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import Campaign
from app.channels.contract import Channel
from app.extensions import db
from app.kernel.audit import AuditEvent, What
from app.kernel.errors import NotFound
from app.reports import cards
from app.reports.cards import Sort
from app.sending.models import CampaignProgress
from app.sending.states import RecipientState

_A = AuditEvent
_NUMBERS = dict.fromkeys((Sort.CREATED, Sort.ID), Campaign.__table__.c.id)
_THERE: dict[Sort, ColumnElement[Any]] = {**cards.KEYS, **_NUMBERS}
_GONE: dict[Sort, Any] = {
    Sort.CREATED: _A.subject_id,
    Sort.ID: _A.subject_id,
    Sort.NAME: _A.name,
    Sort.MODIFIED: _A.happened_at,
    Sort.CONTACTS: _A.detail["audience"].as_integer(),
    Sort.ACTIVITY: _A.happened_at,
}


@dataclass(frozen=True, slots=True)
class HistoryFilter:
    """What a person asks for; what is empty asks for nothing. text: in the name, or #12. is_gone: deleted ones only,
    or None for both."""

    text: str = ""
    status: CampaignStatus | None = None
    is_gone: bool | None = None
    created_by: str = ""
    sort: Sort = Sort.CREATED
    is_down: bool = True


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """A campaign. status: the one it has, or had when it was deleted. audience: how many recipients it has or had."""

    campaign_id: int
    name: str
    created_by: str
    created_at: datetime
    channel: Channel
    audience: int
    start_at: datetime | None
    status: CampaignStatus
    started_at: datetime | None
    finished_at: datetime | None
    gone_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Some campaigns in order. has_more: there are others behind the last one."""

    rows: list[HistoryRow]
    has_more: bool


def page(asked: HistoryFilter, after: int | None, size: int) -> HistoryPage:
    """The next campaigns behind the one of that number. Raises NotFound when there never was one."""
    anchor = None if after is None else (_key_of(asked.sort, after), after)
    halves = []
    if asked.is_gone is not True:
        halves.append(_half(asked, anchor, size + 1, _there(asked), Campaign.id, _THERE[asked.sort]))
    if asked.is_gone is not False and asked.status is None:
        halves.append(_half(asked, anchor, size + 1, _gone(asked), _A.subject_id, _GONE[asked.sort]))
    if not halves:
        return HistoryPage([], has_more=False)
    places = union_all(*(select(half.subquery()) for half in halves)).subquery().c
    way = desc if asked.is_down else asc
    query = select(places.number, places.is_gone).order_by(way(places.key), way(places.number)).limit(size + 1)
    found = db.session.execute(query).all()
    rows = _rows_there([each.number for each in found if not each.is_gone])
    rows |= _rows_gone([each.number for each in found if each.is_gone])
    return HistoryPage([rows[each.number] for each in found[:size]], len(found) > size)


def creators() -> list[str]:
    """Who ever made a campaign, by name."""
    there = set(db.session.scalars(select(Campaign.created_by).distinct()))
    gone = db.session.scalars(select(_A.detail["created_by"].as_string()).where(_A.what == What.CAMPAIGN_DELETE))
    return sorted((there | set(gone)) - {"", None}, key=str.casefold)


def gone_name(campaign_id: int) -> str | None:
    """What a campaign that is gone was called; None for one that was never deleted."""
    mine = (_A.what == What.CAMPAIGN_DELETE, _A.subject_id == campaign_id)
    return db.session.scalar(select(_A.name).where(*mine).limit(1))


def _key_of(sort: Sort, number: int) -> Any:
    """What the campaign of that number is put in order by."""
    there = select(_THERE[sort]).select_from(_counted()).where(Campaign.id == number)
    gone = select(_GONE[sort]).where(_A.what == What.CAMPAIGN_DELETE, _A.subject_id == number)
    for query in (there, gone):
        if row := db.session.execute(query.limit(1)).first():
            return row[0]
    raise NotFound("There is no such page. Start at the first one.")


def _half(
    asked: HistoryFilter, anchor: tuple[Any, int] | None, limit: int, query: Select[Any], number: Any, key: Any
) -> Select[Any]:
    """The first places of one half behind that key and number."""
    way, is_behind = (desc, operator.lt) if asked.is_down else (asc, operator.gt)
    if anchor is not None:
        query = query.where(or_(is_behind(key, anchor[0]), and_(key == anchor[0], is_behind(number, anchor[1]))))
    return query.add_columns(number.label("number"), key.label("key")).order_by(way(key), way(number)).limit(limit)


def _counted() -> Any:
    return Campaign.__table__.outerjoin(CampaignProgress, CampaignProgress.campaign_id == Campaign.id)


def _there(asked: HistoryFilter) -> Select[Any]:
    query = select(false().label("is_gone")).select_from(_counted())
    query = query.where(*_conditions(asked, Campaign.id, Campaign.name, Campaign.created_by))
    return query if asked.status is None else query.where(Campaign.status == asked.status)


def _gone(asked: HistoryFilter) -> Select[Any]:
    made_by = _A.detail["created_by"].as_string()
    query = select(true().label("is_gone")).where(_A.what == What.CAMPAIGN_DELETE)
    return query.where(*_conditions(asked, _A.subject_id, _A.name, made_by))


def _rows_there(numbers: Collection[int]) -> dict[int, HistoryRow]:
    columns = (Campaign.name, Campaign.created_by, Campaign.created_at, Campaign.channel, Campaign.start_at)
    total = sum((CampaignProgress.__table__.c[state.value] for state in RecipientState), start=0)
    query = select(
        Campaign.id, *columns, Campaign.status, Campaign.started_at, Campaign.finished_at, total.label("audience")
    ).select_from(_counted())
    return {row.id: _row_of(row) for row in db.session.execute(query.where(Campaign.id.in_(numbers)))}


def _row_of(row: Row[Any]) -> HistoryRow:
    return HistoryRow(
        campaign_id=row.id,
        name=row.name,
        created_by=row.created_by,
        created_at=row.created_at,
        channel=row.channel,
        audience=row.audience or 0,
        start_at=row.start_at,
        status=row.status,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )


def _rows_gone(numbers: Collection[int]) -> dict[int, HistoryRow]:
    query = select(_A.subject_id, _A.name, _A.happened_at, _A.detail).where(_A.what == What.CAMPAIGN_DELETE)
    return {row[0]: _row_of_gone(*row) for row in db.session.execute(query.where(_A.subject_id.in_(numbers)))}


def _row_of_gone(campaign_id: int, name: str, gone_at: datetime, kept: Mapping[str, Any]) -> HistoryRow:
    moments = {each: kept.get(each) for each in ("start_at", "started_at", "finished_at")}
    return HistoryRow(
        campaign_id=campaign_id,
        name=name,
        created_by=kept["created_by"],
        created_at=datetime.fromisoformat(kept["created_at"]),
        channel=Channel(kept["channel"]),
        audience=kept["audience"],
        status=CampaignStatus(kept["status"]),
        gone_at=gone_at,
        **{each: datetime.fromisoformat(moment) if moment else None for each, moment in moments.items()},
    )


def _conditions(asked: HistoryFilter, number: Any, name: Any, created_by: Any) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if asked.text.startswith("#") and asked.text[1:].isdecimal() and asked.text.isascii() and len(asked.text) < 11:
        found.append(number == int(asked.text[1:]))
    elif asked.text:
        found.append(name.contains(asked.text, autoescape=True))
    if asked.created_by:
        found.append(created_by == asked.created_by)
    return found
