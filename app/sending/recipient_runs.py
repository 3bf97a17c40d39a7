"""What a person wishes for many recipients at once: noted in a table, done by a job in short steps, seen on its way.

What a step does is known by the kind of the run: label_runs.py, retries.py. A run goes over the recipients once: who
comes to be meant behind the step that passed them is not.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import or_, select

from app.extensions import db
from app.kernel import clock
from app.kernel.queues import JobName, QueueName, enqueue_after_commit
from app.sending import selection
from app.sending.models import RecipientRun
from app.sending.states import RunKind

ROWS_PER_STEP = 5_000  # whom a sender may have to wait for
SILENCE = timedelta(seconds=15)  # after which a run counts as left by its worker
SHOWN_FOR = timedelta(minutes=1)

Step = Callable[[RecipientRun], None]  # does the next recipients and moves run.reached, to last_seq at the latest


def begin(campaign_id: int, kind: RunKind, by: str, **values: Any) -> RecipientRun:
    """Let a run go over everybody who is in the campaign now, after the commit. values: the columns of its kind."""
    now = clock.utcnow()
    run = RecipientRun(
        campaign_id=campaign_id,
        kind=kind,
        last_seq=selection.last_seq(campaign_id),
        created_by=by,
        created_at=now,
        moved_at=now,
        **values,
    )
    db.session.add(run)
    db.session.flush()
    _ring(run.id)
    return run


def step(run_id: int, steps: Mapping[RunKind, Step]) -> bool:
    """Do the next recipients; False when the run is over. Two at once take turns."""
    run = db.session.get(RecipientRun, run_id, with_for_update=True, populate_existing=True)
    if run is None or run.finished_at is not None:
        return False
    run.moved_at = clock.utcnow()
    steps[run.kind](run)
    if run.reached >= run.last_seq:
        run.asked, run.finished_at = {}, run.moved_at  # what was searched for is nobody's business any more
    return run.finished_at is None


def wake() -> None:
    """Ring again for runs that nobody works on: their bell was lost, or their worker."""
    silent = (RecipientRun.finished_at.is_(None), RecipientRun.moved_at < clock.utcnow() - SILENCE)
    for run_id in db.session.scalars(select(RecipientRun.id).where(*silent)):
        _ring(run_id)


def recent(campaign_id: int) -> list[RecipientRun]:
    """The runs of a campaign that are not over, and those that were a minute ago, the newest first."""
    is_recent = or_(RecipientRun.finished_at.is_(None), RecipientRun.finished_at > clock.utcnow() - SHOWN_FOR)
    query = select(RecipientRun).where(RecipientRun.campaign_id == campaign_id, is_recent)
    return list(db.session.scalars(query.order_by(RecipientRun.id.desc())))


def _ring(run_id: int) -> None:
    enqueue_after_commit(QueueName.BULK, JobName.RUN_OVER_RECIPIENTS, run_id, job_id=f"recipient-run-{run_id}")
