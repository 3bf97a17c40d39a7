"""The campaigns of a stretch of time: from when to when each sends, and what that asks of the senders. Reads only.

What is over lies where it was; what is to come lies where its forecast puts it, looked at up to the end of the stretch.
A constant number of statements whatever there is; the recipients are never read, only their counters.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, or_, select
from sqlalchemy.orm import defer, joinedload

from app.campaigns import checks, days_off
from app.campaigns.lifecycle import LIVE, OVER, CampaignStatus
from app.campaigns.models import Campaign
from app.channels import limits as channel_limits
from app.channels import stand_ins
from app.channels.contract import Channel, Reason
from app.channels.models import Sender, SmtpAccount
from app.extensions import db
from app.reports import audiences, cards
from app.reports.audiences import People
from app.reports.cards import Wanted
from app.sending import throttle
from app.sending.forecast import Spread, spread
from app.sending.limits import limits_of
from app.sending.models import CampaignProgress
from app.sending.states import RecipientState

MOST = 2_000  # campaigns of one stretch
MOST_FORECASTS = 300  # of campaigns that are to send; the others lie where they begin, without an end
MOST_DRAFTS = 100  # whose people are counted
MOST_UNDATED = 20
TO_COME = frozenset({*LIVE, CampaignStatus.DRAFT, CampaignStatus.PAUSED})
ONE_DAY = timedelta(days=1)

_C, _P = Campaign.__table__.c, CampaignProgress.__table__.c
_STATES = [_P[state.value] for state in RecipientState]


@dataclass(frozen=True, slots=True)
class Span:
    """A campaign in the calendar. ends_at: None when nobody knows; goes_on: it ends after the stretch.

    people: its recipients, of a draft those who would be. zone: the one of its hours.
    """

    campaign_id: int
    name: str
    status: CampaignStatus
    channel: Channel
    sender: str
    zone: str
    begins_at: datetime
    ends_at: datetime | None
    goes_on: bool
    people: People
    start_at: datetime | None
    started_at: datetime | None
    revision: int


@dataclass(frozen=True, slots=True)
class Load:
    """What is planned to leave through an account: counts by the parts of the stretch, and the most that each part
    takes, None without a limit. sender: the key of the account."""

    sender: str
    name: str
    counts: tuple[int, ...]
    limits: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Everything about a stretch of time. days_off: the days without work that concern campaigns in it, by their names;
    are_weekends_off: whether weekends do too; has_more: more campaigns lie in it."""

    spans: list[Span]
    loads: list[Load]
    days_off: dict[date, str]
    are_weekends_off: bool
    has_more: bool


@dataclass(frozen=True, slots=True)
class Undated:
    """A draft that nobody has given a start."""

    campaign_id: int
    name: str


@dataclass(frozen=True, slots=True)
class _Found:
    campaign: Campaign
    people: People
    waiting: int


def look(wanted: Wanted, edges: Sequence[datetime], now: datetime) -> Stretch:
    """The campaigns that match, from the first edge to the last (aware UTC, in order); loads are counted between them.

    now: the database's clock.
    """
    rows = _rows(wanted, edges, now)
    found = _with_people(rows[:MOST])
    own = days_off.own(min(now, edges[0]).date() - 2 * ONE_DAY)
    forecasts = _forecasts(found, own, edges, now)
    spans = [_span(each, forecasts.get(each.campaign.id), edges[-1], now) for each in found]
    return Stretch(
        [span for span in spans if (span.ends_at or span.begins_at) >= edges[0]],
        _loads(found, forecasts, edges),
        _days_off(found, own, edges),
        any(each.campaign.working_days_only for each in found),
        len(rows) > MOST,
    )


