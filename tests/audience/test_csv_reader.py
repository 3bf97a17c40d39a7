"""Records of a CSV file, and what a broken one does to the others."""

from collections.abc import Iterator

import pytest

from app.audience.csv_reader import Record, RecordReader
from app.kernel.errors import InvalidInput


def in_pieces(source: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(source), size):
        yield source[start : start + size]


def records(source: bytes, size: int = 2**20, encoding: str = "utf-8") -> list[Record]:
    return list(RecordReader(in_pieces(source, size), encoding, ","))


def cells(source: bytes, size: int = 2**20) -> list[list[str]]:
    found = records(source, size)
    assert all(record.problem is None for record in found)
    return [record.cells for record in found]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_line_ends_of_every_kind_are_read_over_piece_borders(end: bytes, size: int) -> None:
    source = end.join([b"a,b", b'c,"d', b'e ""f"""', "ą,ż".encode(), b""])
    assert cells(source, size) == [["a", "b"], ["c", f'd{end.decode()}e "f"'], ["ą", "ż"]]


def test_mixed_line_ends_and_blank_lines_are_read() -> None:
    assert cells(b"a,b\r\nc,d\n\n \r\n,,\re,f") == [["a", "b"], ["c", "d"], [" "], ["e", "f"]]


def test_line_numbers_count_every_line() -> None:
    assert [record.line for record in records(b'a\n\n"b\nc"\nd\n')] == [1, 3, 5]


def test_unclosed_quote_breaks_only_its_own_line() -> None:
    found = records(b'a,1\nb,"2\nc,3\nd,4\n')
    assert [record.cells for record in found] == [["a", "1"], ['b,"2'], ["c", "3"], ["d", "4"]]
    assert [record.problem for record in found] == [
        None,
        "A quotation mark is opened in line 2 and not closed.",
        None,
        None,
    ]
    assert [record.line for record in found] == [1, 2, 3, 4]


def test_unclosed_quote_far_from_the_end_breaks_only_its_own_line() -> None:
    rest = [f"person{n}@example.org" for n in range(2000)]
    found = records("\n".join(["e-mail", '"open', *rest]).encode(), size=4096)
    assert [record.line for record in found if record.problem] == [2]
    assert [record.cells[0] for record in found[2:]] == rest


def test_text_after_a_closing_quote_is_a_bad_row() -> None:
    found = records(b'"a"b,c\nd,e\n')
    assert found[0].problem is not None and "after a closing quotation mark" in found[0].problem
    assert found[1].cells == ["d", "e"]


def test_field_beyond_the_limit_is_a_bad_row() -> None:
    found = records(b"x" * 10_001 + b",a\n" + b"y" * 10_000 + b",b\n")
    assert found[0].problem is not None and "10,000 characters" in found[0].problem
    assert (found[1].problem, found[1].cells[1]) == (None, "b")


def test_broken_byte_is_a_bad_row_with_its_place() -> None:
    found = records("ą,1\n".encode() + b"b\xe9,2\nc,3\n")
    assert [record.problem is None for record in found] == [True, False, True]
    assert "Byte 2 of line 2 (0xE9)" in str(found[1].problem)


def test_reading_goes_on_from_any_record() -> None:
    source = 'a,1\n"b\nc",2\r\n\nd,"3\ne,ż\n'.encode()
    reader = RecordReader([source], "utf-8", ",")
    places = [(record, reader.offset, reader.line) for record in reader]
    for number, (_, offset, line) in enumerate(places):
        rest = list(RecordReader([source[offset:]], "utf-8", ",", offset, line))
        assert rest == [record for record, _, _ in places[number + 1 :]]
    assert places[-1][1] == len(source)


def test_line_without_an_end_is_refused_before_memory_is_full() -> None:
    with pytest.raises(InvalidInput, match="more than 4 MB"):
        list(RecordReader((b"x" * 2**20 for _ in range(200)), "utf-8", ","))
