"""The counters of a campaign, moved in the same transaction as its recipients."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from app.extensions import db
from app.kernel import clock
from app.sending.models import CampaignProgress
from app.sending.states import RecipientState

SETTLING = "settling-%d"  # what the headway of a campaign's settling is told by (kernel.headway)


def move(campaign_id: int, changes: Mapping[RecipientState, int], **facts: Any) -> None:
    """Add these numbers to the counters (negative ones leave a state); facts are set as they are."""
    columns = CampaignProgress.__table__.c
    values: dict[str, Any] = {state.value: columns[state.value] + number for state, number in changes.items() if number}
    if values or facts:
        statement = update(CampaignProgress).where(CampaignProgress.campaign_id == campaign_id)
        moved = statement.values(**values, **facts, moved_at=clock.utcnow())
        db.session.execute(moved.execution_options(synchronize_session=False))


def ensure(campaign_id: int) -> None:
    """Make the counters of a campaign if there are none yet."""
    if db.session.scalar(select(CampaignProgress.campaign_id).where(CampaignProgress.campaign_id == campaign_id)):
        return
    try:
        with db.session.begin_nested():
            zeros = dict.fromkeys([state.value for state in RecipientState], 0)
            values = {"opened": 0, "clicked": 0, "unsubscribed": 0, "recent": ""}
            db.session.execute(insert(CampaignProgress).values(campaign_id=campaign_id, **zeros, **values))
    except IntegrityError:  # somebody else was first
        return


def of(campaign_id: int) -> dict[RecipientState, int]:
    """How many recipients are in each state, by the counters."""
    row = (
        db.session.execute(select(CampaignProgress.__table__).where(CampaignProgress.campaign_id == campaign_id))
        .mappings()
        .one_or_none()
    )
    return {state: row[state.value] if row else 0 for state in RecipientState}
