"""The only place that asks for the time."""

import time
from datetime import UTC, datetime

# Goes on while a virtual machine is suspended, which CLOCK_MONOTONIC does not: a lease must not look young after a nap.
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def utcnow() -> datetime:
    """The wall clock as an aware UTC time."""
    return datetime.now(UTC)


def steady() -> float:
    """Seconds on a clock that never jumps, for durations and leases; its zero means nothing."""
    return time.clock_gettime(_STEADY)
