"""Contacts and folders: what may be done to them. Flushes, never commits."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from app.audience import replies, store
from app.audience.addresses import Addresses, indexing, opener, sealing
from app.audience.fields import ADDRESS_FIELDS, TEXT_FIELDS, ContactField, Person, clean_person, clean_text
from app.audience.matching import Draft, Matcher
from app.audience.models import Contact, Folder, contact_folder
from app.audience.queries import find_by_address as find_by_address
from app.audience.suppressions import suppress as suppress
from app.extensions import db
from app.kernel import audit, clock
from app.kernel.audit import What
from app.kernel.errors import Conflict, InvalidInput, NotFound

FOLDER_NAME_LIMIT = 120


def get_contact(contact_id: int) -> Contact:
    """The contact. Raises NotFound."""
    contact: Contact | None = db.session.get(Contact, contact_id)
    if contact is None:
        raise NotFound("There is no such contact. It may have been deleted.")
    return contact


def addresses_of(contact: Contact) -> Addresses:
    """The opened addresses of one contact."""
    return opener()(contact.sealed, contact.uid)


def create_contact(values: Mapping[str, Any], folder_ids: Collection[int] = ()) -> Contact:
    """Add a contact, or merge it into the one that shares an address with it: what is new and not empty wins.

    values: texts by ContactField, and "attributes", a mapping. Raises InvalidInput naming the field; also when its
    addresses belong to two different contacts.
    """
    person = clean_person(values)
    _check_folders(folder_ids)
    draft = Draft(person, indexing()(person.addresses))
    matcher = Matcher(store.load_known([draft]))
    matcher.place(draft, uuid4().bytes)
    now = clock.utcnow()
    db.session.flush()
    with _naming_taken_address():
        store.add(matcher.new, now)
        store.change(matcher.changed, now)
    (known,) = matcher.new or matcher.joined.values()
    contact: Contact = db.session.get_one(Contact, known.id, populate_existing=True)
    for folder_id in folder_ids:
        store.add_to_folder(folder_id, [contact.id])
    db.session.expire(contact, ["folders"])
    return contact


def update_contact(contact_id: int, values: Mapping[str, Any], folder_ids: Collection[int] | None = None) -> Contact:
    """Give fields new values; "" empties one, a field that is not named stays. Nothing is merged.

    folder_ids: the folders it is in from now on; None leaves them.

    Raises NotFound, and InvalidInput naming the field; also when another contact has one of the addresses.
    """
    contact = get_contact(contact_id)
    person = clean_person({**values_of(contact), **values})
    draft = Draft(person, indexing()(person.addresses))
    for known in store.load_known([draft]):
        if known.id != contact.id:
            raise InvalidInput("Another contact has this address already.", field=_shared_field(person, known.person))
    _take(contact, person)
    if folder_ids is not None:
        _check_folders(folder_ids)
        contact.folders = list(db.session.execute(select(Folder).where(Folder.id.in_(folder_ids))).scalars())
    with _naming_taken_address():
        db.session.flush()
    return contact


def values_of(contact: Contact) -> dict[str, Any]:
    """The fields of a contact as update_contact() takes them."""
    values: dict[str, Any] = {field.value: getattr(contact, field) for field in TEXT_FIELDS}
    values.update({name: address or "" for name, address in addresses_of(contact)._asdict().items()})
    values["attributes"] = dict(contact.attributes or {})
    return values


def _take(contact: Contact, person: Person) -> None:
    for field in TEXT_FIELDS:
        setattr(contact, field, getattr(person, field))
    contact.attributes = dict(person.attributes) if person.attributes else None
    contact.sealed = sealing()(person.addresses, contact.uid)
    for name, index in indexing()(person.addresses)._asdict().items():
        setattr(contact, f"{name}_index", index)
    contact.changed_at = clock.utcnow()


def _shared_field(person: Person, other: Person) -> str:
    """Which address of the person the other one has."""
    theirs = set(other.addresses)
    for field, address in zip(ADDRESS_FIELDS, person.addresses, strict=True):
        if address and address in theirs:
            return field
    return ContactField.EMAIL


@contextmanager
def _naming_taken_address() -> Iterator[None]:
    """Turns the unique key of e-mail addresses, met by somebody who saved at the same moment, into a sentence."""
    try:
        yield
    except IntegrityError as error:
        raise Conflict("Another contact got this e-mail address at this moment. Try again.") from error


def delete_contact(contact_id: int) -> None:
    """Delete a contact for good; what was sent to it stays in the reports, without its address. Raises NotFound."""
    contact = get_contact(contact_id)
    replies.erase(contact)
    db.session.delete(contact)
    audit.note(What.CONTACT_DELETE, contact_id)
    db.session.flush()


def create_folder(name: str) -> Folder:
    """Add a folder. Raises InvalidInput for an unusable or taken name."""
    folder = Folder(name=_folder_name(name, None), created_at=clock.utcnow())
    db.session.add(folder)
    db.session.flush()
    return folder


def rename_folder(folder_id: int, name: str) -> Folder:
    """Give a folder another name. Raises NotFound, InvalidInput for an unusable or taken name."""
    folder = get_folder(folder_id)
    folder.name = _folder_name(name, folder_id)
    db.session.flush()
    return folder


def delete_folder(folder_id: int) -> None:
    """Delete a folder; its contacts stay. Raises NotFound."""
    get_folder(folder_id)
    db.session.execute(delete(Folder).where(Folder.id == folder_id))  # not the ORM's way: a million rows hang on it
    db.session.expire_all()


def get_folder(folder_id: int) -> Folder:
    """The folder. Raises NotFound."""
    folder: Folder | None = db.session.get(Folder, folder_id)
    if folder is None:
        raise NotFound("There is no such folder. It may have been deleted.")
    return folder


def _folder_name(name: str, own_id: int | None) -> str:
    try:
        name = clean_text(FOLDER_NAME_LIMIT, name)
    except InvalidInput as error:
        raise error.about("name") from error
    if not name:
        raise InvalidInput("A folder needs a name.", field="name")
    taken = db.session.execute(select(Folder.id).where(Folder.name == name)).scalar_one_or_none()
    if taken is not None and taken != own_id:
        raise InvalidInput("There is a folder with this name already.", field="name")
    return name


def add_to_folder(folder_id: int, contact_ids: Collection[int]) -> None:
    """Put contacts into a folder; those that are in it stay. Raises NotFound."""
    get_folder(folder_id)
    known = set(db.session.execute(select(Contact.id).where(Contact.id.in_(contact_ids))).scalars())
    if len(known) != len(set(contact_ids)):
        raise NotFound("There is no such contact. It may have been deleted.")
    store.add_to_folder(folder_id, known)
    db.session.expire_all()


def remove_from_folder(folder_id: int, contact_ids: Collection[int]) -> None:
    """Take contacts out of a folder; the contacts stay. Raises NotFound."""
    get_folder(folder_id)
    is_meant = (contact_folder.c.folder_id == folder_id) & contact_folder.c.contact_id.in_(contact_ids)
    db.session.execute(delete(contact_folder).where(is_meant))
    db.session.expire_all()


def _check_folders(folder_ids: Iterable[int]) -> None:
    for folder_id in folder_ids:
        if db.session.get(Folder, folder_id) is None:
            raise InvalidInput("There is no such folder. It may have been deleted.", field="folders")
