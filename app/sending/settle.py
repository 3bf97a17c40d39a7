"""Settling: the rows of a campaign follow its moves. Level-triggered: it looks at what the campaign is now, so that it
may run late, twice or after a crash; campaign.settled_serial says how far the rows followed."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, select, update

from app.campaigns import removal_log
from app.campaigns.lifecycle import LIVE, CampaignStatus
from app.campaigns.models import Campaign
from app.channels.contract import Reason
from app.extensions import db
from app.kernel import leases
from app.kernel.db import db_now
from app.sending import claim, domains, finish, picked, plan, progress, selection
from app.sending.models import CampaignRecipient, SendBatch
from app.sending.states import RESUMABLE, BatchState, RecipientState

ROWS_PER_STEP = 10_000
LEASE_SECONDS = 30.0

_R = CampaignRecipient.__table__.c


@dataclass(frozen=True, slots=True)
class Work:
    """What the rows must do for one serial of the campaign."""

    campaign_id: int
    serial: int
    last_seq: int
    hold: Reason | None  # stop everybody who waits, for this reason
    resumes: bool  # let those go on whom a hold had stopped
    has_picked: bool  # and those who had left with their mission, if something holds them again


def begin(campaign_id: int, owner: str) -> Work | None:
    """Take the settling of a campaign and plan its new people; None when there is nothing to do or another does it."""
    campaign = db.session.get(Campaign, campaign_id, populate_existing=True)
    if campaign is None or campaign.settled_serial == campaign.lifecycle_serial:
        return None
    if not leases.acquire(_role(campaign_id), owner, LEASE_SECONDS):
        return None
    resumes = campaign.status in LIVE
    last = selection.last_seq(campaign_id)
    if resumes:
        plan.plan(campaign)  # its rows come after the last one and agree with the campaign as they are
    return Work(
        campaign_id, campaign.lifecycle_serial, last, campaign.hold_reason, resumes, picked.has_any(campaign_id)
    )


def step(work: Work, owner: str, after_seq: int) -> int | None:
    """Settle the next rows; returns the last row's number, or None when the campaign moved on meanwhile."""
    serial = db.session.scalar(select(Campaign.lifecycle_serial).where(Campaign.id == work.campaign_id))
    if serial != work.serial:
        leases.release(_role(work.campaign_id), owner)  # the settling of the newer move need not wait for it
        return None
    if not leases.acquire(_role(work.campaign_id), owner, LEASE_SECONDS):
        return None
    lo, hi = after_seq + 1, after_seq + ROWS_PER_STEP
    claim.lock_batches(work.campaign_id, lo, hi)
    if work.hold is not None:
        _hold(work.campaign_id, lo, hi, work.hold)
    elif work.resumes:
        _resume(work.campaign_id, lo, hi)
        if work.has_picked:
            _let_in_again(work.campaign_id, lo, hi)
    return hi


def end(work: Work, owner: str) -> None:
    """Note that the rows agree with the campaign, if it did not move again."""
    leases.release(_role(work.campaign_id), owner)
    campaign = db.session.get(Campaign, work.campaign_id, populate_existing=True)
    if campaign is None:
        return
    db.session.execute(
        update(Campaign)
        .where(Campaign.id == work.campaign_id, Campaign.lifecycle_serial == work.serial)
        .values(settled_serial=work.serial, next_send_at=None)  # whoever is new or resumed need not wait for a retry
    )
    db.session.refresh(campaign)
    if campaign.status is CampaignStatus.SCHEDULED:
        finish.finish_if_done(campaign)


def _role(campaign_id: int) -> str:
    return f"settle-{campaign_id}"


def _hold(campaign_id: int, lo: int, hi: int, reason: Reason) -> None:
    """Whoever waits is stopped, and whoever was stopped for a passing reason now has this one."""
    domains.release(campaign_id, lo, hi)  # a pace that holds when they go on may be another one
    moved = db.session.execute(
        update(CampaignRecipient)
        .where(_R.campaign_id == campaign_id, _R.seq.between(lo, hi), _R.state == RecipientState.AWAITING)
        .values(state=RecipientState.STOPPED, reason=reason, done_at=db_now())
        .execution_options(synchronize_session=False)
    ).rowcount
    progress.move(campaign_id, {RecipientState.AWAITING: -moved, RecipientState.STOPPED: moved})
    db.session.execute(
        update(CampaignRecipient)
        .where(_R.campaign_id == campaign_id, _R.seq.between(lo, hi), _R.state == RecipientState.STOPPED)
        .where(_R.reason.in_(RESUMABLE))
        .values(reason=reason)
        .execution_options(synchronize_session=False)
    )


def _resume(campaign_id: int, lo: int, hi: int) -> None:
    _go_on(campaign_id, lo, hi, _R.reason.in_(RESUMABLE))


def _let_in_again(campaign_id: int, lo: int, hi: int) -> None:
    may = (_R.reason == Reason.MISSION_CLOSED) & picked.is_held()
    here = (_R.campaign_id == campaign_id, _R.seq.between(lo, hi), _R.state == RecipientState.STOPPED)
    back = db.session.scalars(select(_R.contact_id).where(*here, may)).all()
    if back:
        _go_on(campaign_id, lo, hi, may, detail=None)
        removal_log.close(campaign_id, back, db.session.get_one(Campaign, campaign_id).changed_by)


def _go_on(campaign_id: int, lo: int, hi: int, may: ColumnElement[bool], **values: None) -> None:
    moved = db.session.execute(
        update(CampaignRecipient)
        .where(_R.campaign_id == campaign_id, _R.seq.between(lo, hi), _R.state == RecipientState.STOPPED)
        .where(may)
        .values(state=RecipientState.AWAITING, reason=None, done_at=None, **values)
        .execution_options(synchronize_session=False)
    ).rowcount
    if moved:
        progress.move(campaign_id, {RecipientState.STOPPED: -moved, RecipientState.AWAITING: moved})
        db.session.execute(
            update(SendBatch)
            .where(SendBatch.campaign_id == campaign_id, SendBatch.state != BatchState.LEASED)
            .where(SendBatch.lo <= hi, SendBatch.hi >= lo)
            .values(state=BatchState.WAITING, not_before=db_now())
        )
