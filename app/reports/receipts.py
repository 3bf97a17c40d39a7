"""What came back of e-mails, for the pages of a recipient, a contact and a campaign. Reads only."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, or_, select

from app.audience.models import Contact, Suppression
from app.campaigns.models import Campaign
from app.channels.contract import Channel
from app.channels.receipts import ReceiptKind, ReceiptWay
from app.extensions import db
from app.sending.models import Receipt


@dataclass(frozen=True, slots=True)
class Told:
    """A bounce or a complaint, with the campaign whose message it is about."""

    kind: ReceiptKind
    came_by: ReceiptWay
    detail: str
    happened_at: datetime
    campaign_id: int
    campaign: str
    seq: int


_TOLD = (Receipt.kind, Receipt.came_by, Receipt.detail, Receipt.happened_at, Receipt.campaign_id, Campaign.name)


def of_recipient(campaign_id: int, seq: int) -> list[Told]:
    """What came back of one message, the oldest first."""
    query = select(*_TOLD, Receipt.seq).join(Campaign, Campaign.id == Receipt.campaign_id)
    mine = query.where(Receipt.campaign_id == campaign_id, Receipt.seq == seq)
    return [Told(*row) for row in db.session.execute(mine.order_by(Receipt.happened_at))]


def of_contact(contact: Contact, limit: int) -> list[Told]:
    """What last came back from the addresses that a person has now, the newest first."""
    indexes = [index for index in (contact.email_index, contact.second_email_index) if index is not None]
    query = select(*_TOLD, Receipt.seq).join(Campaign, Campaign.id == Receipt.campaign_id)
    theirs = query.where(Receipt.address_index.in_(indexes)).order_by(Receipt.happened_at.desc())
    return [Told(*row) for row in db.session.execute(theirs.limit(limit))]


def bars(contact: Contact) -> list[Suppression | None]:
    """The entries of the suppression list for a person's addresses: e-mail, second e-mail, phone."""
    places = [
        (Channel.EMAIL, contact.email_index),
        (Channel.EMAIL, contact.second_email_index),
        (Channel.SMS, contact.phone_index),
        (Channel.WHATSAPP, contact.whatsapp_index),
    ]
    here = [
        and_(Suppression.channel == channel, Suppression.address_index == index) for channel, index in places if index
    ]
    found = db.session.scalars(select(Suppression).where(or_(*here))) if here else ()
    by_place = {(entry.channel, entry.address_index): entry for entry in found}
    return [by_place.get((channel, index)) if index else None for channel, index in places]


def complaints(campaign_id: int) -> int:
    """How many people called a message of this campaign unwanted mail."""
    mine = (Receipt.campaign_id == campaign_id, Receipt.kind == ReceiptKind.COMPLAINT)
    return db.session.scalar(select(func.count()).select_from(Receipt).where(*mine)) or 0
