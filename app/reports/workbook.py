"""The recipients of a report as an Excel workbook, written row by row: its size in memory does not depend on theirs."""

import tempfile
from collections.abc import Iterator
from datetime import datetime
from typing import IO, Any

from xlsxwriter import Workbook

from app.kernel.db import reading
from app.reports import recipients
from app.reports.export import COLUMNS, END, PORTION, Tell, Words
from app.reports.recipients import Names, RecipientRow
from app.sending.selection import RecipientFilter

MOST_ROWS = 1_048_576  # of one sheet, the head among them
CHUNK_BYTES = 65_536
# A text stays a text, whatever it begins with: nothing is calculated, opened or fetched.
OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
    "remove_timezone": True,
}
WIDTHS = (9, 24, 30, 18, 13, 26, 40, 9, 24, 19, 19, 19, 19, 19, 18)


def xlsx_of(
    campaign_id: int, asked: RecipientFilter, with_addresses: bool, words_of: Words, tell: Tell
) -> Iterator[bytes]:
    """The file in portions, once it is made: a head, then one row per recipient, on as many sheets as they need.

    Times are in UTC. Each portion is read in a transaction of its own.
    """
    with tempfile.TemporaryFile() as file:
        _write(file, campaign_id, asked, with_addresses, words_of, tell)
        file.seek(0)
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _write(
    file: IO[bytes], campaign_id: int, asked: RecipientFilter, with_addresses: bool, words_of: Words, tell: Tell
) -> None:
    with reading():
        names = recipients.names(campaign_id)
    with Workbook(file, OPTIONS) as book:
        sheets = _Sheets(book)
        portions = recipients.every(campaign_id, asked, PORTION)
        while True:
            with reading():
                reached, rows = next(portions, END)
                if rows is None:
                    return
                values = [_values(row, with_addresses, words_of, names) for row in rows]
            for each in values:
                sheets.add(each)
            tell(reached)


class _Sheets:
    """The sheets of a book, of which the last one is written."""

    def __init__(self, book: Workbook) -> None:
        self._book = book
        self._head = book.add_format({"bold": True})
        self._moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._begin()

    def _begin(self) -> None:
        self._sheet, self._at = self._book.add_worksheet(), 1
        for column, width in enumerate(WIDTHS):
            self._sheet.set_column(column, column, width)
        self._sheet.freeze_panes(1, 0)
        self._sheet.write_row(0, 0, COLUMNS, self._head)

    def add(self, values: tuple[Any, ...]) -> None:
        """One row below the last one."""
        if self._at == MOST_ROWS:
            self._begin()
        sheet, at = self._sheet, self._at
        for column, value in enumerate(values):
            if isinstance(value, datetime):
                sheet.write_datetime(at, column, value, self._moment)
            elif isinstance(value, int):
                sheet.write_number(at, column, value)
            elif value:
                sheet.write_string(at, column, value)
        self._at += 1


def _values(row: RecipientRow, with_addresses: bool, words_of: Words, names: Names) -> tuple[Any, ...]:
    return (
        row.seq,
        row.name,
        row.address if with_addresses else "",
        row.phone if with_addresses else "",
        *words_of(row),
        row.attempt,
        names.sender(row),
        row.sending_at,
        row.done_at,
        row.opened_at,
        row.clicked_at,
        row.unsubscribed_at,
        names.label(row),
    )
