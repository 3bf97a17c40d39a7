"""What receipts of every channel share: a recipient is looked at under its lock, and moved with the counters.

Flushes, never commits.
"""

from typing import Any

from sqlalchemy import Row, select, update

from app.extensions import db
from app.kernel.errors import NotFound, Unavailable
from app.kernel.texts import N_
from app.sending import progress
from app.sending.models import CampaignRecipient
from app.sending.states import RecipientState

UNKNOWN = N_("The message of this report is not known here.")

_R = CampaignRecipient.__table__.c


def locked(campaign_id: int, seq: int, *columns: Any) -> Row[Any]:
    """The state of a recipient and these columns, locked. Raises NotFound."""
    mine = (_R.campaign_id == campaign_id, _R.seq == seq)
    row = db.session.execute(select(_R.state, *columns).where(*mine).with_for_update()).one_or_none()
    if row is None:
        raise NotFound(UNKNOWN)
    return row


def refuse_too_early(state: RecipientState) -> None:
    """Ask for a report again that came while its message is still on its way out: its result is not written yet.

    Raises Unavailable.
    """
    if state is RecipientState.SENDING:
        raise Unavailable("This message is being written down. Report again in a moment.")


def move(campaign_id: int, seq: int, old: RecipientState, new: RecipientState, **values: Any) -> None:
    """Write a recipient that was locked in the state old, and move the counters if it leaves that state."""
    mine = (_R.campaign_id == campaign_id, _R.seq == seq, _R.state == old)
    changed = update(CampaignRecipient).where(*mine).values(state=new, **values)
    db.session.execute(changed.execution_options(synchronize_session=False))
    if new is not old:
        progress.move(campaign_id, {old: -1, new: 1})
