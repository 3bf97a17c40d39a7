"""What the address of a page asks for, read strictly: numbers, days and values of enums. Raises NotFound for what no
link of ours says."""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import TypeVar
from zoneinfo import ZoneInfo

from app.kernel.errors import NotFound

E = TypeVar("E", bound=StrEnum)

MAX_NUMBER = 2**31 - 1


def number(value: str, least: int) -> int:
    """A whole number that a column can hold, at least this."""
    if not value.isascii() or not value.isdigit() or len(value) > 10 or not least <= int(value) <= MAX_NUMBER:
        raise NotFound("There is no such page. Start at the first one.")
    return int(value)


def one_of(kind: type[E], value: str) -> E | None:
    """A value of an enum; None for nothing."""
    if not value:
        return None
    if value not in set(kind):
        raise NotFound("There is no such state. Choose one from the list.")
    return kind(value)


def midnight(value: str, zone: ZoneInfo, later: timedelta = timedelta()) -> datetime | None:
    """The beginning of a day in a zone, or of one that comes later, as aware UTC; None for nothing."""
    if not value:
        return None
    try:
        day = date.fromisoformat(value) + later
        return datetime.combine(day, time(), zone).astimezone(UTC)
    except (ValueError, OverflowError):
        raise NotFound("This is not a date. Write it like 2026-11-23.") from None
