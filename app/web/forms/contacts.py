"""The forms of contacts, folders and suppressed addresses."""

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, select

from app.audience.models import Contact, contact_folder
from app.web.asked import row_id
from app.web.choices import Chosen
from app.web.forms.fields import PanelForm, folder_rows, line, lines, row_choices, text_area

TEXTS = ("first_name", "last_name", "company", "country", "language", "time_zone")
ADDRESSES = ("email", "second_email", "phone", "whatsapp")


class InFolder(Chosen):
    """The contacts of a folder. Those of none are not offered: among a million that are in one, finding them takes
    seconds."""

    label = _l("Folder")

    @classmethod
    def choices(cls) -> list[tuple[str, Any]]:
        """Every folder."""
        return [(str(pk), name) for pk, name in folder_rows()]

    def condition(self, value: str) -> ColumnElement[bool] | None:
        """In that folder."""
        folder_id = row_id(value)
        if folder_id is None:
            return None
        return Contact.id.in_(select(contact_folder.c.contact_id).where(contact_folder.c.folder_id == folder_id))


class FolderForm(PanelForm):
    """Its name."""

    name = line(_l("Name"), maxlength=120)


class ContactForm(PanelForm):
    """A person with up to four addresses, which are stored encrypted."""

    first_name = line(_l("First name"))
    last_name = line(_l("Last name"))
    email = line(_l("E-mail"), autocomplete="off")
    second_email = line(_l("Second e-mail"), autocomplete="off")
    phone = line(_l("Phone"), _l("With the country, such as +48 600 100 200."), autocomplete="off")
    whatsapp = line(_l("WhatsApp"), autocomplete="off")
    company = line(_l("Company"))
    country = line(_l("Country"), _l("Two letters such as PL."), maxlength=2)
    language = line(_l("Language"), _l("Such as pl or en."))
    time_zone = line(_l("Time zone"), _l("Such as Europe/Warsaw."))
    own_fields = text_area(
        _l("Own fields"), _l("One in each line: name = value. Used as {{ attributes.name }} in messages."), rows=4
    )
    folders = row_choices(_l("Folders"), folder_rows)

    def person(self) -> dict[str, Any]:
        """The values by the names of the contact's fields."""
        return self.values(*ADDRESSES, *TEXTS) | {"attributes": _attributes(self.own_fields.data)}

    def show(self, contact: Contact, addresses: tuple[str | None, ...]) -> None:
        """Fill in what WTForms cannot know: the opened addresses, own fields and folders."""
        for name, value in zip(ADDRESSES, addresses, strict=True):
            self[name].data = value or ""
        self.own_fields.data = "\n".join(f"{name} = {value}" for name, value in (contact.attributes or {}).items())
        self.folders.data = [folder.id for folder in contact.folders]


class SuppressionForm(PanelForm):
    """Addresses that must not be written to."""

    address = lines(
        _l("E-mail addresses or phone numbers"),
        _l(
            "One in a line, numbers with their country. A number gets neither text messages nor WhatsApp. Stored as "
            "fingerprints only: they cannot be shown again."
        ),
    )


class FindForm(PanelForm):
    """Whom to look for; posted, so that an address never stands in a link or a log."""

    address = line(_l("E-mail address or phone number"), _l("The exact address."), autocomplete="off")


def _attributes(text: str) -> dict[str, str]:
    pairs = (row.partition("=") for row in text.splitlines() if row.strip())
    return {name.strip(): value.strip() for name, _sign, value in pairs}
