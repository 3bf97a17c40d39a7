"""What people want to know first: what comes next, what runs, what was sent, and what needs somebody. Reads only."""

from dataclasses import dataclass

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import joinedload

from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import Campaign
from app.channels.models import SmtpAccount
from app.extensions import db
from app.reports import cards, stand_ins
from app.reports.cards import Card
from app.sending.models import CampaignProgress

MOST_NEXT, MOST_RUNNING, MOST_RECENT, MOST_NEEDING = 5, 8, 5, 10


@dataclass(frozen=True, slots=True)
class Board:
    """The campaigns of the dashboard. expired: those whose validity period ended with people left, and how many."""

    coming: list[Card]
    running: list[Card]
    recent: list[Card]
    failed: list[Card]
    expired: list[tuple[Card, int]]


@dataclass(frozen=True, slots=True)
class FailingAccount:
    """An SMTP account that sends nothing until a person mends it, or whose stand-in carries its messages; and why.

    stand_in: over which account they go, "" when they stop.
    """

    account_id: int
    name: str
    why: str
    stand_in: str


def board() -> Board:
    """All of it, in a handful of statements however many campaigns there are."""
    by_status = select(Campaign.id).where
    coming = by_status(Campaign.status == CampaignStatus.SCHEDULED)
    running = by_status(Campaign.status == CampaignStatus.SENDING).order_by(Campaign.id.desc())
    recent = by_status(Campaign.status == CampaignStatus.FINISHED).order_by(Campaign.finished_at.desc())
    failed = by_status(Campaign.status == CampaignStatus.FAILED).order_by(Campaign.changed_at.desc())
    left = _expired()
    ids = {
        "coming": _few(coming.order_by(Campaign.next_send_at.is_(None), Campaign.next_send_at, Campaign.id), MOST_NEXT),
        "running": _few(running, MOST_RUNNING),
        "recent": _few(recent, MOST_RECENT),
        "failed": _few(failed, MOST_NEEDING),
    }
    found = {card.campaign_id: card for card in cards.of_ids([each for some in (*ids.values(), left) for each in some])}
    return Board(
        **{name: [found[each] for each in some if each in found] for name, some in ids.items()},
        expired=[(found[each], number) for each, number in left.items() if each in found],
    )


def failing_accounts() -> list[FailingAccount]:
    """The accounts that do not send by themselves, by name."""
    failing = or_(SmtpAccount.paused_reason.is_not(None), SmtpAccount.stood_in_since.is_not(None))
    query = select(SmtpAccount).where(failing).options(joinedload(SmtpAccount.stand_in)).order_by(SmtpAccount.name)
    return [_failing(account) for account in db.session.scalars(query.limit(MOST_NEEDING))]


def _failing(account: SmtpAccount) -> FailingAccount:
    detour = stand_ins.of_account(account)
    why = account.paused_reason or account.last_error or ""
    return FailingAccount(account.id, account.name, why, detour.stand_in if detour else "")


def _few(query: Select[int], most: int) -> list[int]:
    return list(db.session.scalars(query.limit(most)))


def _expired() -> dict[int, int]:
    """The ids of expired campaigns, and how many of their people wait or were stopped."""
    left = CampaignProgress.awaiting + CampaignProgress.stopped
    query = (
        select(Campaign.id, left)
        .join(CampaignProgress, CampaignProgress.campaign_id == Campaign.id)
        .where(Campaign.status == CampaignStatus.EXPIRED, left > 0)
    )
    return dict(db.session.execute(query.order_by(Campaign.changed_at.desc()).limit(MOST_NEEDING)).all())
