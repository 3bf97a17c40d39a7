"""What a provider reports of a text message that has left: it only ever moves a recipient on, once, in any order.

Flushes, never commits.
"""

from enum import StrEnum
from typing import Any

from sqlalchemy import select, update

from app.audience.models import SuppressionSource
from app.audience.suppressions import suppress
from app.campaigns.models import Campaign
from app.channels.contract import Channel
from app.channels.models import Gateway
from app.extensions import db
from app.kernel.db import db_now
from app.kernel.errors import NotFound, Unavailable
from app.sending import progress
from app.sending.models import CampaignRecipient
from app.sending.states import RecipientState

_R = CampaignRecipient.__table__.c
OPEN_ENDED = (RecipientState.SENT, RecipientState.UNCONFIRMED)  # what a report may still move

# Codes after which nothing more is sent to a number: unknown, a landline, opted out (Twilio's error dictionary).
GONE_CODES = frozenset({"30005", "30006"})
OPTED_OUT_CODE = "21610"


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
    here = (CampaignRecipient.campaign_id == campaign_id, CampaignRecipient.seq == seq, Campaign.channel == Channel.SMS)
    sender_id = db.session.scalar(query.where(*here))
    gateway = db.session.get(Gateway, sender_id) if sender_id is not None else None
    if gateway is None:
        raise NotFound("The message of this report is not known here.")
    return gateway


def apply(campaign_id: int, seq: int, message_id: str, status: str, code: str) -> bool:
    """Let one report move its recipient; returns whether it did.

    message_id: the provider's own, kept where it was lost with a worker. A report on an earlier try of the same
    message, one that says nothing new and one that comes too late change nothing. Raises NotFound, and Unavailable
    while the message is still on its way out: its result is not written yet.
    """
    mine = (_R.campaign_id == campaign_id, _R.seq == seq)
    columns = select(_R.state, _R.provider_id, _R.address_index).where(*mine).with_for_update()
    row = db.session.execute(columns).one_or_none()
    if row is None:
        raise NotFound("The message of this report is not known here.")
    fate = FATES.get(status)
    if row.state is RecipientState.SENDING and fate is not None:
        raise Unavailable("This message is being written down. Report again in a moment.")
    if fate is None or row.state not in OPEN_ENDED or (row.provider_id and row.provider_id != message_id):
        return False
    new = {
        Fate.ON_ITS_WAY: RecipientState.SENT,
        Fate.DELIVERED: RecipientState.DELIVERED,
        Fate.LOST: RecipientState.UNDELIVERED,
    }[fate]
    if new is row.state and row.provider_id:
        return False
    values: dict[str, Any] = {"state": new, "reason": None, "detail": code or None}
    values["provider_id"] = message_id[:64] or None
    if new is not RecipientState.SENT:
        values["done_at"] = db_now()
    changed = update(CampaignRecipient).where(*mine, _R.state == row.state).values(values)
    db.session.execute(changed.execution_options(synchronize_session=False))
    if new is not row.state:
        progress.move(campaign_id, {row.state: -1, new: 1})
    _bar(row.address_index, code, campaign_id)
    return True


def _bar(address_index: bytes | None, code: str, campaign_id: int) -> None:
    if address_index is None:
        return
    if code == OPTED_OUT_CODE:
        suppress(Channel.SMS, address_index, SuppressionSource.UNSUBSCRIBED, campaign_id)
    elif code in GONE_CODES:
        suppress(Channel.SMS, address_index, SuppressionSource.INVALID, campaign_id)
