"""Values out of what a provider reports in JSON: whatever it is, a text, a number or nothing comes out of it."""

from datetime import UTC, datetime
from typing import Any


class Malformed(ValueError):
    """The body is no report of this provider."""


def at(value: Any, *path: str) -> Any:
    """What stands under these names, one in the other; None when there is nothing."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def text(value: Any, *path: str) -> str:
    """The text under these names, "" when there is none."""
    found = at(value, *path)
    return found if isinstance(found, str) else ""


def texts(value: Any) -> list[str]:
    """The texts in a list or in the values of an object."""
    many = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [each for each in many if isinstance(each, str)]


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects in a list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def moment(value: Any) -> datetime | None:
    """A time written as seconds since 1970 or as ISO 8601 with a zone (aware, UTC); None for anything else."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except (ValueError, OverflowError, OSError):
        return None
    return found.astimezone(UTC) if found is not None and found.tzinfo is not None else None
