"""The one throttle: every limit of a campaign, its sender and its channel, granted as slots in the claim's own
transaction.

Limits per second, minute and hour and the delay of a campaign are smooth: slots lie a fixed interval apart (GCRA
without burst). A message must leave within `tolerance` of its slot or give it back, and the interval is stretched by
that tolerance; so at most n messages leave in every sliding window of n's length, whatever worker sends them.
The limit per day is a count over a sliding day, because smoothing over the night would waste the day's window.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from app.extensions import db
from app.sending.models import ThrottleBucket, ThrottleCell

SECOND_US = 1_000_000
HORIZON_US = SECOND_US  # a claim holds no more than a second of planned sending
DAY_SECONDS, CELL_SECONDS = 86400, 900
HOUR_SECONDS = 3600  # how far back slots are counted for people to read, in cells of a second
Cells = Sequence[tuple[int, int]]  # (cell, granted), oldest first


@dataclass(frozen=True, slots=True)
class Limit:
    """A smooth limit. interval_us between slots; tolerance_us a message may be late; label for people. count: how many
    messages its window takes."""

    key: str
    interval_us: int
    tolerance_us: int
    label: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class BatchPause:
    """The customers delay: after every `size` messages a pause of `pause_us`."""

    key: str
    size: int
    pause_us: int
    label: str


@dataclass(frozen=True, slots=True)
class DayCap:
    """At most `cap` messages in any 24 hours.

    earlier: the lower caps before it, each with its end in microseconds since 1970, in order; early_label: what they
    are called. A cap only grows, so that every 24 hours keep to the cap of their end.
    """

    key: str
    cap: int
    label: str
    earlier: tuple[tuple[int, int], ...] = ()
    early_label: str = ""

    def at(self, now_us: int) -> int:
        """How much it is at a moment."""
        step = self._step(now_us)
        return self.earlier[step][1] if step < len(self.earlier) else self.cap

    def label_at(self, now_us: int) -> str:
        """What it is called at a moment."""
        return self.label if self.grows_us(now_us) is None else self.early_label

    def grows_us(self, now_us: int) -> int | None:
        """When it is more than at this moment; None when it stays."""
        step = self._step(now_us)
        return self.earlier[step][0] if step < len(self.earlier) else None

    def _step(self, now_us: int) -> int:
        return bisect_right(self.earlier, now_us, key=lambda step: step[0])


@dataclass(frozen=True, slots=True)
class Limits:
    """All that binds one campaign through one sender. counters: keys under which its slots are counted to be read."""

    smooth: tuple[Limit, ...] = ()
    batch: BatchPause | None = None
    days: tuple[DayCap, ...] = ()
    counters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Grant:
    """The throttle's answer.

    count: messages that may leave, at first_us, first_us + interval_us, … (microseconds since 1970 UTC, the database's
    clock), each at most tolerance_us late (None: no matter). When count is 0, next_us says when to ask again. label:
    the limit that binds, "" when none does.
    """

    count: int
    first_us: int = 0
    interval_us: int = 0
    tolerance_us: int | None = None
    next_us: int = 0
    label: str = ""


def per(key: str, count: int, window_seconds: int, label: str) -> Limit:
    """A limit of `count` messages in every sliding window."""
    tolerance_us = SECOND_US // 10 if window_seconds == 1 else SECOND_US
    return Limit(key, -(-(window_seconds * SECOND_US + tolerance_us) // count), tolerance_us, label, count)


@dataclass(frozen=True, slots=True)
class Kept:
    """What earlier slots left behind: when the next one may be, how many are left in the batch (0: a new one begins),
    and the cells of each daily cap by its key."""

    next_us: int = 0
    left_in_batch: int = 0
    used_today: Mapping[str, Cells] = field(default_factory=dict)


def grant_slots(
    limits: Limits, buckets: Mapping[str, tuple[int, int]], used_today: Mapping[str, Cells], now_us: int, want: int
) -> Grant:
    """Decide how many of `want` messages may leave within the next second. Pure.

    buckets: key -> (next_us, left_in_batch). used_today: the cells of each daily cap by its key.
    """
    first, label = now_us, ""
    for key, name in [(limit.key, limit.label) for limit in limits.smooth] + (
        [(limits.batch.key, limits.batch.label)] if limits.batch else []
    ):
        if buckets.get(key, (0, 0))[0] > first:
            first, label = buckets[key][0], name
    if first > now_us + HORIZON_US // 10:
        return Grant(0, next_us=first, label=label)
    slowest = max(limits.smooth, key=lambda limit: limit.interval_us, default=None)
    interval = slowest.interval_us if slowest else 0
    count = min(want, (now_us + HORIZON_US - first) // interval + 1) if interval else want
    if slowest and count < want:
        label = slowest.label
    if limits.batch:
        left = buckets.get(limits.batch.key, (0, 0))[1] or limits.batch.size
        count, label = min(count, left), limits.batch.label if left < count else label
    free = {day: free_of(day, used_today.get(day.key, ()), now_us) for day in limits.days}
    if full := [(opens_us(day, used_today[day.key], now_us), day.label_at(now_us)) for day in free if free[day] <= 0]:
        next_us, label = max(full)
        return Grant(0, next_us=next_us, label=label)
    for day in free:
        count, label = min(count, free[day]), day.label_at(now_us) if free[day] < count else label
    tolerance = min((limit.tolerance_us for limit in limits.smooth), default=None)
    return Grant(count, first, interval, tolerance, label=label)


def oldest_cell(now: datetime) -> int:
    """The oldest cell that counts for a daily cap: a day and one cell, because what was granted in its last moment
    leaves some minutes later."""
    return (int(now.timestamp()) - DAY_SECONDS - CELL_SECONDS) // CELL_SECONDS


def freed_us(cell: int) -> int:
    """When what was granted in a cell of a daily cap counts no more, in microseconds since 1970."""
    return (cell * CELL_SECONDS + DAY_SECONDS + 2 * CELL_SECONDS) * SECOND_US


def opens_us(cap: DayCap, used: Cells, now_us: int) -> int:
    """When a daily cap that is used up is to be asked again: what its oldest cell holds counts no more, or it grows."""
    freed, grows = freed_us(used[0][0]), cap.grows_us(now_us)
    return freed if grows is None else min(freed, grows)


def free_of(cap: DayCap, used: Cells, now_us: int) -> int:
    """How many slots a daily cap still has beside those in these cells; less than none when it was lowered."""
    return cap.at(now_us) - sum(granted for _, granted in used)


def take(limits: Limits, now: datetime, want: int) -> Grant:
    """Grant slots and keep account of them in this transaction. now: the database's clock."""
    if not limits.smooth and limits.batch is None and not limits.days:
        return Grant(want)
    now_us, days = to_us(now), [day.key for day in limits.days]
    buckets = locked_buckets(sorted(_bucket_keys(limits) + days))  # a cap's row is the lock of all its cells
    _forget(days, oldest_cell(now))
    granted = grant_slots(limits, buckets, cells_of(days, now), now_us, want)
    if granted.count:
        _keep(limits, granted, buckets, now)
    return granted