def undated(wanted: Wanted) -> list[Undated]:
    """Drafts without a start, what was changed last first: one more than MOST_UNDATED says that there are more."""
    bare = (_C.status == CampaignStatus.DRAFT, _C.start_at.is_(None), _C.valid_from.is_(None))
    query = select(_C.id, _C.name).where(*cards.conditions(wanted), *bare).order_by(_C.changed_at.desc(), _C.id.desc())
    return [Undated(*row) for row in db.session.execute(query.limit(MOST_UNDATED + 1))]


def _rows(wanted: Wanted, edges: Sequence[datetime], now: datetime) -> Sequence[Row[Any]]:
    """Each campaign with its counters; what is to come first, so that a limit takes away what is over."""
    counters = [column.label(f"in_{column.key}") for column in _STATES]
    query = select(Campaign, *counters).outerjoin(CampaignProgress, _P.campaign_id == _C.id)
    query = query.options(defer(Campaign.html), defer(Campaign.text))
    accounts = joinedload(Campaign.smtp_account)
    query = query.options(accounts, accounts.joinedload(SmtpAccount.stand_in), joinedload(Campaign.gateway))
    lies_there = or_(_was(edges[0], edges[-1]), _is_not_over(edges[-1], now))
    order = (_C.finished_at.is_not(None), func.coalesce(_C.started_at, _C.start_at, _C.valid_from), _C.id)
    return db.session.execute(query.where(*cards.conditions(wanted), lies_there).order_by(*order).limit(MOST + 1)).all()


def _was(from_at: datetime, until_at: datetime) -> ColumnElement[bool]:
    return and_(_C.finished_at >= from_at, func.coalesce(_C.started_at, _C.finished_at) < until_at)


def _is_not_over(until_at: datetime, now: datetime) -> ColumnElement[bool]:
    begins = func.coalesce(_C.started_at, _C.start_at, _C.valid_from)
    is_dated = and_(_C.status.not_in(OVER), begins < until_at)
    return or_(is_dated, and_(_C.status.in_(LIVE), begins.is_(None))) if now < until_at else is_dated


def _with_people(rows: Sequence[Row[Any]]) -> list[_Found]:
    drafts = [(row[0].id, row[0].changed_at) for row in rows if row[0].status is CampaignStatus.DRAFT]
    people = audiences.of_drafts(drafts[:MOST_DRAFTS])
    return [_found(row, people.get(row[0].id)) for row in rows]


def _found(row: Row[Any], people: People | None) -> _Found:
    campaign: Campaign = row[0]
    number = {state: getattr(row, f"in_{state.value}") or 0 for state in RecipientState}
    if people is not None:
        return _Found(campaign, people, people.number)
    waiting = number[RecipientState.AWAITING] + number[RecipientState.SENDING]
    if campaign.hold_reason is Reason.CAMPAIGN_UNPUBLISHED:  # they go on when it is published again
        waiting += number[RecipientState.STOPPED]
    return _Found(campaign, People(sum(number.values())), waiting)


def _forecasts(
    found: Sequence[_Found], own: Mapping[date, str], edges: Sequence[datetime], now: datetime
) -> dict[int, Spread]:
    """What leaves when of those that are to send, as if each had its account for itself."""
    if edges[-1] <= now:
        return {}
    asked = [each for each in found if each.campaign.status in TO_COME and each.waiting and each.campaign.sender]
    asked = asked[:MOST_FORECASTS]
    wholes = channel_limits.of_all()
    limits = [limits_of(each.campaign, _carrier(each.campaign), wholes.get(each.campaign.channel)) for each in asked]
    return {
        each.campaign.id: spread(each.waiting, checks.window_of(each.campaign, now, own), mine, now, edges, kept=kept)
        for each, mine, kept in zip(asked, limits, throttle.kept_of(limits, now), strict=True)
    }


def _carrier(campaign: Campaign) -> Sender:
    """Over which account its messages go as things are now."""
    assert campaign.sender is not None
    return stand_ins.carrier_of(campaign.sender)


