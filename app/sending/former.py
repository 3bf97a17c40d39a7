"""Who got a message of a campaign that was deleted since: the link to opt out in their message works on.

CAN-SPAM asks for 30 days after the message (15 U.S.C. 7704(a)(3)(A)(ii)); people read mail later than that.
"""

from datetime import timedelta

from sqlalchemy import delete, insert, literal, select

from app.extensions import db
from app.kernel.db import db_now
from app.sending.models import CampaignRecipient, FormerRecipient
from app.sending.states import HANDED_OVER

KEPT = timedelta(days=90)
FORGOTTEN_AT_ONCE = 5000

_R = CampaignRecipient.__table__.c
_deleted_at = FormerRecipient.__table__.c.deleted_at


def keep(campaign_id: int) -> None:
    """Remember everybody to whom a message of this campaign was handed over, before its rows are deleted."""
    left = select(literal(campaign_id), _R.seq, _R.address_index, literal(db_now(), _deleted_at.type)).where(
        _R.campaign_id == campaign_id, _R.state.in_(HANDED_OVER), _R.address_index.is_not(None)
    )
    names = ["campaign_id", "seq", "address_index", "deleted_at"]
    db.session.execute(insert(FormerRecipient).from_select(names, left))


def address(campaign_id: int, seq: int) -> bytes | None:
    """The index of the address of a former recipient; None for everybody else."""
    mine = (FormerRecipient.campaign_id == campaign_id, FormerRecipient.seq == seq)
    return db.session.scalar(select(FormerRecipient.address_index).where(*mine))


def forget() -> int:
    """Let go of some of those whose campaign was deleted longer ago than KEPT; returns how many."""
    too_old = _deleted_at < db_now() - KEPT
    first = db.session.execute(
        select(FormerRecipient.campaign_id, FormerRecipient.seq)
        .where(too_old)
        .order_by(_deleted_at, FormerRecipient.campaign_id, FormerRecipient.seq)
        .limit(1)
    ).one_or_none()
    if first is None:
        return 0
    portion = FormerRecipient.seq.between(first.seq, first.seq + FORGOTTEN_AT_ONCE - 1)
    statement = delete(FormerRecipient).where(FormerRecipient.campaign_id == first.campaign_id, portion, too_old)
    return int(db.session.execute(statement.execution_options(synchronize_session=False)).rowcount)
