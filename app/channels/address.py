"""What an address is: e-mail addresses and phone numbers as they are stored, compared, shown and sent."""

import re
import unicodedata
from functools import lru_cache

import idna
from email_validator import EmailNotValidError, validate_email

from app.kernel.errors import InvalidInput

EMAIL_LIMIT = 254  # RFC 5321 4.5.3.1.3 less the angle brackets
LOCAL_PART_LIMIT = 64  # RFC 5321 4.5.3.1.1

# what nobody sees and spreadsheets leave around an address
INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_AROUND = INVISIBLE + " \t\r\n\f\v\xa0\u2007\u202f\u3000"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

# Everything that matches is an address to email-validator too (a test compares them); the rest is left to it.
# No label with -- in place 3 and 4 (xn--), no reserved last label.
_LABEL = r"(?![a-z0-9]{2}--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_RESERVED = "arpa|invalid|local|localhost|onion|test"
_PLAIN_EMAIL = re.compile(
    rf"(?=.{{6,254}}\Z)(?=.{{1,64}}@)[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@(?:{_LABEL}\.)+(?!(?:{_RESERVED})\Z)[a-z]{{2,63}}"
)


# A bare ASCII address that nothing can break out of, in a header or a command; whether it is one was decided before.
_ON_THE_WIRE = re.compile(r"(?=.{3,254}\Z)[!#-'*+/-9=?A-Z^-~-]{1,64}@[A-Za-z0-9.-]+")


def trim(text: str) -> str:
    """The text without white space and invisible characters at its ends."""
    return text.strip(_AROUND)


def normalise_email(text: str) -> str:
    """The address as it is stored and compared: lower case, NFC, domain in punycode; display_email shows it.

    Raises InvalidInput with a sentence that says what is wrong.
    """
    if _PLAIN_EMAIL.fullmatch(text):
        return text
    return _normalise_email(text)


def _normalise_email(text: str) -> str:
    address = unicodedata.normalize("NFC", trim(text)).lower()
    if _PLAIN_EMAIL.fullmatch(address):
        return address
    _refuse_obvious(address)
    try:
        valid = validate_email(address, check_deliverability=False)
    except EmailNotValidError as error:
        raise _bad("This e-mail address cannot be used: %(why)s", why=str(error)) from error
    local = unicodedata.normalize("NFC", valid.local_part.lower())
    domain = valid.ascii_domain.lower() if valid.ascii_domain else ""
    email = f"{local}@{domain}"
    if len(email.encode()) > EMAIL_LIMIT:
        raise _bad("This e-mail address is longer than %(limit)s characters. Correct it.", limit=EMAIL_LIMIT)
    return email


def _refuse_obvious(address: str) -> None:
    """The common mistakes, each with its own sentence."""
    if not address:
        raise _bad("There is no e-mail address here.")
    if _CONTROL.search(address):
        raise _bad("There is a line break or a control character inside this e-mail address. Remove it.")
    if address.count("@") > 1 and re.search(r"[,;/|\s]", address):
        raise _bad("There is more than one e-mail address in this field. Leave one, or use the field for a second one.")
    if "<" in address or ">" in address:
        raise _bad("Write only the address (anna@example.com), without a name and angle brackets.")
    if address.startswith("mailto:"):
        raise _bad("Write the address without “mailto:” in front.")
    if "@" not in address:
        raise _bad("An e-mail address has an @ sign, as in anna@example.com.")
    local, _, domain = address.rpartition("@")
    if len(local.encode()) > LOCAL_PART_LIMIT:
        raise _bad(
            "The part before the @ sign is longer than %(limit)s characters. Correct the address.",
            limit=LOCAL_PART_LIMIT,
        )
    if len(address.encode()) > EMAIL_LIMIT:
        raise _bad("This e-mail address is longer than %(limit)s characters. Correct it.", limit=EMAIL_LIMIT)
    if domain.startswith("[") or re.fullmatch(r"[0-9.]+", domain):
        raise _bad("The part after the @ sign must be a name such as example.com, not a number of a machine.")
    if "." not in domain:
        raise _bad("The part after the @ sign must have a dot, as in example.com.")


def display_email(email: str) -> str:
    """A normalised address for people: the domain in its own script. Keep punycode at hand (lookalike letters)."""
    local, _, domain = email.rpartition("@")
    return f"{local}@{_unicode_domain(domain)}" if "xn--" in domain else email


@lru_cache(maxsize=4096)
def _unicode_domain(domain: str) -> str:
    try:
        return idna.decode(domain)
    except idna.IDNAError:
        return domain


def wire_address(email: str) -> bytes:
    """The address as it stands in MAIL FROM, RCPT TO and header fields: domain in punycode, local part in UTF-8.

    Raises InvalidInput for what is not a bare address.
    """
    if _ON_THE_WIRE.fullmatch(email):
        return email.encode("ascii")
    return _normalise_email(email).encode()


def needs_smtputf8(email: str) -> bool:
    """Whether only a server with SMTPUTF8 (RFC 6531) can take the address: the part before the @ is not ASCII."""
    return not email.isascii() and not email.rpartition("@")[0].isascii()


def email_domain(email: str) -> str:
    """The domain of a normalised address, in punycode."""
    return email.rpartition("@")[2]


def _bad(message: str, **values: object) -> InvalidInput:
    return InvalidInput(message, "email", **values)
