"""Trying again those who failed for one reason, because a person asks: some thousands of recipients a transaction.

A row goes back only from `failed`, and only while its batch is locked, so that no claim holds it: what a server took
over, or may have taken over, is in another state and never sent twice.
"""

from sqlalchemy import ColumnElement, select, update

from app.campaigns import service as campaigns
from app.campaigns.lifecycle import TAKES_BACK, CampaignStatus
from app.campaigns.models import Campaign
from app.channels.contract import Reason
from app.extensions import db
from app.kernel import audit
from app.kernel.audit import What
from app.kernel.errors import AppError, Conflict
from app.sending import claim, progress, recipient_runs
from app.sending.models import CampaignRecipient, RecipientRun
from app.sending.states import RETRIABLE, RecipientState, RunKind

ROWS_PER_LOOK = 40_000  # that are read for the next failure before a step begins

_R = CampaignRecipient.__table__.c


def may_retry(campaign: Campaign) -> bool:
    """Whether those who failed can be tried again in what the campaign is now."""
    return campaign.status in TAKES_BACK and campaign.hold_reason is None


def start(campaign_id: int, reason: Reason, by: str) -> RecipientRun:
    """Let everybody who failed for this reason be tried again, after the commit; a finished campaign goes on.

    Raises NotFound, Conflict for a reason that no second try helps, for a campaign that cannot send, and while the same
    is under way; InvalidInput for a finished campaign that lacks what a launch needs.
    """
    campaign = campaigns.lock(campaign_id)
    if reason not in RETRIABLE:
        raise Conflict("Those who failed for this reason are not tried again: it would end the same, or arrive twice.")
    if campaign.status is CampaignStatus.EXPIRED:
        raise Conflict("The validity period of this campaign is over. Extend it first.")
    if campaign.status is CampaignStatus.PAUSED and campaign.hold_reason is not None:
        raise Conflict("This campaign is not published. Publish it first.")
    if any(run.reason is reason and run.finished_at is None for run in recipient_runs.recent(campaign_id)):
        raise Conflict("These recipients are being put back in line already.")
    campaigns.check_goes_on(campaign)
    audit.note(What.CAMPAIGN_RETRY, campaign_id, campaign.name, by, reason=reason.value)
    return recipient_runs.begin(campaign_id, RunKind.RETRY, by, reason=reason)


def step(run: RecipientRun) -> None:
    """Put the next of those who failed back into the line."""
    first = _next_failed(run)
    if first is None:
        run.reached = min(run.reached + ROWS_PER_LOOK, run.last_seq)
    else:
        run.reached = _put_back(run, first, min(first + recipient_runs.ROWS_PER_STEP - 1, run.last_seq))


def _failed(run: RecipientRun, lo: int, hi: int) -> tuple[ColumnElement[bool], ...]:
    here = (_R.campaign_id == run.campaign_id, _R.seq.between(lo, hi))
    return (*here, _R.state == RecipientState.FAILED, _R.reason == run.reason)


def _next_failed(run: RecipientRun) -> int | None:
    near = _failed(run, run.reached + 1, min(run.reached + ROWS_PER_LOOK, run.last_seq))
    return db.session.scalar(select(_R.seq).where(*near).order_by(_R.seq).limit(1))


def _put_back(run: RecipientRun, lo: int, hi: int) -> int:
    """Put those of this range back; returns how far the run came: to its end when the campaign sends no more."""
    claim.lock_batches(run.campaign_id, lo, hi)
    campaign = campaigns.lock(run.campaign_id)
    if not _goes_on(campaign, run.created_by):
        return run.last_seq
    moved = db.session.execute(
        update(CampaignRecipient)
        .where(*_failed(run, lo, hi))
        .values(
            state=RecipientState.AWAITING,
            reason=None,
            detail=None,
            attempt=0,  # all tries anew
            not_before=None,
            sending_at=None,
            done_at=None,
        )
        .execution_options(synchronize_session=False)
    ).rowcount
    if moved:
        progress.move(run.campaign_id, {RecipientState.FAILED: -moved, RecipientState.AWAITING: moved})
        claim.reopen_batches(run.campaign_id, lo, hi)
        run.changed += moved
    return hi


def _goes_on(campaign: Campaign, by: str) -> bool:
    """Whether the campaign still sends; one that finished between two steps is live again."""
    if not may_retry(campaign):
        return False
    try:
        campaigns.go_on(campaign, by)
    except AppError:  # it finished and cannot be launched again: its sender was paused, or its time is over
        return False
    return True
