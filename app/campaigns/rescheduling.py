"""Moving the start of a campaign to another moment: which may be moved, and the change itself."""

from datetime import datetime

from app.campaigns import checks, service
from app.campaigns.lifecycle import EDITABLE, OVER, CampaignStatus
from app.campaigns.models import Campaign
from app.campaigns.schedule import next_opening
from app.kernel import clock
from app.kernel.errors import Conflict, InvalidInput
from app.kernel.texts import N_, Phrase


def why_fixed(status: CampaignStatus, started_at: datetime | None) -> Phrase | None:
    """Why the start cannot be moved, and what to do instead; None when it can. Pure."""
    if status in OVER:
        return N_("It is over. Duplicate it to send something like it again.")
    if started_at is not None:
        return N_("It has begun to send. Change its hours, or stop it, on its own page.")
    return None if status in EDITABLE else N_("It begins to send at this moment.")


def check_move(campaign: Campaign, start_at: datetime) -> None:
    """Whether this campaign may begin at that moment (aware UTC).

    Raises Conflict for one that cannot be moved, InvalidInput for a moment that is over or leaves it no time to send.
    """
    now = clock.utcnow()
    why = why_fixed(campaign.status, campaign.started_at)
    if why is not None:
        raise Conflict(why)
    if start_at <= now:
        raise InvalidInput("This time is over. Choose a later one.", "start_at")
    if campaign.valid_from is not None and start_at < campaign.valid_from:
        raise InvalidInput(
            "The validity period begins later, on %(time)s UTC. Choose a start after it, or change the period.",
            "start_at",
            time=f"{campaign.valid_from:%Y-%m-%d %H:%M}",
        )
    if campaign.valid_until is not None and start_at >= campaign.valid_until:
        raise InvalidInput(
            "The validity period is over by then: it ends on %(time)s UTC. Choose an earlier start, or extend it.",
            "start_at",
            time=f"{campaign.valid_until:%Y-%m-%d %H:%M}",
        )
    if next_opening(start_at, checks.window_of(campaign, start_at)).at is None:
        raise InvalidInput(
            "From then on its days and hours leave no moment to send. Choose an earlier start, or change them.",
            "start_at",
        )


def move(campaign_id: int, start_at: datetime, revision: int, by: str) -> Campaign:
    """Let a campaign begin at that moment (aware UTC). revision: the one that the person saw.

    Raises as check_move does, and Conflict when somebody else changed the campaign meanwhile.
    """
    campaign = service.lock(campaign_id)
    check_move(campaign, start_at)
    campaign.start_at = start_at
    service.prepare_change(campaign, by, revision)
    return campaign
