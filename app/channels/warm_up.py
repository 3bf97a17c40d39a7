"""The warm-up of a sender: how many messages each day may hold while receivers learn to know a new address. Pure."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

MOST_DAYS = 180
FURTHEST = timedelta(days=366)  # how far ahead a warm-up may begin


@dataclass(frozen=True, slots=True)
class WarmUp:
    """So many messages on the first day, growth_percent more on each day after it, until a day would hold `most`.

    Days begin at midnight UTC. Before begins_on the first day's number holds, because a sender that is to be warmed up
    is not warm before. It takes more than MOST_DAYS days only when nobody checked it (service.check_limits).
    """

    begins_on: date
    first: int
    growth_percent: int
    most: int

    @property
    def numbers(self) -> tuple[int, ...]:
        """What each day of it may hold, all of them less than `most`; never falling, rounded down."""
        return _numbers(self.first, self.growth_percent, self.most)

    @property
    def over_on(self) -> date:
        """The first day that may hold `most`."""
        return self.begins_on + timedelta(days=len(self.numbers))

    def most_on(self, day: date) -> int:
        """What may leave in the 24 hours before any moment of that day (UTC)."""
        return self.most if day >= self.over_on else self.numbers[max(self.day_of(day) - 1, 0)]

    def day_of(self, day: date) -> int:
        """Which day of the warm-up that is, from 1 on; less before it begins, more than all of them when it is over."""
        return (day - self.begins_on).days + 1


@lru_cache(maxsize=1000)
def _numbers(first: int, growth_percent: int, most: int) -> tuple[int, ...]:
    # exact, so that one message a day grows too, and no machine rounds otherwise
    found, above, below = list[int](), first, 1
    while above // below < most and len(found) <= MOST_DAYS:
        found.append(above // below)
        above, below = above * (100 + growth_percent), below * 100
    return tuple(found)
