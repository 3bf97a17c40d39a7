"""Which messages go, or went, over the stand-in of an SMTP account, and why. Reads only."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from app.campaigns.lifecycle import LIVE
from app.campaigns.models import Campaign
from app.channels import stand_ins
from app.channels.models import SmtpAccount
from app.extensions import db
from app.kernel.audit import AuditEvent, Subject, What
from app.sending.models import CampaignRecipient

WAYS = (What.CAMPAIGN_STAND_IN, What.CAMPAIGN_OWN_ACCOUNT)


@dataclass(frozen=True, slots=True)
class Detour:
    """Messages of an account that go over another one. why: the words of its server; since: aware UTC, None when it has
    not begun yet."""

    account_id: int
    account: str
    stand_in: str
    why: str
    since: datetime | None


def of_account(account: SmtpAccount) -> Detour | None:
    """How the messages of an account leave now; None when they go over its own server."""
    carrier = stand_ins.carrier_of(account)
    if carrier is account:
        return None
    why = account.paused_reason or account.last_error or ""
    return Detour(account.id, account.name, carrier.name, why, account.stood_in_since)


def of_campaign(campaign: Campaign) -> Detour | None:
    """The same for a campaign that is live."""
    account = campaign.sender if campaign.status in LIVE else None
    return of_account(account) if isinstance(account, SmtpAccount) else None


def of_recipient(recipient: CampaignRecipient) -> Detour | None:
    """The detour that the message of a recipient took, as the history of its campaign tells; None when it took none.

    The accounts may have been changed since: what counts is the last change of way to that account before the message.
    """
    at = recipient.sending_at or recipient.done_at
    if recipient.sender_id is None or at is None:
        return None
    mine = (AuditEvent.subject == Subject.CAMPAIGN, AuditEvent.subject_id == recipient.campaign_id)
    events = select(AuditEvent).where(*mine, AuditEvent.what.in_(WAYS)).order_by(AuditEvent.happened_at)
    to_it = [event for event in db.session.scalars(events) if event.detail.get("sender_id") == recipient.sender_id]
    # the clocks of our machines and of the database may differ: the first change of way was before the first message
    event = next((event for event in reversed(to_it) if event.happened_at <= at), to_it[0] if to_it else None)
    if event is None or event.what is not What.CAMPAIGN_STAND_IN:
        return None
    detail = event.detail
    return Detour(
        detail["account_id"], detail["account"], detail["stand_in"], detail.get("reason", ""), event.happened_at
    )
