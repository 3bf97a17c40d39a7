"""How much of each limit is used, which one binds now, and when the next message may leave. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select

from app.channels.models import Limited, Sender
from app.extensions import db
from app.sending import throttle
from app.sending.limits import WINDOWS, bucket_key, counter_key, limits_on, slow_key
from app.sending.models import ThrottleBucket, ThrottleCell

SLOWER_PACE = "slower_pace"  # what the next message waits for when its server asked to slow down
LONGEST = max(WINDOWS.values())


@dataclass(frozen=True, slots=True)
class Use:
    """One limit. name: "per_hour"; used: how many of its slots lie in the last second, minute, hour or 24 hours."""

    name: str
    most: int
    used: int


@dataclass(frozen=True, slots=True)
class Usage:
    """All limits of a sender or a channel. binds: the name of the one that the next message waits for, "" when it may
    leave at once; next_at: until when (aware UTC), None for at once."""

    uses: tuple[Use, ...] = ()
    binds: str = ""
    next_at: datetime | None = None


def of(many: Sequence[Limited], now: datetime) -> list[Usage]:
    """The use of each of these, in three statements. now: the database's clock."""
    counted = _counted([counter_key(limited) for limited in many], now)
    smooth = [bucket_key(limited, name) for limited in many for name in WINDOWS]
    smooth += [slow_key(limited) for limited in many if isinstance(limited, Sender)]
    buckets = select(ThrottleBucket).where(ThrottleBucket.key.in_(smooth))
    nexts = {bucket.key: bucket.next_us for bucket in db.session.scalars(buckets)}
    cells = throttle.cells_of([bucket_key(limited, "per_day") for limited in many], now)
    return [_usage(limited, counted.get(counter_key(limited), {}), nexts, cells, now) for limited in many]


def _counted(keys: Sequence[str], now: datetime) -> dict[str, dict[str, int]]:
    """The slots of each counter in the whole seconds before this one, by the names of the limits."""
    second = int(now.timestamp())
    sums = [
        func.sum(case((ThrottleCell.cell >= second - seconds, ThrottleCell.granted), else_=0)).label(name)
        for name, seconds in WINDOWS.items()
    ]
    recent = (ThrottleCell.cell >= second - LONGEST, ThrottleCell.cell < second)
    query = select(ThrottleCell.key, *sums).where(ThrottleCell.key.in_(keys), *recent).group_by(ThrottleCell.key)
    return {key: dict(zip(WINDOWS, map(int, found), strict=True)) for key, *found in db.session.execute(query)}


def _usage(
    limited: Limited,
    counted: dict[str, int],
    nexts: dict[str, int],
    cells: dict[str, list[tuple[int, int]]],
    now: datetime,
) -> Usage:
    limits, now_us = limits_on(limited), throttle.to_us(now)
    keys = {bucket_key(limited, name): name for name in (*WINDOWS, "per_day")}
    uses = [Use(keys[limit.key], limit.count, counted.get(keys[limit.key], 0)) for limit in limits.smooth]
    waits = [(nexts.get(limit.key, 0), keys[limit.key]) for limit in limits.smooth]
    if isinstance(limited, Sender) and limited.slow_per_hour:
        waits.append((nexts.get(slow_key(limited), 0), SLOWER_PACE))
    for day in limits.days:
        granted = cells.get(day.key, [])
        uses.append(Use("per_day", day.at(now_us), sum(count for _, count in granted)))
        if throttle.free_of(day, granted, now_us) <= 0:
            waits.append((throttle.opens_us(day, granted, now_us), "per_day"))
    next_us, binds = max(waits, default=(0, ""))
    if next_us <= now_us:
        return Usage(tuple(uses))
    return Usage(tuple(uses), binds, throttle.from_us(next_us))
