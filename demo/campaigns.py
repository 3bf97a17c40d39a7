"""How a campaign of the demo comes to be, whatever its channel: made, published, and something happens to it."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from app.audience.models import Folder
from app.campaigns import service as campaigns
from app.campaigns.models import Campaign
from app.extensions import db
from app.kernel.db import transaction
from jobs.sending import settle_campaign

BY = "admin"  # whoever signs in: the campaigns are theirs, and the bell tells of them
Step = Callable[[int], None]


def make(values: dict[str, Any], folder: str, is_published: bool = True, then: tuple[Step, ...] = ()) -> None:
    """Make a campaign to a folder, unless one of its name is there. then: what happens to it, each by itself."""
    with transaction():
        if db.session.scalar(select(Campaign.id).where(Campaign.name == values["name"])) is not None:
            return
        folder_id = db.session.scalars(select(Folder.id).where(Folder.name == folder)).one()
        campaign_id = campaigns.create(values, [folder_id], BY).id
        if is_published:
            campaigns.publish(campaign_id, BY)
    settle_campaign(campaign_id)
    for step in then:
        with transaction():
            step(campaign_id)
        settle_campaign(campaign_id)


def stop(campaign_id: int) -> None:
    """Somebody stops it."""
    campaigns.stop(campaign_id, BY)


def end(campaign_id: int) -> None:
    """Somebody ends it."""
    campaigns.end(campaign_id, BY)
