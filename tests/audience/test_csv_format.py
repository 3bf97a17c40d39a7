"""Which kind of CSV file is this."""

import codecs

import pytest

from app.audience import csv_format
from app.audience.csv_columns import check_mapping, suggest
from app.audience.csv_format import EncodingScan, count_lines, csv_line, guarded, read_head, split_bom, unguarded
from app.kernel.errors import InvalidInput


def encoding_of(*pieces: bytes) -> str:
    scan = EncodingScan()
    for piece in pieces:
        scan.feed(piece)
    return scan.encoding()


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Zażółć gęślą jaźń, Łukasz, Michał Wójcik", "cp1250"),
        ("Zażółć gęślą jaźń, Łukasz, Michał Wójcik", "iso8859-2"),
        ("Jiří Dvořák, Štěpán Černý", "cp1250"),
        ("Jürgen Müller, Größe", "cp1252"),
        ("Élodie Lefèvre, François", "cp1252"),
        ("José Muñoz", "cp1252"),
        ("Åse Bjørn", "cp1252"),
    ],
)
def test_code_page_is_found_by_the_letters_of_a_language(text: str, encoding: str) -> None:
    assert encoding_of(b"name\n", text.encode(encoding)).lower() == encoding


def test_utf8_in_small_pieces_is_utf8() -> None:
    assert encoding_of(*[bytes([byte]) for byte in "Zażółć".encode()]) == "utf-8"


def test_utf8_with_a_broken_byte_stays_utf8() -> None:
    assert encoding_of("Zażółć gęślą jaźń".encode() + b"\xe9") == "utf-8"


@pytest.mark.parametrize(
    ("start", "length", "encoding"),
    [
        (codecs.BOM_UTF8 + b"a", 3, "utf-8"),
        (codecs.BOM_UTF16_LE + b"a\0", 2, "utf-16-le"),
        (codecs.BOM_UTF16_BE + b"\0a", 2, "utf-16-be"),
        (b"abc", 0, None),
    ],
)
def test_byte_order_marks_are_known(start: bytes, length: int, encoding: str | None) -> None:
    assert split_bom(start) == (length, encoding)


@pytest.mark.parametrize(
    "start", [b"PK\x03\x04", b"%PDF-1.7", b"\x89PNG\r\n", b"\x1f\x8b\x08", b"\xd0\xcf\x11\xe0\xa1"]
)
def test_other_kinds_of_files_are_refused(start: bytes) -> None:
    with pytest.raises(InvalidInput, match="not a CSV file"):
        csv_format.refuse_other_files(start + b"rest")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_found(delimiter: str) -> None:
    head = read_head(f'e-mail{delimiter}name\na@b.pl{delimiter}"x,;|y"\n'.encode(), "utf-8")
    assert (head.delimiter, head.columns) == (delimiter, ("e-mail", "name"))
    assert head.samples == (("a@b.pl", "x,;|y"),)


def test_single_column_is_accepted() -> None:
    assert read_head(b"abc\nabc\nabc\n", "utf-8").columns == ("abc",)


def test_delimiter_line_of_excel_is_no_row() -> None:
    head = read_head(b"sep=|\r\ne-mail|name\r\na@b.pl|x\r\n", "utf-8")
    assert (head.delimiter, head.columns, head.data_at) == ("|", ("e-mail", "name"), 20)


def test_broken_byte_in_the_heading_is_refused_and_in_a_sample_is_shown_as_such() -> None:
    with pytest.raises(InvalidInput, match="column 2 has .* unreadable"):
        read_head(b"e-mail,na\xe9me\na@b.pl,x\n", "utf-8")
    head = read_head("\ne-mail,ż\n".encode() + b"a@b.pl,x\xe9y\n", "utf-8")
    assert (head.samples, head.data_at) == ((("a@b.pl", "x\ufffdy"),), 11)


