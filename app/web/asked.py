"""What the address of a page asks for, read strictly: numbers, ids, days and values of enums. Most raise NotFound for
what no link of ours says."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import TypeVar
from zoneinfo import ZoneInfo

from app.kernel.errors import NotFound

E = TypeVar("E", bound=StrEnum)

MAX_NUMBER = 2**31 - 1


def number(value: str, least: int, most: int = MAX_NUMBER) -> int:
    """A whole number that a column can hold, within these."""
    found = row_id(value)
    if found is None or not least <= found <= most:
        raise NotFound("There is no such page. Start at the first one.")
    return found


def row_id(value: str) -> int | None:
    """The id of a row, or another number from 0 on that a column can hold; None for what is none."""
    is_number = value.isascii() and value.isdigit() and len(value) <= 10  # "²" is a digit too, and no number
    return int(value) if is_number and int(value) <= MAX_NUMBER else None


def row_ids(values: Iterable[str]) -> list[int]:
    """The ids among them, in their order."""
    return [found for found in map(row_id, values) if found is not None]


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
