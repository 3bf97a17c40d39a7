"""Dates and times in forms and filters that FAB makes from a table: our picker, and times of the person's zone.

FAB's picker gives no value that its own form takes, and its filters would compare our times without a zone.
"""

from datetime import UTC, datetime
from typing import Any

from flask_appbuilder.forms import FieldConverter
from flask_appbuilder.models.filters import BaseFilter
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from wtforms import DateField, DateTimeLocalField
from wtforms.widgets import TextInput

from app.kernel.db import UtcDateTime
from app.web import place
from app.web.forms.fields import FORMATS, picked

DATES = {"is_date", "is_datetime"}


class PickedDate(TextInput):
    """A text field in which the page's picker writes a date."""

    kind = "data-date"

    def __call__(self, field: Any, **kwargs: Any) -> Markup:
        return super().__call__(field, **{**picked(self.kind), **kwargs})


class PickedMoment(PickedDate):
    """The same for a date with a time."""

    kind = "data-datetime"


class MomentField(DateTimeLocalField):
    """A date with a time, as the picker and as people write it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"format": FORMATS, **kwargs})


def use_pickers() -> None:
    """Let FAB's forms over tables use these fields; to be called before it makes its first view."""
    kept = [row for row in FieldConverter.conversion_table if row[0] not in DATES]
    ours = (("is_date", DateField, PickedDate), ("is_datetime", MomentField, PickedMoment))
    FieldConverter.conversion_table = (*kept, *ours)


class After(BaseFilter):
    """The time is at or after this one, which is written by the clocks of the person's zone."""

    name = _l("from")
    arg_name = "gt"

    def apply(self, query: Any, value: Any) -> Any:
        column, moment = getattr(self.model, self.column_name), moment_of(value)
        if moment is None:
            return query.filter(column.is_(None), column.is_not(None))
        return query.filter(self._compare(column, moment))

    def _compare(self, column: Any, moment: datetime) -> Any:
        return column >= moment


class Before(After):
    """The time is before this one."""

    name = _l("before")
    arg_name = "lt"

    def _compare(self, column: Any, moment: datetime) -> Any:
        return column < moment


def moment_of(text: str) -> datetime | None:
    """A time by the clocks of the person's zone as aware UTC; None for what is none."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=place.zone())).astimezone(UTC)


def holds_moments(column: Any) -> bool:
    """Whether a column of a table is one of ours for times, which are aware."""
    return isinstance(column.type, UtcDateTime)