def to_us(moment: datetime) -> int:
    """Microseconds since 1970 of an aware time."""
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))


def from_us(moment_us: int) -> datetime:
    """The aware UTC time of microseconds since 1970."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=moment_us)


def locked_buckets(keys: Sequence[str]) -> dict[str, tuple[int, int]]:
    """The state of these limits (next_us, left_in_batch), made where there is none, locked. keys: in order."""
    if not keys:
        return {}
    # always in the order of the keys, so that two claims cannot wait for each other
    query = select(ThrottleBucket.key, ThrottleBucket.next_us, ThrottleBucket.left_in_batch)
    found = {
        key: (next_us, left)
        for key, next_us, left in db.session.execute(
            query.where(ThrottleBucket.key.in_(keys)).order_by(ThrottleBucket.key).with_for_update()
        )
    }
    for key in keys:
        if key not in found:
            _make_bucket(key)
            row = db.session.execute(query.where(ThrottleBucket.key == key).with_for_update()).one()
            found[key] = (row.next_us, row.left_in_batch)
    return found


def _make_bucket(key: str) -> None:
    try:
        with db.session.begin_nested():
            db.session.execute(insert(ThrottleBucket).values(key=key, next_us=0, left_in_batch=0))
    except IntegrityError:  # another claim made it at the same moment
        return


def _forget(keys: Collection[str], oldest: int) -> None:
    if keys:
        db.session.execute(delete(ThrottleCell).where(ThrottleCell.key.in_(keys), ThrottleCell.cell < oldest))


def cells_of(keys: Collection[str], now: datetime) -> dict[str, list[tuple[int, int]]]:
    """The cells of these daily caps, each key's oldest first; one of which nothing was granted is left out."""
    found: dict[str, list[tuple[int, int]]] = {}
    query = select(ThrottleCell.key, ThrottleCell.cell, ThrottleCell.granted).where(ThrottleCell.key.in_(keys))
    query = query.where(ThrottleCell.cell >= oldest_cell(now)).order_by(ThrottleCell.key, ThrottleCell.cell)
    for key, cell, granted in db.session.execute(query) if keys else ():
        found.setdefault(key, []).append((cell, granted))
    return found


