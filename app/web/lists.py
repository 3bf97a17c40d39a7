"""Lists over tables of any size: what matches is counted up to a bound, a page is found by its ids, related rows come
in one statement, and a question that takes too long is given up."""

import copy
import logging
import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from flask import abort, g, has_request_context, request
from flask_appbuilder import ModelView, expose
from flask_appbuilder.models.filters import Filters
from flask_appbuilder.models.sqla.interface import SQLAInterface
from sqlalchemy import JSON, Index, LargeBinary, Text, asc, desc, func
from sqlalchemy.orm import Query, defer, joinedload, selectinload
from sqlalchemy.sql.elements import ColumnElement

from app.kernel.db import EnumText
from app.kernel.errors import InvalidInput
from app.kernel.patience import TookTooLong, patience
from app.kernel.texts import N_
from app.web import dates
from app.web.filters import AppFilterConverter, StartsWith, number

log = logging.getLogger(__name__)

MOST = 10_000  # entries that a list counts, and lets people page through
FEW = 500  # that match a filter are remembered, so that a rare thing is searched for once and not twice
SECONDS = 3.0
WIDE = (Text, LargeBinary, JSON)
MOST_ROWS = 100  # of a page
ARGUMENT = re.compile("(_flt_|_oc_|_od_|psize_|page_)(.*)", re.S)


class Count(int):
    """How many entries a list has. has_more: there are more than it counts; took_too_long: nobody knows how many."""

    has_more = False
    took_too_long = False


def too_many() -> Count:
    """More than a list counts."""
    count = Count(MOST)
    count.has_more = True
    return count


def unknown() -> Count:
    """The count of a list that was given up."""
    count = Count(0)
    count.took_too_long = True
    return count


class AppInterface(SQLAInterface):
    """FAB's view of a table, made for tables of a million rows and knowing our column types."""

    filter_converter_class = AppFilterConverter
    shown_columns: Sequence[str] = ()  # those of the list; what else is wide is not read
    seconds = SECONDS

    def query(
        self,
        filters: Filters | None = None,
        order_column: str = "",
        order_direction: str = "",
        page: int | None = None,
        page_size: int | None = None,
        select_columns: list[str] | None = None,
        outer_default_load: bool = False,
    ) -> tuple[int, list[Any]]:
        """A page and how many there are, as FAB asks for it; those of a list are bounded (Count)."""
        active = list(filters.filters) if filters is not None else []
        order = self._order(active, order_column, order_direction)
        if select_columns or not page_size or not order:  # an API, or all rows of a small table
            return super().query(
                filters, order_column, order_direction, page, page_size, select_columns, outer_default_load
            )
        part = (page or 0) * page_size, page_size
        if part[0] >= MOST:
            raise InvalidInput(N_("The pages of a list end at entry %(most)s. Filter it to see others."), most=MOST)
        matching = self.apply_filters(self.session.query(self.get_pk()), filters)
        try:
            with patience(self.seconds):
                return self._found(matching, order, *part) if active else self._all(matching, order, *part)
        except TookTooLong:
            columns = sorted({each.column_name for each in active})
            log.warning("a list was given up", extra={"table": self.obj.__tablename__, "columns": columns})
            return unknown(), []

    def _all(self, matching: Query[Any], order: list[Any], offset: int, limit: int) -> tuple[Count, list[Any]]:
        count = self._count(matching)
        if count <= FEW:
            return count, list(self._whole().order_by(*order).offset(offset).limit(limit))
        return count, self._page(matching, order, offset, limit)

    def _found(self, matching: Query[Any], order: list[Any], offset: int, limit: int) -> tuple[Count, list[Any]]:
        # One way through what may match, for the count and for the rows: a second one would cost as much again.
        ids = [row[0] for row in matching.limit(MOST + 1)]
        count = too_many() if len(ids) > MOST else Count(len(ids))
        if count > FEW:
            return count, self._page(matching, order, offset, limit)
        rows = self._whole().filter(self.get_pk().in_(ids)).order_by(*order).offset(offset).limit(limit)
        return count, list(rows) if ids else []

    def _count(self, matching: Query[Any]) -> Count:
        some = matching.limit(MOST + 1).subquery()
        found: int = self.session.query(func.count()).select_from(some).scalar()
        return too_many() if found > MOST else Count(found)

    def _page(self, matching: Query[Any], order: list[Any], offset: int, limit: int) -> list[Any]:
        # The ids alone first: an index has them, while whole rows would be read only to be passed over.
        ids = [row[0] for row in matching.order_by(*order).offset(offset).limit(limit)]
        return list(self._whole().filter(self.get_pk().in_(ids)).order_by(*order)) if ids else []

    def _whole(self) -> Query[Any]:
        query = self.session.query(self.obj)
        for name in self.shown_columns:
            if self.is_relation(name):
                is_one = self.is_relation_many_to_one(name) or self.is_relation_one_to_one(name)
                query = query.options((joinedload if is_one else selectinload)(getattr(self.obj, name)))
        if self.shown_columns:
            wide = [name for name, column in self.list_columns.items() if isinstance(column.type, WIDE)]
            query = query.options(*(defer(getattr(self.obj, each)) for each in wide if each not in self.shown_columns))
        return query

    def _order(self, active: Sequence[Any], name: str, direction: str) -> list[ColumnElement[Any]]:
        """An order that an index has, so that the database need not sort a million rows: all its columns, then the id.

        What is searched for by its beginning comes in the order of the alphabet unless the person chose another one.
        Empty for what is no column.
        """
        pk = self.get_pk_name()
        name = name or pk
        if name not in self.list_columns:
            return []
        if name == pk:
            begun = (each.column_name for each in active if isinstance(each, StartsWith))
            name, direction = next(((each, "asc") for each in begun if self._index_of(each)), (name, direction))
        index = self._index_of(name)
        names = [column.key for column in index.columns] if index is not None else [name]
        way = asc if direction == "asc" else desc
        return [way(getattr(self.obj, each)) for each in dict.fromkeys([*names, pk])]

    def _index_of(self, name: str) -> Index | None:
        table = self.obj.__table__
        return next((index for index in table.indexes if next(iter(index.columns)).key == name), None)

    def get(self, id: Any, filters: Filters | None = None, *args: Any, **kwargs: Any) -> Any:  # FAB's name
        """The row of that id; None when there is none, as when it cannot be an id."""
        return super().get(id, filters, *args, **kwargs) if number(id) is not None else None

    @staticmethod
    def _get_attr_value(item: Any, col: str) -> Any:
        # FAB takes the bare value of an enum, which says no more whose words it needs.
        found = getattr(item, col, None)
        return found if isinstance(found, StrEnum) else SQLAInterface._get_attr_value(item, col)

    def is_anything(self, _name: str) -> bool:
        """True: what no other row of the filters' table knows cannot be searched."""
        return True

    def is_moment(self, name: str) -> bool:
        """Whether that column holds a time of ours, which is aware."""
        column = self.list_columns.get(name)
        return column is not None and dates.holds_moments(column)

    def is_enum_text(self, name: str) -> bool:
        """Whether that column holds a StrEnum."""
        column = self.list_columns.get(name)
        return column is not None and isinstance(column.type, EnumText)


