"""Recording: one short transaction writes what became of a claim, fenced by its lease, and moves the counters."""

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import case, select, update

from app.audience.suppressions import suppress
from app.campaigns import service as campaigns
from app.campaigns.models import Campaign
from app.extensions import db
from app.kernel.db import db_now
from app.kernel.texts import N_
from app.sending import picked, progress
from app.sending.claim import close_batch
from app.sending.journal import ClaimKey
from app.sending.models import CampaignProgress, CampaignRecipient, SendBatch
from app.sending.outcome import BRAKE_LENGTH, BRAKE_LIMIT, Verdict, brakes
from app.sending.states import BatchState, RecipientState

log = logging.getLogger(__name__)

_R = CampaignRecipient.__table__.c


def leased_batch(key: ClaimKey, owner: str) -> SendBatch | None:
    """The batch of this claim, locked, if the lease is still the owner's; None when it was swept."""
    batch = db.session.scalar(
        select(SendBatch)
        .where(
            SendBatch.campaign_id == key.campaign_id,
            SendBatch.batch_no == key.batch_no,
            SendBatch.state == BatchState.LEASED,
            SendBatch.lease_owner == owner,
            SendBatch.fence == key.fence,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if batch is None:
        log.warning(
            "claim was swept; its results are not written",
            extra={"campaign_id": key.campaign_id, "batch_no": key.batch_no, "fence": key.fence},
        )
    return batch


def record(key: ClaimKey, owner: str, verdicts: Mapping[int, Verdict], marks: str, is_whole: bool) -> bool:
    """Write the verdicts of every recipient of a claim, close its batch and move the counters.

    verdicts: by recipient number, all that the claim set to `sending`. marks: answers for the content brake. is_whole:
    the claim held every row of its batch. Returns False, having written nothing, when the lease was lost.
    """
    batch = leased_batch(key, owner)
    if batch is None:
        return False
    now = db_now()
    back = [seq for seq, verdict in verdicts.items() if verdict.state is RecipientState.AWAITING]
    verdicts = _held(key.campaign_id, verdicts)
    write_verdicts(key.campaign_id, batch.lo, batch.hi, verdicts, now)
    picked.keep_out(key.campaign_id, back)
    if is_whole and all(verdict.state is not RecipientState.AWAITING for verdict in verdicts.values()):
        batch.state = BatchState.DONE
        batch.lease_owner = batch.lease_until = batch.journal_host = None
        db.session.flush()
    else:
        close_batch(batch, now)
    _count(key.campaign_id, verdicts, marks)
    return True


def _held(campaign_id: int, verdicts: Mapping[int, Verdict]) -> Mapping[int, Verdict]:
    """Who comes back to a campaign that was ended, unpublished or expired meanwhile is stopped as the others were.

    The settling passed these rows while they were in `sending`. Both hold the batch's lock, so one sees the other.
    """
    if all(verdict.state is not RecipientState.AWAITING for verdict in verdicts.values()):
        return verdicts
    reason = db.session.scalar(select(Campaign.hold_reason).where(Campaign.id == campaign_id))
    if reason is None:
        return verdicts
    return {
        seq: replace(verdict, state=RecipientState.STOPPED, reason=reason)
        if verdict.state is RecipientState.AWAITING
        else verdict
        for seq, verdict in verdicts.items()
    }


def write_verdicts(campaign_id: int, lo: int, hi: int, verdicts: Mapping[int, Verdict], now: datetime) -> None:
    """Move the rows in `sending`: the exceptions one kind at a time, then the accepted ones as one range.

    That range brings the provider's ids along: a statement for each took two thirds of the rate of text messages.
    """
    others: dict[Verdict, list[int]] = {}
    ids: dict[int, str] = {}
    for seq, verdict in verdicts.items():
        if verdict.state is not RecipientState.SENT:
            others.setdefault(verdict, []).append(seq)
        elif verdict.provider_id:
            ids[seq] = verdict.provider_id
    for verdict, seqs in others.items():
        _write(campaign_id, verdict, seqs, now)
    if len(verdicts) > sum(map(len, others.values())):
        db.session.execute(
            update(CampaignRecipient)
            .where(_R.campaign_id == campaign_id, _R.seq.between(lo, hi), _R.state == RecipientState.SENDING)
            .values(state=RecipientState.SENT, reason=None, detail=None, attempt=_R.attempt + 1, done_at=now)
            .values({"provider_id": case(ids, value=_R.seq, else_=_R.provider_id)} if ids else {})
            .execution_options(synchronize_session=False)
        )


def _write(campaign_id: int, verdict: Verdict, seqs: list[int], now: datetime) -> None:
    is_open = verdict.state is RecipientState.AWAITING
    mine = (_R.campaign_id == campaign_id, _R.seq.in_(seqs), _R.state == RecipientState.SENDING)
    if verdict.suppresses is not None:
        channel = db.session.scalars(select(Campaign.channel).where(Campaign.id == campaign_id)).one()
        for address_index in db.session.scalars(select(_R.address_index).where(*mine)):
            if address_index is not None:
                suppress(channel, address_index, verdict.suppresses, campaign_id)
    db.session.execute(
        update(CampaignRecipient)
        .where(*mine)
        .values(
            state=verdict.state,
            reason=verdict.reason,
            detail=verdict.detail or None,
            provider_id=verdict.provider_id or None,
            attempt=_R.attempt + int(verdict.counts),
            not_before=verdict.not_before,
            done_at=None if is_open else now,
            **({} if verdict.counts else {"sending_at": None}),  # nothing has left
        )
        .execution_options(synchronize_session=False)
    )


def _count(campaign_id: int, verdicts: Mapping[int, Verdict], marks: str) -> None:
    changes = Counter(verdict.state for verdict in verdicts.values())
    changes[RecipientState.SENDING] -= len(verdicts)
    if not marks:
        progress.move(campaign_id, changes)
        return
    recent = marks
    if len(marks) < BRAKE_LENGTH:
        kept = select(CampaignProgress.recent).where(CampaignProgress.campaign_id == campaign_id).with_for_update()
        recent = ((db.session.scalar(kept) or "") + marks)[-BRAKE_LENGTH:]
    progress.move(campaign_id, changes, recent=recent)
    if "x" in marks and brakes(recent):
        progress.move(campaign_id, {}, recent="")
        campaigns.fail(
            campaign_id,
            N_(
                "The server refused the content of %(number)s of the last %(length)s messages. "
                "Read the reasons in the report, change the message and start again.",
                number=BRAKE_LIMIT,
                length=BRAKE_LENGTH,
            ),
        )
