"""What is shown of missions: the campaigns of one and what became of its client there. Reads only."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, select

from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import Campaign
from app.channels.contract import Reason
from app.extensions import db
from app.missions.models import MissionCampaign
from app.sending.models import MAIN_STEP, CampaignRecipient
from app.sending.states import SHOWN_AS, Shown

_R = CampaignRecipient


@dataclass(frozen=True, slots=True)
class Result:
    """A campaign of a mission and how far the message to its client is, read from the ledger.

    shown: None while the client is not planned: the campaign is a draft, or was published a moment ago.
    """

    campaign_id: int
    campaign_name: str
    campaign_status: CampaignStatus
    shown: Shown | None
    reason: Reason | None
    detail: str
    done_at: datetime | None
    opened_at: datetime | None
    clicked_at: datetime | None
    unsubscribed_at: datetime | None
    added_by: str
    added_at: datetime


def results(mission_id: int) -> list[Result]:
    """The campaigns that the client of a mission joined because of it, the latest first."""
    row = and_(
        _R.campaign_id == MissionCampaign.campaign_id,
        _R.step_id == MAIN_STEP,
        _R.contact_id == MissionCampaign.contact_id,
    )
    query = (
        select(MissionCampaign, Campaign.name, Campaign.status, _R)
        .join(Campaign, Campaign.id == MissionCampaign.campaign_id)
        .outerjoin(_R, row)
        .where(MissionCampaign.mission_id == mission_id)
        .order_by(MissionCampaign.added_at.desc(), MissionCampaign.campaign_id.desc())
    )
    return [_result(*found) for found in db.session.execute(query)]


def _result(link: MissionCampaign, name: str, status: CampaignStatus, row: CampaignRecipient | None) -> Result:
    return Result(
        campaign_id=link.campaign_id,
        campaign_name=name,
        campaign_status=status,
        shown=None if row is None else SHOWN_AS[row.state],
        reason=row.reason if row else None,
        detail=(row.detail or "") if row else "",
        done_at=row.done_at if row else None,
        opened_at=row.opened_at if row else None,
        clicked_at=row.clicked_at if row else None,
        unsubscribed_at=row.unsubscribed_at if row else None,
        added_by=link.added_by,
        added_at=link.added_at,
    )
