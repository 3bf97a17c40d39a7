"""Campaigns as cards: a page of them in the order and with the filters that people ask for. Reads only.

Numbers come from the counters of a campaign, never from its recipients.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Subquery, asc, case, desc, exists, func, select

from app.audience.models import Contact
from app.campaigns import removal_log
from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import SENDER_KINDS, Campaign, CampaignGroup
from app.channels.contract import Channel, Reason
from app.extensions import db
from app.reports import audiences
from app.reports.audiences import People
from app.sending.models import CampaignProgress
from app.sending.states import SHOWN_AS, RecipientState, Shown

NO_GROUP = 0

_C, _P = Campaign.__table__.c, CampaignProgress.__table__.c
_STATES = [_P[state.value] for state in RecipientState]
_SHOWN = (
    _C.id,
    _C.name,
    _C.channel,
    _C.status,
    _C.hold_reason,
    _C.status_detail,
    _C.waiting_for,
    _C.next_send_at,
    _C.start_at,
    _C.finished_at,
    _C.created_by,
    _C.created_at,
    _C.changed_at,
    CampaignGroup.name.label("group_name"),
    *_STATES,
    _P.opened,
    _P.clicked,
)


class Sort(StrEnum):
    """What campaigns are put in order by. ACTIVITY: when somebody changed one, or its numbers moved."""

    CREATED = "created"
    NAME = "name"
    ID = "id"
    MODIFIED = "modified"
    CONTACTS = "contacts"
    ACTIVITY = "activity"


# Over the tables of campaigns and of their counters.
KEYS: dict[Sort, ColumnElement[Any]] = {
    Sort.CREATED: _C.created_at,
    Sort.NAME: _C.name,
    Sort.ID: _C.id,
    Sort.MODIFIED: _C.changed_at,
    Sort.CONTACTS: func.coalesce(sum(_STATES[1:], start=_STATES[0]), 0),
    Sort.ACTIVITY: case((_P.moved_at > _C.changed_at, _P.moved_at), else_=_C.changed_at),
}
_UNIQUE = frozenset({Sort.NAME, Sort.ID})  # what follows would only keep their index from giving the order
_COUNTED = frozenset({Sort.CONTACTS, Sort.ACTIVITY})  # need the counters of every campaign


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which campaigns, in which order. text: a part of the name; group_id: NO_GROUP for those without one."""

    text: str = ""
    status: CampaignStatus | None = None
    channel: Channel | None = None
    group_id: int | None = None
    creator: str = ""
    sort: Sort = Sort.CREATED
    is_down: bool = True


@dataclass(frozen=True, slots=True)
class Card:
    """A campaign in short. people: its recipients, of a draft those who would be; counts: recipients by what people
    are shown; removed: how many are out of it now."""

    campaign_id: int
    name: str
    channel: Channel
    status: CampaignStatus
    hold_reason: Reason | None
    status_detail: str
    waiting_for: str
    next_send_at: datetime | None
    start_at: datetime | None
    finished_at: datetime | None
    group: str
    created_by: str
    created_at: datetime
    people: People
    counts: dict[Shown, int]
    opened: int
    clicked: int
    removed: int

    @property
    def total(self) -> int:
        """How many recipients there are."""
        return sum(self.counts.values())

    @property
    def waiting(self) -> int:
        """How many of them may still get the message."""
        return self.counts[Shown.AWAITING] + self.counts[Shown.PROCESSING]


@dataclass(frozen=True, slots=True)
class FirstSteps:
    """What there is of what a first campaign needs. channel: the first that somebody has set up a sender for, or None.

    Web push does not count: Muster makes its keys itself, and nobody has allowed it notifications yet.
    """

    channel: Channel | None
    has_contacts: bool


def page(wanted: Wanted, offset: int, limit: int) -> list[Card]:
    """So many cards after the first `offset` ones, in two statements, and two more when there are drafts among them."""
    source: Any = Campaign.__table__
    if wanted.sort in _COUNTED:
        source = source.outerjoin(CampaignProgress.__table__, _P.campaign_id == _C.id)
    ids = select(_C.id).select_from(source).where(*conditions(wanted)).order_by(*_order(wanted))
    # Their ids first, from an index: the messages of those that are passed over are not read.
    return _cards(_rows(ids.limit(limit).offset(offset).subquery()).order_by(*_order(wanted)))


