"""How fast something goes and when it will be done, judged by how far it has come."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import format_timedelta

from app.kernel import clock
from app.kernel.headway import Headway
from app.web.formats import grouped


@dataclass(frozen=True, slots=True)
class Pace:
    """rate: how many a second, and left: how long it still takes, both as people say them."""

    rate: str
    left: str


def of(began_at: datetime, now: datetime, done: int, share: float) -> Pace | None:
    """The pace of what has done so many since it began; None before the first. share: how much of all it is, 0 to 1."""
    if not done or share <= 0:
        return None
    seconds = max((now - began_at).total_seconds(), 1)
    left = timedelta(seconds=seconds * (1 - min(share, 1)) / share)
    return Pace(grouped(round(done / seconds)), str(format_timedelta(left)))


def of_headway(told: Headway | None) -> Pace | None:
    """The pace of work that tells how far it is; None where nobody has told."""
    return of(told.began_at, clock.utcnow(), told.done, told.share) if told is not None else None