class OwnFilters:
    """Filters that belong to one request."""

    _filters_prototype: Filters | None = None  # FAB looks at every attribute of an API before it sets this one

    @property
    def _filters(self) -> Filters:
        # FAB keeps the filters of a request on the view, where two threads would share them.
        if not has_request_context():
            return self._filters_prototype
        mine: dict[int, Filters] = g.setdefault("filters_by_view", {})
        if id(self) not in mine:
            mine[id(self)] = copy.copy(self._filters_prototype)
            mine[id(self)].clear_filters()
        return mine[id(self)]

    @_filters.setter
    def _filters(self, value: Filters) -> None:
        self._filters_prototype = value


class TableView(OwnFilters, ModelView):
    """What the pages of every table share, ours and FAB's own: a made-up address is refused, an action has its rows."""

    actions: dict[str, Any]
    datamodel: AppInterface

    def __init__(self, **kwargs: Any) -> None:
        if not isinstance(self.datamodel, AppInterface):  # FAB sets those of its own views
            self.datamodel = AppInterface(self.datamodel.obj)
        super().__init__(**kwargs)
        self.datamodel.shown_columns = self.list_columns

    def create_blueprint(self, *args: Any, **kwargs: Any) -> Any:
        """Its pages, each with the check of its address."""
        blueprint = super().create_blueprint(*args, **kwargs)
        blueprint.before_request(self._check_arguments)
        return blueprint

    def _check_arguments(self) -> None:
        # FAB would answer with a 500 or with the whole table.
        if not all(self.is_readable(*each) for each in request.args.items(multi=True)):
            abort(400)

    def is_readable(self, name: str, value: str) -> bool:
        """Whether an argument of an address says something that this page can be asked."""
        found = ARGUMENT.search(name)  # anywhere, as FAB does
        if found is None:
            return True
        kind, rest = found.groups()
        match kind:
            case "page_":
                return re.fullmatch("[0-9]{1,5}", value) is not None
            case "psize_":
                return value.isascii() and value.isdecimal() and 1 <= int(value[:4]) <= MOST_ROWS
            case "_od_":
                return value in ("asc", "desc")
            case "_oc_":
                listed = next((each for each in self.appbuilder.baseviews if type(each).__name__ == rest), None)
                return value in getattr(listed, "order_columns", ())
        number_, _, column = rest.partition("_")
        is_list = request.endpoint == f"{self.endpoint}.list"  # a form is filled with other columns too
        known = self._filters.get_search_filters() if is_list else self._filters._all_filters
        return re.fullmatch("[0-9]", number_) is not None and int(number_) < len(known.get(column, ()))

    def _item(self, pk: Any) -> Any:
        item = self.datamodel.get(pk, self._base_filters)
        return item if item is not None else abort(404)

    def _checked_action(self, name: str) -> Any:
        action = self.actions.get(name)
        if action is None:
            abort(404)
        if not self.appbuilder.sm.has_access(self.get_action_permission_name(name), self.class_permission_name):
            abort(403)
        return action

    @expose("/action/<string:name>/<pk>", methods=["POST"])
    def action(self, name: str, pk: Any) -> Any:
        """An action from the show page."""
        action = self._checked_action(name)
        item = self._item(pk)
        return action.func([item] if action.multiple else item)

    @expose("/action_post", methods=["POST"])
    def action_post(self) -> Any:
        """An action on the rows chosen in the list."""
        action = self._checked_action(request.form.get("action", ""))
        if not action.multiple:
            abort(404)
        return action.func([self._item(pk) for pk in request.form.getlist("rowid")])
