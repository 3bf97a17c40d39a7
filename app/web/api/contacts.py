"""/api/v1/contact: people with up to four addresses, which are stored encrypted."""

from typing import Any

from flask_appbuilder import expose
from flask_appbuilder.security.decorators import protect
from marshmallow import post_dump

from app.audience import service
from app.audience.models import Contact
from app.web.api.base import RestApi
from app.web.api.bodies import Body, Ids, Moment, Text, Texts, Whole, read
from app.web.api.openapi import OWN, described, ref, result_of
from app.web.lists import AppInterface

COLUMNS = ["id", "first_name", "last_name", "company", "country", "language", "time_zone", "attributes"]


class ContactBody(Body):
    """What may be written. attributes: own fields, used as {{ attributes.name }} in messages."""

    email = Text(allow_none=True)
    second_email = Text(allow_none=True)
    phone = Text(allow_none=True)
    whatsapp = Text(allow_none=True)
    first_name = Text(allow_none=True)
    last_name = Text(allow_none=True)
    company = Text(allow_none=True)
    country = Text(allow_none=True)
    language = Text(allow_none=True)
    time_zone = Text(allow_none=True)
    attributes = Texts(allow_none=True)
    folder_ids = Ids(load_only=True)


class ContactShown(ContactBody):
    """What is shown of a contact."""

    id = Whole()
    created_at = Moment()
    changed_at = Moment()

    @post_dump(pass_original=True)
    def open(self, row: dict[str, Any], contact: Contact, **_kwargs: Any) -> dict[str, Any]:
        """Add the opened addresses and the folders."""
        row |= service.addresses_of(contact)._asdict()
        row["attributes"] = contact.attributes or {}
        row["folder_ids"] = sorted(folder.id for folder in contact.folders)
        return row


class AddressBody(Body):
    """An exact address."""

    address = Text(required=True)


class ContactApi(RestApi):
    """Contacts."""

    resource_name = "contact"
    resource = "Contact"
    openapi_spec_tag = "Contacts"
    openapi_spec_component_schemas = (AddressBody,)
    datamodel = AppInterface(Contact)
    method_permission_name = {"find": "read"}
    own_names = {"folders": "folder_ids"}
    list_columns = show_columns = COLUMNS
    list_select_columns = [*COLUMNS, "uid", "sealed", "created_at", "changed_at", "folders.id"]
    search_columns = ["first_name", "last_name", "company", "country", "language"]
    order_columns = ["id", "last_name", "first_name", "company"]
    base_order = ("id", "asc")
    add_model_schema = edit_model_schema = ContactBody()
    list_model_schema = show_model_schema = ContactShown()

    def create(self, values: dict[str, Any]) -> Contact:
        """A new contact, or more about the one that has one of these addresses already."""
        folder_ids = values.pop("folder_ids", ())
        return service.create_contact(values, folder_ids)

    def change(self, item: Contact, values: dict[str, Any]) -> None:
        """The named values in place of the old ones."""
        folder_ids = values.pop("folder_ids", None)
        service.update_contact(item.id, values, folder_ids)

    def remove(self, item: Contact) -> None:
        """Delete the person with all addresses."""
        service.delete_contact(item.id)

    @expose("/find", methods=["POST"])
    @protect()
    @described(
        "post",
        result_of({"type": "array", "items": ref(f"{OWN}.get")}),
        body=ref("AddressBody"),
    )
    def find(self) -> Any:
        """Those that have exactly this e-mail address or number. A POST, so that no address stands in a URL or log."""
        found = service.find_by_address(read(AddressBody())["address"])
        return self.response(200, result=self.show_model_schema.dump(found, many=True))
