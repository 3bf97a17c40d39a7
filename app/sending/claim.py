"""Claiming: one short transaction takes a batch, the throttle's slots and the recipients that may be sent now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, and_, exists, func, or_, select, update

from app.audience import push_devices, replies
from app.audience.addresses import Addresses, opener
from app.audience.models import Contact, Suppression
from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import Campaign
from app.campaigns.schedule import Window, next_opening
from app.channels.contract import Device, Reason
from app.extensions import db
from app.kernel.db import db_now
from app.kernel.texts import N_
from app.sending import domains, progress, throttle
from app.sending.destination import DEVICES, Destination
from app.sending.journal import ClaimKey
from app.sending.models import CampaignRecipient, SendBatch
from app.sending.states import BatchState, RecipientState
from app.sending.throttle import Grant, Limits

BATCH_SIZE = 1000  # with 500 a message took a fifth more of the processor (measured)
SMALL_CLAIM = 25
NO_LIMITS = Limits()
# WhatsApp lets words of our own be sent for a day after a person wrote; a claim is handed over within a minute.
REPLY_WINDOW = timedelta(hours=24) - timedelta(minutes=1)

_R = CampaignRecipient.__table__.c
_C = Contact.__table__.c
_S = Suppression.__table__.c


class Nothing(StrEnum):
    """Why nothing could be claimed."""

    NOT_SENDING = "not-sending"  # stopped, ended, expired, …
    CLOSED = "closed"  # outside the calendar
    THROTTLED = "throttled"
    NOT_DUE = "not-due"  # no batch whose time has come
    NO_JOURNAL = "no-journal"  # the worker cannot keep its journal


@dataclass(frozen=True, slots=True)
class Later:
    """Nothing to claim now. at: when to look again (aware UTC), None = not by waiting. why: in words. now: the
    database's clock."""

    reason: Nothing
    now: datetime
    at: datetime | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """Recipients in state `sending`, leased to us. rows: seq, attempt, address_index, uid, sealed, names, …

    is_whole: every row of the batch is in it, so that its end needs no look at what is left.
    closes_at: when the calendar closes (aware UTC) or None. now: the database's clock at the claim.
    paced: who of them must leave soon or be given back (domains.py), by recipient number.
    devices: of notifications, where each person gets them, by the uid of the contact.
    """

    key: ClaimKey
    lo: int
    hi: int
    rows: list[Row[Any]]
    is_whole: bool
    grant: Grant
    now: datetime
    closes_at: datetime | None
    devices: Mapping[bytes, tuple[Device, ...]] = field(default_factory=dict)
    paced: frozenset[int] = frozenset()

    def address(self, row: Row[Any], goes_to: Destination, addresses: Addresses) -> str | tuple[Device, ...] | None:
        """Where the message to this person goes."""
        return self.devices.get(row.uid) if goes_to is DEVICES else goes_to.address(addresses)


@dataclass(frozen=True, slots=True)
class ClaimOrder:
    """What to claim for: the same for all claims of one slice. lease_seconds: how long a silent worker is believed.
    only_who_wrote: skip who has not written to the sender within a day (WhatsApp without a template). paces: the
    paces of the sender to single domains."""

    campaign_id: int
    content_version: int
    sender_id: int
    owner: str
    journal_host: str
    window: Window
    limits: Limits
    needs_attributes: bool
    destination: Destination
    lease_seconds: float
    only_who_wrote: bool = False
    paces: domains.Limits = field(default_factory=dict)


def claim(order: ClaimOrder, most: int = BATCH_SIZE) -> Claim | Later:
    """Take the next batch, or the next `most` recipients of it.

    Runs in the caller's transaction, which must commit before the first message leaves.
    """
    now = db_now()
    status = db.session.scalar(select(Campaign.status).where(Campaign.id == order.campaign_id))
    if status is not CampaignStatus.SENDING:
        return Later(Nothing.NOT_SENDING, now)
    opening = next_opening(now, order.window)
    if opening.closed is not None or opening.at is None:
        return Later(Nothing.CLOSED, now, opening.at, opening.closed or "")
    while (batch := _next_batch(order.campaign_id, now)) is not None:
        people = _people(order, batch, now)
        if not people:
            close_batch(batch, now)
            continue
        # a batch that killed a worker goes on in small claims and then one by one, until the message that kills is
        # alone (sweep.py)
        want = min(most, people, (BATCH_SIZE, SMALL_CLAIM, 1)[min(batch.deaths, 2)])
        line = _line(order, batch, want, now) if order.paces else None
        if line is not None:
            want = len(line.found.leaving)  # who waits for a domain takes no slot of the other limits
        granted = throttle.take(order.limits, now, want) if want else Grant(0)
        if want and not granted.count:
            return Later(
                Nothing.THROTTLED, now, throttle.from_us(granted.next_us), N_("waiting for %(why)s", why=granted.label)
            )
        claimed = _take(order, batch, granted, now, closes_at=opening.until, line=line)
        if claimed is not None:
            return claimed
        if order.paces:  # a transaction of its own for each batch of which nobody may leave now
            return Later(Nothing.THROTTLED, now, now)
    return Later(Nothing.NOT_DUE, now, next_due(order.campaign_id))


