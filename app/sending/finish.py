"""When a campaign is finished: nobody waits, nobody is on the way, and all that was asked for is planned."""

from app.campaigns import service as campaigns
from app.campaigns.lifecycle import LIVE, CampaignEvent
from app.campaigns.models import Campaign
from app.kernel.db import db_now
from app.sending import progress
from app.sending.states import RecipientState


def finish_if_done(campaign: Campaign) -> bool:
    """Finish a live campaign that has nothing left to do; returns whether it is finished now.

    The caller holds the lock of the campaign's row: a Run at this moment must not be lost.
    """
    if campaign.status not in LIVE or campaign.settled_serial != campaign.lifecycle_serial:
        return False
    counts = progress.of(campaign.id)
    if counts[RecipientState.AWAITING] or counts[RecipientState.SENDING]:
        return False
    if not campaigns.move(campaign, CampaignEvent.FINISH):
        return False
    campaigns.wait(campaign, "", None)
    campaign.finished_at = db_now()
    return True
