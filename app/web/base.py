"""The base classes of the panel: every write is one unit of work, every AppError becomes words for a person."""

import copy
import re
from collections.abc import Callable
from typing import Any

from flask import abort, current_app, flash, g, has_request_context, redirect, request, url_for
from flask_appbuilder import BaseView, ModelView, expose
from flask_appbuilder.models.filters import BaseFilter, Filters
from flask_appbuilder.models.sqla.filters import SQLAFilterConverter
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_appbuilder.urltools import get_filter_args
from flask_login import current_user
from sqlalchemy.exc import IntegrityError
from werkzeug.wrappers import Response

from app.extensions import db
from app.kernel.db import EnumText, transaction
from app.kernel.errors import AppError, Conflict
from app.web import security

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
TAKEN = "Another entry already has these values. Choose different ones."


def actor() -> str:
    """The name under which the person of this request acts."""
    return str(getattr(current_user, "username", None) or getattr(g.get("user"), "username", "") or "")


def may(permission: str, resource: str) -> bool:
    """Whether the person of this request holds that permission."""
    return bool(current_app.appbuilder.sm.has_access(permission, resource))  # type: ignore[attr-defined]


def unit_of_work(step: Callable[[], Any]) -> Any:
    """Run a step in one transaction; a row that somebody else just added under the same name is a Conflict."""
    try:
        with transaction():
            result = step()
            db.session.flush()
            return result
    except IntegrityError as error:
        raise Conflict(TAKEN) from error


class EnumIs(BaseFilter):
    """The column has exactly this value; an unknown value matches nothing."""

    name = "is"
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

    name = "is not"
    arg_name = "neq"
    is_negated = True


class AppFilterConverter(SQLAFilterConverter):
    """FAB's filters, and ours for columns that hold a StrEnum (FAB takes them for free text and crashes)."""

    conversion_table = (
        ("is_enum_text", [EnumIs, EnumIsNot]),
        *SQLAFilterConverter.conversion_table,
        ("is_anything", []),  # without it FAB warns of every other column at every request
    )


class AppInterface(SQLAInterface):
    """FAB's view of a table, knowing our column types."""

    filter_converter_class = AppFilterConverter

    def is_anything(self, _name: str) -> bool:
        """True: what no other row of the filters' table knows cannot be searched."""
        return True

    def is_enum_text(self, name: str) -> bool:
        """Whether that column holds a StrEnum."""
        column = self.list_columns.get(name)
        return column is not None and isinstance(column.type, EnumText)


class Guarded:
    """Belongs to a resource of web.security: the views and the API of one thing share its permissions."""

    resource = ""

    def _declare(self) -> None:
        self.class_permission_name = self.resource
        self.base_permissions = list(security.RESOURCES[self.resource])
        self.method_permission_name = {**security.METHODS, **(getattr(self, "method_permission_name", None) or {})}


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


class AppView(Guarded, BaseView):
    """A page of its own."""

    def __init__(self) -> None:
        self._declare()
        super().__init__()


class AppModelView(Guarded, OwnFilters, ModelView):
    """A FAB view whose add, edit, delete and actions are units of work.

    Override create, change and remove (never pre_add and the like): they run inside the transaction, raise AppError to
    refuse, and the form is shown again with everything the person wrote.
    """

    page_size = 25
    form_fields: dict[str, str] = {}  # a service's name of a field -> ours, where they differ

    def __init__(self, **kwargs: Any) -> None:
        self._declare()
        super().__init__(**kwargs)

    def create(self, form: Any) -> Any:
        """Make and add the new row from a valid form."""
        item = self.datamodel.obj()
        with db.session.no_autoflush:
            form.populate_obj(item)
        db.session.add(item)
        return item

    def change(self, item: Any, form: Any) -> None:
        """Write a valid form into the row."""
        with db.session.no_autoflush:
            form.populate_obj(item)

    def remove(self, item: Any) -> None:
        """Delete the row. Raises AppError to refuse."""
        db.session.delete(item)

    def attempt(self, step: Callable[[], Any], done: str = "") -> bool:
        """Run a step as a unit of work and tell the person what came of it."""
        try:
            unit_of_work(step)
        except AppError as error:
            flash(str(error), "danger")
            return False
        if done:
            flash(done, "success")
        return True

    def back_to_list(self) -> Response:
        """Where a person goes after a change."""
        return redirect(url_for(f"{self.endpoint}.list"))

    post_add_redirect = post_edit_redirect = post_delete_redirect = back_to_list

    def _save(self, form: Any, step: Callable[[], Any]) -> bool:
        try:
            unit_of_work(step)
        except AppError as error:
            name = self.form_fields.get(error.field or "", error.field)
            if name in form:
                form[name].errors = [*form[name].errors, str(error)]
            flash(str(error), "danger")
            return False
        return True

    def _add(self) -> Any:
        get_filter_args(self._filters, disallow_if_not_in_search=False)
        excluded = self._filters.get_relation_cols()
        form = self.add_form.refresh()
        if request.method == "POST":
            self._fill_form_exclude_cols(excluded, form)
            if form.validate() and self._save(form, lambda: self.create(form)):
                flash(self.add_row_message, "success")
                return None
        return self._get_add_widget(form=form, exclude_cols=excluded)

    def _edit(self, pk: Any) -> Any:
        item = self._item(pk)
        if request.method == "POST":
            form = self.edit_form.refresh()
            form._id = self.datamodel.get_pk_value(item)
            if form.validate() and self._save(form, lambda: self.change(item, form)):
                flash(self.edit_row_message, "success")
                return None
        else:
            form = self.edit_form.refresh(obj=item)
            self.prefill_form(form, pk)
        return self._get_edit_widget(form=form)

    def _delete(self, pk: Any) -> None:
        item = self._item(pk)
        self.attempt(lambda: self.remove(item), str(self.delete_row_message))

    def _item(self, pk: Any) -> Any:
        if not re.fullmatch(r"\d{1,18}", str(pk)):
            abort(404)
        item = self.datamodel.get(pk, self._base_filters)
        return item if item is not None else abort(404)

    def _show(self, pk: Any) -> Any:
        self._item(pk)
        return super()._show(pk)

    def _list(self, **kwargs: Any) -> Any:
        self._check_list_arguments()
        return super()._list(**kwargs)

    def _check_list_arguments(self) -> None:
        """Refuse what FAB would answer with a 500 or with the whole table."""
        searchable = self._filters.get_search_filters()
        for name, value in request.args.items():
            filtered = re.fullmatch(r"_flt_(\d)_(.*)", name)
            if re.match(r"(page|psize)_", name) and not re.fullmatch(r"\d{1,5}", value):
                abort(400)
            if name.startswith("psize_") and not 1 <= int(value) <= 100:
                abort(400)
            if name == f"_oc_{type(self).__name__}" and value not in self.order_columns:
                abort(400)
            if filtered and int(filtered[1]) >= len(searchable.get(filtered[2], ())):
                abort(400)

    def _checked_action(self, name: str) -> Any:
        action = self.actions.get(name)
        if action is None:
            abort(404)
        if not may(self.get_action_permission_name(name), self.resource):
            abort(403)
        return action

    @expose("/action/<string:name>/<pk>", methods=["POST"])
    def action(self, name: str, pk: Any) -> Any:
        """An action from the show page."""
        action = self._checked_action(name)
        return action.func([self._item(pk)])

    @expose("/action_post", methods=["POST"])
    def action_post(self) -> Any:
        """An action on the rows chosen in the list."""
        action = self._checked_action(request.form.get("action", ""))
        return action.func([self._item(pk) for pk in request.form.getlist("rowid")])
