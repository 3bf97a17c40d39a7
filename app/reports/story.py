"""What surrounds one recipient of a campaign: what put them in, what bars them, who sent to them. Reads only."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from app.audience.models import Folder, Suppression, SuppressionSource, contact_folder
from app.campaigns.models import SENDER_KINDS, Campaign, CampaignContact, PickSource, campaign_folder
from app.channels.contract import Channel
from app.extensions import db
from app.missions.models import Mission
from app.reports import stand_ins
from app.reports.stand_ins import Detour
from app.sending.models import CampaignRecipient


@dataclass(frozen=True, slots=True)
class Pick:
    """A source that put somebody into the campaign beside its folders. title: "" when it was deleted."""

    source: PickSource
    title: str
    by: str
    at: datetime
    released_at: datetime | None


@dataclass(frozen=True, slots=True)
class Bar:
    """The entry of the suppression list that bars the address. is_from_here: this campaign brought it there."""

    source: SuppressionSource
    at: datetime
    is_from_here: bool


@dataclass(frozen=True, slots=True)
class Story:
    """folders: those of the campaign that hold the contact now. sender: the account that was to send, "" when none was
    chosen yet or it was deleted. detour: that this was the stand-in of the campaign's own account."""

    folders: list[str]
    picks: list[Pick]
    bar: Bar | None
    sender: str
    detour: Detour | None = None


def story(campaign_id: int, seq: int) -> Story:
    """The story of a recipient who exists."""
    recipient = db.session.get_one(CampaignRecipient, (campaign_id, seq))
    channel = db.session.get_one(Campaign, campaign_id).channel
    detour = stand_ins.of_recipient(recipient) if channel is Channel.EMAIL else None
    return Story(_folders(recipient), _picks(recipient), _bar(recipient, channel), _sender(recipient, channel), detour)


def _sender(recipient: CampaignRecipient, channel: Channel) -> str:
    kind = SENDER_KINDS[channel]
    sender = db.session.get(kind, recipient.sender_id) if recipient.sender_id else None
    return sender.name if sender else ""


def _folders(recipient: CampaignRecipient) -> list[str]:
    query = (
        select(Folder.name)
        .join(contact_folder, contact_folder.c.folder_id == Folder.id)
        .join(campaign_folder, campaign_folder.c.folder_id == Folder.id)
        .where(campaign_folder.c.campaign_id == recipient.campaign_id)
        .where(contact_folder.c.contact_id == recipient.contact_id)
    )
    return list(db.session.scalars(query.order_by(Folder.name)))


def _picks(recipient: CampaignRecipient) -> list[Pick]:
    pick = CampaignContact
    query = (
        select(pick.source, Mission.title, pick.added_by, pick.added_at, pick.released_at)
        .outerjoin(Mission, (pick.source == PickSource.MISSION) & (Mission.id == pick.source_id))
        .where(pick.campaign_id == recipient.campaign_id, pick.contact_id == recipient.contact_id)
        .order_by(pick.added_at)
    )
    return [Pick(row[0], row[1] or "", *row[2:]) for row in db.session.execute(query)]


def _bar(recipient: CampaignRecipient, channel: Channel) -> Bar | None:
    if recipient.address_index is None:
        return None
    here = (Suppression.channel == channel, Suppression.address_index == recipient.address_index)
    entry = db.session.scalar(select(Suppression).where(*here))
    if entry is None:
        return None
    return Bar(entry.source, entry.created_at, entry.campaign_id == recipient.campaign_id)
