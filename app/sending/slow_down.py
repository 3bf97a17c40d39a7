"""The pace of a sender whose server asked to be sent less at a time: halved, and grown back step by step. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

MOST_FACTOR = 16
APART = timedelta(minutes=1)  # what several workers are told at once is told once
GOES_WELL = timedelta(minutes=5)  # for so long nobody asked again: twice as fast
UNKNOWN_PER_HOUR = 36_000  # what is halved when the server asked before it took anything


@dataclass(frozen=True, slots=True)
class Pace:
    """State kept with the account. factor: how many times slower it sends than the per_hour of before; 1: as it can.
    changed_at: when the factor last grew or fell, or was asked for at its most."""

    factor: int = 1
    per_hour: int = 0
    changed_at: datetime | None = None


FULL = Pace()


def slowed(pace: Pace, now: datetime, measured_per_hour: int) -> Pace:
    """The pace after the server asked: half of it, at the least a sixteenth. measured_per_hour: how fast messages left
    until now, 0 when none did."""
    if pace.factor == 1:
        return Pace(2, measured_per_hour or UNKNOWN_PER_HOUR, now)
    if pace.changed_at is not None and now - pace.changed_at < APART:
        return pace
    return Pace(min(pace.factor * 2, MOST_FACTOR), pace.per_hour, now)


def eased(pace: Pace, now: datetime) -> Pace:
    """The pace after messages left and nobody asked: twice as fast when that has gone well for long enough."""
    if pace.factor == 1 or (pace.changed_at is not None and now - pace.changed_at < GOES_WELL):
        return pace
    return Pace(pace.factor // 2, pace.per_hour, now) if pace.factor > 2 else FULL


def measured(accepted: int, seconds: float, lanes: int, interval_us: int) -> int:
    """Messages an hour of a sender, told by one slice; 0 when nothing left.

    lanes: how many slices go on at once, taken to be equally fast. interval_us: how far apart its slots lie, because
    a slice that waits for them ends early.
    """
    found = int(accepted * 3600 * max(lanes, 1) / max(seconds, 0.001))
    return min(found, max(3_600_000_000 // interval_us, 1)) if interval_us else found
