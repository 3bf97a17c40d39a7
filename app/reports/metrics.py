"""The report of a campaign: counts by what people are shown, and failures by reason. Reads only."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from app.campaigns import service as campaigns
from app.campaigns.lifecycle import CampaignStatus
from app.channels.contract import Reason
from app.extensions import db
from app.kernel import clock
from app.reports import stand_ins
from app.reports.stand_ins import Detour
from app.sending.models import CampaignProgress, CampaignRecipient
from app.sending.states import SHOWN_AS, RecipientState, Shown

_R = CampaignRecipient.__table__.c

MOST_COUNTED = 200
SLOW_SECONDS, HOLDS_TIMES = 0.2, 10

EXPLAINED = tuple(
    state for state, shown in SHOWN_AS.items() if shown in (Shown.FAILED, Shown.SKIPPED, Shown.UNCONFIRMED)
)


@dataclass(frozen=True, slots=True)
class CampaignReport:
    """A campaign in numbers. counts: recipients by what people are shown; their sum is total. is_settling: its rows do
    not follow its last move yet: people are being put in line, or taken out of it. detour: that a live one sends over
    the stand-in of its account."""

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
    is_settling: bool = False
    detour: Detour | None = None


@dataclass(frozen=True, slots=True)
class Reasons:
    """How many recipients are in which state for which reason, as counted at a moment (aware, UTC)."""

    rows: list[tuple[RecipientState, Reason, int]]
    counted_at: datetime


@dataclass(frozen=True, slots=True)
class _Counted:
    reasons: Reasons
    key: object
    holds_until: float


_counted: dict[int, _Counted] = {}


def campaign_report(campaign_id: int) -> CampaignReport:
    """The report of one campaign; reads a handful of rows, however large it is. Raises NotFound."""
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
        is_settling=campaign.settled_serial != campaign.lifecycle_serial,
        detour=stand_ins.of_campaign(campaign),
    )


def explained(report: CampaignReport) -> int:
    """How many recipients have a reason for not being sent."""
    return sum(report.counts[shown] for shown in (Shown.FAILED, Shown.SKIPPED, Shown.UNCONFIRMED))


def reasons(campaign_id: int) -> Reasons:
    """How many recipients have which reason for not being sent, the most frequent first.

    Goes through all rows of the campaign (1.4 s for three million): the counters, which cost nothing, say first whether
    there is anything to count; the answer holds while they and the campaign stand still, and one that took long for
    ten times as long as it took.
    """
    report = campaign_report(campaign_id)
    if not explained(report):
        return Reasons([], clock.utcnow())
    campaign = campaigns.get(campaign_id)  # whose end gives those who were stopped before it another reason
    key = (tuple(report.counts.values()), campaign.lifecycle_serial, campaign.settled_serial)
    known = _counted.get(campaign_id)
    if known is None or (known.key != key and clock.steady() >= known.holds_until):
        if len(_counted) >= MOST_COUNTED:
            _counted.clear()
        _counted[campaign_id] = known = _count(campaign_id, key)
    return known.reasons


def _count(campaign_id: int, key: object) -> _Counted:
    began, counted_at = clock.steady(), clock.utcnow()
    query = (
        select(_R.state, _R.reason, func.count().label("number"))
        .where(_R.campaign_id == campaign_id, _R.state.in_(EXPLAINED), _R.reason.is_not(None))
        .group_by(_R.state, _R.reason)
    )
    found = [(state, reason, number) for state, reason, number in db.session.execute(query)]
    took = clock.steady() - began
    holds_until = began + took * (HOLDS_TIMES if took > SLOW_SECONDS else 0)
    return _Counted(Reasons(sorted(found, key=lambda item: -item[2]), counted_at), key, holds_until)
