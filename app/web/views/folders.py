"""Folders of contacts, with how many are in each."""

from typing import Any

from flask import g, url_for
from flask_babel import lazy_gettext as _l

from app.audience import queries, service
from app.audience.models import Folder
from app.web import formats, security
from app.web.base import AppModelView, may
from app.web.forms.contacts import FolderForm
from app.web.lists import AppInterface


def _size(folder_id: int) -> str:
    if "folder_sizes" not in g:
        g.folder_sizes = queries.contacts_in_folders()
    number = formats.grouped(g.folder_sizes.get(folder_id, 0))
    if not may(security.READ, "Contact"):
        return number
    return formats.link(url_for("ContactView.list", _flt_0_folders=folder_id), number)


class FolderView(AppModelView):
    """The folders."""

    route_base = "/folders"
    resource = "Folder"
    datamodel = AppInterface(Folder)
    add_form = edit_form = FolderForm
    add_columns = edit_columns = ["name"]
    list_columns = show_columns = ["name", "id", "created_at"]
    search_columns = ["name"]
    order_columns = ["name", "created_at"]
    base_order = ("name", "asc")
    label_columns = {"name": _l("Name"), "id": _l("Contacts"), "created_at": _l("Created")}
    formatters_columns = {"id": _size, "created_at": formats.moment}
    list_title, show_title, add_title, edit_title = (
        _l("Folders"),
        _l("Folder"),
        _l("New folder"),
        _l("Edit folder"),
    )
    add_row_message = edit_row_message = _l("The folder was saved.")
    delete_row_message = _l("The folder was deleted. Its contacts were kept.")

    def create(self, form: FolderForm) -> Any:
        """A new folder."""
        return service.create_folder(form.name.data)

    def change(self, item: Folder, form: FolderForm) -> None:
        """Another name."""
        service.rename_folder(item.id, form.name.data)

    def remove(self, item: Folder) -> None:
        """Delete the folder and keep its contacts."""
        service.delete_folder(item.id)
