"""One slice of sending: a feed that claims, renders, keeps the journal and records, while the transport sends.

This is the one domain module that runs its own transactions (kernel.db.in_transaction): claims and results alternate
with the network inside the transport's loop, and no transaction is open while a message travels.
"""

import logging
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.exc import DBAPIError

from app.audience import push_devices
from app.audience.addresses import opener
from app.audience.models import Suppression
from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import Campaign
from app.channels.contract import Numbered, Outcome, Reason, SendResult
from app.kernel import clock, ending
from app.kernel.crypto import CannotOpen
from app.kernel.db import in_transaction, reading
from app.kernel.errors import InvalidInput
from app.kernel.texts import N_
from app.sending import record
from app.sending.claim import BATCH_SIZE, Claim, ClaimOrder, Later, Nothing, claim
from app.sending.domains import LATE_US
from app.sending.journal import ClaimKey, Journal, Mark
from app.sending.outcome import BACK, Verdict, accepted, brake_marks, shows_health, verdict
from app.sending.states import RecipientState
from app.sending.writers import Writer, values_of

log = logging.getLogger(__name__)

SLICE_SECONDS = 8.0
STOP_CHECK_SECONDS = 0.2
RENEWALS_PER_LEASE = 6
SUPPRESSION_OVERLAP = 200  # a transaction may commit after one with a younger number: look back a little
FIRST_CLAIM = 50  # how fast the server is is not known yet
LEAST_CLAIM = 10
QUICK_SECONDS, SLOW_SECONDS = 0.5, 2.0  # a claim is meant to last about a second, so that reports are fresh
RECORD_PATIENCE_SECONDS = 120.0  # results wait for a database that restarts
NO_JOURNAL_WAIT = timedelta(seconds=30)
WAIT_HERE_SECONDS = 2.0  # for a slot nearer than this the slice waits; for a later one it ends
GIVE_WAY_SECONDS = 0.3  # the same while short jobs want the worker: about what handing it over takes

_JOURNAL_MARKS = {
    Outcome.ACCEPTED: Mark.ACCEPTED,
    Outcome.REFUSED: Mark.REFUSED,
    Outcome.DEFERRED: Mark.RETURNED,
    Outcome.NOT_TRANSMITTED: Mark.RETURNED,
    Outcome.UNCONFIRMED: Mark.HANDED_OVER,
}


@dataclass(slots=True)
class Batch:
    """A claim being sent. steady times are seconds of kernel.clock.steady()."""

    claim: Claim
    journal: Journal
    left: int
    clock_offset: float  # steady time minus the database's time
    closes_at: float  # steady; inf when the calendar stays open
    good_until: float  # steady; half of the lease, so that nobody else can hold it while we hand over
    began: float  # steady
    verdicts: dict[int, Verdict] = field(default_factory=dict)
    answers: list[SendResult] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Item:
    """One recipient on the way. slot: steady time at which it may leave; late_after: when it must be given back."""

    batch: Batch
    row: Row[Any]
    slot: float
    late_after: float


@dataclass(frozen=True, slots=True)
class SliceOrder:
    """All that one slice needs, read in one transaction before it starts. largest_claim: how many messages may be in
    one claim; of a host that never comes back, so many are unconfirmed. others_wait: whether short jobs want the
    worker."""

    claim_order: ClaimOrder
    writer: Writer
    largest_claim: int
    journal_folder: Path
    renew: Callable[[Sequence[ClaimKey]], set[ClaimKey]]
    others_wait: Callable[[], bool]
    is_probe: bool = False


def _in_turn(found: Claim) -> Sequence[Row[Any]]:
    """The recipients of a claim as they leave: who goes to a domain with a pace has little time."""
    return sorted(found.rows, key=lambda row: row.seq not in found.paced) if found.paced else found.rows


