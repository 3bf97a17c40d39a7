"""The base classes of the panel: every write is one unit of work, every AppError becomes words for a person."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from flask import current_app, flash, g, redirect, request, url_for
from flask_appbuilder import BaseView
from flask_appbuilder.urltools import get_filter_args
from flask_login import current_user
from sqlalchemy.exc import IntegrityError
from werkzeug.wrappers import Response

from app.extensions import db
from app.kernel.db import transaction
from app.kernel.errors import AppError, Conflict
from app.kernel.texts import N_
from app.web import security, words
from app.web.lists import TableView

TAKEN = N_("Another entry already has these values. Choose different ones.")


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


def refuse(form: Any, error: AppError, usual: str = "", names: Mapping[str, str] = MappingProxyType({})) -> None:
    """Say in a form why it is not saved: at the field that the error names, above all of them when it names none.

    usual: the field for an error that names none of the form; names: a service's name of a field -> ours, where they
    differ.
    """
    name = names.get(error.field or "", error.field or "")
    name = name if name in form else usual
    errors = form[name].errors if name in form else form.form_errors
    said = [*errors, words.of_error(error)]
    if name in form:
        form[name].errors = said
    else:
        form.form_errors = said


class Guarded:
    """Belongs to a resource of web.security: the views and the API of one thing share its permissions."""

    resource = ""

    def _declare(self) -> None:
        self.class_permission_name = self.resource
        self.base_permissions = list(security.RESOURCES[self.resource])
        self.method_permission_name = {**security.METHODS, **(getattr(self, "method_permission_name", None) or {})}


class AppView(Guarded, BaseView):
    """A page of its own."""

    def __init__(self) -> None:
        self._declare()
        super().__init__()


class AppModelView(Guarded, TableView):
    """A FAB view whose add, edit, delete and actions are units of work.

    Override create, change and remove (never pre_add and the like): they run inside the transaction, raise AppError to
    refuse, and the form is shown again with everything the person wrote.
    """

    page_size = 25
    has_short_form = True  # opened in a modal; one that needs the room of a page says False
    empty_words: Any = ""  # what to do when there is nothing yet
    delete_words: Any = ""  # what else goes with an entry that is deleted, said before it is
    form_fields: dict[str, str] = {}  # a service's name of a field -> ours, where they differ

    def __init__(self, **kwargs: Any) -> None:
        self._declare()
        super().__init__(**kwargs)
        found: dict[str, Any] = self.actions  # in the order of the alphabet; people read them in that of the code
        self.actions = dict(sorted(found.items(), key=lambda each: each[1].func.__code__.co_firstlineno))

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

    def words_before_delete(self, _pk: Any) -> str:
        """What a person should know before they say yes: whom or what else it touches, with numbers."""
        return str(self.delete_words)

    def attempt(self, step: Callable[[], Any], done: str = "") -> bool:
        """Run a step as a unit of work and tell the person what came of it."""
        try:
            unit_of_work(step)
        except AppError as error:
            flash(words.of_error(error), "danger")
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
            refuse(form, error, names=self.form_fields)
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
