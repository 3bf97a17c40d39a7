"""When a campaign may send: start, validity, daily hours, working days and holidays in the campaign's zone. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

LOOK_AHEAD_DAYS = 400  # a year of holidays and weekends at the worst; further away nobody plans


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
    daily_from, daily_until: local times in zone, until before from = over midnight, both None = the whole day. The
    night part after midnight belongs to the day on which the window opened: Friday 22:00–06:00 sends on Saturday
    morning also with working days only, and Sunday 22:00–06:00 does not send on Monday morning.
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
    instant = naive.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == naive:
        return instant
    # inside a gap: fold=0 gives the offset before it, fold=1 the one after; the gap's end lies between the two readings
    before, after = naive.replace(tzinfo=zone, fold=0).utcoffset(), naive.replace(tzinfo=zone, fold=1).utcoffset()
    assert before is not None and after is not None
    low, high = naive.replace(tzinfo=UTC) - after, naive.replace(tzinfo=UTC) - before
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        low, high = (low, middle) if middle.astimezone(zone).utcoffset() == after else (middle, high)
    return high.replace(microsecond=0)


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
    if end is not None and earliest >= end:
        return Opening(None, Closed.OVER)
    for opens, closes in _spans(earliest, window):
        if closes <= earliest:
            continue
        at = max(opens, earliest)
        if end is not None and at >= end:
            return Opening(None, Closed.OVER)
        if at > earliest:
            reason = reason or _why_closed(earliest, window)
        return Opening(at, reason, closes if end is None else min(closes, end))
    return Opening(None, Closed.OVER)


def _spans(earliest: datetime, window: Window) -> Iterator[tuple[datetime, datetime]]:
    """The open spans (aware UTC) of the local days around and after a moment, adjoining ones joined."""
    first = earliest.astimezone(window.zone).date() - timedelta(days=1)
    joined: tuple[datetime, datetime] | None = None
    for ahead in range(LOOK_AHEAD_DAYS):
        day = first + timedelta(days=ahead)
        if not is_working_day(day, window):
            continue
        opens, closes = _span(day, window)
        if opens >= closes:  # the whole window fell into a gap
            continue
        if joined and opens <= joined[1]:
            joined = (joined[0], closes)
            if ahead < 14:  # a campaign that is always open needs no end date a year ahead
                continue
        if joined:
            yield joined
        joined = (opens, closes)
    if joined:
        yield joined


def _span(day: date, window: Window) -> tuple[datetime, datetime]:
    opens_at, closes_at = window.daily_from or time(0), window.daily_until or time(0)
    closing_day = day if closes_at > opens_at else day + timedelta(days=1)
    return resolve(day, opens_at, window.zone), resolve(closing_day, closes_at, window.zone)


def _why_closed(moment: datetime, window: Window) -> Closed:
    day = moment.astimezone(window.zone).date()
    return Closed.OUTSIDE_HOURS if is_working_day(day, window) else Closed.NON_WORKING_DAY