def _next_batch(campaign_id: int, now: datetime) -> SendBatch | None:
    due = and_(SendBatch.campaign_id == campaign_id, SendBatch.state == BatchState.WAITING, SendBatch.not_before <= now)
    return db.session.scalar(
        select(SendBatch)
        .where(due)
        .order_by(SendBatch.not_before, SendBatch.batch_no)
        .limit(1)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )


def _people(order: ClaimOrder, batch: SendBatch, now: datetime) -> int:
    """How many to ask slots for: a slot that nobody uses counts as sent. Without limits a slot costs nothing."""
    if order.limits == NO_LIMITS:
        return batch.hi - batch.lo + 1
    return db.session.scalar(select(func.count()).where(_due(order.campaign_id, batch.lo, batch.hi, now))) or 0


def next_due(campaign_id: int) -> datetime | None:
    """When the first batch that waits may be claimed; None when none waits."""
    return db.session.scalar(
        select(SendBatch.not_before)
        .where(SendBatch.campaign_id == campaign_id, SendBatch.state == BatchState.WAITING)
        .order_by(SendBatch.not_before)
        .limit(1)
    )


def _take(
    order: ClaimOrder,
    batch: SendBatch,
    granted: Grant,
    now: datetime,
    *,
    closes_at: datetime | None,
    line: domains.Line | None,
) -> Claim | None:
    size = batch.hi - batch.lo + 1
    paced: frozenset[int] = frozenset()
    if line is not None:
        let = domains.let_through(line, granted.count)
        hi, paced = let.last, let.paced
    else:
        hi = batch.hi if granted.count >= size else _last_of(order.campaign_id, batch, granted.count, now)
    taken = 0 if hi is None else _mark_sending(order, batch.lo, hi, now)
    if hi is None or not taken:
        close_batch(batch, now)
        return None
    rows = db.session.execute(_recipients(order, batch.lo, hi)).all()
    left_out = _left_out(order, rows, now)
    if left_out:
        _skip(order.campaign_id, left_out, now)
        rows = [row for row in rows if row.seq not in left_out]
    _readdress(order.campaign_id, [row for row in rows if row.address_index != row.planned_index])
    progress.move(
        order.campaign_id,
        {
            RecipientState.AWAITING: -taken,
            RecipientState.SENDING: taken - len(left_out),
            RecipientState.SKIPPED: len(left_out),
        },
    )
    if not rows:
        close_batch(batch, now)
        return None
    batch.fence += 1
    batch.state = BatchState.LEASED
    batch.lease_owner, batch.journal_host = order.owner, order.journal_host
    batch.lease_until = now + timedelta(seconds=order.lease_seconds)
    db.session.flush()
    key = ClaimKey(order.campaign_id, batch.batch_no, batch.fence)
    devices = push_devices.of_people([row.uid for row in rows]) if order.destination is DEVICES else {}
    return Claim(key, batch.lo, batch.hi, list(rows), len(rows) == size, granted, now, closes_at, devices, paced)


def _due(campaign_id: int, lo: int, hi: int, now: datetime) -> Any:
    return and_(
        _R.campaign_id == campaign_id,
        _R.seq.between(lo, hi),
        _R.state == RecipientState.AWAITING,
        or_(_R.not_before.is_(None), _R.not_before <= now),
    )


def _last_of(campaign_id: int, batch: SendBatch, count: int, now: datetime) -> int | None:
    """The number of the count-th due recipient of the batch (the last one if there are fewer)."""
    due = select(_R.seq).where(_due(campaign_id, batch.lo, batch.hi, now)).order_by(_R.seq).limit(count)
    seqs = db.session.scalars(due).all()
    return seqs[-1] if seqs else None


def _line(order: ClaimOrder, batch: SendBatch, most: int, now: datetime) -> domains.Line:
    """The due recipients of the batch where single domains have a pace, of whom at most so many are wanted."""
    people = db.session.execute(
        select(_R.seq, _C.uid, _C.sealed)
        .select_from(CampaignRecipient.__table__.outerjoin(Contact.__table__, _C.id == _R.contact_id))
        .where(_due(order.campaign_id, batch.lo, batch.hi, now))
        .order_by(_R.seq)
    ).all()
    domain = domains.domain_in(order.destination, opener())
    return domains.line_up(order.campaign_id, people, domain, order.paces, now, most=most)


def _mark_sending(order: ClaimOrder, lo: int, hi: int, now: datetime) -> int:
    # The update decides, not an earlier read: whoever was removed or stopped meanwhile is not in it.
    return db.session.execute(
        update(CampaignRecipient)
        .where(_due(order.campaign_id, lo, hi, now))
        .values(
            state=RecipientState.SENDING,
            sending_at=now,
            not_before=None,
            content_version=order.content_version,
            sender_id=order.sender_id,
        )
        .execution_options(synchronize_session=False)
    ).rowcount


