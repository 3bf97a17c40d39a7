"""How contacts stand with a campaign: whether somebody who is put into it would get its message. Reads only."""

from collections.abc import Collection
from enum import StrEnum
from typing import Any

from sqlalchemy import and_, case, literal, select

from app.audience.models import Contact, Suppression
from app.campaigns import removal_log
from app.campaigns.models import Campaign
from app.channels.contract import Reason
from app.extensions import db
from app.sending import destination, picked
from app.sending.models import MAIN_STEP, CampaignRecipient
from app.sending.states import RecipientState

_R = CampaignRecipient.__table__.c
_C = Contact.__table__.c


class Standing(StrEnum):
    """What putting a contact into a campaign would do."""

    JOINS = "joins"
    ALREADY = "already"  # waits for the message, got it, or is in one of its folders
    REMOVED = "removed"  # taken out of this campaign by a person, for good
    NO_ADDRESS = "no-address"
    SUPPRESSED = "suppressed"


SAID_BY_REASON = {
    Reason.REMOVED_BY_USER: Standing.REMOVED,
    Reason.NO_ADDRESS: Standing.NO_ADDRESS,
    Reason.SUPPRESSED: Standing.SUPPRESSED,
}


def of(campaign: Campaign, contact_ids: Collection[int]) -> dict[int, Standing]:
    """How each of these contacts stands; those that do not exist are left out."""
    goes_to = destination.of(campaign)
    index, barred = goes_to.index, select(Suppression.id).where(goes_to.is_barred)
    may_get_it = case(
        (index.is_(None), literal(Standing.NO_ADDRESS.value)),
        (barred.exists(), literal(Standing.SUPPRESSED.value)),
        else_=literal(Standing.JOINS.value),
    )
    planned = and_(_R.campaign_id == campaign.id, _R.step_id == MAIN_STEP, _R.contact_id == _C.id)
    query = (
        select(_C.id, may_get_it.label("new"), _R.state, _R.reason)
        .select_from(Contact.__table__.outerjoin(CampaignRecipient.__table__, planned))
        .where(_C.id.in_(contact_ids))
    )
    holders = picked.holders(campaign.id, contact_ids)
    removed = removal_log.kept_out(campaign.id, contact_ids)
    return {
        row.id: Standing.REMOVED if row.id in removed else _standing(row, row.id in holders)
        for row in db.session.execute(query)
    }


def _standing(row: Any, is_held: bool) -> Standing:
    new = Standing(row.new)
    if row.state is None:
        return Standing.ALREADY if is_held and new is Standing.JOINS else new
    if row.state is RecipientState.STOPPED and row.reason is Reason.MISSION_CLOSED and not is_held:
        return new
    return SAID_BY_REASON.get(row.reason, Standing.ALREADY)
