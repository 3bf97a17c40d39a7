"""What may stand in the fields of a contact."""

from typing import Any

import pytest

from app.audience.csv_rows import RowReader
from app.audience.fields import attribute_name, clean_person
from app.kernel.errors import InvalidInput

COLUMNS = ("Mail", "Tel", "Name", "Land", "Shoes")
MAPPING = {"Mail": "email", "Tel": "phone", "Name": "first_name", "Land": "country", "Shoes": "attributes.shoes"}


def row(*cells: str, country: str = "PL") -> Any:
    return RowReader(COLUMNS, MAPPING, country).person(cells)


def test_row_becomes_a_clean_person() -> None:
    person = row(" Anna@Example.ORG ", "600 100 200", " Anna ", "pl", " 38 ")
    assert person.addresses == ("anna@example.org", None, "+48600100200", None)
    assert (person.first_name, person.country, person.attributes) == ("Anna", "PL", {"shoes": "38"})


def test_country_of_the_row_decides_over_the_default_one() -> None:
    assert row("", "0151 23456789", "", "DE", "").addresses.phone == "+4915123456789"


def test_missing_cells_at_the_end_are_empty_and_blank_ones_too_many_are_ignored() -> None:
    assert row("a@example.org").first_name == ""
    assert row("a@example.org", "", "A", "", "", "", "").first_name == "A"


@pytest.mark.parametrize("text", ["=cmd|'/C calc'!A1", "{{ 7*7 }}", "<script>alert(1)</script>", "O'Neil", "𝓐🙂"])
def test_texts_are_stored_as_they_are(text: str) -> None:
    assert row("a@example.org", "", text, "", "").first_name == text


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (("a@example.org", "", "A", "", "", "surplus"), "6 fields but 5 columns"),
        (("600100200", "", "", "", ""), "Mail: "),
        (("", "a@example.org", "", "", ""), "Tel: "),
        (("", "4,85E+11", "", "", ""), "Tel: .*power of ten"),
        (("a@example.org", "", "x" * 121, "", ""), "Name: .*120 characters"),
        (("a@example.org", "", "a\x07b", "", ""), "Name: .*control character"),
        (("a@example.org", "", "", "Poland", ""), "Land: .*country"),
        (("a@example.org", "", "", "", "x" * 1001), "1000 characters"),
        (("", "", "Anna", "", ""), "no e-mail address and no phone"),
        ((" ", " ", "Anna", "", ""), "no e-mail address and no phone"),
    ],
)
def test_bad_rows_say_which_column_is_wrong(cells: tuple[str, ...], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        row(*cells)


def test_number_with_a_decimal_zero_of_a_spreadsheet_is_mended() -> None:
    assert row("", "48501234567.0", "", "", "").addresses.phone == "+48501234567"


def test_number_without_country_and_default_is_refused() -> None:
    with pytest.raises(InvalidInput, match="names no country"):
        row("", "600100200", "", "", "", country="")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"email": "a@example.org", "second_email": "b"}, "second_email"),
        ({"phone": "12"}, "phone"),
        ({"email": "a@example.org", "whatsapp": "x"}, "whatsapp"),
        ({"email": "a@example.org", "company": "x" * 201}, "company"),
        ({"email": "a@example.org", "language": "not a language"}, "language"),
        ({"email": "a@example.org", "time_zone": "Mars/Base"}, "time_zone"),
        ({"email": "a@example.org", "country": "XX"}, "country"),
        ({"email": "a@example.org", "attributes": {"Bad": "1"}}, "attributes"),
        ({"email": "a@example.org", "attributes": {"shoes": "x" * 1001}}, "attributes.shoes"),
        ({"first_name": "Anna"}, "email"),
    ],
)
def test_wrong_fields_are_named(values: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        clean_person(values)
    assert caught.value.field == field


def test_second_address_equal_to_the_first_is_dropped() -> None:
    assert clean_person({"email": "a@x.org", "second_email": "A@x.org"}).addresses == ("a@x.org", None, None, None)


@pytest.mark.parametrize(
    ("heading", "name"), [("Ulubiony kolor", "ulubiony_kolor"), ("Łódź (miasto)", "lodz_miasto"), ("!", "")]
)
def test_headings_become_names_of_own_fields(heading: str, name: str) -> None:
    assert attribute_name(heading) == name
