"""The campaigns that are not over, by their groups, with what may be sent now and who carries which internal status.

Reads only. The internal statuses are counted in one statement over the index that begins with them, which holds only
those recipients to whom a person gave one.
"""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import case, func, select

from app.campaigns.lifecycle import LIVE, OVER, CampaignStatus
from app.campaigns.models import Campaign, CampaignGroup, InternalStatus
from app.extensions import db
from app.kernel.patience import TookTooLong, patience
from app.reports import cards
from app.reports.cards import Card
from app.sending.models import CampaignRecipient
from app.sending.states import Shown

NO_GROUP = cards.NO_GROUP
MOST_CAMPAIGNS = 100  # of one group at once
LABEL_SECONDS = 1.5  # beyond which the page does without the internal statuses

_R = CampaignRecipient.__table__.c


@dataclass(frozen=True, slots=True)
class ActiveGroup:
    """A group. group_id: NO_GROUP for the campaigns without one; campaigns, live: how many are not over, and send or
    wait for their time."""

    group_id: int
    name: str
    campaigns: int
    live: int


@dataclass(frozen=True, slots=True)
class ActiveCampaign:
    """A campaign of a group. available: how many may be sent now; labels: how many carry each internal status (id),
    None when it took too long to count them."""

    card: Card
    is_live: bool
    available: int
    labels: dict[int, int] | None


def groups() -> list[ActiveGroup]:
    """All groups by name, those without a campaign too; at the end the campaigns without a group, if there are any."""
    is_live = case((Campaign.status.in_(LIVE), 1))
    counted = select(Campaign.group_id, func.count(), func.count(is_live)).where(Campaign.status.not_in(OVER))
    rows = db.session.execute(counted.group_by(Campaign.group_id))
    numbers = {group_id: (campaigns, live) for group_id, campaigns, live in rows}
    named = db.session.execute(select(CampaignGroup.id, CampaignGroup.name).order_by(CampaignGroup.name))
    found = [ActiveGroup(group_id, name, *numbers.get(group_id, (0, 0))) for group_id, name in named]
    loose = numbers.get(None)
    return [*found, ActiveGroup(NO_GROUP, "", *loose)] if loose else found


def campaigns(group_id: int) -> list[ActiveCampaign]:
    """The campaigns of a group that are not over, newest first, at most MOST_CAMPAIGNS of them."""
    mine = Campaign.group_id.is_(None) if group_id == NO_GROUP else Campaign.group_id == group_id
    query = select(Campaign.id).where(mine, Campaign.status.not_in(OVER)).order_by(Campaign.id.desc())
    found = cards.of_ids(db.session.scalars(query.limit(MOST_CAMPAIGNS)).all())
    counted = labels([card.campaign_id for card in found])
    return [
        ActiveCampaign(
            card,
            card.status in LIVE,
            available(card),
            None if counted is None else counted.get(card.campaign_id, {}),
        )
        for card in found
    ]


def available(card: Card) -> int:
    """How many recipients may be sent now: those who wait in a campaign that sends, or has nothing to wait for.

    Its pace makes nobody unavailable; its hours, a long limit or a paused account do.
    """
    is_due = card.status is CampaignStatus.SCHEDULED and not card.waiting_for and card.next_send_at is None
    return card.counts[Shown.AWAITING] if card.status is CampaignStatus.SENDING or is_due else 0


def labels(campaign_ids: Collection[int]) -> dict[int, dict[int, int]] | None:
    """How many recipients of each campaign carry each internal status; None when that took too long."""
    status_ids = db.session.scalars(select(InternalStatus.id)).all()
    if not status_ids or not campaign_ids:
        return {}
    query = (
        select(_R.campaign_id, _R.internal_status_id, func.count())
        .where(_R.internal_status_id.in_(status_ids), _R.campaign_id.in_(campaign_ids))
        .group_by(_R.internal_status_id, _R.campaign_id)
    )
    found: dict[int, dict[int, int]] = {}
    try:
        with patience(LABEL_SECONDS):
            for campaign_id, status_id, number in db.session.execute(query):
                found.setdefault(campaign_id, {})[status_id] = number
    except TookTooLong:
        return None
    return found
