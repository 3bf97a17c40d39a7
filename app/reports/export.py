"""The recipients of a report as a CSV file that a spreadsheet opens without running anything."""

import csv
import io
from collections.abc import Callable, Iterator
from datetime import datetime

from app.campaigns.models import Campaign
from app.kernel import audit
from app.kernel.audit import What
from app.kernel.db import reading
from app.reports import recipients
from app.reports.recipients import Names, RecipientRow
from app.sending.selection import RecipientFilter

BOM = "\ufeff"  # Excel reads UTF-8 by it
PORTION = 2000
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for the beginning of a formula (OWASP)

Words = Callable[[RecipientRow], tuple[str, str, str]]  # those for state, reason and detail
Tell = Callable[[int], None]  # hears up to which number the recipients were looked at
END = (0, None)  # behind the last portion

COLUMNS = (
    "number",
    "name",
    "address",
    "phone",
    "status",
    "reason",
    "detail",
    "attempts",
    "sent_over",
    "sent_at",
    "done_at",
    "opened_at",
    "clicked_at",
    "unsubscribed_at",
    "internal_status",
)


def harmless(text: str) -> str:
    """The text, with an apostrophe before what a spreadsheet would calculate."""
    return f"'{text}" if text.startswith(FORMULA) else text


def note(campaign: Campaign, by: str, is_filtered: bool) -> None:
    """Somebody takes a file of the recipients of a campaign."""
    audit.note(What.CAMPAIGN_EXPORT, campaign.id, campaign.name, by, is_filtered=is_filtered)


def csv_of(
    campaign_id: int, asked: RecipientFilter, with_addresses: bool, words_of: Words, tell: Tell
) -> Iterator[str]:
    """The file in portions: a head, then one line per recipient. Times are ISO 8601 in UTC.

    Each portion is read in a transaction of its own, so that a file of millions holds none for minutes.
    """
    yield BOM + lines([COLUMNS])
    with reading():
        names = recipients.names(campaign_id)
    portions = recipients.every(campaign_id, asked, PORTION)
    while True:
        with reading():
            reached, rows = next(portions, END)
            if rows is None:
                return
            written = [_line(row, with_addresses, words_of, names) for row in rows]
        tell(reached)
        if written:
            yield lines(written)


def _line(row: RecipientRow, with_addresses: bool, words_of: Words, names: Names) -> tuple[str, ...]:
    return (
        str(row.seq),
        harmless(row.name),
        harmless(row.address) if with_addresses else "",
        harmless(row.phone) if with_addresses else "",
        *map(harmless, words_of(row)),
        str(row.attempt),
        harmless(names.sender(row)),
        *(iso(moment) for moment in (row.sending_at, row.done_at, row.opened_at, row.clicked_at, row.unsubscribed_at)),
        harmless(names.label(row)),
    )


def iso(moment: datetime | None) -> str:
    """A moment as ISO 8601 in UTC."""
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z") if moment else ""


def lines(rows: list[tuple[str, ...]]) -> str:
    """Rows as lines of the file."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
