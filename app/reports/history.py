"""Every campaign that was ever made: those that are there, and from the audit log those that are gone. Reads only.

Numbers of campaigns grow with their making and are never used again, so they are the order by date and the place of a
page at once; both halves give the next few after a number and are merged.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, select

from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import Campaign
from app.channels.contract import Channel
from app.extensions import db
from app.kernel.audit import AuditEvent, What
from app.sending.models import CampaignProgress
from app.sending.states import RecipientState

_A = AuditEvent


@dataclass(frozen=True, slots=True)
class HistoryFilter:
    """What a person asks for; what is empty asks for nothing. text: in the name, or #12. is_gone: deleted ones only,
    or None for both."""

    text: str = ""
    status: CampaignStatus | None = None
    is_gone: bool | None = None
    created_by: str = ""
    is_oldest_first: bool = False


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
    """The next campaigns behind the one of that number."""
    found: list[HistoryRow] = []
    if asked.is_gone is not True:
        found += _there(asked, after, size + 1)
    if asked.is_gone is not False and asked.status is None:
        found += _gone(asked, after, size + 1)
    found.sort(key=lambda row: row.campaign_id, reverse=not asked.is_oldest_first)
    return HistoryPage(found[:size], len(found) > size)


def creators() -> list[str]:
    """Who ever made a campaign, by name."""
    there = set(db.session.scalars(select(Campaign.created_by).distinct()))
    gone = db.session.scalars(select(_A.detail["created_by"].as_string()).where(_A.what == What.CAMPAIGN_DELETE))
    return sorted((there | set(gone)) - {"", None}, key=str.casefold)


def gone_name(campaign_id: int) -> str | None:
    """What a campaign that is gone was called; None for one that was never deleted."""
    mine = (_A.what == What.CAMPAIGN_DELETE, _A.subject_id == campaign_id)
    return db.session.scalar(select(_A.name).where(*mine).limit(1))


def _there(asked: HistoryFilter, after: int | None, limit: int) -> list[HistoryRow]:
    columns = (Campaign.name, Campaign.created_by, Campaign.created_at, Campaign.channel, Campaign.start_at)
    total = sum((CampaignProgress.__table__.c[state.value] for state in RecipientState), start=0)
    query = select(
        Campaign.id, *columns, Campaign.status, Campaign.started_at, Campaign.finished_at, total.label("audience")
    ).outerjoin(CampaignProgress, CampaignProgress.campaign_id == Campaign.id)
    query = query.where(*_conditions(asked, after, Campaign.id, Campaign.name, Campaign.created_by))
    if asked.status is not None:
        query = query.where(Campaign.status == asked.status)
    query = query.order_by(Campaign.id if asked.is_oldest_first else Campaign.id.desc()).limit(limit)
    return [_row_of(row) for row in db.session.execute(query)]


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


def _gone(asked: HistoryFilter, after: int | None, limit: int) -> list[HistoryRow]:
    made_by = _A.detail["created_by"].as_string()
    query = select(_A.subject_id, _A.name, _A.happened_at, _A.detail).where(_A.what == What.CAMPAIGN_DELETE)
    query = query.where(*_conditions(asked, after, _A.subject_id, _A.name, made_by))
    query = query.order_by(_A.subject_id if asked.is_oldest_first else _A.subject_id.desc()).limit(limit)
    return [_row_of_gone(*row) for row in db.session.execute(query)]


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


def _conditions(
    asked: HistoryFilter, after: int | None, number: Any, name: Any, created_by: Any
) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if after is not None:
        found.append(number > after if asked.is_oldest_first else number < after)
    if asked.text.startswith("#") and asked.text[1:].isdecimal() and asked.text.isascii() and len(asked.text) < 11:
        found.append(number == int(asked.text[1:]))
    elif asked.text:
        found.append(name.contains(asked.text, autoescape=True))
    if asked.created_by:
        found.append(created_by == asked.created_by)
    return found
