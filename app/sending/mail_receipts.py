"""What comes back of e-mails: a recipient only moves on, once, whatever the order and however often it is told.

The order is sent, delivered, bounced: what a server took can still come back, and a report that comes late says nothing
new. Bounces and complaints are kept beside the state, each kind once, and decide about the suppression list. Flushes,
never commits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from sqlalchemy import func, select

from app.audience.models import SuppressionSource
from app.audience.suppressions import suppress
from app.channels import message_marks, receipt_hooks
from app.channels.contract import Channel, Reason
from app.channels.receipts import MailReceipt, ReceiptKind, ReceiptWay
from app.extensions import db
from app.kernel import clock
from app.kernel.errors import NotFound, Unavailable
from app.sending import former, receipts
from app.sending.models import CampaignRecipient, Receipt
from app.sending.states import RecipientState

SOFT_LIMIT = 3  # campaigns whose message came back softly within SOFT_WITHIN: then the address is suppressed
SOFT_WITHIN = timedelta(days=30)
OLDEST = timedelta(days=30)  # a report that says it is older than this says so wrongly

_R = CampaignRecipient.__table__.c
_K = ReceiptKind

RANKS = {
    RecipientState.UNCONFIRMED: 0,
    RecipientState.SENT: 1,
    RecipientState.DELIVERED: 2,
    RecipientState.BOUNCED: 3,
}
# Of two bounces of one message the one that says more stays.
WEIGHTS = {_K.SOFT_BOUNCE: 1, _K.BLOCKED: 2, _K.HARD_BOUNCE: 3}
WEIGHT_OF_REASON = {Reason.REJECTED_CONTENT: 2, Reason.TOO_LARGE: 2, Reason.INVALID_RECIPIENT: 3}
# What bars the address at once.
SOURCES = {_K.HARD_BOUNCE: SuppressionSource.BOUNCED, _K.COMPLAINT: SuppressionSource.COMPLAINED}


class Taken(Enum):
    """What became of a receipt."""

    MOVED = auto()  # it said something new
    KNOWN = auto()  # it changed nothing
    UNKNOWN = auto()  # its message is not ours
    LATER = auto()  # its message is still being written down: tell it again


@dataclass(frozen=True, slots=True)
class _Row:
    campaign_id: int
    seq: int
    state: RecipientState
    reason: Reason | None
    address_index: bytes | None


def take(receipt: MailReceipt, came_by: ReceiptWay) -> Taken:
    """Let one receipt say what it has to say."""
    found = message_marks.find(receipt.keys)
    if found is None:
        return Taken.UNKNOWN
    try:
        moved = _apply(*found, receipt, came_by)
    except NotFound:
        return Taken.UNKNOWN
    except Unavailable:
        return Taken.LATER
    return Taken.MOVED if moved else Taken.KNOWN


def take_all(told: Sequence[MailReceipt], came_by: ReceiptWay) -> list[Taken]:
    """The same for many, each by itself, and counted with their provider; what became of each, in their order."""
    taken = [take(receipt, came_by) for receipt in told]
    known = [each.kind for each, what in zip(told, taken, strict=True) if what in (Taken.MOVED, Taken.KNOWN)]
    receipt_hooks.count(came_by, known, taken.count(Taken.UNKNOWN))
    return taken


def _apply(campaign_id: int, seq: int, receipt: MailReceipt, came_by: ReceiptWay) -> bool:
    """Whether the receipt changed anything. Raises NotFound, and Unavailable while the message is on its way out."""
    try:
        found = receipts.locked(campaign_id, seq, _R.reason, _R.address_index)
    except NotFound:
        return _bar_former(campaign_id, seq, receipt.kind)
    receipts.refuse_too_early(found.state)
    row = _Row(campaign_id, seq, found.state, found.reason, found.address_index)
    if row.state not in RANKS:  # the server never took this message: its mark was seen elsewhere
        return False
    moved = _move(row, receipt)
    noted = receipt.kind is not _K.DELIVERED and row.address_index is not None and _note(row, receipt, came_by)
    return moved or noted


def _move(row: _Row, receipt: MailReceipt) -> bool:
    weight = WEIGHTS.get(receipt.kind, 0)
    new = RecipientState.BOUNCED if weight else RecipientState.DELIVERED  # who complains has got it
    is_weightier = row.state is new and weight > WEIGHT_OF_REASON.get(row.reason or Reason.REJECTED, 1)
    if RANKS[new] <= RANKS[row.state] and not (weight and is_weightier):
        return False
    detail = _words(receipt) or None if weight else None
    receipts.move(row.campaign_id, row.seq, row.state, new, reason=receipt.reason, detail=detail)
    return True


def _words(receipt: MailReceipt) -> str:
    has_code = not receipt.code or receipt.code in receipt.detail
    return (receipt.detail if has_code else f"{receipt.code} {receipt.detail}".strip())[:255]


def _note(row: _Row, receipt: MailReceipt, came_by: ReceiptWay) -> bool:
    """Keep a bounce or a complaint, the first of its kind for this message, and bar the address if it is time to."""
    assert row.address_index is not None
    if db.session.get(Receipt, (row.campaign_id, row.seq, receipt.kind)) is not None:
        return False
    now = clock.utcnow()
    db.session.add(
        Receipt(
            campaign_id=row.campaign_id,
            seq=row.seq,
            kind=receipt.kind,
            address_index=row.address_index,
            came_by=came_by,
            detail=_words(receipt),
            happened_at=_moment(receipt.at, now),
        )
    )
    db.session.flush()
    source = SOURCES.get(receipt.kind)
    if source is None and receipt.kind is _K.SOFT_BOUNCE and _came_back_often(row.address_index, now):
        source = SuppressionSource.BOUNCED
    if source is not None:
        suppress(Channel.EMAIL, row.address_index, source, row.campaign_id)
    return True


def _moment(told: datetime | None, now: datetime) -> datetime:
    return told if told is not None and now - OLDEST <= told <= now else now


def _came_back_often(address_index: bytes, now: datetime) -> bool:
    same = (Receipt.address_index == address_index, Receipt.kind == _K.SOFT_BOUNCE)
    recent = select(func.count(Receipt.campaign_id.distinct())).where(*same, Receipt.happened_at > now - SOFT_WITHIN)
    return (db.session.scalar(recent) or 0) >= SOFT_LIMIT


def _bar_former(campaign_id: int, seq: int, kind: ReceiptKind) -> bool:
    """A receipt on a message of a campaign that was deleted since: what it says of the address holds on.

    Raises NotFound.
    """
    index = former.address(campaign_id, seq)
    if index is None:
        raise NotFound(receipts.UNKNOWN)
    source = SOURCES.get(kind)
    return source is not None and suppress(Channel.EMAIL, index, source)