def _keep(limits: Limits, granted: Grant, buckets: dict[str, tuple[int, int]], now: datetime) -> None:
    last_us = granted.first_us + (granted.count - 1) * granted.interval_us
    for limit in limits.smooth:
        set_bucket(limit.key, last_us + limit.interval_us, 0)
    if limits.batch:
        left = (buckets[limits.batch.key][1] or limits.batch.size) - granted.count
        set_bucket(limits.batch.key, last_us + limits.batch.pause_us if left == 0 else 0, left)
    now_second = int(now.timestamp())
    for day in limits.days:
        _count(day.key, now_second // CELL_SECONDS, granted.count)
    for counter in limits.counters:
        for second, count in by_second(granted):
            _count(counter, second, count)
    _forget(limits.counters, now_second - HOUR_SECONDS)


def by_second(granted: Grant) -> list[tuple[int, int]]:
    """How many of these slots lie in each second since 1970. Pure."""
    slots = range(granted.first_us, granted.first_us + granted.count * granted.interval_us, granted.interval_us)
    return sorted(Counter(slot // SECOND_US for slot in slots).items())


def _count(key: str, cell: int, granted: int) -> None:
    added = update(ThrottleCell).where(ThrottleCell.key == key, ThrottleCell.cell == cell)
    if not db.session.execute(added.values(granted=ThrottleCell.granted + granted)).rowcount:
        db.session.execute(insert(ThrottleCell).values(key=key, cell=cell, granted=granted))


def set_bucket(key: str, next_us: int, left: int) -> None:
    """Keep the state of a limit that is locked."""
    db.session.execute(
        update(ThrottleBucket).where(ThrottleBucket.key == key).values(next_us=next_us, left_in_batch=left)
    )


def kept(limits: Limits, now: datetime) -> Kept:
    """What holds for the next slot under these limits, read without locking anything."""
    return kept_of([limits], now)[0]


def kept_of(many: Sequence[Limits], now: datetime) -> list[Kept]:
    """The same for several campaigns, in two statements."""
    keys = {key for limits in many for key in _bucket_keys(limits)}
    query = select(ThrottleBucket.key, ThrottleBucket.next_us, ThrottleBucket.left_in_batch)
    rows = db.session.execute(query.where(ThrottleBucket.key.in_(keys))) if keys else ()
    buckets = {key: (next_us, left) for key, next_us, left in rows}
    cells = cells_of({day.key for limits in many for day in limits.days}, now)
    return [
        Kept(
            next_us=max((buckets[key][0] for key in _bucket_keys(limits) if key in buckets), default=0),
            left_in_batch=buckets.get(limits.batch.key, (0, 0))[1] if limits.batch else 0,
            used_today={day.key: cells.get(day.key, ()) for day in limits.days},
        )
        for limits in many
    ]


def _bucket_keys(limits: Limits) -> list[str]:
    return [limit.key for limit in limits.smooth] + ([limits.batch.key] if limits.batch else [])


def granted_today(key: str, now: datetime) -> int:
    """How many slots of a daily cap were granted in the last 24 hours."""
    cells = (ThrottleCell.key == key, ThrottleCell.cell >= oldest_cell(now))
    total = select(func.sum(ThrottleCell.granted)).where(*cells)
    return db.session.scalar(total) or 0
