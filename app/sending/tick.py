"""The scheduler's look at every live campaign: begin, wait, expire, finish, and ring for slices that are due."""

from datetime import datetime

from sqlalchemy import func, or_, select

from app.campaigns import checks, content
from app.campaigns import service as campaigns
from app.campaigns.lifecycle import LIVE, CampaignEvent, CampaignStatus
from app.campaigns.models import Campaign
from app.campaigns.schedule import next_opening
from app.channels import stand_ins
from app.channels.contract import TO_PHONES, Channel
from app.channels.models import Sender
from app.extensions import db
from app.kernel.db import db_now
from app.kernel.errors import InvalidInput
from app.kernel.texts import N_, Phrase
from app.sending import failover, finish, slices

PAUSED = {
    Channel.EMAIL: N_("the SMTP account %(name)s is paused: %(why)s"),
    **dict.fromkeys(TO_PHONES, N_("the gateway %(name)s is paused: %(why)s")),
    Channel.PUSH: N_("%(name)s is paused: %(why)s"),
}
CAN_EXPIRE = (CampaignStatus.SCHEDULED, CampaignStatus.SENDING, CampaignStatus.PAUSED)


def ring_for_unsettled() -> None:
    """Ring for every campaign whose rows have not followed its last move: its bell was lost, or its worker."""
    query = select(Campaign).where(Campaign.settled_serial != Campaign.lifecycle_serial)
    for campaign in db.session.scalars(query):
        campaigns.ring_settle(campaign)


def due_campaigns() -> list[int]:
    """Campaigns that may need a move or a bell now."""
    now = db_now()
    live = Campaign.status.in_(LIVE) & or_(Campaign.next_send_at.is_(None), Campaign.next_send_at <= now)
    over = Campaign.status.in_(CAN_EXPIRE) & (Campaign.valid_until <= now)
    return list(db.session.scalars(select(Campaign.id).where(or_(live, over)).order_by(Campaign.id)))


def seconds_to_next(most: float) -> float:
    """How long until a campaign that waits now may send; at most `most`."""
    now = db_now()
    waits = Campaign.status.in_(LIVE) & (Campaign.next_send_at > now)
    at = db.session.scalar(select(func.min(Campaign.next_send_at)).where(waits))
    return min(most, (at - now).total_seconds()) if at is not None else most


def look_at(campaign_id: int) -> None:
    """Move one campaign on and ring for its slices, in the caller's transaction."""
    campaign = db.session.get(Campaign, campaign_id, with_for_update=True, populate_existing=True)
    if campaign is None or campaign.status not in CAN_EXPIRE:
        return
    now = db_now()
    if campaign.valid_until is not None and campaign.valid_until <= now:
        campaigns.expire(campaign)
        return
    if campaign.status not in LIVE or finish.finish_if_done(campaign):
        return
    if not _may_send(campaign, now):
        return
    if campaign.status is CampaignStatus.SCHEDULED and not _begin(campaign):
        return
    slices.ring_for_due(campaign)


def _account(campaign: Campaign) -> Sender:
    assert campaign.sender is not None
    return campaign.sender


def _may_send(campaign: Campaign, now: datetime) -> bool:
    opening = next_opening(now, checks.window_of(campaign, now))
    if opening.at is None:  # the days and hours left none before the end of the validity period
        campaigns.wait(campaign, opening.closed or "", campaign.valid_until)
        return False
    if opening.closed is not None:
        if campaign.status is CampaignStatus.SENDING:
            campaigns.move(campaign, CampaignEvent.WAIT)
        campaigns.wait(campaign, opening.closed, opening.at)
        return False
    account = _account(campaign)
    if account.paused_reason:
        failover.begin(account, account.paused_reason)  # its stand-in may have been mended since
    if campaign.status is CampaignStatus.SCHEDULED and not stand_ins.ways(account):
        why = account.paused_reason or N_("switched off")
        campaigns.wait(campaign, Phrase(PAUSED[campaign.channel], name=account.name, why=why), None)
        return False
    opens_at = stand_ins.opens_at(account, now)
    if opens_at is not None:
        carrier = stand_ins.carrier_of(account)
        why = N_("%(name)s does not answer (%(answer)s)", name=carrier.name, answer=carrier.last_error)
        campaigns.wait(campaign, why, opens_at)
        return False
    return True


def _begin(campaign: Campaign) -> bool:
    """Freeze the content and start sending."""
    if campaign.settled_serial != campaign.lifecycle_serial:
        return False  # its people are still being planned
    try:
        content.freeze(campaign)
    except InvalidInput as error:
        campaigns.move(campaign, CampaignEvent.BEGIN)
        campaigns.fail(campaign.id, str(error))
        return False
    if not campaigns.move(campaign, CampaignEvent.BEGIN):
        return False
    campaigns.wait(campaign, "", None)
    campaign.started_at = campaign.started_at or db_now()
    return True