class BatchFeed:
    """The feed of one slice (channels.contract.Feed)."""

    def __init__(self, order: SliceOrder) -> None:
        self.later: Later | None = None  # why the slice ended, None = its time was up
        self.sent = 0
        self.has_tried = False  # whether any message came back otherwise than because we stopped it
        self.is_healthy = False  # whether any answer shows that the provider can be used
        self.interval_us = 0  # how far apart the slots of the last claim lie
        self._order = order
        self._open_address = opener()
        self._awaited: Later | None = None  # the slot that the slice waits for, with nobody in its queue
        self._awaited_until = 0.0  # steady
        self._queue: deque[Item] = deque()
        self._items: dict[int, Item] = {}
        self._live: dict[int, Batch] = {}
        self._most = min(FIRST_CLAIM, order.largest_claim)
        self._next_ref = 0
        self._is_stopping = False
        self._barred: set[bytes] = set()
        self._last_suppression = 0
        self._ends = clock.steady() + SLICE_SECONDS
        self._next_check = 0.0
        self._lease_seconds = order.claim_order.lease_seconds
        self._next_renewal = clock.steady() + self._lease_seconds / RENEWALS_PER_LEASE

    # --- what the transport calls

    def take(self) -> Numbered | float | None:
        """The next message, the seconds until its slot, or None at the end of the slice."""
        while not self._is_stopping:
            if not self._queue:
                wait = self._wait_on() if self._awaited else self._claim()
                if wait is None:
                    return None
                if wait > 0:
                    return wait
                continue
            item = self._queue[0]
            now = clock.steady()
            if item.slot > now:
                return min(item.slot - now, 1.0)
            self._queue.popleft()
            if now > item.late_after:
                self._settle(item, BACK)
                continue
            outgoing = self._render(item)
            if outgoing is not None:
                return outgoing
        self._give_back_queue()
        return None

    def hand_over(self, ref: int) -> bool:
        """Mark the journal, then look once more whether this message may leave.

        The order matters: should this process be stopped between the two, a sweep finds the mark and calls the
        recipient unconfirmed instead of sending twice.
        """
        item = self._items[ref]
        batch, now = item.batch, clock.steady()
        batch.journal.mark(item.row.seq, Mark.HANDED_OVER)
        if (
            now < batch.good_until
            and now < batch.closes_at
            and not self._is_stopping
            and item.row.address_index not in self._barred
        ):
            return True
        batch.journal.mark(item.row.seq, Mark.UNTOUCHED)
        return False

    def report(self, ref: int, result: SendResult) -> None:
        """Note what became of a message; with the last one of a claim the claim is recorded."""
        item = self._items.pop(ref)
        item.batch.journal.mark(item.row.seq, _JOURNAL_MARKS[result.outcome])
        item.batch.gone += result.gone
        self.has_tried = self.has_tried or result.outcome is not Outcome.NOT_TRANSMITTED or result.fault is not None
        self.is_healthy = self.is_healthy or shows_health(result)
        if result.outcome is Outcome.ACCEPTED:
            self.sent += 1
            item.batch.answers.append(result)
            self._settle(item, accepted(result))
            return
        if result.outcome is Outcome.NOT_TRANSMITTED and item.row.address_index in self._barred:
            self._settle(item, Verdict(RecipientState.SKIPPED, Reason.SUPPRESSED, counts=False))
            return
        item.batch.answers.append(result)
        now = datetime.fromtimestamp(clock.steady() - item.batch.clock_offset, UTC)
        self._settle(item, verdict(result, item.row.attempt, now, random.random))

    def tick(self) -> bool:
        """Look at the stop mark and at new suppressions, and renew the leases. False: stop."""
        now = clock.steady()
        if now >= self._next_check and not self._is_stopping:
            self._next_check = now + STOP_CHECK_SECONDS
            self._look()
        if now >= self._next_renewal and self._live:
            self._next_renewal = now + self._lease_seconds / RENEWALS_PER_LEASE
            self._renew(now)
        return not self._is_stopping

    def close(self) -> None:
        """Give back what was claimed and never taken: the transport ended before the feed did."""
        self._give_back_queue()

    @property
    def seconds(self) -> float:
        """How long the slice has been going on."""
        return SLICE_SECONDS - (self._ends - clock.steady())

    # --- claiming

    def _claim(self) -> float | None:
        """Claim the next batch: 0.0 = there are messages now, seconds to wait, None = the slice is over."""
        if self._order.is_probe and self._next_ref:
            return None  # a probe is one claim
        if clock.steady() >= self._ends:
            return None
        asked = clock.steady()
        try:
            found = in_transaction(claim, self._order.claim_order, self._most)
        except DBAPIError:
            self._stop_blind()
            return None
        if isinstance(found, Later):
            return self._wait_for(found)
        try:
            journal = Journal(self._order.journal_folder, found.key, found.lo, found.hi)
        except OSError as error:
            self._cannot_keep_journal(found, error)
            return None
        offset = asked - found.now.timestamp()
        closes_at = found.closes_at.timestamp() + offset if found.closes_at else float("inf")
        batch = Batch(found, journal, len(found.rows), offset, closes_at, asked + self._lease_seconds / 2, asked)
        self._live[id(batch)] = batch
        first = found.grant.first_us / 1e6 + offset if found.grant.first_us else asked
        self.interval_us = found.grant.interval_us
        interval = found.grant.interval_us / 1e6
        tolerance = float("inf") if found.grant.tolerance_us is None else found.grant.tolerance_us / 1e6
        soon = asked + LATE_US / 1e6
        for number, row in enumerate(_in_turn(found)):
            slot = first + number * interval
            late_after = slot + tolerance
            self._queue.append(Item(batch, row, slot, min(late_after, soon) if row.seq in found.paced else late_after))
        return 0.0

    def _cannot_keep_journal(self, found: Claim, error: OSError) -> None:
        """Disk full or read-only: without a journal nothing is sent, and everybody waits again."""
        log.error("journal cannot be written; the slice stops", extra={"error": error.strerror})
        verdicts = {row.seq: BACK for row in found.rows}
        in_transaction(record.record, found.key, self._order.claim_order.owner, verdicts, "", False)
        why = N_("the journal folder of this worker cannot be written (%(error)s)", error=error.strerror)
        self.later = Later(Nothing.NO_JOURNAL, found.now, found.now + NO_JOURNAL_WAIT, why)

    def _wait_for(self, later: Later) -> float | None:
        if later.reason is Nothing.NOT_DUE and self._items and later.at is None:
            return 0.05  # others of this slice are still on their way and may come back
        seconds = (later.at - later.now).total_seconds() if later.at else WAIT_HERE_SECONDS
        if later.reason in (Nothing.THROTTLED, Nothing.NOT_DUE) and seconds < WAIT_HERE_SECONDS:
            self._awaited, self._awaited_until = later, clock.steady() + max(seconds, 0.005)
            return self._wait_on()
        self.later = later
        return None

    def _wait_on(self) -> float | None:
        """Wait for a slot that is near, unless others want the worker meanwhile."""
        left = self._awaited_until - clock.steady()
        if left > GIVE_WAY_SECONDS and self._order.others_wait():
            self.later = self._awaited
            return None
        if left > 0:
            return min(left, GIVE_WAY_SECONDS)
        self._awaited = None
        return self._claim()

    # --- rendering

    def _render(self, item: Item) -> Numbered | None:
        """The finished message, or None when this recipient cannot have one (which is settled here)."""
        order, row = self._order, item.row
        try:
            addresses = self._open_address(row.sealed, row.uid)
            to = item.batch.claim.address(row, order.claim_order.destination, addresses)
            if not to:
                self._settle(item, Verdict(RecipientState.SKIPPED, Reason.NO_ADDRESS, counts=False))
                return None
            message = order.writer.write(self._next_ref, to, row.seq, values_of(row, addresses, order.writer.fields))
        except (InvalidInput, CannotOpen) as error:
            detail = str(error)[:255]
            self._settle(item, Verdict(RecipientState.FAILED, Reason.RENDER_ERROR, detail, counts=False))
            return None
        self._items[self._next_ref] = item
        self._next_ref += 1
        return message

    # --- settling and recording

    def _settle(self, item: Item, decided: Verdict) -> None:
        batch = item.batch
        batch.verdicts[item.row.seq] = decided
        batch.left -= 1
        if not batch.left:
            self._record(batch)

    def _record(self, batch: Batch) -> None:
        found = batch.claim
        if batch.gone:
            in_transaction(push_devices.forget, batch.gone, patience_seconds=RECORD_PATIENCE_SECONDS)
        marks, owner = brake_marks(batch.answers), self._order.claim_order.owner
        in_transaction(
            record.record,
            found.key,
            owner,
            batch.verdicts,
            marks,
            found.is_whole,
            patience_seconds=RECORD_PATIENCE_SECONDS,
        )
        del self._live[id(batch)]
        batch.journal.delete()
        self._pace(clock.steady() - batch.began)

    def _pace(self, seconds: float) -> None:
        """Claim more at a time from a quick server, less from a slow one."""
        if seconds < QUICK_SECONDS:
            self._most = min(BATCH_SIZE, self._order.largest_claim, self._most * 4)
        elif seconds > SLOW_SECONDS:
            self._most = max(LEAST_CLAIM, self._most // 2)

    def _give_back_queue(self) -> None:
        while self._queue:
            self._settle(self._queue.popleft(), BACK)

    # --- looking around

    def _look(self) -> None:
        since = self._last_suppression - SUPPRESSION_OVERLAP
        try:
            with reading() as session:
                status = session.scalar(
                    select(Campaign.status).where(Campaign.id == self._order.claim_order.campaign_id)
                )
                if not self._last_suppression:  # older ones were left out by the claim
                    since = (session.scalar(select(func.max(Suppression.id))) or 0) - SUPPRESSION_OVERLAP
                new = select(Suppression.id, Suppression.address_index).where(
                    Suppression.id > since, Suppression.channel == self._order.claim_order.destination.channel
                )
                for number, address_index in session.execute(new):
                    self._barred.add(address_index)
                    self._last_suppression = max(self._last_suppression, number)
        except DBAPIError:
            self._stop_blind()
            return
        self._is_stopping = status is not CampaignStatus.SENDING or ending.is_asked()

    def _renew(self, now: float) -> None:
        keys = [batch.claim.key for batch in self._live.values()]
        try:
            held = in_transaction(self._order.renew, keys)
        except DBAPIError:
            self._stop_blind()
            return
        for batch in self._live.values():
            # Whoever slept past the lease finds its claim swept and perhaps sent by another: never take it up again.
            batch.good_until = now + self._lease_seconds / 2 if batch.claim.key in held else 0.0

    def _stop_blind(self) -> None:
        """Without the database nobody can tell us to stop: nothing more is handed over."""
        log.warning(
            "database does not answer; the slice stops", extra={"campaign_id": self._order.claim_order.campaign_id}
        )
        self._is_stopping = True
