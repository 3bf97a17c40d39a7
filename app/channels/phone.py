"""What a phone number is: E.164 as it is stored and compared."""

import re
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneMetadata

from app.channels.address import INVISIBLE, trim
from app.kernel.errors import InvalidInput

_SEPARATORS = " \t\xa0\u2007\u2009\u202f\u3000()[]./-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\uff0d" + INVISIBLE
_WITHOUT_SEPARATORS = {ord(char): None for char in _SEPARATORS}
_SCIENTIFIC = re.compile(r"\+?[0-9]+(?:[.,][0-9]+)?[eE]\+?[0-9]+")
_FROM_SPREADSHEET = re.compile(r"(\+?[0-9]{6,})[.,]0+")
_CHANNEL_PREFIX = re.compile(r"(?:whatsapp|tel|sms):\s*", re.IGNORECASE)
_PREFIX_IN_BRACKETS = re.compile(r"\(\s*0\s*\)")
_INTERNATIONAL = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_DIGITS = re.compile(r"\+?[0-9]+", re.ASCII)


def normalise_phone(text: str, default_country: str | None) -> str:
    """The number in E.164 (+48501502503). default_country: two letters, used when the number names no country.

    Accepts a possible length that matches the general pattern of its country in phonenumbers. Whether the range is
    assigned today is not asked: the tables age faster than contacts, and numbers kept for examples would be refused.
    Raises InvalidInput with a sentence that says what is wrong.
    """
    if _INTERNATIONAL.fullmatch(text) and (number := _known_international(text)):
        return number
    digits = _digits(text)
    if digits.startswith("+"):
        return _known_international(digits) or _parsed(digits, None)
    if not default_country:
        raise _bad("This number names no country. Begin it with + and the country code, or choose a default country.")
    return _known_national(digits, default_country) or _parsed(digits, default_country)


def _digits(text: str) -> str:
    """The digits of a written number, with a leading + when it names its country."""
    number = _CHANNEL_PREFIX.sub("", trim(text), count=1)
    if not number:
        raise _bad("There is no phone number here.")
    if _SCIENTIFIC.fullmatch(number):
        raise _bad("A spreadsheet has turned this number into a power of ten and lost digits. Format it as text.")
    if spoiled := _FROM_SPREADSHEET.fullmatch(number):
        number = spoiled[1]
    if number.startswith(("+", "00")):
        number = _PREFIX_IN_BRACKETS.sub("", number)
    number = number.translate(_WITHOUT_SEPARATORS)
    if number.isdecimal() and not number.isascii():
        number = "".join(str(int(char)) for char in number)
    if not _DIGITS.fullmatch(number):
        raise _bad("A phone number has digits only, no letters, no extension and no second number. Correct it.")
    if number.startswith("00"):
        number = "+" + number[2:]
    if len(number) > 18:
        raise _bad("This number is too long for a phone number. Is there more than one in the field?")
    return number


def _parsed(number: str, country: str | None) -> str:
    """The slow way, by phonenumbers."""
    if country and country not in phonenumbers.SUPPORTED_REGIONS:
        raise _bad("“%(country)s” is not a country. Use two capital letters such as GB.", country=country[:20])
    try:
        parsed = phonenumbers.parse(number, country)
    except NumberParseException as error:
        raise _bad("This number cannot be read. Write it as +44 7700 900123.") from error
    if phonenumbers.is_possible_number_with_reason(parsed) != phonenumbers.ValidationResult.IS_POSSIBLE:
        raise _bad("This number has too many or too few digits for its country. Correct it.")
    countries = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(parsed.country_code or 0, ())
    national = phonenumbers.national_significant_number(parsed)
    plans = [plan for plan in map(_plan, countries) if plan is not None]
    if plans and not any(plan.numbers.match(national) for plan in plans):
        raise _bad("No number of this kind is in use in its country. Correct it.")
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


@dataclass(frozen=True, slots=True)
class _Plan:
    """The numbering plan of a country, compiled: a national number matches `numbers`, without any prefix."""

    calling_code: str
    numbers: re.Pattern[str]
    prefix: re.Pattern[str]
    has_zero_prefix: bool


@lru_cache(maxsize=512)
def _plan(country: str) -> _Plan | None:
    """The compiled plan; None for what is no country (+800 and the like)."""
    data = PhoneMetadata.metadata_for_region(country, None)
    if data is None or data.general_desc is None or not data.general_desc.national_number_pattern:
        return None
    lengths = "|".join(f"[0-9]{{{length}}}" for length in data.general_desc.possible_length)
    return _Plan(
        calling_code=str(data.country_code),
        numbers=re.compile(rf"(?=(?:{lengths})\Z)(?:{data.general_desc.national_number_pattern})\Z", re.ASCII),
        prefix=re.compile(data.national_prefix_for_parsing or r"(?!)", re.ASCII),
        has_zero_prefix=data.national_prefix == "0" and data.national_prefix_transform_rule is None,
    )


@lru_cache(maxsize=1024)
def _main_country(calling_code: str) -> str | None:
    countries = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(calling_code))
    return countries[0] if countries and countries[0] != "001" else None


@lru_cache(maxsize=1024)
def _plan_of(first_digits: str) -> _Plan | None:
    """The plan of the calling code that begins these three digits (no calling code begins another)."""
    for length in (1, 2, 3):
        if country := _main_country(first_digits[:length]):
            return _plan(country)
    return None


def _known_international(number: str) -> str | None:
    """The number when the compiled plan of its country holds it; None: ask phonenumbers."""
    plan = _plan_of(number[1:4]) if len(number) > 7 else None
    if plan is None:
        return None
    national = number[len(plan.calling_code) + 1 :]
    if national.startswith("0") or plan.prefix.match(national) or not plan.numbers.match(national):
        return None
    return number


def _known_national(number: str, country: str) -> str | None:
    """E.164 when the compiled plan of the country holds the number; None: ask phonenumbers."""
    plan = _plan(country)
    if plan is None:
        return None
    if number.startswith("0"):
        prefix = plan.prefix.match(number)
        if not plan.has_zero_prefix or prefix is None or prefix[0] != "0" or plan.numbers.match(number):
            return None
        number = number[1:]
        if number.startswith("0"):
            return None
    elif plan.prefix.match(number):
        return None
    return f"+{plan.calling_code}{number}" if plan.numbers.match(number) else None


def _bad(message: str, **values: object) -> InvalidInput:
    return InvalidInput(message, "phone", **values)
