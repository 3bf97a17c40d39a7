"""The charts of a report: messages over time, and the way from the audience to a click. Reads only."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import String, func, select

from app.campaigns import service as campaigns
from app.extensions import db
from app.kernel import clock
from app.kernel.patience import patience
from app.reports.metrics import CampaignReport, campaign_report
from app.sending import selection
from app.sending.models import CampaignRecipient
from app.sending.states import HANDED_OVER, Shown

MOST_KEPT = 200
WINDOW_ROWS = 100_000
SECONDS = 0.4  # that one question takes, and how long until it is asked on
WINDOW_SECONDS = 5.0  # after which one window is given up
HOLDS_TIMES, LEAST_HOLD_SECONDS = 10, 2.0
MOST_HOURS, MOST_DAYS = 240, 400

_R = CampaignRecipient.__table__.c
_HOUR = func.substr(_R.done_at, 1, 13, type_=String)  # "2026-11-25 21", on both databases


@dataclass(frozen=True, slots=True)
class Sends:
    """How many messages were handed over in which hour (its beginning, aware UTC), counted at a moment.

    reached, last: the recipient up to whom was counted, of how many; it is done when they are equal.
    """

    by_hour: Counter[datetime]
    reached: int
    last: int
    counted_at: datetime

    @property
    def is_done(self) -> bool:
        """Whether everybody was counted."""
        return self.reached >= self.last


@dataclass(frozen=True, slots=True)
class _Kept:
    sends: Sends
    key: object
    took: float
    holds_until: float


@dataclass(frozen=True, slots=True)
class Series:
    """Messages by steps of time that follow each other, those without any too. is_by_day: or by the hour."""

    is_by_day: bool
    points: list[tuple[datetime, int]]


@dataclass(frozen=True, slots=True)
class Stage:
    """A step on the way from the audience to a click. share: of the audience, from 0 to 1."""

    name: str
    number: int
    share: float


_kept: dict[int, _Kept] = {}


def sends(campaign_id: int) -> Sends:
    """How many messages left in which hour. Raises NotFound, and TookTooLong from a database that does not keep up.

    Goes through the rows of the campaign, some hundred thousand in one question, and goes on in the next one. What was
    counted holds while the counters stand still, and else for ten times as long as it took.
    """
    report = campaign_report(campaign_id)
    key = (tuple(report.counts.values()), campaigns.get(campaign_id).lifecycle_serial)
    known = _kept.get(campaign_id)
    if known is not None and known.sends.is_done and (known.key == key or clock.steady() < known.holds_until):
        return known.sends
    if known is None or known.sends.is_done:
        last = selection.last_seq(campaign_id)
        known = _Kept(Sends(Counter(), 0, last, clock.utcnow()), key, 0.0, 0.0)
    if len(_kept) >= MOST_KEPT:
        _kept.clear()
    _kept[campaign_id] = counted = _count_on(campaign_id, known)
    return counted.sends


def _count_on(campaign_id: int, known: _Kept) -> _Kept:
    began, found = clock.steady(), known.sends
    by_hour, reached = Counter(found.by_hour), found.reached
    while reached < found.last and clock.steady() - began < SECONDS:
        here = (_R.campaign_id == campaign_id, _R.seq.between(reached + 1, reached + WINDOW_ROWS))
        left = (_R.state.in_(HANDED_OVER), _R.done_at.is_not(None))
        with patience(WINDOW_SECONDS):
            for hour, number in db.session.execute(select(_HOUR, func.count()).where(*here, *left).group_by(_HOUR)):
                by_hour[datetime.strptime(hour, "%Y-%m-%d %H").replace(tzinfo=UTC)] += number
        reached = min(reached + WINDOW_ROWS, found.last)
    took = known.took + clock.steady() - began
    holds_until = clock.steady() + max(took * HOLDS_TIMES, LEAST_HOLD_SECONDS)
    return _Kept(Sends(by_hour, reached, found.last, found.counted_at), known.key, took, holds_until)


def series(by_hour: Counter[datetime], zone: ZoneInfo) -> Series:
    """Messages by the hour; of a campaign that took longer than ten days, by the day of that zone."""
    if not by_hour:
        return Series(False, [])
    first, last = min(by_hour), max(by_hour)
    hours = round((last - first) / timedelta(hours=1)) + 1
    if hours <= MOST_HOURS:
        steps = [first + timedelta(hours=number) for number in range(hours)]
        return Series(False, [(step.astimezone(zone), by_hour[step]) for step in steps])
    by_day = Counter[date]()
    for moment, number in by_hour.items():
        by_day[moment.astimezone(zone).date()] += number
    start = min(by_day)
    days = [start + timedelta(days=number) for number in range((max(by_day) - start).days + 1)]
    if len(days) > MOST_DAYS:  # the days without a message would be most of them
        days = sorted(by_day)
    return Series(True, [(datetime(day.year, day.month, day.day, tzinfo=zone), by_day[day]) for day in days])


def funnel(report: CampaignReport) -> list[Stage]:
    """From everybody in the campaign to those who clicked, by the counters."""
    numbers = {
        "audience": report.total,
        "sent": report.counts[Shown.SENT],
        "opened": report.opened,
        "clicked": report.clicked,
    }
    return [Stage(name, number, number / report.total if report.total else 0.0) for name, number in numbers.items()]
