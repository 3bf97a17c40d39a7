"""Internal statuses on recipients: who carries which, and taking a deleted one off, some thousands a transaction."""

from collections.abc import Sequence

from sqlalchemy import delete, func, select, update

from app.campaigns import statuses
from app.campaigns.models import RetiredStatus
from app.extensions import db
from app.sending.models import CampaignRecipient

ROWS_PER_STEP = 5_000

_R = CampaignRecipient.__table__.c


def carriers(status_ids: Sequence[int], up_to: int) -> dict[int, int]:
    """How many recipients of all campaigns carry each of these internal statuses; no more than up_to are counted."""
    counted = {}
    for status_id in status_ids:
        some = select(_R.seq).where(_R.internal_status_id == status_id).limit(up_to).subquery()
        counted[status_id] = db.session.scalar(select(func.count()).select_from(some)) or 0
    return counted


def retired() -> list[int]:
    """The deleted internal statuses that recipients may still carry."""
    return list(db.session.scalars(select(RetiredStatus.id).order_by(RetiredStatus.id)))


def clear(status_id: int) -> bool:
    """Take a deleted internal status off the next recipients; False when nobody carried it any more."""
    mine = _R.internal_status_id == status_id
    campaign_id = db.session.scalar(select(_R.campaign_id).where(mine).order_by(_R.campaign_id).limit(1))
    if campaign_id is None:
        db.session.execute(delete(RetiredStatus).where(RetiredStatus.id == status_id))
        return False
    here = (_R.campaign_id == campaign_id, mine)
    last = db.session.scalar(select(_R.seq).where(*here).order_by(_R.seq).offset(ROWS_PER_STEP - 1).limit(1))
    few = update(CampaignRecipient).where(*here, *(() if last is None else (_R.seq <= last,)))
    db.session.execute(few.values(internal_status_id=None).execution_options(synchronize_session=False))
    return True


def put(campaign_id: int, seqs: Sequence[int], status_id: int | None) -> int:
    """Put an internal status on recipients of a campaign, or take it off with None; returns how many they were.

    Says nothing about the state of the message, and writes this one column, so that it never meets a sender.
    Raises NotFound when the internal status was deleted.
    """
    if status_id is not None:
        statuses.keep(status_id)
    mine = (_R.campaign_id == campaign_id, _R.seq.in_(list(seqs)))
    number = db.session.scalar(select(func.count()).where(*mine)) or 0
    statement = update(CampaignRecipient).where(*mine).values(internal_status_id=status_id)
    db.session.execute(statement.execution_options(synchronize_session=False))
    return number
