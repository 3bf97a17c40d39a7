"""An internal status for everybody who matches a filter, however many: noted in a table, done by a job in short steps.

Who comes to match behind the step that passed them is not marked: a run goes over the recipients once.
"""

from datetime import timedelta

from sqlalchemy import func, or_, select, update

from app.campaigns import statuses
from app.campaigns.models import InternalStatus
from app.extensions import db
from app.kernel import clock
from app.kernel.queues import JobName, QueueName, enqueue_after_commit
from app.sending import selection
from app.sending.models import CampaignRecipient, LabelRun
from app.sending.selection import RecipientFilter

ROWS_PER_STEP = 5_000  # whom a sender may have to wait for
SILENCE = timedelta(seconds=15)  # after which a run counts as left by its worker
SHOWN_FOR = timedelta(minutes=1)

_R = CampaignRecipient.__table__.c


def start(campaign_id: int, asked: RecipientFilter, status_id: int | None, by: str) -> LabelRun:
    """Put an internal status on everybody who matches, or take it off with None, after the commit.

    Raises NotFound when the internal status was deleted.
    """
    if status_id is not None:
        statuses.keep(status_id)
    now = clock.utcnow()
    run = LabelRun(
        campaign_id=campaign_id,
        internal_status_id=status_id,
        asked=selection.dump(asked),
        last_seq=db.session.scalar(select(func.max(_R.seq)).where(_R.campaign_id == campaign_id)) or 0,
        created_by=by,
        created_at=now,
        moved_at=now,
    )
    db.session.add(run)
    db.session.flush()
    _ring(run.id)
    return run


def step(run_id: int) -> bool:
    """Mark those of the next recipients who match; False when the run is over. Two at once take turns."""
    run = db.session.get(LabelRun, run_id, with_for_update=True, populate_existing=True)
    if run is None or run.finished_at is not None:
        return False
    run.moved_at = clock.utcnow()
    end = min(run.reached + ROWS_PER_STEP, run.last_seq)
    if _is_gone(run.internal_status_id):
        end = run.last_seq
    else:
        run.marked += _mark(run, end)
    run.reached = end
    if end == run.last_seq:
        run.asked, run.finished_at = {}, run.moved_at  # what was searched for is nobody's business any more
    return run.finished_at is None


def _is_gone(status_id: int | None) -> bool:
    """Whether the internal status was deleted; if not, nobody deletes it before this step ends."""
    if status_id is None:
        return False
    held = select(InternalStatus.id).where(InternalStatus.id == status_id).with_for_update(read=True)
    return db.session.scalar(held) is None


def _mark(run: LabelRun, end: int) -> int:
    matching = selection.conditions(run.campaign_id, selection.load(run.asked))
    statement = (
        update(CampaignRecipient)
        .where(*matching, _R.seq.between(run.reached + 1, end))
        .values(internal_status_id=run.internal_status_id)
        .execution_options(synchronize_session=False)
    )
    return db.session.execute(statement).rowcount


def wake() -> None:
    """Ring again for runs that nobody works on: their bell was lost, or their worker."""
    silent = (LabelRun.finished_at.is_(None), LabelRun.moved_at < clock.utcnow() - SILENCE)
    for run_id in db.session.scalars(select(LabelRun.id).where(*silent)):
        _ring(run_id)


def recent(campaign_id: int) -> list[LabelRun]:
    """The runs of a campaign that are not over, and those that were a minute ago, the newest first."""
    is_recent = or_(LabelRun.finished_at.is_(None), LabelRun.finished_at > clock.utcnow() - SHOWN_FOR)
    query = select(LabelRun).where(LabelRun.campaign_id == campaign_id, is_recent)
    return list(db.session.scalars(query.order_by(LabelRun.id.desc())))


def _ring(run_id: int) -> None:
    enqueue_after_commit(QueueName.BULK, JobName.LABEL_RECIPIENTS, run_id, job_id=f"label-run-{run_id}")
