"""How values look in lists and pages."""

from datetime import datetime
from typing import Any

from markupsafe import Markup


def moment(value: datetime | None) -> str:
    """A time to the second, with its zone."""
    return "" if value is None else f"{value:%Y-%m-%d %H:%M:%S} UTC"


def yes_no(value: Any) -> str:
    """A word for a truth value."""
    return "yes" if value else "no"


def words(value: Any) -> str:
    """An enum's value as words; nothing for nothing."""
    return "" if value is None else str(value).replace("-", " ")


def names(rows: Any) -> str:
    """The names of related rows."""
    return ", ".join(str(row) for row in rows or ())


def link(address: str, text: str) -> Markup:
    """A link with its words escaped."""
    return Markup('<a href="{}">{}</a>').format(address, text)
