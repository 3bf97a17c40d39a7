"""An internal status for everybody who matches a filter, however many."""

from sqlalchemy import select, update

from app.campaigns import statuses
from app.campaigns.models import InternalStatus
from app.extensions import db
from app.sending import recipient_runs, selection
from app.sending.models import CampaignRecipient, RecipientRun
from app.sending.selection import RecipientFilter
from app.sending.states import RunKind

_R = CampaignRecipient.__table__.c


def start(campaign_id: int, asked: RecipientFilter, status_id: int | None, by: str) -> RecipientRun:
    """Put an internal status on everybody who matches, or take it off with None, after the commit.

    Raises NotFound when the internal status was deleted.
    """
    if status_id is not None:
        statuses.keep(status_id)
    values = {"internal_status_id": status_id, "asked": selection.dump(asked)}
    return recipient_runs.begin(campaign_id, RunKind.LABEL, by, **values)


def step(run: RecipientRun) -> None:
    """Mark those of the next recipients who match."""
    end = min(run.reached + recipient_runs.ROWS_PER_STEP, run.last_seq)
    if _is_gone(run.internal_status_id):
        end = run.last_seq
    else:
        run.changed += _mark(run, end)
    run.reached = end


def _is_gone(status_id: int | None) -> bool:
    """Whether the internal status was deleted; if not, nobody deletes it before this step ends."""
    if status_id is None:
        return False
    held = select(InternalStatus.id).where(InternalStatus.id == status_id).with_for_update(read=True)
    return db.session.scalar(held) is None


def _mark(run: RecipientRun, end: int) -> int:
    matching = selection.conditions(run.campaign_id, selection.load(run.asked))
    statement = (
        update(CampaignRecipient)
        .where(*matching, _R.seq.between(run.reached + 1, end))
        .values(internal_status_id=run.internal_status_id)
        .execution_options(synchronize_session=False)
    )
    return db.session.execute(statement).rowcount
