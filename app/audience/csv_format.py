"""What kind of CSV file this is: pure decisions on its bytes and first rows (encoding, delimiter, heading)."""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from app.audience.fields import plain
from app.kernel.errors import InvalidInput
from app.kernel.texts import N_

MAX_COLUMNS = 100
MAX_HEADING = 300
MAX_CELL = 10_000
HEAD_BYTES = 256 * 1024
SAMPLE_ROWS = 20
DELIMITERS = (",", ";", "\t", "|")
UTF16 = "utf-16"
UTF8 = "utf-8"
ENCODINGS = (UTF8, "cp1250", "cp1252", "iso8859-2")

_BOMS = ((codecs.BOM_UTF8, UTF8), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_MAGIC = (
    (b"PK\x03\x04", N_("an Excel, OpenDocument or ZIP file")),
    (b"\xd0\xcf\x11\xe0", N_("an old Excel or Word file")),
    (b"%PDF", N_("a PDF file")),
    (b"\x89PNG", N_("a picture")),
    (b"\xff\xd8\xff", N_("a picture")),
    (b"GIF8", N_("a picture")),
    (b"\x1f\x8b", N_("a compressed file")),
    (b"BZh", N_("a compressed file")),
    (b"\xfd7zXZ", N_("a compressed file")),
    (b"7z\xbc\xaf", N_("a compressed file")),
    (b"Rar!", N_("a compressed file")),
    (b"SQLite format 3", N_("a database")),
)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_UNREADABLE = re.compile("[\ud800-\udfff]")
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?(?:\r\n|\n|\r)', re.IGNORECASE)
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r|\Z)")
_LOOKS_LIKE_DATA = re.compile(r"\s*(?:[^@\s]+@[^@\s]+\.[^@\s]+|\+?[0-9][0-9 ()./-]{5,})\s*")

# The letters beyond a-z of some languages, small; the first ones win a draw.
_LETTERS = {
    "pl": ("cp1250", "ąćęłńóśźż"),
    "pl (ISO)": ("iso8859-2", "ąćęłńóśźż"),
    "de": ("cp1252", "äöüß"),
    "fr": ("cp1252", "àâçéèêëîïôùûüÿœæ«»’"),
    "es, ca": ("cp1252", "áéíñóúüàèòïç¿¡ªº"),
    "pt": ("cp1252", "ãáàâçéêíóôõúü"),
    "it": ("cp1252", "àèéìíòóù’"),
    "da, no, sv, is": ("cp1252", "åäöøæéüáíóúýðþ"),
    "cs, sk": ("cp1250", "áčďéěíňóřšťúůýžäĺľôŕ"),
    "hu": ("cp1250", "áéíóöőúüű"),
    "ro": ("cp1250", "ăâîşţ"),
    "sl, hr": ("cp1250", "čćđšž"),
}


@dataclass(frozen=True, slots=True)
class CsvHead:
    """What the beginning of a file says. data_at: bytes before the first row of data (in the stored encoding).

    has_heading is False when the first row looks like data; then columns are named Column 1, Column 2, ...
    """

    delimiter: str
    columns: tuple[str, ...]
    has_heading: bool
    data_at: int
    samples: tuple[tuple[str, ...], ...]


def split_bom(start: bytes) -> tuple[int, str | None]:
    """(length of the byte order mark, encoding it names) at the start of a file; (0, None) without one."""
    for bom, encoding in _BOMS:
        if start.startswith(bom):
            return len(bom), encoding
    return 0, None


def refuse_other_files(start: bytes) -> None:
    """Raises InvalidInput when the first bytes are those of another kind of file, whatever its name says."""
    for magic, kind in _MAGIC:
        if start.startswith(magic):
            raise _bad("This is %(kind)s, not a CSV file. Open it, save it as CSV UTF-8, and upload that.", kind=kind)


def refuse_nul(piece: bytes) -> None:
    """Raises InvalidInput when there is a NUL byte, which no text has."""
    if b"\0" in piece:
        raise _bad("There is binary data in this file. Save it as CSV UTF-8 and upload that.")


