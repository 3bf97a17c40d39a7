"""A contact's addresses: packed and sealed into one value, opened again, and their blind indexes."""

from collections.abc import Callable
from typing import NamedTuple

import msgpack

from app.kernel.crypto import CannotOpen, blind_index, sealer

PURPOSE = "contact"


class Addresses(NamedTuple):
    """Normalised addresses of one contact; None where there is none. The order is the order they are sealed in."""

    email: str | None = None
    second_email: str | None = None
    phone: str | None = None
    whatsapp: str | None = None


class AddressIndexes(NamedTuple):
    """The blind indexes of Addresses: two in the space of e-mail addresses, two in the space of phone numbers."""

    email: bytes | None = None
    second_email: bytes | None = None
    phone: bytes | None = None
    whatsapp: bytes | None = None


def sealing() -> Callable[[Addresses, bytes], bytes]:
    """The function (addresses, uid) -> sealed value of this app, bound once for many contacts."""
    seal, pack = sealer(PURPOSE).seal, msgpack.packb

    def seal_addresses(addresses: Addresses, uid: bytes) -> bytes:
        return seal(pack(addresses), uid)

    return seal_addresses


def opener() -> Callable[[bytes, bytes], Addresses]:
    """The function (sealed, uid) -> addresses of this app, bound once for many contacts (about 2 µs a call).

    Raises CannotOpen for what was sealed with another key or for another contact.
    """
    open_, unpack, make = sealer(PURPOSE).open, msgpack.unpackb, Addresses._make

    def open_addresses(sealed: bytes, uid: bytes) -> Addresses:
        plain = open_(sealed, uid)
        try:
            return make(unpack(plain))
        except (ValueError, TypeError, msgpack.UnpackException) as error:
            raise CannotOpen("The stored addresses of a contact are damaged.") from error

    return open_addresses


def indexing() -> Callable[[Addresses], AddressIndexes]:
    """The function addresses -> blind indexes of this app, bound once for many contacts."""
    of_email, of_phone = blind_index("email").of, blind_index("phone").of

    def index_addresses(addresses: Addresses) -> AddressIndexes:
        email, second_email, phone, whatsapp = addresses
        phone_index = of_phone(phone) if phone else None
        return AddressIndexes(
            of_email(email) if email else None,
            of_email(second_email) if second_email else None,
            phone_index,
            phone_index if whatsapp == phone else of_phone(whatsapp) if whatsapp else None,
        )

    return index_addresses


def email_index(email: str) -> bytes:
    """The blind index of a normalised e-mail address."""
    return blind_index("email").of(email)


def phone_index(phone: str) -> bytes:
    """The blind index of a number in E.164, whether of a phone or of WhatsApp."""
    return blind_index("phone").of(phone)
