"""Sweeping: claims whose lease is over or whose owner died are recovered from their journals, never by a guess.

On the host of the journal: accepted → sent, refused → failed, handed over → unconfirmed, untouched → awaiting, no
journal → nothing was sent. From another host only after a grace time, and then everybody is unconfirmed.
"""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import or_, select

from app.channels.contract import Reason
from app.extensions import db
from app.kernel import processes, queues
from app.kernel.db import db_now
from app.kernel.texts import N_
from app.sending import journal, record
from app.sending.journal import ClaimKey, Mark
from app.sending.models import CampaignRecipient, SendBatch, SenderLane
from app.sending.outcome import BACK, SENT, SUSPECT, Verdict
from app.sending.states import BatchState, RecipientState

log = logging.getLogger(__name__)

FOREIGN_GRACE = timedelta(minutes=10)
ALONE_AFTER = 2  # deaths, from which on a batch goes on one by one (claim.py)

_R = CampaignRecipient.__table__.c

LOST = Verdict(RecipientState.UNCONFIRMED, Reason.WORKER_LOST)
REFUSED = Verdict(
    RecipientState.FAILED, Reason.REJECTED, N_("The server refused it; its words were lost with the worker.")
)
POISON = Verdict(
    RecipientState.FAILED, Reason.POISON, N_("Two workers died while preparing this message alone."), counts=False
)


def candidates(folder: Path) -> list[tuple[ClaimKey, str]]:
    """The claims to recover: (claim, owner) of every lease that is over, or whose owner is known to be dead here."""
    here, now = journal.host(folder), db_now()
    leased = select(SendBatch).where(SendBatch.lease_until.is_not(None), SendBatch.state == BatchState.LEASED)
    found = []
    for batch in db.session.scalars(leased.where(or_(SendBatch.lease_until <= now, SendBatch.journal_host == here))):
        assert batch.lease_owner is not None and batch.lease_until is not None
        is_mine = batch.journal_host == here
        if (is_mine and (batch.lease_until <= now or processes.is_dead(batch.lease_owner))) or (
            not is_mine and batch.lease_until + FOREIGN_GRACE <= now
        ):
            found.append((ClaimKey(batch.campaign_id, batch.batch_no, batch.fence), batch.lease_owner))
    return found


def recorded(folder: Path) -> list[ClaimKey]:
    """Claims that have a journal here and are leased no more: their workers died between commit and deletion."""
    return [key for key in journal.stray(folder) if not _is_leased(key)]


def _is_leased(key: ClaimKey) -> bool:
    batch = (SendBatch.campaign_id == key.campaign_id, SendBatch.batch_no == key.batch_no)
    leased = (SendBatch.state == BatchState.LEASED, SendBatch.fence == key.fence)
    return db.session.scalar(select(SendBatch.fence).where(*batch, *leased)) is not None


def recover(key: ClaimKey, owner: str, folder: Path) -> bool:
    """Bring one claim to an end in this transaction; then the caller removes its journal. False: it was too late."""
    batch = record.leased_batch(key, owner)
    if batch is None:
        return False
    in_flight = select(_R.seq, _R.detail).where(
        _R.campaign_id == key.campaign_id, _R.seq.between(batch.lo, batch.hi), _R.state == RecipientState.SENDING
    )
    details = dict(db.session.execute(in_flight).all())
    is_here = batch.journal_host == journal.host(folder)
    marks = journal.read(folder, key, batch.lo) if is_here else None
    if not is_here or not processes.same_boot(owner):
        verdicts: dict[int, Verdict] = dict.fromkeys(details, LOST)
    elif marks is None:
        verdicts = dict.fromkeys(details, BACK)
    else:
        verdicts = {seq: _verdict(marks[seq]) for seq in details}
    if is_here and processes.is_dead(owner):
        batch.deaths += 1
        # one that the server had sent back was prepared, and the worker died of something else
        is_unprepared = list(verdicts.values()) == [BACK] and (marks is None or Mark.RETURNED not in marks.values())
        if batch.deaths > ALONE_AFTER and is_unprepared:
            verdicts = {seq: POISON if detail == SUSPECT.detail else SUSPECT for seq, detail in details.items()}
    log.warning("claim recovered", extra={"campaign_id": key.campaign_id, "batch_no": key.batch_no} | _counts(verdicts))
    return record.record(key, owner, verdicts, marks="", is_whole=False)


def _verdict(mark: Mark) -> Verdict:
    match mark:
        case Mark.ACCEPTED:
            return SENT
        case Mark.REFUSED:
            return REFUSED
        case Mark.HANDED_OVER:
            return LOST
        case Mark.UNTOUCHED | Mark.RETURNED:
            return BACK


def _counts(verdicts: Mapping[int, Verdict]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for found in verdicts.values():
        counts[found.state.value] = counts.get(found.state.value, 0) + 1
    return counts


def free_dead_lanes(folder: Path) -> list[str]:
    """Free the lanes of dead workers of this host; returns their job ids, to be forgotten after the commit."""
    jobs = []
    for lane in db.session.scalars(select(SenderLane).where(SenderLane.owner.is_not(None))):
        assert lane.owner is not None
        if processes.is_dead(lane.owner) and _is_of_this_boot_or_over(lane, db_now()):
            if lane.job_id:
                jobs.append(lane.job_id)
            lane.owner = lane.until = lane.job_id = None
    return jobs


def _is_of_this_boot_or_over(lane: SenderLane, now: datetime) -> bool:
    # is_dead() calls an owner of another boot dead, which on another machine's lane would be wrong until it is over
    assert lane.owner is not None and lane.until is not None
    return processes.same_boot(lane.owner) or lane.until <= now


def forget(job_ids: list[str]) -> None:
    """Remove the jobs of dead workers, so that their unique ids are free for the scheduler's next bell."""
    for job_id in job_ids:
        queues.forget(job_id)
