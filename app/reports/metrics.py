"""The report of a campaign: counts by what people are shown, failures by reason, and pages of recipients."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from app.audience.addresses import opener
from app.audience.models import Contact
from app.campaigns import service as campaigns
from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import Campaign
from app.channels.contract import Reason
from app.extensions import db
from app.sending.models import CampaignProgress, CampaignRecipient
from app.sending.states import SHOWN_AS, RecipientState, Shown

_R = CampaignRecipient.__table__.c

EXPLAINED = tuple(
    state for state, shown in SHOWN_AS.items() if shown in (Shown.FAILED, Shown.SKIPPED, Shown.UNCONFIRMED)
)


@dataclass(frozen=True, slots=True)
class CampaignReport:
    """A campaign in numbers. counts: recipients by what people are shown; their sum is total."""

    campaign_id: int
    name: str
    status: CampaignStatus
    status_detail: str
    waiting_for: str
    next_send_at: datetime | None
    total: int
    counts: dict[Shown, int]
    opened: int
    clicked: int
    unsubscribed: int


@dataclass(frozen=True, slots=True)
class RecipientRow:
    """One recipient as a report shows it. address: what the message goes to, "" when the contact is gone."""

    seq: int
    contact_id: int
    name: str
    address: str
    state: RecipientState
    shown: Shown
    reason: Reason | None
    detail: str
    attempt: int
    not_before: datetime | None
    sending_at: datetime | None
    done_at: datetime | None
    opened_at: datetime | None
    clicked_at: datetime | None
    unsubscribed_at: datetime | None


def campaign_report(campaign_id: int) -> CampaignReport:
    """The report of one campaign; reads two rows, however large it is. Raises NotFound."""
    campaign = campaigns.get(campaign_id)
    row = db.session.get(CampaignProgress, campaign_id)
    counts = dict.fromkeys(Shown, 0)
    if row is not None:
        for state, shown in SHOWN_AS.items():
            counts[shown] += getattr(row, state.value)
    return CampaignReport(
        campaign_id=campaign.id,
        name=campaign.name,
        status=campaign.status,
        status_detail=campaign.status_detail,
        waiting_for=campaign.waiting_for,
        next_send_at=campaign.next_send_at,
        total=sum(counts.values()),
        counts=counts,
        opened=row.opened if row else 0,
        clicked=row.clicked if row else 0,
        unsubscribed=row.unsubscribed if row else 0,
    )


def reasons(campaign_id: int) -> list[tuple[RecipientState, Reason, int]]:
    """How many recipients have which reason for not being sent, the most frequent first."""
    query = (
        select(_R.state, _R.reason, func.count().label("number"))
        .where(_R.campaign_id == campaign_id, _R.state.in_(EXPLAINED), _R.reason.is_not(None))
        .group_by(_R.state, _R.reason)
    )
    found = [(state, reason, number) for state, reason, number in db.session.execute(query)]
    return sorted(found, key=lambda item: -item[2])


def recipients_page(campaign_id: int, shown: Shown | None, after_seq: int, limit: int) -> list[RecipientRow]:
    """The next recipients after a number, at most limit of them, optionally only those shown so."""
    campaign = campaigns.get(campaign_id)
    query = (
        select(CampaignRecipient, Contact)
        .outerjoin(Contact, Contact.id == CampaignRecipient.contact_id)
        .where(CampaignRecipient.campaign_id == campaign_id, CampaignRecipient.seq > after_seq)
        .order_by(CampaignRecipient.seq)
        .limit(limit)
    )
    if shown is not None:
        query = query.where(CampaignRecipient.state.in_([state for state, as_ in SHOWN_AS.items() if as_ is shown]))
    return [_row(campaign, recipient, contact) for recipient, contact in db.session.execute(query)]


def _row(campaign: Campaign, recipient: CampaignRecipient, contact: Contact | None) -> RecipientRow:
    address = ""
    if contact is not None:
        addresses: Sequence[str | None] = opener()(contact.sealed, contact.uid)
        address = (addresses[1] if campaign.to_second_email else addresses[0]) or ""
    return RecipientRow(
        seq=recipient.seq,
        contact_id=recipient.contact_id,
        name=str(contact) if contact else "deleted contact",
        address=address,
        state=recipient.state,
        shown=SHOWN_AS[recipient.state],
        reason=recipient.reason,
        detail=recipient.detail or "",
        attempt=recipient.attempt,
        not_before=recipient.not_before,
        sending_at=recipient.sending_at,
        done_at=recipient.done_at,
        opened_at=recipient.opened_at,
        clicked_at=recipient.clicked_at,
        unsubscribed_at=recipient.unsubscribed_at,
    )
