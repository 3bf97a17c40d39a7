"""The recipients of a campaign page by page, filtered, in bounded time however many there are. Reads only.

There is no index on the state of a recipient (it would cost two thirds of the send rate), so a filter on something rare
reads rows in windows until the page is full or the time is up, and then says how far it came.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.audience import queries as audience
from app.audience.addresses import Addresses, opener
from app.audience.models import Contact
from app.campaigns import service as campaigns
from app.campaigns.models import SENDER_KINDS, Campaign, InternalStatus
from app.channels.contract import Reason
from app.extensions import db
from app.kernel import clock
from app.kernel.errors import InvalidInput
from app.sending import destination, selection
from app.sending.models import CampaignProgress, CampaignRecipient
from app.sending.selection import RecipientFilter
from app.sending.states import SHOWN_AS, RecipientState, Shown

WINDOW_ROWS = 40_000
PATIENCE_SECONDS = 0.1
MOST_NAMES = 200  # people of one name who are looked up one by one
MAX_SEQ = 2**31 - 1

_R = CampaignRecipient.__table__.c

Opener = Callable[[bytes, bytes], Addresses]


@dataclass(frozen=True, slots=True)
class RecipientRow:
    """One recipient as a report shows it. address: what the message goes to; it and phone are "" when there is none, or
    the contact is gone. sender_id: what the message went over."""

    seq: int
    contact_id: int
    name: str
    address: str
    phone: str
    state: RecipientState
    shown: Shown
    reason: Reason | None
    detail: str
    attempt: int
    not_before: datetime | None
    sending_at: datetime | None
    done_at: datetime | None
    opened_at: datetime | None
    clicked_at: datetime | None
    unsubscribed_at: datetime | None
    content_version: int | None
    sender_id: int | None
    internal_status_id: int | None


@dataclass(frozen=True, slots=True)
class Names:
    """What the ids in the rows of a campaign stand for, "" for none and for what was deleted."""

    labels: dict[int, str]
    senders: dict[int, str]

    def label(self, row: RecipientRow) -> str:
        """The internal status of a recipient."""
        return self.labels.get(row.internal_status_id or 0, "")

    def sender(self, row: RecipientRow) -> str:
        """The account or gateway that a message went over, which may be the stand-in of the campaign's own."""
        return self.senders.get(row.sender_id or 0, "")


@dataclass(frozen=True, slots=True)
class RecipientPage:
    """Some recipients in order. has_more, has_before: there may be others behind the last one, before the first.

    searched_to: the number up to which was read when the time was up, going on or going back, else None.
    """

    rows: list[RecipientRow]
    has_more: bool
    has_before: bool
    searched_to: int | None = None


def searched(text: str, given: RecipientFilter, may_search_addresses: bool) -> RecipientFilter:
    """The filter narrowed to what a person typed: an exact address or number, a recipient's number (#12), or what a
    name or company begins with. Raises InvalidInput for what looks like an address and is none, or may not be asked."""
    text = " ".join(text.split())
    if not text:
        return given
    if text.startswith("#") and text[1:].isdecimal() and text.isascii() and len(text) < 11:
        return replace(given, seq=int(text[1:]))
    if "@" in text or text.startswith("+"):
        if not may_search_addresses:
            raise InvalidInput("Only who may read contacts can search by address. Search by name or #number.", "q")
        return replace(given, contact_ids=tuple(contact.id for contact in audience.find_by_address(text)))
    if text.isdecimal():
        raise InvalidInput("To search for a phone number write it with its country, such as +48 600 100 200.", "q")
    found = audience.search_names(text, MOST_NAMES + 1)
    if len(found) > MOST_NAMES:  # too many to ask for one by one, and some of them are soon met among the recipients
        return replace(given, names=text)
    return replace(given, contact_ids=tuple(contact.id for contact in found))


def page(campaign_id: int, asked: RecipientFilter, after_seq: int, size: int) -> RecipientPage:
    """The next recipients after a number, at most size of them. Raises NotFound."""
    campaign = campaigns.get(campaign_id)
    found, searched_to = _find(campaign_id, asked, after_seq, size + 1)
    return RecipientPage(_rows(campaign, found[:size]), len(found) > size, after_seq > 0, searched_to)


def before(campaign_id: int, asked: RecipientFilter, before_seq: int, size: int) -> RecipientPage:
    """The last recipients in front of a number, in order; the first page when there are not enough. Raises NotFound."""
    campaign = campaigns.get(campaign_id)
    found, searched_to = _find(campaign_id, asked, before_seq, size + 1, is_back=True)
    if len(found) <= size and searched_to is None:
        return page(campaign_id, asked, 0, size)
    return RecipientPage(_rows(campaign, found[:size][::-1]), True, len(found) > size, searched_to)


def every(campaign_id: int, asked: RecipientFilter, size: int) -> Iterator[tuple[int, list[RecipientRow]]]:
    """All recipients that match, in portions that may be empty, each behind the number that it was searched to;
    each step reads for a moment, so that none holds a transaction for long."""
    after = 0
    while True:
        found = page(campaign_id, asked, after, size)
        if found.searched_to is not None:
            after = found.searched_to
        elif found.rows:
            after = found.rows[-1].seq
        yield after, found.rows
        if not found.has_more and found.searched_to is None:
            return


def one(campaign_id: int, seq: int) -> RecipientRow | None:
    """One recipient by number."""
    found = page(campaign_id, RecipientFilter(seq=seq), 0, 1).rows
    return found[0] if found else None


