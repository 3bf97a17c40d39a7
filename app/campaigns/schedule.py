"""When a campaign may send: start, validity, daily hours, working days and holidays in the campaign's zone. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

LOOK_AHEAD_DAYS = 400  # a year of days off at the worst; further away nobody plans
ONE_DAY = timedelta(days=1)
ONE_MINUTE = timedelta(minutes=1)


class Closed(StrEnum):
    """Why nothing may be sent at a moment, in the words of the campaign card."""

    NOT_STARTED = "waiting for the start time"
    NOT_VALID_YET = "waiting for the validity period"
    OVER = "the validity period is over"
    NON_WORKING_DAY = "waiting for the next working day"
    OUTSIDE_HOURS = "waiting for the daily hours"


@dataclass(frozen=True, slots=True)
class Window:
    """When one campaign may send.

    start_at, valid_from, valid_until: aware UTC, None = no bound; valid_until itself is already outside.
    daily_from, daily_until: local times in zone; until before from = over midnight; both None = the whole day. The
    part after midnight belongs to the day on which the window opened: Friday 22:00–06:00 sends on Saturday morning also
    with working days only, and Sunday 22:00–06:00 does not send on Monday morning.
    holidays: local days without sending when working_days_only is set.
    """

    zone: ZoneInfo
    start_at: datetime | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    daily_from: time | None = None
    daily_until: time | None = None
    working_days_only: bool = False
    holidays: frozenset[date] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Opening:
    """The next time a campaign may send. at: aware UTC, None = never again. closed: why not now; None = now is fine.
    until: when this opening ends (aware UTC), None = open end."""

    at: datetime | None
    closed: Closed | None = None
    until: datetime | None = None


def resolve(local_day: date, wall: time, zone: ZoneInfo) -> datetime:
    """The instant (aware UTC) of a wall time: in a spring gap the first valid instant after it, in an autumn fold the
    first of the two."""
    naive = datetime.combine(local_day, wall)
    while (instant := naive.replace(tzinfo=zone).astimezone(UTC)).astimezone(zone).replace(tzinfo=None) != naive:
        naive = naive.replace(second=0, microsecond=0) + ONE_MINUTE  # in a gap; gaps begin and end at whole minutes
    return instant


def is_working_day(day: date, window: Window) -> bool:
    """Whether messages may leave on that local day."""
    return not window.working_days_only or (day.weekday() < 5 and day not in window.holidays)


def next_opening(now: datetime, window: Window) -> Opening:
    """When the campaign may send next, from now on (aware UTC), and why not at once."""
    earliest, reason = now, None
    for bound, why in ((window.start_at, Closed.NOT_STARTED), (window.valid_from, Closed.NOT_VALID_YET)):
        if bound is not None and bound > earliest:
            earliest, reason = bound, why
    end = window.valid_until
    span = next(_spans(earliest, window), None)
    if span is None or (end is not None and span[0] >= end):
        return Opening(None, Closed.OVER)
    at, until = span
    if at > earliest and reason is None:
        reason = _why_closed(earliest, window)
    return Opening(at, reason, min((moment for moment in (until, end) if moment is not None), default=None))


def openings(now: datetime, window: Window) -> Iterator[tuple[datetime, datetime | None]]:
    """The stretches of time in which the campaign may send, from now on (aware UTC), in order.

    Each is as long as next_opening() finds it: days that follow without a break are one. An end of None: without end.
    """
    earliest = max(moment for moment in (now, window.start_at, window.valid_from) if moment is not None)
    end = window.valid_until
    for opens, closes in _spans(earliest, window):
        if end is not None and opens >= end:
            return
        yield opens, min((moment for moment in (closes, end) if moment is not None), default=None)


def _spans(earliest: datetime, window: Window) -> Iterator[tuple[datetime, datetime | None]]:
    """From when until when the days and hours allow sending, not before a moment; until None = without end."""
    if window.daily_from == window.daily_until and not window.working_days_only:
        yield earliest, None
        return
    day = earliest.astimezone(window.zone).date() - ONE_DAY  # last night's window may still be open
    run, days_closed = None, 0
    while days_closed < LOOK_AHEAD_DAYS:
        days_closed += 1
        opens, closes = _span(day, window) if is_working_day(day, window) else (None, None)
        if run is not None and (opens is None or opens > run[1]):
            yield run
            run = None
        if opens is not None and closes is not None and closes > max(opens, earliest):
            run = (run[0], max(run[1], closes)) if run else (max(opens, earliest), closes)
            days_closed = 0
        day += ONE_DAY


def _span(day: date, window: Window) -> tuple[datetime, datetime]:
    opens_at, closes_at = window.daily_from or time(0), window.daily_until or time(0)
    closing_day = day if closes_at > opens_at else day + ONE_DAY
    return resolve(day, opens_at, window.zone), resolve(closing_day, closes_at, window.zone)


def _why_closed(moment: datetime, window: Window) -> Closed:
    day = moment.astimezone(window.zone).date()
    return Closed.OUTSIDE_HOURS if is_working_day(day, window) else Closed.NON_WORKING_DAY
