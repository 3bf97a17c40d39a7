"""What may stand in the fields of a contact: pure, from text to a clean value or a sentence that says what is wrong."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache, partial
from typing import Any, NamedTuple
from zoneinfo import available_timezones

import phonenumbers

from app.audience.addresses import Addresses
from app.channels.address import normalise_email, trim
from app.channels.phone import normalise_phone
from app.kernel.errors import InvalidInput

ATTRIBUTE_PREFIX = "attributes."
ATTRIBUTE_LIMIT = 1000
ATTRIBUTES_MAX = 100

_ATTRIBUTE_NAME = re.compile(r"[a-z0-9_]{1,40}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")
_WRITTEN_OTHERWISE = {"UK": "GB", "EL": "GR"}  # what people and the EU write against ISO 3166


class ContactField(StrEnum):
    """The fields of a contact, by the names of their columns and merge fields."""

    EMAIL = "email"
    SECOND_EMAIL = "second_email"
    PHONE = "phone"
    WHATSAPP = "whatsapp"
    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    COMPANY = "company"
    COUNTRY = "country"
    LANGUAGE = "language"
    TIME_ZONE = "time_zone"


ADDRESS_FIELDS = (ContactField.EMAIL, ContactField.SECOND_EMAIL, ContactField.PHONE, ContactField.WHATSAPP)
TEXT_FIELDS = tuple(field for field in ContactField if field not in ADDRESS_FIELDS)

Cleaner = Callable[[str], str]
_COUNTRY = tuple(ContactField).index(ContactField.COUNTRY)


class Person(NamedTuple):
    """What is known about somebody. "" and no attributes where nothing is known."""

    addresses: Addresses
    first_name: str = ""
    last_name: str = ""
    company: str = ""
    country: str = ""
    language: str = ""
    time_zone: str = ""
    attributes: Mapping[str, str] | None = None


def attribute_name(column: str) -> str:
    """A name for an own field made of a heading: "Ulubiony kolor" -> "ulubiony_kolor"; "" when nothing is left."""
    return re.sub(r"[^a-z0-9]+", "_", plain(column)).strip("_")[:40]


def plain(text: str) -> str:
    """The text in small letters without accents, for comparing headings."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().replace("ł", "l"))
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def is_attribute(target: str) -> bool:
    """Whether this is the name of an own field, as attributes.city."""
    return (
        target.startswith(ATTRIBUTE_PREFIX) and _ATTRIBUTE_NAME.fullmatch(target[len(ATTRIBUTE_PREFIX) :]) is not None
    )


def clean_person(values: Mapping[str, Any], default_country: str = "") -> Person:
    """A person made of field values (and "attributes", a mapping). Raises InvalidInput naming the field."""
    given = [str(values.get(field) or "").strip() for field in ContactField]
    country = clean_country(given[_COUNTRY]) or default_country
    cleaned = [""] * len(given)
    for place, field in enumerate(ContactField):
        if given[place]:
            try:
                cleaned[place] = cleaner(field, country)(given[place])
            except InvalidInput as error:
                raise error.about(field) from error
    return make_person(cleaned, clean_attributes(values.get("attributes") or {}))


def make_person(cleaned: Sequence[str], attributes: Mapping[str, str]) -> Person:
    """A person made of clean values in the order of ContactField. Raises InvalidInput when no address is among them."""
    email, second_email, phone, whatsapp, *texts = cleaned
    if second_email == email:
        second_email = ""
    if not (email or phone or second_email or whatsapp):
        raise InvalidInput("There is no e-mail address and no phone number here. Give one.", field="email")
    addresses = Addresses(email or None, second_email or None, phone or None, whatsapp or None)
    return Person(addresses, *texts, attributes=attributes or None)  # type: ignore[misc, arg-type]


def cleaner(field: ContactField, default_country: str) -> Cleaner:
    """The function that cleans the texts of this field. default_country: for numbers that name no country, or "".

    What it raises names no field: the caller knows it.
    """
    if field in (ContactField.PHONE, ContactField.WHATSAPP):
        country = default_country or None
        return lambda text: normalise_phone(text, country)
    return _CLEANERS[field]


def clean_text(limit: int, text: str) -> str:
    """The text without blanks at its ends. Raises InvalidInput for control characters and for too much."""
    text = trim(text)
    if len(text) > limit:
        raise InvalidInput("This text is longer than %(limit)s characters. Shorten it.", limit=limit)
    if not text.isprintable() and any(unicodedata.category(char) == "Cc" for char in text if char not in "\t\r\n"):
        raise InvalidInput("There is a control character in this text. Remove it.")
    return text


@lru_cache(maxsize=1024)
def clean_country(text: str) -> str:
    """Two capital letters of ISO 3166, or "". Raises InvalidInput."""
    code = trim(text).upper()
    code = _WRITTEN_OTHERWISE.get(code, code)
    if code and code not in phonenumbers.SUPPORTED_REGIONS:
        raise InvalidInput("This is not the code of a country. Use two capital letters such as PL.", field="country")
    return code


@lru_cache(maxsize=1024)
def _clean_language(text: str) -> str:
    tag = trim(text).replace("_", "-")
    if tag and (len(tag) > 16 or not _LANGUAGE.fullmatch(tag)):
        raise InvalidInput("This is not the code of a language. Use letters such as pl or en-GB.")
    return tag


@lru_cache(maxsize=1024)
def _clean_time_zone(text: str) -> str:
    zone = trim(text)
    if zone and zone not in available_timezones():
        raise InvalidInput("This time zone is not known. Use a name such as Europe/Warsaw.")
    return zone


def clean_attributes(attributes: Mapping[str, Any]) -> dict[str, str]:
    """Own fields with their texts, without empty ones. Raises InvalidInput naming the field."""
    if len(attributes) > ATTRIBUTES_MAX:
        raise InvalidInput("A contact can have at most %(limit)s own fields.", "attributes", limit=ATTRIBUTES_MAX)
    cleaned = {}
    for name, value in attributes.items():
        if not _ATTRIBUTE_NAME.fullmatch(name):
            raise InvalidInput("The name of an own field has 1 to 40 of a-z, 0-9 and _.", field="attributes")
        try:
            text = "" if value is None else clean_attribute(str(value))
        except InvalidInput as error:
            raise error.about(ATTRIBUTE_PREFIX + name) from error
        if text:
            cleaned[name] = text
    return cleaned


clean_attribute = partial(clean_text, ATTRIBUTE_LIMIT)

_CLEANERS: dict[ContactField, Cleaner] = {
    ContactField.EMAIL: normalise_email,
    ContactField.SECOND_EMAIL: normalise_email,
    ContactField.FIRST_NAME: partial(clean_text, 120),
    ContactField.LAST_NAME: partial(clean_text, 120),
    ContactField.COMPANY: partial(clean_text, 200),
    ContactField.COUNTRY: clean_country,
    ContactField.LANGUAGE: _clean_language,
    ContactField.TIME_ZONE: _clean_time_zone,
}
