"""The filters of lists: what a person or a program may ask about a column. A value that the column cannot hold finds
nothing, where FAB would compare with NULL, leave the filter away or let the database fail."""

import math
import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from flask_appbuilder.models.filters import BaseFilter
from flask_appbuilder.models.sqla import filters as fab
from flask_babel import lazy_gettext as _l
from sqlalchemy import false

from app.web import dates

NUMBER = re.compile(r"-?[0-9]{1,18}")  # what a column of 64 bits holds, and some more
YES_OR_NO = {True: True, False: False, "y": True, "n": False, "true": True, "false": False, "1": True, "0": False}


def number(value: Any) -> int | None:
    """A whole number, such as an id in an address; None for what is none or too large for any column."""
    text = str(value)
    return int(text) if NUMBER.fullmatch(text) else None


def _fraction(value: Any) -> float | None:
    found = float(str(value))
    return found if math.isfinite(found) else None


def _moment(value: Any) -> datetime:
    return datetime.fromisoformat(str(value)).replace(tzinfo=None)


# What a column is, as FAB asks for it -> how its values are read; a ValueError says that a text is none.
READERS: dict[str, Callable[[Any], Any]] = {
    "is_integer": number,
    "is_float": _fraction,
    "is_numeric": _fraction,
    "is_boolean": YES_OR_NO.get,
    "is_date": lambda value: date.fromisoformat(str(value)),
    "is_datetime": _moment,
    "is_text": str,
    "is_string": str,
}


class _Typed:
    """A comparison with a value of the column's own type."""

    datamodel: Any
    column_name: str

    def apply(self, query: Any, value: Any) -> Any:
        typed = self._read(value)
        return query.filter(false()) if typed is None else super().apply(query, typed)  # type: ignore[misc]

    def _read(self, value: Any) -> Any:
        read = next(read for kind, read in READERS.items() if getattr(self.datamodel, kind)(self.column_name))
        try:
            return read(value)
        except ValueError:
            return None


class Equal(_Typed, fab.FilterEqual):
    """The value is this."""


class NotEqual(_Typed, fab.FilterNotEqual):
    """The value is another one."""


class Greater(_Typed, fab.FilterGreater):
    """The value is greater."""


class Smaller(_Typed, fab.FilterSmaller):
    """The value is smaller."""


class _Related(_Typed):
    """A comparison with a row of another table, which is named by its id."""

    def _read(self, value: Any) -> Any:
        pk = number(value)
        return pk if pk is not None and self.datamodel.get_related_obj(self.column_name, pk) is not None else None


class IsOf(_Related, fab.FilterRelationOneToManyEqual):
    """Belongs to this one."""


class IsNotOf(_Related, fab.FilterRelationOneToManyNotEqual):
    """Belongs to another one."""


class IsAmong(_Related, fab.FilterRelationManyToManyEqual):
    """Is connected with this one."""


class _Like:
    """A comparison of texts that an index on the column can answer, and that takes % and _ for what they are.

    FAB compares lower(column), which no index knows; the collations of our columns know no case.
    """

    model: Any
    column_name: str
    pattern = "%{}%"
    is_negated = False

    def apply(self, query: Any, value: Any) -> Any:
        escaped = str(value).replace("/", "//").replace("%", "/%").replace("_", "/_")
        is_like = getattr(self.model, self.column_name).like(self.pattern.format(escaped), escape="/")
        return query.filter(~is_like if self.is_negated else is_like)


class StartsWith(_Like, fab.FilterStartsWith):
    """The text begins so."""

    pattern = "{}%"


class EndsWith(_Like, fab.FilterEndsWith):
    """The text ends so."""

    pattern = "%{}"


class Contains(_Like, fab.FilterContains):
    """The text has this somewhere."""


class NotStartsWith(_Like, fab.FilterNotStartsWith):
    """The text begins otherwise."""

    pattern, is_negated = "{}%", True


class NotEndsWith(_Like, fab.FilterNotEndsWith):
    """The text ends otherwise."""

    pattern, is_negated = "%{}", True


class NotContains(_Like, fab.FilterNotContains):
    """The text has this nowhere."""

    is_negated = True


TEXT_FILTERS = [StartsWith, EndsWith, Contains, Equal, NotStartsWith, NotEndsWith, NotContains, NotEqual]
ORDER_FILTERS = [Equal, Greater, Smaller, NotEqual]


class EnumIs(BaseFilter):
    """The column has exactly this value; an unknown value matches nothing."""

    name = _l("is")
    arg_name = "eq"
    is_negated = False

    def apply(self, query: Any, value: Any) -> Any:
        column = getattr(self.model, self.column_name)
        kind = column.type.kind
        if value not in set(kind):
            return query if self.is_negated else query.filter(column.is_(None), column.is_not(None))
        return query.filter(column != kind(value) if self.is_negated else column == kind(value))


class EnumIsNot(EnumIs):
    """The column has another value than this."""

    name = _l("is not")
    arg_name = "neq"
    is_negated = True


class AppFilterConverter(fab.SQLAFilterConverter):
    """Which filters a column has, by its kind; one of another kind has none."""

    conversion_table: tuple[tuple[str, list[type[BaseFilter]]], ...] = (
        ("is_enum_text", [EnumIs, EnumIsNot]),  # FAB takes them for free text and crashes
        ("is_moment", [dates.After, dates.Before]),
        ("is_relation_many_to_one", [IsOf, IsNotOf]),
        ("is_relation_one_to_one", [IsOf, IsNotOf]),
        ("is_relation_many_to_many", [IsAmong]),
        ("is_relation_one_to_many", [IsAmong]),
        ("is_text", TEXT_FILTERS),
        ("is_string", TEXT_FILTERS),
        ("is_integer", ORDER_FILTERS),
        ("is_float", ORDER_FILTERS),
        ("is_numeric", ORDER_FILTERS),
        ("is_date", ORDER_FILTERS),
        ("is_datetime", ORDER_FILTERS),
        ("is_boolean", [Equal, NotEqual]),
        ("is_anything", []),  # without it FAB warns of every other column at every request
    )
