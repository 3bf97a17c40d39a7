"""From rows of a file to clean people or bad rows, in chunks. Pure apart from the keys of the indexes it is given."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from app.audience.addresses import Addresses, AddressIndexes
from app.audience.csv_format import unguarded
from app.audience.csv_reader import Record, RecordReader
from app.audience.fields import (
    ATTRIBUTE_PREFIX,
    Cleaner,
    ContactField,
    Person,
    clean_attribute,
    clean_country,
    cleaner,
    make_person,
)
from app.audience.matching import Draft
from app.kernel.errors import InvalidInput

CHUNK_ROWS = 20_000
CHUNK_BYTES = 2**22


class BadRow(NamedTuple):
    """A row that cannot be used, for the list that people download."""

    line: int
    problem: str
    cells: Sequence[str]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows of one unit of work. start and end: the bytes of the source it covers."""

    start: int
    end: int
    rows: int
    drafts: list[Draft]
    bad: list[BadRow]


class RowReader:
    """Turns the cells of a row into a person by a mapping (column -> field)."""

    def __init__(self, columns: Sequence[str], mapping: Mapping[str, str], default_country: str) -> None:
        self._columns = columns
        self._width = len(columns)
        self._default_country = default_country
        places = {target: columns.index(column) for column, target in mapping.items()}
        self._country_at = places.get(ContactField.COUNTRY)
        self._attributes = [
            (place, target.removeprefix(ATTRIBUTE_PREFIX))
            for target, place in places.items()
            if target.startswith(ATTRIBUTE_PREFIX)
        ]
        fields = [(places[field], number, field) for number, field in enumerate(ContactField) if field in places]

        @lru_cache(maxsize=256)
        def cleaners(country: str) -> list[tuple[int, int, Cleaner]]:
            return [(place, number, cleaner(field, country)) for place, number, field in fields]

        self._cleaners = cleaners

    def person(self, cells: Sequence[str]) -> Person:
        """The person of a row. Raises InvalidInput naming the column."""
        if len(cells) != self._width:
            cells = self._evened(cells)
        country, place = self._default_country, self._country_at
        cleaned, attributes = [""] * len(ContactField), {}
        try:
            if place is not None and cells[place]:
                country = clean_country(cells[place]) or country
            for place, number, clean in self._cleaners(country):
                text = cells[place]
                if text and not text.isspace():
                    cleaned[number] = clean(unguarded(text) if text[0] == "'" else text)
            for place, name in self._attributes:
                if text := clean_attribute(unguarded(cells[place])):
                    attributes[name] = text
        except InvalidInput as error:
            raise InvalidInput("%(name)s: %(problem)s", name=self._columns[place or 0], problem=error.phrase) from error
        return make_person(cleaned, attributes)

    def _evened(self, cells: Sequence[str]) -> Sequence[str]:
        """The row with as many cells as there are columns: missing ones are empty, surplus ones must be."""
        if any(cells[self._width :]):
            raise InvalidInput(
                "There are %(fields)s fields but %(columns)s columns. Put a text with a delimiter in it in quotes.",
                fields=len(cells),
                columns=self._width,
            )
        return [*cells[: self._width], *[""] * (self._width - len(cells))]


def chunks(records: RecordReader, rows: RowReader, index: Callable[[Addresses], AddressIndexes]) -> Iterator[Chunk]:
    """The rest of a file in chunks of CHUNK_ROWS rows or CHUNK_BYTES bytes, whatever comes first."""
    start, number = records.offset, 0
    drafts: list[Draft] = []
    bad: list[BadRow] = []
    for record in records:
        number += 1
        read = _read(record, rows, index)
        if isinstance(read, Draft):
            drafts.append(read)
        else:
            bad.append(read)
        if number == CHUNK_ROWS or records.offset - start >= CHUNK_BYTES:
            yield Chunk(start, records.offset, number, drafts, bad)
            start, number, drafts, bad = records.offset, 0, [], []
    if records.offset > start:
        yield Chunk(start, records.offset, number, drafts, bad)


def _read(record: Record, rows: RowReader, index: Callable[[Addresses], AddressIndexes]) -> Draft | BadRow:
    if record.problem is not None:
        return BadRow(record.line, record.problem, record.cells)
    try:
        person = rows.person(record.cells)
    except InvalidInput as error:
        return BadRow(record.line, str(error), record.cells)
    return Draft(person, index(person.addresses), record.line, record.cells)
