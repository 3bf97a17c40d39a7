"""Keeping the filter of a page under a name, and the forms for what a person keeps."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from flask import flash, redirect, request
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from app.kernel import saved_filters
from app.kernel.errors import AppError, NotFound
from app.web import kept
from app.web.asked import MAX_NUMBER
from app.web.base import AppView, refuse, unit_of_work
from app.web.forms.filters import FilterForm


class FilterView(AppView):
    """Everybody reaches their own filters only."""

    route_base = "/filters"
    resource = kept.RESOURCE
    default_view = "add"

    @expose("/add", methods=["GET", "POST"])
    @has_access
    @permission_name("create")
    def add(self) -> Any:
        """Keep the filter that the address names."""
        page = kept.page_of(request.args.get("page", ""))
        if not page:
            raise NotFound("This page has no filters to keep.")
        query = kept.query_of(page, MultiDict(parse_qsl(request.args.get("query", ""))))
        form = FilterForm(back=_back())
        if form.validate_on_submit():
            values = form.name.data or "", query, form.is_default.data
            if self._save(form, lambda: saved_filters.save(current_user.id, page, *values)):
                flash(_("The filter was saved. It stands under “My filters”."), "success")
                return redirect(_local(form.back.data))
        return self._page(form, _("Save this filter"))

    @expose("/edit/<int:filter_id>", methods=["GET", "POST"])
    @has_access
    @permission_name("update")
    def edit(self, filter_id: int) -> Any:
        """Another name, and whether its page opens with it."""
        mine = _get(filter_id)
        form = FilterForm(obj=mine, back=_back())
        if form.validate_on_submit():
            values = form.name.data or "", form.is_default.data
            if self._save(form, lambda: saved_filters.change(current_user.id, filter_id, *values)):
                flash(_("The filter was saved."), "success")
                return redirect(_local(form.back.data))
        return self._page(form, _("Edit the filter"))

    @expose("/delete/<int:filter_id>", methods=["POST"])
    @has_access
    @permission_name("delete")
    def delete(self, filter_id: int) -> Response:
        """Forget a filter."""
        name = _get(filter_id).name
        unit_of_work(lambda: saved_filters.remove(current_user.id, filter_id))
        flash(_("The filter %(name)s was deleted.", name=name), "success")
        return redirect(_back())

    def _save(self, form: FilterForm, step: Callable[[], Any]) -> bool:
        try:
            unit_of_work(step)
        except AppError as error:
            refuse(form, error, "name")
            return False
        return True

    def _page(self, form: FilterForm, title: str) -> Any:
        return self.render_template(
            "form_page.html", form=form, title=title, submit=_("Save"), back=_local(form.back.data)
        )


def _get(filter_id: int) -> saved_filters.SavedFilter:
    return saved_filters.get(current_user.id, min(filter_id, MAX_NUMBER))


def _back() -> str:
    """The page that the person came from, on this server; else the front door."""
    found = urlsplit(request.referrer or "")
    if found.netloc != request.host:
        return "/"
    return f"{found.path}?{found.query}" if found.query else found.path


def _local(address: str | None) -> str:
    """The address, as long as it leads to this server."""
    is_local = address is not None and re.match(r"/(?![/\\])", address)
    return address if address and is_local else "/"
