"""What a provider reports of a text message that has left: it only ever moves a recipient on, once, in any order.

Flushes, never commits.
"""

from enum import StrEnum
from typing import Any

from sqlalchemy import select

from app.audience.models import SuppressionSource
from app.audience.suppressions import suppress
from app.campaigns.models import Campaign
from app.channels.contract import TO_PHONES, Reason
from app.channels.models import Gateway
from app.extensions import db
from app.kernel.db import db_now
from app.kernel.errors import NotFound
from app.sending import receipts
from app.sending.models import CampaignRecipient
from app.sending.states import RecipientState

_R = CampaignRecipient.__table__.c
OPEN_ENDED = (RecipientState.SENT, RecipientState.UNCONFIRMED)  # what a report may still move

# Codes after which nothing more is sent to a number: unknown, a landline, not on WhatsApp; and of one that opted out
# (Twilio's error dictionary).
GONE_CODES = frozenset({"30005", "30006", "63003", "63024"})
OPTED_OUT_CODE = "21610"
# Codes of a picture that could not be fetched or read: the message never reached the phone.
MEDIA_CODES = frozenset({"12300", "63019"})


class Fate(StrEnum):
    """What a report says."""

    ON_ITS_WAY = "on-its-way"
    DELIVERED = "delivered"
    LOST = "lost"


FATES = {
    **dict.fromkeys(("accepted", "scheduled", "queued", "sending", "sent"), Fate.ON_ITS_WAY),
    **dict.fromkeys(("delivered", "read"), Fate.DELIVERED),
    **dict.fromkeys(("undelivered", "failed", "canceled"), Fate.LOST),
}


def gateway_of(campaign_id: int, seq: int) -> Gateway:
    """The gateway that a recipient's message left through. Raises NotFound."""
    query = select(CampaignRecipient.sender_id).join(Campaign, Campaign.id == CampaignRecipient.campaign_id)
    here = (CampaignRecipient.campaign_id == campaign_id, CampaignRecipient.seq == seq, Campaign.channel.in_(TO_PHONES))
    sender_id = db.session.scalar(query.where(*here))
    gateway = db.session.get(Gateway, sender_id) if sender_id is not None else None
    if gateway is None:
        raise NotFound(receipts.UNKNOWN)
    return gateway


def apply(campaign_id: int, seq: int, message_id: str, status: str, code: str, said: str = "") -> bool:
    """Let one report move its recipient; returns whether it did.

    message_id: the provider's own, kept where it was lost with a worker. said: how we got to know when nobody reported
    it by themselves, kept where there is no code. A report on an earlier try of the same message, one that says nothing
    new and one that comes too late change nothing. Raises NotFound, and Unavailable while the message is still on its
    way out: its result is not written yet.
    """
    row = receipts.locked(campaign_id, seq, _R.provider_id, _R.address_index)
    fate = FATES.get(status)
    if fate is not None:
        receipts.refuse_too_early(row.state)
    if fate is None or row.state not in OPEN_ENDED or (row.provider_id and row.provider_id != message_id):
        return False
    new = {
        Fate.ON_ITS_WAY: RecipientState.SENT,
        Fate.DELIVERED: RecipientState.DELIVERED,
        Fate.LOST: RecipientState.UNDELIVERED,
    }[fate]
    if new is row.state and row.provider_id:
        return False
    reason = Reason.MEDIA_REFUSED if code in MEDIA_CODES else None
    values: dict[str, Any] = {"reason": reason, "detail": code or said or None, "provider_id": message_id[:64] or None}
    values["not_before"] = None
    if new is not RecipientState.SENT:
        values["done_at"] = db_now()
    receipts.move(campaign_id, seq, row.state, new, **values)
    if row.address_index is not None:
        _bar(row.address_index, code, campaign_id)
    return True


def _bar(address_index: bytes, code: str, campaign_id: int) -> None:
    source = SuppressionSource.STOP_WORD if code == OPTED_OUT_CODE else SuppressionSource.INVALID
    if code == OPTED_OUT_CODE or code in GONE_CODES:
        channel = db.session.scalars(select(Campaign.channel).where(Campaign.id == campaign_id)).one()
        suppress(channel, address_index, source, campaign_id)
