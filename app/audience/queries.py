"""Questions about contacts, folders and suppressions. Reads only."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, func, or_, select
from sqlalchemy.sql.elements import ColumnElement

from app.audience.addresses import email_index, phone_index
from app.audience.fields import ATTRIBUTE_PREFIX
from app.audience.models import Contact, ContactImport, Folder, Suppression, contact_folder
from app.channels.address import normalise_email
from app.channels.contract import Channel
from app.channels.phone import normalise_phone
from app.extensions import db

SEARCHED = (Contact.last_name, Contact.first_name, Contact.company)
MOST_WORDS = 4
LAST_IMPORTS = 20


def own_fields() -> list[str]:
    """The own fields that the last imports filled, as attributes.city, in the order of the alphabet."""
    last = select(ContactImport.mapping).order_by(ContactImport.id.desc()).limit(LAST_IMPORTS)
    targets = {target for mapping in db.session.scalars(last) for target in (mapping or {}).values()}
    return sorted(target for target in targets if target.startswith(ATTRIBUTE_PREFIX))


def find_by_address(address: str, default_country: str = "") -> list[Contact]:
    """The contacts that have exactly this e-mail address (either one), or this number (phone or WhatsApp).

    Raises InvalidInput when it is neither an address nor a number.
    """
    if "@" in address:
        index = email_index(normalise_email(address))
        has_it = or_(Contact.email_index == index, Contact.second_email_index == index)
    else:
        index = phone_index(normalise_phone(address, default_country or None))
        has_it = or_(Contact.phone_index == index, Contact.whatsapp_index == index)
    return list(db.session.execute(select(Contact).where(has_it).order_by(Contact.id)).scalars())


def search_names(text: str, limit: int) -> list[Contact]:
    """Contacts who are named so, at most limit of them.

    One question for each column, each of which an index on that column answers; nothing for an empty text.
    """
    words = text.split()
    found: dict[int, Contact] = {}
    for column in SEARCHED if words else ():
        query = select(Contact).where(column.startswith(words[0], autoescape=True), is_named(text))
        found.update((contact.id, contact) for contact in db.session.scalars(query.limit(limit)))
    return sorted(found.values(), key=lambda each: (each.last_name, each.first_name, each.id))[:limit]


def is_named(text: str) -> ColumnElement[bool]:
    """The condition that a contact's first name, last name or company begins with this text, or that each of its words
    begins one of them."""
    words = text.split()
    each = [_begins(word) for word in words[:MOST_WORDS]]
    return each[0] if len(words) == 1 else or_(_begins(" ".join(words)), and_(*each))


def _begins(text: str) -> ColumnElement[bool]:
    return or_(*(column.startswith(text, autoescape=True) for column in SEARCHED))


def contacts_in_folders() -> dict[int, int]:
    """Folder id -> number of its contacts, for every folder."""
    query = (
        select(Folder.id, func.count(contact_folder.c.contact_id))
        .outerjoin(contact_folder, contact_folder.c.folder_id == Folder.id)
        .group_by(Folder.id)
    )
    return dict(db.session.execute(query).all())


def suppressed_since(channel: Channel, since: datetime) -> Sequence[bytes]:
    """Blind indexes of the addresses suppressed on this channel at or after a moment, oldest first."""
    query = select(Suppression.address_index).where(Suppression.channel == channel, Suppression.created_at >= since)
    found: Sequence[bytes] = db.session.execute(query.order_by(Suppression.id)).scalars().all()
    return found


def suppressed_in_folder(folder_id: int) -> int:
    """How many contacts of a folder have a suppressed e-mail address."""
    query = (
        select(func.count())
        .select_from(contact_folder)
        .join(Contact, Contact.id == contact_folder.c.contact_id)
        .join(Suppression, Suppression.address_index == Contact.email_index)
        .where(contact_folder.c.folder_id == folder_id, Suppression.channel == Channel.EMAIL)
    )
    count: int = db.session.execute(query).scalar_one()
    return count