def of_ids(campaign_ids: Collection[int]) -> list[Card]:
    """The cards of these campaigns, in this order; those that were deleted are left out."""
    ids = select(_C.id).where(_C.id.in_(campaign_ids)).subquery()
    found = {card.campaign_id: card for card in _cards(_rows(ids))}
    return [found[each] for each in dict.fromkeys(campaign_ids) if each in found]


def numbers(wanted: Wanted) -> dict[CampaignStatus, int]:
    """How many campaigns match in each state, whichever state is asked for; states without any are left out."""
    query = select(_C.status, func.count()).where(*conditions(replace(wanted, status=None))).group_by(_C.status)
    found = dict(db.session.execute(query).all())
    return {status: found[status] for status in CampaignStatus if status in found}


def creators() -> list[str]:
    """Everybody who made a campaign, by name."""
    return [name for name in db.session.scalars(select(_C.created_by).distinct().order_by(_C.created_by)) if name]


def first_steps() -> FirstSteps:
    """What there is of what a first campaign needs."""
    senders: dict[Channel, Any] = {each: kind for each, kind in SENDER_KINDS.items() if each is not Channel.PUSH}
    there = [exists(select(kind.id).where(kind.carries(channel))) for channel, kind in senders.items()]
    *found, has_contacts = db.session.execute(select(*there, exists(select(Contact.id)))).one()
    carried = (channel for channel, is_there in zip(senders, found, strict=True) if is_there)
    return FirstSteps(next(carried, None), bool(has_contacts))


def conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    """What a campaign must fulfil, over the columns of its table."""
    found: list[ColumnElement[bool]] = []
    if wanted.text:
        found.append(_C.name.contains(wanted.text, autoescape=True))
    if wanted.status is not None:
        found.append(_C.status == wanted.status)
    if wanted.channel is not None:
        found.append(_C.channel == wanted.channel)
    if wanted.group_id is not None:
        found.append(_C.group_id.is_(None) if wanted.group_id == NO_GROUP else _C.group_id == wanted.group_id)
    if wanted.creator:
        found.append(_C.created_by == wanted.creator)
    return found


def _order(wanted: Wanted) -> list[ColumnElement[Any]]:
    way = desc if wanted.is_down else asc
    return [way(KEYS[wanted.sort]), *([] if wanted.sort in _UNIQUE else [way(_C.id)])]


def _rows(ids: Subquery) -> Select[Any]:
    return (
        select(*_SHOWN)
        .select_from(ids)
        .join(Campaign.__table__, _C.id == ids.c.id)
        .outerjoin(CampaignProgress.__table__, _P.campaign_id == _C.id)
        .outerjoin(CampaignGroup.__table__, CampaignGroup.id == _C.group_id)
    )


def _cards(query: Select[Any]) -> list[Card]:
    rows = db.session.execute(query).all()
    drafts = [(row.id, row.changed_at) for row in rows if row.status is CampaignStatus.DRAFT]
    people = audiences.of_drafts(drafts)
    removed = removal_log.numbers([row.id for row in rows]) if rows else {}
    return [_card(row, people.get(row.id), removed.get(row.id, 0)) for row in rows]


def _card(row: Row[Any], people: People | None, removed: int) -> Card:
    counts = dict.fromkeys(Shown, 0)
    for state, shown in SHOWN_AS.items():
        counts[shown] += getattr(row, state.value) or 0
    return Card(
        campaign_id=row.id,
        name=row.name,
        channel=row.channel,
        status=row.status,
        hold_reason=row.hold_reason,
        status_detail=row.status_detail,
        waiting_for=row.waiting_for,
        next_send_at=row.next_send_at,
        start_at=row.start_at,
        finished_at=row.finished_at,
        group=row.group_name or "",
        created_by=row.created_by,
        created_at=row.created_at,
        people=people or People(sum(counts.values())),
        counts=counts,
        opened=row.opened or 0,
        clicked=row.clicked or 0,
        removed=removed,
    )
