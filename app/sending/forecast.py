"""When the messages of a campaign will leave, without asking for each of them. Pure.

The same decisions as schedule.next_opening and throttle.grant_slots, taken for a whole stretch of the calendar at once:
how many slots lie in it follows from the interval, the batches and their pauses. Only a limit per day cuts a stretch
into the cells of a quarter of an hour in which it is counted.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.campaigns.schedule import Window, openings
from app.sending.throttle import (
    CELL_SECONDS,
    SECOND_US,
    Cells,
    DayCap,
    Kept,
    Limits,
    free_of,
    freed_us,
    from_us,
    opens_us,
    to_us,
)

HORIZON = timedelta(days=3653)  # ten years: whoever is not reached by then is not waited for
MOST_CELLS = 5000  # of a limit per day, about half a year; from there on the mean pace so far goes on
NOTHING_KEPT = Kept()
_CELL_US = CELL_SECONDS * SECOND_US
_DAY_US = freed_us(0) + _CELL_US  # no slots so far apart count for the same limit per day


@dataclass(frozen=True, slots=True)
class Forecast:
    """What will happen, if the server answers and nothing else is sent through the account.

    people: who waits; missed: those of them who are not reached before the calendar ends, or within ten years.
    first_at, last_at: when the first and the last of the others get their message (aware UTC); None when nobody does.
    is_paced: False when nothing but the server says how fast they leave: then last_at is no more than first_at.
    """

    people: int
    missed: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    is_paced: bool = True


def forecast(people: int, window: Window, limits: Limits, now: datetime, kept: Kept = NOTHING_KEPT) -> Forecast:
    """When `people` messages leave from now on (aware UTC). kept: what earlier slots left behind."""
    run = _Run(people, limits, kept, to_us(now))
    horizon = now + HORIZON
    for opens, closes in openings(now, window):
        if not run.left or opens >= horizon or run.cells_walked >= MOST_CELLS:
            break
        run.go_through(to_us(opens), to_us(min(closes or horizon, horizon)))
    if run.first_us is None:
        return Forecast(people, missed=people)
    if run.left and run.cells_walked >= MOST_CELLS:
        run.go_on_evenly(to_us(min(window.valid_until or horizon, horizon)))
    return Forecast(
        people,
        missed=run.left,
        first_at=from_us(run.first_us),
        last_at=from_us(run.last_us),
        is_paced=bool(limits.smooth or limits.batch or limits.days),
    )


@dataclass(frozen=True, slots=True)
class Spread:
    """How messages lie in stretches of time. counts: how many leave between each edge and the next.

    first_at, last_at: the first and the last of those who leave before the last edge (aware UTC); None when nobody
    does. left: how many do not leave before it.
    """

    counts: tuple[int, ...]
    left: int
    first_at: datetime | None = None
    last_at: datetime | None = None


def spread(
    people: int, window: Window, limits: Limits, now: datetime, edges: Sequence[datetime], kept: Kept = NOTHING_KEPT
) -> Spread:
    """The same forecast, looked at up to the last of the edges (aware UTC, in order) and counted between them."""
    run, bounds = _Run(people, limits, kept, to_us(now)), [to_us(edge) for edge in edges]
    counts = [0] * len(bounds)  # the first of them: before the first edge
    for opens, closes in openings(now, window):
        at, end = to_us(opens), min(to_us(closes), bounds[-1]) if closes else bounds[-1]
        if not run.left or at >= bounds[-1]:
            break
        while run.left and at < end:
            cell = bisect_right(bounds, at)
            until, before = min(end, bounds[cell]), run.left
            run.go_through(at, until)
            counts[cell] += before - run.left
            at = until
    if run.first_us is None:
        return Spread(tuple(counts[1:]), run.left)
    return Spread(tuple(counts[1:]), run.left, from_us(run.first_us), from_us(run.last_us))


class _Run:
    """The messages on their way through the calendar."""

    def __init__(self, people: int, limits: Limits, kept: Kept, now_us: int) -> None:
        self.left = people
        self.first_us: int | None = None
        self.last_us = 0
        self.cells_walked = 0  # since no limit grows any more
        self._even_us = self._even_left = 0  # from where on its pace is the same
        self._next_us = kept.next_us
        self._interval = max((limit.interval_us for limit in limits.smooth), default=0)
        self._size = limits.batch.size if limits.batch else 0
        self._left_in_batch = self._size
        self._pause = max(limits.batch.pause_us, self._interval) if limits.batch else 0
        caps = [_Cap(day, kept.used_today.get(day.key, ()), now_us) for day in limits.days]
        self._caps = [cap for cap in caps if self._slots_within(_DAY_US) > cap.free]  # the others never bind
        self._left_in_batch = kept.left_in_batch or self._size

    def go_through(self, opens_us: int, closes_us: int) -> None:
        """Give everybody a slot for whom this stretch has one."""
        at = max(opens_us, self._next_us)
        while self.left and at < closes_us and self.cells_walked < MOST_CELLS:
            until, most = closes_us, self.left
            is_growing = any(cap.is_growing for cap in self._caps)
            if self._caps:
                self.cells_walked += not is_growing
                opens = max(cap.opens_us(at) for cap in self._caps)
                if opens > at:
                    at = opens
                    continue
                until = min(until, (at // _CELL_US + 1) * _CELL_US)
                most = min(most, *(cap.free for cap in self._caps))
            is_first = self.first_us is None
            self._give(at, min(self._slots_within(until - at), most))
            if is_first or is_growing:
                self._even_us, self._even_left = self.last_us, self.left
            at = max(at, self._next_us)

    def go_on_evenly(self, end_us: int) -> None:
        """Let the others follow as fast, in the mean, as those before them, once no limit grew any more."""
        took, given = self.last_us - self._even_us, self._even_left - self.left
        step = max(took // max(given, 1), 1)
        more = min(self.left, max(end_us - 1 - self.last_us, 0) // step)
        self.last_us += more * step
        self.left -= more

    def _slots_within(self, length_us: int) -> int:
        """How many slots lie in so much time that begins with one."""
        if length_us <= 0:
            return 0
        last = length_us - 1
        if not self._size:
            return last // self._interval + 1 if self._interval else self.left
        in_batch = min(self._left_in_batch, last // self._interval + 1 if self._interval else self._left_in_batch)
        last -= self._length_of(self._left_in_batch) + self._pause
        if last < 0:
            return in_batch
        whole, rest = divmod(last, self._length_of(self._size) + self._pause)
        in_next = rest // self._interval + 1 if self._interval else self._size
        return self._left_in_batch + whole * self._size + min(in_next, self._size)

    def _length_of(self, slots: int) -> int:
        """From the first to the last of slots within one batch."""
        return (slots - 1) * self._interval

    def _give(self, at: int, count: int) -> None:
        """So many slots from here on."""
        self.first_us = at if self.first_us is None else self.first_us
        pauses, is_new = 0, False
        if self._size:
            before = self._size - self._left_in_batch
            pauses, in_batch = divmod(before + count, self._size)
            is_new = in_batch == 0
            self._left_in_batch = self._size - in_batch
        inner = pauses - is_new  # the pause after the last one lies behind it
        self.last_us = at + (count - 1 - inner) * self._interval + inner * self._pause
        self._next_us = self.last_us + (self._pause if is_new else self._interval)
        self.left -= count
        for cap in self._caps:
            cap.use(at, count)


class _Cap:
    """A limit per day on its way through the calendar. free: how many slots it has left."""

    def __init__(self, day: DayCap, used: Cells, now_us: int) -> None:
        self._day = day
        self._used = deque(used)
        self._most = day.at(now_us)
        self.free = free_of(day, used, now_us)
        self.is_growing = day.grows_us(now_us) is not None

    def opens_us(self, at: int) -> int:
        """The first moment from here on at which it has a slot, as far as the oldest cell and its growth say."""
        while self._used and freed_us(self._used[0][0]) <= at:
            self.free += self._used.popleft()[1]
        if self.is_growing:
            self.free += self._day.at(at) - self._most
            self._most, self.is_growing = self._day.at(at), self._day.grows_us(at) is not None
        return at if self.free > 0 else opens_us(self._day, self._used, at)

    def use(self, at: int, count: int) -> None:
        self.free -= count
        self._used.append((at // _CELL_US, count))