def _span(found: _Found, forecast: Spread | None, until_at: datetime, now: datetime) -> Span:
    campaign = found.campaign
    begins_at = _begin(campaign) or now
    ends_at, goes_on = _end(campaign, forecast, until_at, now)
    return Span(
        campaign_id=campaign.id,
        name=campaign.name,
        status=campaign.status,
        channel=campaign.channel,
        sender=campaign.sender.name if campaign.sender else "",
        zone=campaign.zone,
        begins_at=begins_at,
        ends_at=max(ends_at, begins_at) if ends_at else None,
        goes_on=goes_on,
        people=found.people,
        start_at=campaign.start_at,
        started_at=campaign.started_at,
        revision=campaign.revision,
    )


def _begin(campaign: Campaign) -> datetime | None:
    """When it began, or is to begin; None for one that begins as soon as it can."""
    if campaign.started_at is not None or campaign.status in OVER:
        return campaign.started_at or campaign.finished_at
    bounds = (campaign.start_at, campaign.valid_from)
    return max((bound for bound in bounds if bound is not None), default=None)


def _end(
    campaign: Campaign, forecast: Spread | None, until_at: datetime, now: datetime
) -> tuple[datetime | None, bool]:
    """When it ended or will end, and whether that lies after the stretch."""
    if campaign.status in OVER:
        return campaign.finished_at, False
    if campaign.status is CampaignStatus.EXPIRED:
        return campaign.valid_until, False
    if campaign.status is CampaignStatus.FAILED:
        return campaign.changed_at, False
    has_begun = campaign.started_at is not None
    if forecast is None:
        return (min(now, until_at), now >= until_at) if has_begun else (None, False)
    if forecast.left:
        return until_at, True
    return max(forecast.last_at or now, now) if has_begun else forecast.last_at, False


def _loads(found: Sequence[_Found], forecasts: Mapping[int, Spread], edges: Sequence[datetime]) -> list[Load]:
    """The accounts that something is planned for, by name."""
    accounts: dict[str, Sender] = {}
    counts: dict[str, list[int]] = {}
    for each in found:
        forecast = forecasts.get(each.campaign.id)
        if forecast is None or not any(forecast.counts):
            continue
        account = _carrier(each.campaign)
        accounts[account.key] = account
        mine = counts.setdefault(account.key, [0] * len(forecast.counts))
        counts[account.key] = [one + other for one, other in zip(mine, forecast.counts, strict=True)]
    lengths = [int((end - begin).total_seconds()) for begin, end in zip(edges, edges[1:], strict=False)]
    made = [
        Load(
            key,
            account.name,
            tuple(counts[key]),
            tuple(most_within(account, seconds, end) for seconds, end in zip(lengths, edges[1:], strict=True)),
        )
        for key, account in accounts.items()
    ]
    return sorted(made, key=lambda load: load.name.casefold())


def most_within(account: Sender, seconds: int, until_at: datetime) -> int | None:
    """How many messages an account takes in so much time, a day at most, before that moment (aware UTC); None without
    a limit. Pure."""
    limits = ((account.per_second, 1), (account.per_minute, 60), (account.per_hour, 3600))
    found = [count * seconds // size for count, size in limits if count]
    cap = account.most_on((until_at - timedelta(microseconds=1)).astimezone(UTC).date())
    return min([*found, cap] if cap else found, default=None)


def _days_off(found: Sequence[_Found], own: Mapping[date, str], edges: Sequence[datetime]) -> dict[date, str]:
    """The own days, and the public ones of the countries that campaigns of working days keep."""
    first, last = edges[0].date() - ONE_DAY, edges[-1].date() + ONE_DAY
    days = {day: [name] for day, name in own.items()}
    kept = (each.campaign.holidays_country for each in found if each.campaign.working_days_only)
    for country in sorted({country for country in kept if country}):
        for day, name in days_off.public(country, edges[0].year).items():
            days.setdefault(day, []).append(f"{name} ({country})")
    return {day: ", ".join(names) for day, names in sorted(days.items()) if first <= day <= last}
