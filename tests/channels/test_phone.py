"""Phone numbers: everything people write becomes E.164 or is refused with a sentence."""

import random

import phonenumbers
import pytest

from app.channels import phone
from app.channels.phone import normalise_phone
from app.kernel.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "country", "number"),
    [
        ("+48501502503", None, "+48501502503"),
        ("+44 (0)7700 900 123", None, "+447700900123"),
        ("0044 7700 900123", None, "+447700900123"),
        ("0044 (0) 7700 900123", "US", "+447700900123"),
        ("07700 900123", "GB", "+447700900123"),
        ("+44\u20117700\u2013900\u2014123", None, "+447700900123"),
        ("501-502-503", "PL", "+48501502503"),
        ("501 502 503", "PL", "+48501502503"),
        ("48501502503", "PL", "+48501502503"),
        ("(202) 555-0123", "US", "+12025550123"),
        ("1-202-555-0123", "US", "+12025550123"),
        ("030/1234567", "DE", "+49301234567"),
        ("+39 06 1234 5678", None, "+390612345678"),
        ("06 1234 5678", "IT", "+390612345678"),
        ("8 912 345-67-89", "RU", "+79123456789"),
        ("48501502503.0", "PL", "+48501502503"),
        ("+48501502503,00", None, "+48501502503"),
        ("whatsapp:+48501502503", None, "+48501502503"),
        ("WhatsApp: +48 501 502 503", None, "+48501502503"),
        ("tel:+48501502503", None, "+48501502503"),
        ("\u200b+48 501\xa0502\u202f503\ufeff", None, "+48501502503"),
        ("+48\uff0d501502503", None, "+48501502503"),
        ("٠٧٧٠٠٩٠٠١٢٣", "GB", "+447700900123"),
        ("+800 1234 5678", None, "+80012345678"),
    ],
)
def test_a_number_becomes_e164(text: str, country: str | None, number: str) -> None:
    assert normalise_phone(text, country) == number
    assert normalise_phone(number, None) == number


@pytest.mark.parametrize(
    ("text", "country", "says"),
    [
        ("", "GB", "no phone number"),
        ("07890x32109", "GB", "no letters"),
        ("1-800-FLOWERS", "US", "no letters"),
        ("+44 7700 900123;ext=12", None, "no extension"),
        ("+44 7700 900123 ext 12", None, "no extension"),
        ("4,85E+11", "PL", "Format it as text"),
        ("4.85e11", None, "Format it as text"),
        ("501502503", None, "names no country"),
        ("501502503", "", "names no country"),
        ("501502503", "XX", "not a country"),
        ("+12025550", None, "too many or too few"),
        ("+120255501234", None, "too many or too few"),
        ("12", "GB", "too many or too few"),
        ("+1 012 555 0123", None, "in use"),
        ("+999123456789", None, "cannot be read"),
        ("+48 501 502 503, +48 501 502 504", None, "second number"),
        ("+48501502503 48501502504", None, "more than one"),
        ("++48501502503", None, "digits only"),
        ("48+501502503", "PL", "digits only"),
        ("½23456789", "GB", "digits only"),
        ("9" * 400, "GB", "too long"),
    ],
)
def test_what_is_no_number_is_refused_with_a_sentence(text: str, country: str | None, says: str) -> None:
    with pytest.raises(InvalidInput) as error:
        normalise_phone(text, country)
    assert says in str(error.value)
    assert error.value.field == "phone"


def by_library(number: str, country: str | None) -> str | None:
    try:
        return phone._parsed(number, country)
    except InvalidInput:
        return None


def test_the_compiled_plans_never_differ_from_the_library() -> None:
    chance, taken = random.Random(5), 0
    for country in sorted(phonenumbers.SUPPORTED_REGIONS):
        example = str(phonenumbers.example_number(country).national_number)
        for _ in range(12):
            digits = list(example)
            for _ in range(chance.randrange(3)):
                digits[chance.randrange(len(digits))] = chance.choice("0123456789")
            national = chance.choice(["", "", "0", "1", "8"]) + "".join(digits)[: chance.choice([99, 99, 7])]
            international = f"+{phonenumbers.country_code_for_region(country)}{national}"
            for quick, slow in (
                (phone._known_international(international), by_library(international, None)),
                (phone._known_national(national, country), by_library(national, country)),
            ):
                taken += quick is not None
                assert quick is None or quick == slow, (country, national)
    assert taken > 1500
