"""A message that somebody got."""

from typing import Any

from sqlalchemy import update

from app.campaigns import content
from app.extensions import db
from app.kernel.signing import TokenPurpose, key_for, signer
from app.sending import progress
from app.sending.models import CampaignRecipient
from app.sending.plan import plan
from app.sending.states import RecipientState
from tests import factories

FIRST, SECOND = "https://shop.example/first?x=1&y=2", "https://shop.example/second"
HTML = f"<p><a href='{FIRST.replace('&', '&amp;')}'>one</a> <a href='{SECOND}'>two</a></p>"


def sent_message(state: RecipientState = RecipientState.SENT, **values: Any) -> tuple[int, int]:
    """(campaign id, recipient number) of a committed row in that state, with what the send path writes into it."""
    campaign = factories.live_campaign(html=HTML, text="Hello")
    plan(campaign)
    version = content.freeze(campaign)
    db.session.execute(
        update(CampaignRecipient)
        .where(CampaignRecipient.campaign_id == campaign.id)
        .values(state=state, content_version=version, **values)
    )
    progress.move(campaign.id, {RecipientState.AWAITING: -1, state: 1})
    db.session.commit()
    return campaign.id, 1


def row(message: tuple[int, int]) -> CampaignRecipient:
    """The row as it is in the database."""
    db.session.rollback()
    found = db.session.get_one(CampaignRecipient, message, populate_existing=True)
    db.session.rollback()
    return found


def token(purpose: TokenPurpose, message: tuple[int, int]) -> str:
    """The token in the links of that message."""
    return signer(key_for(purpose))(*message).decode()
