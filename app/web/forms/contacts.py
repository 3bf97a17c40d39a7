"""The forms of contacts, folders and suppressed addresses."""

from typing import Any

from app.audience.models import Contact
from app.web.forms.fields import PanelForm, folder_rows, line, row_choices, text_area

TEXTS = ("first_name", "last_name", "company", "country", "language", "time_zone")
ADDRESSES = ("email", "second_email", "phone", "whatsapp")


class FolderForm(PanelForm):
    """Its name."""

    name = line("Name", maxlength=120)


class ContactForm(PanelForm):
    """A person with up to four addresses, which are stored encrypted."""

    first_name = line("First name")
    last_name = line("Last name")
    email = line("E-mail", autocomplete="off")
    second_email = line("Second e-mail", autocomplete="off")
    phone = line("Phone", "With the country, such as +48 600 100 200.", autocomplete="off")
    whatsapp = line("WhatsApp", autocomplete="off")
    company = line("Company")
    country = line("Country", "Two letters such as PL.", maxlength=2)
    language = line("Language", "Such as pl or en.")
    time_zone = line("Time zone", "Such as Europe/Warsaw.")
    own_fields = text_area("Own fields", "One in each line: name = value. Used as {{ name }} in messages.", rows=4)
    folders = row_choices("Folders", folder_rows)

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
    """An address that must not be written to."""

    address = line("E-mail address", "Stored as a fingerprint only: it cannot be shown again.", autocomplete="off")


class FindForm(PanelForm):
    """Whom to look for; posted, so that an address never stands in a link or a log."""

    address = line("E-mail address or phone number", "The exact address.", autocomplete="off")


def _attributes(text: str) -> dict[str, str]:
    pairs = (row.partition("=") for row in text.splitlines() if row.strip())
    return {name.strip(): value.strip() for name, _sign, value in pairs}