def _recipients(order: ClaimOrder, lo: int, hi: int) -> Any:
    # the address as it is now: a person may have got another one since the plan
    index = order.destination.index
    columns = [
        _R.seq,
        _R.attempt,
        _R.contact_id,
        index.label("address_index"),
        _S.id.label("barred"),
        _C.uid,
        _C.sealed,
    ]
    columns.append(_R.address_index.label("planned_index"))
    columns += [_C.first_name, _C.last_name, _C.company, _C.country, _C.language]
    if order.needs_attributes:
        columns.append(_C.attributes)
    source = CampaignRecipient.__table__.outerjoin(Contact.__table__, _C.id == _R.contact_id)
    source = source.outerjoin(Suppression.__table__, order.destination.is_barred)
    mine = and_(_R.campaign_id == order.campaign_id, _R.seq.between(lo, hi), _R.state == RecipientState.SENDING)
    return select(*columns).select_from(source).where(mine).order_by(_R.seq)


def _readdress(campaign_id: int, rows: list[Row[Any]]) -> None:
    """Let the ledger say where the message really goes: an opt-out must bar that address."""
    for row in rows:
        db.session.execute(
            update(CampaignRecipient)
            .where(_R.campaign_id == campaign_id, _R.seq == row.seq)
            .values(address_index=row.address_index)
            .execution_options(synchronize_session=False)
        )


def _left_out(order: ClaimOrder, rows: Sequence[Row[Any]], now: datetime) -> dict[int, Reason]:
    """Who must not get it, by recipient number, and why."""
    found = {row.seq: Reason.SUPPRESSED for row in rows if row.barred is not None}
    found |= {row.seq: Reason.NO_ADDRESS for row in rows if row.sealed is None}  # deleted meanwhile
    if order.only_who_wrote:
        asked = [row for row in rows if row.seq not in found and row.address_index is not None]
        wrote = replies.who_wrote(
            order.destination.channel, order.sender_id, {row.address_index for row in asked}, now - REPLY_WINDOW
        )
        found |= {row.seq: Reason.OUTSIDE_WINDOW for row in asked if row.address_index not in wrote}
    return found


def _skip(campaign_id: int, left_out: Mapping[int, Reason], now: datetime) -> None:
    for reason in sorted(set(left_out.values())):
        seqs = [seq for seq, why in left_out.items() if why is reason]
        db.session.execute(
            update(CampaignRecipient)
            .where(_R.campaign_id == campaign_id, _R.seq.in_(seqs))
            .values(state=RecipientState.SKIPPED, reason=reason, detail=None, sending_at=None, done_at=now)
            .execution_options(synchronize_session=False)
        )


def close_batch(batch: SendBatch, now: datetime) -> None:
    """Give a batch its next state: done, or waiting until the first of its recipients is due again."""
    waiting = and_(
        _R.campaign_id == batch.campaign_id, _R.seq.between(batch.lo, batch.hi), _R.state == RecipientState.AWAITING
    )
    moments = db.session.scalars(select(_R.not_before).where(waiting)).all()
    batch.lease_owner = batch.lease_until = batch.journal_host = None
    if moments:
        batch.state, batch.not_before = BatchState.WAITING, min((moment or now for moment in moments), default=now)
    else:
        batch.state = BatchState.DONE
    db.session.flush()


def lock_batches(campaign_id: int, lo: int, hi: int) -> None:
    """Wait for claims and records that have these batches in hand: neither may miss what the other does to the rows."""
    here = (SendBatch.campaign_id == campaign_id, SendBatch.lo <= hi, SendBatch.hi >= lo)
    db.session.execute(select(SendBatch.batch_no).where(*here).order_by(SendBatch.batch_no).with_for_update()).all()


def reopen_batches(campaign_id: int, lo: int, hi: int) -> None:
    """Let the batches be claimed at once in which one of these recipients waits now; the caller has locked them.

    A batch that is leased is given its next state when its claim is recorded.
    """
    waits = exists().where(
        _R.campaign_id == campaign_id,
        _R.seq.between(lo, hi),  # bounds that are known are what the key is searched by; those of a batch are not
        _R.seq.between(SendBatch.lo, SendBatch.hi),
        _R.state == RecipientState.AWAITING,
        _R.not_before.is_(None),
    )
    db.session.execute(
        update(SendBatch)
        .where(SendBatch.campaign_id == campaign_id, SendBatch.lo <= hi, SendBatch.hi >= lo, waits)
        .where(SendBatch.state != BatchState.LEASED)
        .values(state=BatchState.WAITING, not_before=db_now())
        .execution_options(synchronize_session=False)
    )


def renew(order: ClaimOrder, keys: Sequence[ClaimKey]) -> set[ClaimKey]:
    """Prolong the leases of these claims; returns those that are still ours. What was swept must not be sent."""
    until = db_now() + timedelta(seconds=order.lease_seconds)
    held = set()
    for key in keys:
        mine = and_(
            SendBatch.campaign_id == key.campaign_id,
            SendBatch.batch_no == key.batch_no,
            SendBatch.state == BatchState.LEASED,
            SendBatch.fence == key.fence,
            SendBatch.lease_owner == order.owner,
        )
        if db.session.execute(update(SendBatch).where(mine).values(lease_until=until)).rowcount:
            held.add(key)
    return held
