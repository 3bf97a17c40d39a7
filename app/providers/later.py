"""Steps that are to be taken at some time, one after the other, in a thread of their own."""

import heapq
import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from app.kernel import clock

MOST_TRIES = 8
PAUSE_SECONDS = 1.0  # before the second try, twice that before the third, and so on


@dataclass(order=True, slots=True)
class _Step:
    due: float
    number: int
    take: Callable[[], bool] = field(compare=False)
    tries: int = field(default=0, compare=False)


class Later:
    """Takes each step at its time. A step that says False is taken again, up to MOST_TRIES times."""

    def __init__(self) -> None:
        self._steps: list[_Step] = []
        self._changed, self._numbers = threading.Condition(), itertools.count()
        self._is_over = False

    def add(self, seconds: float, take: Callable[[], bool]) -> None:
        """Take this step in so many seconds. It must not raise."""
        self._push(_Step(clock.steady() + seconds, next(self._numbers), take))

    def run(self) -> None:
        """Take steps until end()."""
        while (step := self._next()) is not None:
            if not step.take() and step.tries + 1 < MOST_TRIES:
                step.tries += 1
                step.due = clock.steady() + PAUSE_SECONDS * 2 ** (step.tries - 1)
                self._push(step)

    def end(self) -> None:
        """Take no more steps; those that are left are lost."""
        with self._changed:
            self._is_over = True
            self._changed.notify()

    def _push(self, step: _Step) -> None:
        with self._changed:
            heapq.heappush(self._steps, step)
            self._changed.notify()

    def _next(self) -> _Step | None:
        with self._changed:
            while not self._is_over:
                wait = self._steps[0].due - clock.steady() if self._steps else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._steps)
                self._changed.wait(wait)
        return None


@contextmanager
def running() -> Iterator[Later]:
    """One that runs until the end of the context."""
    later = Later()
    thread = threading.Thread(target=later.run)
    thread.start()
    try:
        yield later
    finally:
        later.end()
        thread.join()
