"""How the queues, workers and schedulers stand: reads only, for the people who run the machine."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from redis.exceptions import RedisError
from rq import Worker
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.job import Job
from rq.worker.base import BaseWorker
from sqlalchemy import select

from app.extensions import db
from app.kernel import clock, processes, queues
from app.kernel.db import db_now
from app.kernel.errors import Unavailable
from app.kernel.leases import SCHEDULER, LeaderLease
from app.kernel.queues import QueueName, SafeJob

SILENT_AFTER = timedelta(seconds=60)  # a worker is heard of at least every 30 s, and while it works every 15 s


@dataclass(frozen=True, slots=True)
class QueueState:
    """A queue. waiting, running, failed: numbers of jobs; oldest_at: since when the first one waits (aware UTC)."""

    name: str
    waiting: int
    running: int
    failed: int
    workers: int
    oldest_at: datetime | None


@dataclass(frozen=True, slots=True)
class WorkerState:
    """A worker. job: the function it runs now with its arguments, since job_at; heard_at, born_at: aware UTC."""

    host: str
    pid: int
    queues: tuple[str, ...]
    job: str
    job_at: datetime | None
    heard_at: datetime | None
    born_at: datetime | None
    done: int
    failed: int
    is_silent: bool


@dataclass(frozen=True, slots=True)
class EngineRoom:
    """Everything at one moment. unserved: queues that no living worker takes jobs from. leader_pid: the process of the
    scheduler that leads, None when none does; leads_since: aware UTC."""

    queues: list[QueueState]
    workers: list[WorkerState]
    unserved: list[str]
    leader_pid: str | None
    leads_since: datetime | None


def look() -> EngineRoom:
    """How everything stands now. Raises Unavailable when Redis does not answer."""
    try:
        workers = sorted(map(_worker, _workers()), key=lambda each: (each.host, each.pid))
        living = [each for each in workers if not each.is_silent]
        states = [_queue(name, living) for name in QueueName]
    except RedisError as error:
        raise Unavailable("Redis does not answer. Nothing new is sent until it does; nothing is lost.") from error
    leader = _leader()
    return EngineRoom(
        states,
        workers,
        [each.name for each in states if not each.workers],
        processes.pid_of(leader.owner) if leader else None,
        leader.since if leader else None,
    )


def _workers() -> Sequence[BaseWorker]:
    return Worker.all(connection=queues.redis(), job_class=SafeJob, serializer="json")


def _queue(name: QueueName, living: Sequence[WorkerState]) -> QueueState:
    queue = queues.queue(name)
    first = queue.get_job_ids(0, 1)
    oldest = _fetch(first[0]) if first else None
    return QueueState(
        name.value,
        queue.count,
        queue.started_job_registry.get_job_count(cleanup=False),
        queue.failed_job_registry.get_job_count(cleanup=False),
        sum(1 for worker in living if name.value in worker.queues),
        _aware(oldest.enqueued_at) if oldest else None,
    )


def _worker(worker: BaseWorker) -> WorkerState:
    job_id = worker.get_current_job_id()
    job = _fetch(job_id) if job_id else None
    heard_at = _aware(worker.last_heartbeat)
    return WorkerState(
        worker.hostname or "",
        worker.pid or 0,
        tuple(worker.queue_names()),
        _name_of(job) if job else "",
        _aware(job.started_at) if job else None,
        heard_at,
        _aware(worker.birth_date),
        worker.successful_job_count,
        worker.failed_job_count,
        heard_at is None or clock.utcnow() - heard_at > SILENT_AFTER,
    )


def _name_of(job: Job) -> str:
    """send_slice(7, 0, 1)"""
    try:
        return f"{str(job.func_name).rpartition('.')[2]}({', '.join(map(str, job.args))})"
    except InvalidJobOperation:  # written by somebody else
        return job.id


def _fetch(job_id: str) -> Job | None:
    try:
        return SafeJob.fetch(job_id, connection=queues.redis(), serializer="json")
    except NoSuchJobError:  # it has ended meanwhile
        return None


def _leader() -> LeaderLease | None:
    found: LeaderLease | None = db.session.scalar(
        select(LeaderLease).where(LeaderLease.role == SCHEDULER, LeaderLease.until > db_now())
    )
    return found


def _aware(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment
