"""Who is who: pure. A row joins the contact that shares an address with it, or becomes a new one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from app.audience.addresses import Addresses, AddressIndexes
from app.audience.fields import Person
from app.kernel.errors import InvalidInput


class Placed(StrEnum):
    """What became of a draft; also the names of the counters of an import."""

    ADDED = "added"
    UPDATED = "updated"  # joined a contact that was there before
    MERGED = "merged"  # joined a contact that the same import had added


class Draft(NamedTuple):
    """A clean person on the way to a contact. cells and line: where it came from, for the list of bad rows."""

    person: Person
    indexes: AddressIndexes
    line: int = 0
    cells: Sequence[str] = ()


@dataclass(slots=True, eq=False)
class Known:
    """A contact as far as matching needs it. id is None until it is written; is_own: the same import added it."""

    person: Person
    indexes: AddressIndexes
    uid: bytes
    id: int | None = None
    is_own: bool = False
    is_changed: bool = False


class Matcher:
    """Places drafts one after the other among known contacts, exactly as if each had been saved before the next."""

    def __init__(self, known: Iterable[Known]) -> None:
        self.new: list[Known] = []
        self.joined: dict[int, Known] = {}
        self._by_email: dict[bytes, Known] = {}
        self._by_phone: dict[bytes, Known] = {}
        for contact in known:
            self._remember(contact)

    @property
    def changed(self) -> list[Known]:
        """Contacts that were there before and differ now."""
        return [contact for contact in self.joined.values() if contact.is_changed]

    def find(self, indexes: AddressIndexes) -> Known | None:
        """The known contact with any of these addresses. Raises InvalidInput when there are two."""
        email, second_email, phone, whatsapp = indexes
        found: Known | None = None
        for book, key in (
            (self._by_email, email),
            (self._by_email, second_email),
            (self._by_phone, phone),
            (self._by_phone, whatsapp),
        ):
            other = book.get(key) if key else None
            if other is not None and other is not found:
                if found is not None:
                    raise InvalidInput(
                        "Ambiguous: these addresses belong to two different contacts. Merge those first, or leave one."
                    )
                found = other
        return found

    def place(self, draft: Draft, uid: bytes) -> Placed:
        """Join the draft to the contact it matches, or make it a new one with that uid. Raises InvalidInput."""
        found = self.find(draft.indexes)
        if found is None:
            found = Known(draft.person, draft.indexes, uid, is_own=True)
            self.new.append(found)
            self._remember(found)
            return Placed.ADDED
        if found.id is not None:
            self.joined[found.id] = found
        merged = merge(found.person, draft.person)
        if merged != found.person:
            self._forget(found)
            found.indexes = _indexes_of(merged.addresses, found, draft)
            found.person = merged
            found.is_changed = True
            self._remember(found)
        return Placed.MERGED if found.is_own else Placed.UPDATED

    def _remember(self, contact: Known) -> None:
        email, second_email, phone, whatsapp = contact.indexes
        if email:
            self._by_email[email] = contact
        if second_email:
            self._by_email[second_email] = contact
        if phone:
            self._by_phone[phone] = contact
        if whatsapp:
            self._by_phone[whatsapp] = contact

    def _forget(self, contact: Known) -> None:
        for book, key in zip(
            (self._by_email, self._by_email, self._by_phone, self._by_phone), contact.indexes, strict=True
        ):
            if key and book.get(key) is contact:
                del book[key]


def _indexes_of(addresses: Addresses, known: Known, draft: Draft) -> AddressIndexes:
    """The indexes of merged addresses: each stands already in one of the two sources."""
    indexes: dict[str | None, bytes | None] = {}
    for person, its_indexes in ((known.person, known.indexes), (draft.person, draft.indexes)):
        indexes.update(zip(person.addresses, its_indexes, strict=True))
    return AddressIndexes._make(indexes.get(address) if address else None for address in addresses)


def merge(old: Person, new: Person) -> Person:
    """What is known after somebody told more: what is new and not empty wins; own fields are united."""
    if new == old:
        return old
    attributes: dict[str, str] = {**(old.attributes or {}), **(new.attributes or {})}
    return Person(
        _merged_addresses(old.addresses, new.addresses),
        new.first_name or old.first_name,
        new.last_name or old.last_name,
        new.company or old.company,
        new.country or old.country,
        new.language or old.language,
        new.time_zone or old.time_zone,
        attributes or None,
    )


def _merged_addresses(old: Addresses, new: Addresses) -> Addresses:
    if old == new:
        return old
    email, second_email = new.email or old.email, new.second_email or old.second_email
    if email == second_email:  # one of the two is told again in the other place: both stay where they were
        email, second_email = old.email or email, old.second_email if old.email else None
    return Addresses(email, second_email, new.phone or old.phone, new.whatsapp or old.whatsapp)