def some(campaign_id: int, seqs: Sequence[int]) -> list[RecipientRow]:
    """These recipients in the order of their numbers, whatever has become of them. Raises NotFound."""
    campaign = campaigns.get(campaign_id)
    query = select(CampaignRecipient).where(_R.campaign_id == campaign_id, _R.seq.in_(seqs)).order_by(_R.seq)
    return _rows(campaign, db.session.execute(query).all()) if seqs else []


def seqs_of_few(campaign_id: int, asked: RecipientFilter) -> list[int]:
    """The numbers of recipients who are named one by one."""
    return list(db.session.scalars(select(_R.seq).where(*selection.conditions(campaign_id, asked))))


def labels() -> dict[int, InternalStatus]:
    """The internal statuses by their ids, in the order of their names."""
    return {status.id: status for status in db.session.scalars(select(InternalStatus).order_by(InternalStatus.name))}


def names(campaign_id: int) -> Names:
    """What the ids in the rows of this campaign stand for. Raises NotFound."""
    kind = SENDER_KINDS[campaigns.get(campaign_id).channel]
    senders = dict(db.session.execute(select(kind.id, kind.name)).all())
    return Names({status_id: status.name for status_id, status in labels().items()}, senders)


def _find(
    campaign_id: int, asked: RecipientFilter, start: int, limit: int, is_back: bool = False
) -> tuple[list[Any], int | None]:
    """The rows behind a number, or in front of it, in that order, and how far was read when the time was up."""
    query = select(CampaignRecipient).where(*selection.conditions(campaign_id, asked))
    query = query.order_by(_R.seq.desc() if is_back else _R.seq)
    if asked.is_direct:
        query = query.where(_R.seq < start if is_back else _R.seq > start)
        return list(db.session.execute(query.limit(limit)).all()), None
    found: list[Any] = []
    most = limit if is_back or start else min(limit, _at_most(campaign_id, asked))
    began = clock.steady()
    for lo, hi, is_last in _windows(campaign_id, asked, start, is_back) if most else ():
        found += db.session.execute(query.where(_R.seq.between(lo, hi)).limit(limit - len(found))).all()
        if len(found) >= most:
            return found, None
        if clock.steady() - began > PATIENCE_SECONDS and not is_last:
            return found, lo if is_back else hi
    return found, None


def _at_most(campaign_id: int, asked: RecipientFilter) -> int:
    """How many recipients can match, by the counters, so that nobody looks for what is not there."""
    row = db.session.get(CampaignProgress, campaign_id)
    if row is None:
        return 0
    states = [state for state, shown in SHOWN_AS.items() if asked.shown in (None, shown)]
    facts = [getattr(row, asked.fact.removesuffix("_at"))] if asked.fact else []
    return min(sum(getattr(row, state.value) for state in states), *facts, MAX_SEQ)


def _windows(campaign_id: int, asked: RecipientFilter, start: int, is_back: bool) -> Iterator[tuple[int, int, bool]]:
    """Ranges of numbers to be read one after the other, and whether each is the last one."""
    last = selection.last_seq(campaign_id)
    start = min(start, last + 1)
    while start > 1 if is_back else start < last:
        if is_back:
            start, hi = max(_far(campaign_id, asked, start, is_back), 1), start - 1
            yield start, hi, start == 1
        else:
            lo, start = start + 1, min(_far(campaign_id, asked, start, is_back), last)
            yield lo, start, start == last


def _far(campaign_id: int, asked: RecipientFilter, start: int, is_back: bool) -> int:
    """The end of the range that begins at a number: as many rows as are read in a few hundredths of a second, which for
    an internal status are those that carry it."""
    if not asked.internal_status_id:
        return start - WINDOW_ROWS if is_back else start + WINDOW_ROWS
    carries = (_R.campaign_id == campaign_id, _R.internal_status_id == asked.internal_status_id)
    query = select(_R.seq).where(*carries, _R.seq < start if is_back else _R.seq > start)
    query = query.order_by(_R.seq.desc() if is_back else _R.seq).offset(WINDOW_ROWS - 1).limit(1)
    return db.session.scalar(query) or (1 if is_back else MAX_SEQ)


def _rows(campaign: Campaign, found: Sequence[Any]) -> list[RecipientRow]:
    recipients = [row[0] for row in found]
    ids = {recipient.contact_id for recipient in recipients}
    people = {each.id: each for each in db.session.scalars(select(Contact).where(Contact.id.in_(ids)))} if ids else {}
    open_ = opener()
    return [_row(campaign, recipient, people.get(recipient.contact_id), open_) for recipient in recipients]


def _row(campaign: Campaign, recipient: CampaignRecipient, contact: Contact | None, open_: Opener) -> RecipientRow:
    address = phone = ""
    if contact is not None:
        addresses = open_(contact.sealed, contact.uid)
        address = destination.of(campaign).address(addresses) or ""
        phone = addresses.phone or ""
    return RecipientRow(
        seq=recipient.seq,
        contact_id=recipient.contact_id,
        name=str(contact) if contact else "",
        address=address,
        phone=phone,
        state=recipient.state,
        shown=SHOWN_AS[recipient.state],
        reason=recipient.reason,
        detail=recipient.detail or "",
        attempt=recipient.attempt,
        not_before=recipient.not_before,
        sending_at=recipient.sending_at,
        done_at=recipient.done_at,
        opened_at=recipient.opened_at,
        clicked_at=recipient.clicked_at,
        unsubscribed_at=recipient.unsubscribed_at,
        content_version=recipient.content_version,
        sender_id=recipient.sender_id,
        internal_status_id=recipient.internal_status_id,
    )
