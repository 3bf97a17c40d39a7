"""Internal statuses: labels for recipients, with their colours."""

from typing import Any

from flask import g, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from markupsafe import Markup

from app.campaigns import statuses
from app.campaigns.models import InternalStatus
from app.sending import labels
from app.web import formats
from app.web.base import AppModelView, actor
from app.web.forms.statuses import StatusForm
from app.web.lists import AppInterface

COUNTED_UP_TO = 10_000  # recipients of one status, in a list


def _chip(name: str) -> Markup:
    if "status_colors" not in g:
        g.status_colors = {status.name: status.color for status in statuses.in_order()}
    return formats.own_chip(name, g.status_colors.get(name, statuses.SUGGESTED[0]))


def _color(color: str) -> Markup:
    return Markup('<span class="color-dot" data-color="{0}"></span> <code>{0}</code>').format(color)


def _carriers(status_id: int) -> str:
    number = labels.carriers([status_id], COUNTED_UP_TO + 1)[status_id]
    if number > COUNTED_UP_TO:
        return _("more than %(n)s", n=formats.grouped(COUNTED_UP_TO))
    return formats.grouped(number)


class StatusView(AppModelView):
    """The internal statuses."""

    route_base = "/internal-statuses"
    resource = "InternalStatus"
    datamodel = AppInterface(InternalStatus)
    add_form = edit_form = StatusForm
    add_columns = edit_columns = ["name", "color"]
    list_columns = ["name", "color", "id", "changed_at"]
    show_columns = ["name", "color", "id", "created_by", "created_at", "changed_by", "changed_at"]
    search_columns = ["name"]
    order_columns = ["name", "changed_at"]
    base_order = ("name", "asc")
    label_columns = {
        "name": _l("Name"),
        "color": _l("Colour"),
        "id": _l("Recipients"),
        "created_by": _l("Created by"),
        "created_at": _l("Created"),
        "changed_by": _l("Changed by"),
        "changed_at": _l("Changed"),
    }
    formatters_columns = {
        "name": _chip,
        "color": _color,
        "id": _carriers,
        "created_at": formats.moment,
        "changed_at": formats.ago,
    }
    list_title, show_title = _l("Internal statuses"), _l("Internal status")
    add_title, edit_title = _l("New internal status"), _l("Edit internal status")
    empty_words = _l("Labels such as “call back”, which you give to recipients in the report of a campaign.")
    add_row_message = edit_row_message = _l("The internal status was saved.")
    delete_row_message = _l("The internal status was deleted.")

    def words_before_delete(self, pk: Any) -> str:
        """How many people it is about."""
        number = labels.carriers([int(pk)], COUNTED_UP_TO + 1)[int(pk)]
        if number > COUNTED_UP_TO:
            return _("More than %(n)s recipients have it and will have none.", n=formats.grouped(COUNTED_UP_TO))
        return ngettext(
            "%(n)s recipient has it and will have none.",
            "%(n)s recipients have it and will have none.",
            number,
            n=formats.grouped(number),
        )

    def create(self, form: StatusForm) -> InternalStatus:
        """A new one with a name and a colour of its own."""
        return statuses.create(form.name.data, form.color.data, actor())

    def change(self, item: InternalStatus, form: StatusForm) -> None:
        """Another name or colour."""
        statuses.change(item.id, actor(), name=form.name.data, color=form.color.data)

    def remove(self, item: InternalStatus) -> None:
        """Delete it; who carries it has none from then on."""
        statuses.delete(item.id)

    def _get_add_widget(self, form: Any, **kwargs: Any) -> Any:
        form.offer(None)
        return super()._get_add_widget(form=form, **kwargs)

    def _get_edit_widget(self, form: Any, **kwargs: Any) -> Any:
        form.offer(self._item((request.view_args or {}).get("pk")))
        return super()._get_edit_widget(form=form, **kwargs)
