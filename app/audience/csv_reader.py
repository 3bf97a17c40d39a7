"""Records of a CSV source, one after the other, with the lines and bytes they end at; a broken one breaks no other."""

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from app.audience.csv_format import MAX_CELL
from app.kernel.errors import InvalidInput
from app.kernel.texts import N_

MAX_LINE_BYTES = 4 * 2**20


class Record(NamedTuple):
    """One row. problem: why it cannot be read, with as much of it in cells as could be."""

    line: int
    cells: list[str]
    problem: str | None


class RecordReader:
    """Reads records that are not blank from pieces of bytes, strictly.

    offset and line say where the last record ended, so that another reader can go on from there.
    Raises InvalidInput when a single line is too long for any CSV file.
    """

    def __init__(self, pieces: Iterable[bytes], encoding: str, delimiter: str, offset: int = 0, line: int = 0) -> None:
        self.offset = offset
        self.line = line
        self._encoding = encoding
        self._delimiter = delimiter
        self._lines = self._split(pieces)
        self._again: deque[bytes] = deque()  # lines that a broken record had swallowed
        self._taken: list[bytes] = []
        self._damage: str | None = None

    def __iter__(self) -> Iterator[Record]:
        csv.field_size_limit(MAX_CELL)
        while True:
            try:
                for cells in csv.reader(self._feed(), delimiter=self._delimiter, strict=True):
                    line = self.line + 1
                    self._advance(self._taken)
                    damage, self._damage = self._damage, None
                    if any(cells):
                        yield Record(line, cells, damage)
            except csv.Error as error:
                yield self._broken(error)
            else:
                return

    def _advance(self, taken: list[bytes]) -> None:
        self.line += len(taken)
        self.offset += len(taken[0]) if len(taken) == 1 else sum(map(len, taken))
        taken.clear()

    def _broken(self, error: csv.Error) -> Record:
        """Give up the first line of the record only: an unclosed quote must not swallow the lines after it."""
        first, rest = self._taken[0], self._taken[1:]
        if "limit" in str(error) and not rest:
            problem = N_("A field in this line is longer than %(limit)s characters.", limit=f"{MAX_CELL:,}")
        elif "limit" in str(error) or "end of data" in str(error):
            problem = N_("A quotation mark is opened in line %(line)s and not closed.", line=self.line + 1)
        else:
            problem = N_(
                "There is text after a closing quotation mark. Double quotation marks that belong to the text."
            )
        line = self.line + 1
        self._again.extendleft(reversed(rest))
        self._damage = None
        self._taken.clear()
        self._advance([first])
        return Record(line, [first.decode(self._encoding, "replace").rstrip("\r\n")[:MAX_CELL]], problem)

    def _feed(self) -> Iterator[str]:
        """Decoded lines for csv.reader, remembered until the record is whole."""
        again, taken, encoding, lines = self._again, self._taken, self._encoding, self._lines
        while True:
            line = again.popleft() if again else next(lines, None)
            if line is None:
                return
            taken.append(line)
            try:
                text = line.decode(encoding)
            except UnicodeDecodeError as error:
                self._damage = (
                    f"Byte {error.start + 1} of line {self.line + len(taken)} (0x{line[error.start]:02X}) is no "
                    f"character in {encoding}. Save the file as CSV UTF-8."
                )
                text = line.decode(encoding, "replace")
            yield text

    def _split(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Lines with their ends; \\n, \\r\\n and \\r alike end a line."""
        rest = b""
        for piece in pieces:
            lines = (rest + piece).splitlines(keepends=True)
            rest = lines.pop() if lines else b""  # not whole yet, or its \r may be followed by \n
            yield from lines
            if len(rest) > MAX_LINE_BYTES:
                raise InvalidInput("There is a line of more than 4 MB in this file; it is no CSV file.", field="file")
        if rest:
            yield rest