def test_rows_begin_after_a_heading_with_a_line_break_in_quotes_in_the_data() -> None:
    source = 'e-mail,żółć\na@b.pl,"x\ny"\n'.encode()
    head = read_head(source, "utf-8")
    assert source[head.data_at :] == b'a@b.pl,"x\ny"\n'


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (b"", "empty"),
        (b"\r\n \r\n\n", "empty"),
        (b"e-mail,name\r\n", "no rows"),
        (b"e-mail,name\r\n\r\n\r\n", "no rows"),
        (b"email,name,email\na@b.pl,x,c@d.pl\n", "Columns 1 and 3 have the same heading"),
        (b"email,E-mail,EMAIL \na@b.pl,x,c@d.pl\n", "Columns 1 and 3 have the same heading"),
        (b",".join(b"c%d" % n for n in range(101)) + b"\n1,2\n", "101 columns"),
        (b"e-mail," + b"x" * 301 + b"\na@b.pl,1\n", "column 2 is longer than 300"),
        (b"e-mail,na\x07me\na@b.pl,1\n", "unreadable character"),
        (b'e-mail,"na\nme"\na@b.pl,1\n', "line break or an unreadable character"),
        (b'"e-mail,name\na@b.pl,x\n', "not closed"),
    ],
)
def test_unusable_heads_are_refused_with_a_reason(source: bytes, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        read_head(source, "utf-8")


@pytest.mark.parametrize("first", [b"anna@example.com,Anna", b"+48 600 100 200,Anna"])
def test_first_row_that_is_data_is_not_eaten(first: bytes) -> None:
    head = read_head(first + b"\nb@example.com,Jan\n", "utf-8")
    assert (head.has_heading, head.columns, head.data_at) == (False, ("Column 1", "Column 2"), 0)
    assert head.samples[0][1] == "Anna"


@pytest.mark.parametrize(
    ("column", "field"),
    [
        ("E-mail", "email"),
        ("  e_MAIL address ", "email"),
        ("Adres e-mail", "email"),
        ("Imię", "first_name"),
        ("NAZWISKO", "last_name"),
        ("Telefon komórkowy", "phone"),
        ("Nr telefonu", "phone"),
        ("Firma", "company"),
        ("Państwo", "country"),
        ("Język", "language"),
        ("Strefa czasowa", "time_zone"),
        ("WhatsApp", "whatsapp"),
        ("Drugi e-mail", "second_email"),
    ],
)
def test_headings_are_matched_whatever_their_spelling(column: str, field: str) -> None:
    assert suggest([column]) == {column: field}


def test_a_field_is_suggested_once_and_unknown_columns_are_left_out() -> None:
    assert suggest(["email", "mail", "Shoe size"]) == {"email": "email"}


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"name": "first_name"}, "Choose the column with the e-mail"),
        ({"e-mail": "email", "other": "phone"}, "no column"),
        ({"e-mail": "email", "name": "email"}, "same field"),
        ({"e-mail": "email", "name": "password"}, "no field of a contact"),
        ({"e-mail": "email", "name": "attributes.Bad Name"}, "no field of a contact"),
    ],
)
def test_unusable_mappings_are_refused(mapping: dict[str, str], message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as caught:
        check_mapping(["e-mail", "name"], mapping)
    assert caught.value.field == "mapping"


def test_columns_mapped_to_nothing_are_left_out() -> None:
    assert check_mapping(["e-mail", "name"], {"e-mail": "email", "name": ""}) == {"e-mail": "email"}


@pytest.mark.parametrize(
    "cell", ["=cmd|'/C calc'!A1", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "＝1", "+48600100200"]
)
def test_cells_that_begin_a_formula_are_guarded_and_come_back(cell: str) -> None:
    assert guarded(cell) == f"'{cell}"
    assert unguarded(guarded(cell)) == cell


def test_other_cells_stay_as_they_are() -> None:
    assert csv_line(["O'Neil", "'quoted'", 'a"b', "x;y"], ";") == 'O\'Neil;\'quoted\';"a""b";"x;y"\r\n'
    assert unguarded("'quoted'") == "'quoted'"


def test_lines_are_counted_over_pieces() -> None:
    assert count_lines([b"a\nb\r", b"\nc\rd", b"\re\r\n"]) == 5
