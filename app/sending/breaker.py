"""The breaker of a sender: after a provider-level failure it is left alone, then tried by one probe. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

FIRST_SECONDS = 30
LONGEST_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Breaker:
    """State kept with the account. open_until None: closed."""

    open_until: datetime | None = None
    open_seconds: int = 0


CLOSED = Breaker()


def is_blocking(breaker: Breaker, now: datetime) -> bool:
    """Whether nobody may use the sender now."""
    return breaker.open_until is not None and breaker.open_until > now


def is_probe(breaker: Breaker, now: datetime) -> bool:
    """Whether the next use is the one probe."""
    return breaker.open_until is not None and breaker.open_until <= now


def probing(breaker: Breaker, now: datetime) -> Breaker:
    """The state while the probe runs: blocked for all others as long as the last opening."""
    return Breaker(now + timedelta(seconds=max(breaker.open_seconds, FIRST_SECONDS)), breaker.open_seconds)


def opened(breaker: Breaker, now: datetime) -> Breaker:
    """The state after a failure: 30 seconds, doubling up to 15 minutes."""
    seconds = min(max(breaker.open_seconds * 2, FIRST_SECONDS), LONGEST_SECONDS)
    return Breaker(now + timedelta(seconds=seconds), seconds)