class EncodingScan:
    """Looks at every byte of a file once and then says which encoding it has; holds 64 KiB of it at most."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder(UTF8)("replace")
        self._valid = self._broken = 0
        self._sample = bytearray()

    def feed(self, piece: bytes) -> None:
        """Look at the next piece."""
        if piece.isascii() and not self._decoder.getstate()[0]:
            return
        text = self._decoder.decode(piece)
        broken = text.count("\ufffd")
        self._broken += broken
        self._valid += len(text) - len(text.encode("ascii", "ignore")) - broken
        if broken and len(self._sample) < 65536:
            self._sample += bytes(byte for byte in piece if byte > 127)[: 65536 - len(self._sample)]

    def encoding(self) -> str:
        """The encoding. A file with more good UTF-8 than broken bytes is UTF-8 with errors in some rows."""
        if not self._broken or self._valid > self._broken:
            return UTF8
        return _best_code_page(bytes(self._sample))


def _best_code_page(high_bytes: bytes) -> str:
    """The code page in which these bytes are letters of one language.

    charset-normalizer says cp1250 for German, French and Spanish names alike (measured), so the alphabets decide.
    """
    best, best_share = "cp1252", 0.0
    for encoding, letters in _LETTERS.values():
        text = high_bytes.decode(encoding, "replace").lower()
        share = sum(map(text.count, letters)) / len(text)
        if share > best_share + 1e-9:
            best, best_share = encoding, share
    return best


def read_head(head: bytes, encoding: str, delimiter: str | None = None) -> CsvHead:
    """Look at the first bytes (up to HEAD_BYTES, without byte order mark) of a file; delimiter: as a person chose it.

    Raises InvalidInput for an empty file, no rows, and headings that cannot be used.
    """
    text = head.decode(encoding, "surrogateescape")  # so that places in the text are places in the file
    if not text.strip():
        raise _bad("This file is empty. Choose one with a heading and rows.")
    start = 0
    if named := _SEPARATOR_LINE.match(text):  # Excel's own first line
        start, delimiter = named.end(), delimiter or named[1]
    if delimiter is None:
        delimiter = _best_delimiter(text[start:])
    rows, ends = _first_rows(text[start:], delimiter)
    if not rows:
        raise _bad("This file is empty. Choose one with a heading and rows.")
    has_heading = not any(_LOOKS_LIKE_DATA.fullmatch(cell) for cell in rows[0])
    columns = _columns(rows[0]) if has_heading else tuple(_unnamed(n) for n in range(1, len(rows[0]) + 1))
    if len(columns) > MAX_COLUMNS:
        raise _bad(
            "This file has %(columns)s columns; at most %(limit)s are read. Remove those you do not need.",
            columns=len(columns),
            limit=MAX_COLUMNS,
        )
    samples = rows[1:] if has_heading else rows
    if not samples and len(head) < HEAD_BYTES:
        raise _bad("There is a heading but no rows in this file.")
    before = text[: start + (ends[0] if has_heading else 0)]
    shown = tuple(tuple(_UNREADABLE.sub("\ufffd", cell) for cell in row) for row in samples[:5])
    return CsvHead(delimiter, columns, has_heading, len(before.encode(encoding, "surrogateescape")), shown)


def _first_rows(text: str, delimiter: str) -> tuple[list[list[str]], list[int]]:
    """Up to SAMPLE_ROWS rows that are not blank, and where each ends in the text."""
    rows: list[list[str]] = []
    ends: list[int] = []
    position = 0

    def lines() -> Iterator[str]:
        nonlocal position
        for match in _LINE.finditer(text):
            if match[0]:
                position = match.end()
                yield match[0]

    try:
        for row in csv.reader(lines(), delimiter=delimiter, strict=True):
            if any(cell.strip() for cell in row):
                rows.append(row)
                ends.append(position)
            if len(rows) == SAMPLE_ROWS:
                break
    except csv.Error as error:
        if not rows:
            raise _bad("The heading cannot be read: a quotation mark in the first line is not closed.") from error
    return rows, ends


def _best_delimiter(text: str) -> str:
    """The delimiter that gives the same number of columns, and more than one, in most of the first rows.

    Not csv.Sniffer, which finds the delimiter "c" in a column of abc.
    """
    best, best_score = ",", (0.0, 0)
    for delimiter in DELIMITERS:
        try:
            rows, _ = _first_rows(text, delimiter)
        except InvalidInput:
            continue
        width = len(rows[0]) if rows else 0
        if width > 1:
            score = (sum(len(row) == width for row in rows) / len(rows), width)
            if score > best_score:
                best, best_score = delimiter, score
    return best


def _columns(cells: Sequence[str]) -> tuple[str, ...]:
    """The headings, an empty one named by its place. Raises InvalidInput for what cannot be a heading."""
    columns = tuple(cell.strip() or _unnamed(number) for number, cell in enumerate(cells, 1))
    seen: dict[str, int] = {}
    for number, column in enumerate(columns, 1):
        if len(column) > MAX_HEADING:
            raise _bad(
                "The heading of column %(number)s is longer than %(limit)s characters. Shorten it.",
                number=number,
                limit=MAX_HEADING,
            )
        if _CONTROL.search(column):
            raise _bad(
                "The heading of column %(number)s has a line break or an unreadable character in it. Remove it.",
                number=number,
            )
        other = seen.setdefault(plain(column), number)
        if other != number:
            raise _bad(
                "Columns %(one)s and %(other)s have the same heading, “%(heading)s”. Rename or remove one.",
                one=other,
                other=number,
                heading=column[:40],
            )
    return columns


def _unnamed(number: int) -> str:
    return N_("Column %(number)s", number=number)


def count_lines(pieces: Iterable[bytes]) -> int:
    """Line ends in these bytes: \\n, \\r\\n (also over two pieces) or \\r."""
    lines, ends_in_return = 0, False
    for piece in pieces:
        lines += piece.count(b"\n") + piece.count(b"\r") - piece.count(b"\r\n")
        lines -= ends_in_return and piece.startswith(b"\n")
        ends_in_return = piece.endswith(b"\r")
    return lines


def guarded(cell: str) -> str:
    """The cell as a spreadsheet shows it and never runs it: a quote before what would begin a formula."""
    return f"'{cell}" if cell[:1] in _FORMULA_STARTS else cell


def unguarded(cell: str) -> str:
    """The cell without the quote that guarded() put before it."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in _FORMULA_STARTS else cell


_FORMULA_STARTS = frozenset("=+-@\t\r\n＝＋－＠")


def csv_line(cells: Sequence[str], delimiter: str) -> str:
    """One guarded line of a CSV file for people, with its line end."""
    line = io.StringIO()
    csv.writer(line, delimiter=delimiter).writerow(map(guarded, cells))
    return line.getvalue()


def _bad(message: str, **values: object) -> InvalidInput:
    return InvalidInput(message, "file", **values)
