"""Contacts: their names to browse, their sealed addresses only for those who may read them."""

from typing import Any

from flask import flash, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from app.audience import push_devices, queries, replies, service
from app.audience.models import Contact
from app.extensions import db
from app.kernel.errors import AppError
from app.reports import receipts
from app.web import formats, security
from app.web.base import AppModelView, may, refuse
from app.web.choices import ChoiceFilters
from app.web.forms.contacts import ContactForm, FindForm, InFolder
from app.web.lists import AppInterface
from app.web.views.replies import IN_A_PAGE, ReplyView, looks

COLUMNS = [
    "first_name",
    "last_name",
    "company",
    "country",
    "language",
    "time_zone",
]
FORM = ["email", "second_email", "phone", "whatsapp", *COLUMNS, "own_fields", "folders"]


class ContactView(ChoiceFilters, AppModelView):
    """The contacts. Sealed and index columns appear nowhere; addresses are opened in show and edit only."""

    route_base = "/contacts"
    resource = "Contact"
    datamodel = AppInterface(Contact)
    form_fields = {"attributes": "own_fields"}
    add_form = edit_form = ContactForm
    add_columns = edit_columns = FORM
    list_columns = ["first_name", "last_name", "company", "country", "folders"]
    show_columns = [*COLUMNS, "attributes", "folders", "created_at", "changed_at"]
    search_columns = ["first_name", "last_name", "company", "country", "folders"]
    choice_filters = {"folders": InFolder}
    order_columns = ["last_name", "first_name", "company"]
    base_order = ("id", "desc")
    formatters_columns = {
        "folders": formats.names,
        "created_at": formats.moment,
        "changed_at": formats.moment,
        "attributes": lambda values: ", ".join(f"{name}: {value}" for name, value in (values or {}).items()),
    }
    label_columns = {
        "first_name": _l("First name"),
        "last_name": _l("Last name"),
        "company": _l("Company"),
        "country": _l("Country"),
        "language": _l("Language"),
        "time_zone": _l("Time zone"),
        "attributes": _l("Own fields"),
        "folders": _l("Folders"),
        "created_at": _l("Created"),
        "changed_at": _l("Changed"),
    }
    list_template = "contact_list.html"
    show_template = "contact_show.html"
    list_title, show_title, add_title, edit_title = (
        _l("Contacts"),
        _l("Contact"),
        _l("New contact"),
        _l("Edit contact"),
    )
    add_row_message = edit_row_message = _l("The contact was saved.")
    delete_row_message = _l("The contact was deleted.")

    def create(self, form: ContactForm) -> Contact:
        """A new contact with its addresses sealed, or what is new about one who has one of the addresses already."""
        newest = db.session.scalar(select(func.max(Contact.id))) or 0
        contact = service.create_contact(form.person(), form.folders.data)
        if contact.id <= newest:
            told = _("%(name)s has one of these addresses already and was brought up to date.", name=contact)
            flash(told, "info")
        return contact

    def change(self, item: Contact, form: ContactForm) -> None:
        """The form's values in place of the old ones."""
        contact_id, chosen = item.id, set(form.folders.data)
        before = {folder.id for folder in item.folders}
        service.update_contact(contact_id, form.person())
        for folder_id in chosen - before:
            service.add_to_folder(folder_id, [contact_id])
        for folder_id in before - chosen:
            service.remove_from_folder(folder_id, [contact_id])

    def remove(self, item: Contact) -> None:
        """Delete the person with all addresses."""
        service.delete_contact(item.id)

    def prefill_form(self, form: ContactForm, pk: Any) -> None:
        """The opened addresses."""
        contact = self._item(pk)
        form.show(contact, service.addresses_of(contact))

    @expose("/show/<pk>")
    @has_access
    def show(self, pk: str) -> Any:
        """The person with the opened addresses."""
        contact = self._item(pk)
        opened = service.addresses_of(contact)
        return self.render_template(
            self.show_template,
            pk=pk,
            title=str(contact),
            widgets=self._show(pk),
            related_views=[],
            addresses=list(zip((_("E-mail"), _("Second e-mail"), _("Phone"), _("WhatsApp")), opened, strict=True)),
            devices=push_devices.of_contact(contact.id),
            bars=receipts.bars(contact),
            receipts=receipts.of_contact(contact, IN_A_PAGE) if may(security.READ, "Campaign") else (),
            replies=replies.of_contact(contact, IN_A_PAGE) if may(security.READ, ReplyView.resource) else (),
            **looks(),
        )

    @expose("/find", methods=["GET", "POST"])
    @has_access
    @permission_name("read")
    def find(self) -> Any:
        """Search by exact address through the blind index."""
        form, found = FindForm(), None
        if form.validate_on_submit():
            try:
                found = queries.find_by_address(form.address.data)
            except AppError as error:
                refuse(form, error, "address")
        return self.render_template(
            "contact_find.html",
            form=form,
            found=found,
            title=_("Find a contact by address"),
            submit=_("Find"),
            back=url_for(f"{self.endpoint}.list"),
        )
