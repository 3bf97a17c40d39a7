"""/api/v1/folder: sets of contacts, and who is in them."""

from collections.abc import Sequence
from typing import Any

from flask_appbuilder import expose
from flask_appbuilder.security.decorators import protect
from flask_babel import gettext as _
from marshmallow import post_dump
from sqlalchemy import func, select

from app.audience import service
from app.audience.models import Folder, contact_folder
from app.extensions import db
from app.web.api.base import RestApi, number_asked
from app.web.api.bodies import MAX_ID, Body, Ids, Moment, Text, Whole, read
from app.web.api.openapi import DONE, described, ref
from app.web.lists import AppInterface

MAX_LIMIT = 10_000


class FolderBody(Body):
    """What may be written."""

    name = Text(required=True)


class FolderShown(FolderBody):
    """What is shown of a folder. contacts: how many are in it."""

    id = Whole()
    contacts = Whole(dump_only=True, attribute="contacts_counted")
    created_at = Moment()

    @post_dump(pass_many=True)
    def count(self, rows: Any, many: bool, **_kwargs: Any) -> Any:
        """Count the contacts of all folders shown with one question."""
        shown = rows if many else [rows]
        sizes = _sizes([row["id"] for row in shown])
        for row in shown:
            row["contacts"] = sizes.get(row["id"], 0)
        return rows


def _sizes(folder_ids: Sequence[int]) -> dict[int, int]:
    count = select(contact_folder.c.folder_id, func.count()).group_by(contact_folder.c.folder_id)
    found = db.session.execute(count.where(contact_folder.c.folder_id.in_(folder_ids)))
    return {row[0]: row[1] for row in found}


class MembersBody(Body):
    """Contacts to put into a folder."""

    contact_ids = Ids(required=True)


class FolderApi(RestApi):
    """Folders."""

    resource_name = "folder"
    resource = "Folder"
    openapi_spec_tag = "Folders"
    openapi_spec_component_schemas = (MembersBody,)
    datamodel = AppInterface(Folder)
    method_permission_name = {"contacts": "read", "add_contacts": "update", "remove_contact": "update"}
    list_columns = show_columns = ["id", "name", "created_at"]
    search_columns = ["name"]
    order_columns = ["id", "name", "created_at"]
    base_order = ("id", "asc")
    add_model_schema = edit_model_schema = FolderBody()
    list_model_schema = show_model_schema = FolderShown()

    def create(self, values: dict[str, Any]) -> Folder:
        """A new folder."""
        return service.create_folder(values["name"])

    def change(self, item: Folder, values: dict[str, Any]) -> None:
        """Another name."""
        service.rename_folder(item.id, values.get("name", item.name))

    def remove(self, item: Folder) -> None:
        """Delete the folder and keep its contacts."""
        service.delete_folder(item.id)

    @expose("/<int:pk>/contacts", methods=["GET"])
    @protect()
    @described(
        "get",
        {
            "type": "object",
            "properties": {
                "contact_ids": {"type": "array", "items": {"type": "integer"}},
                "next_after": {"type": "integer", "nullable": True},
            },
        },
        query=[("after", "only ids after this one"), ("limit", f"how many at most, up to {MAX_LIMIT}")],
    )
    def contacts(self, pk: int) -> Any:
        """The ids of the contacts in it, in order, a portion at a time."""
        limit = number_asked("limit", 1000, MAX_LIMIT)
        query = (
            select(contact_folder.c.contact_id)
            .where(contact_folder.c.folder_id == self.item(pk).id)
            .where(contact_folder.c.contact_id > number_asked("after", 0, MAX_ID))
            .order_by(contact_folder.c.contact_id)
            .limit(limit + 1)
        )
        found = list(db.session.scalars(query))
        more = len(found) > limit and limit > 0
        return self.response(200, contact_ids=found[:limit], next_after=found[limit - 1] if more else None)

    @expose("/<int:pk>/contacts", methods=["POST"])
    @protect()
    @described("post", DONE, body=ref("MembersBody"))
    def add_contacts(self, pk: int) -> Any:
        """Put contacts into it; those that are in it stay."""
        contact_ids = read(MembersBody())["contact_ids"]
        self.written(lambda: service.add_to_folder(self.item(pk).id, contact_ids))
        return self.response(200, message=_("The contacts are in the folder."))

    @expose("/<int:pk>/contacts/<int:contact_id>", methods=["DELETE"])
    @protect()
    @described("delete", DONE)
    def remove_contact(self, pk: int, contact_id: int) -> Any:
        """Take a contact out of it; the contact stays."""
        if contact_id <= MAX_ID:
            self.written(lambda: service.remove_from_folder(self.item(pk).id, [contact_id]))
        return self.response(200, message=_("The contact is not in the folder."))
