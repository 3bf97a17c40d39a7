"""Queue and job names, and the only way to enqueue: by name, after the commit. A job is a doorbell, never the truth."""

import logging
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from flask import Flask, current_app, g
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq.exceptions import DuplicateJobError, NoSuchJobError
from rq.job import Job, JobStatus

from app.kernel import clock, processes

log = logging.getLogger(__name__)

JOB_TIMEOUT_SECONDS = 3600
KEEP_FAILED_SECONDS = 7 * 86400
SLOWEST_START = timedelta(seconds=5)  # from the queue to the forked job's first word, on a busy machine
# A kept connection may have died with the last Redis. One that is silent is not asked again: that took 8 s (measured).
ONE_MORE_TRY = Retry(NoBackoff(), 1, supported_errors=(ConnectionLost,))
OVER = frozenset({JobStatus.FINISHED, JobStatus.FAILED, JobStatus.STOPPED, JobStatus.CANCELED})


class QueueName(StrEnum):
    """Every queue; jobs.worker serves them in this order, and changes it so that none waits for long.

    PACED: slices of campaigns that send a message every few seconds, and take no longer than that one takes.
    """

    PACED = "paced"
    SEND = "send"
    DEFAULT = "default"
    BULK = "bulk"


class JobName(StrEnum):
    """Every function a worker may run, by its import path: the allow-list of SafeJob."""

    SEND_SLICE = "jobs.sending.send_slice"
    SETTLE_CAMPAIGN = "jobs.sending.settle_campaign"
    CLEAR_STATUS = "jobs.sending.clear_status"
    LOOK_AGAIN = "jobs.sending.look_again"
    RUN_OVER_RECIPIENTS = "jobs.sending.run_over_recipients"
    ASK_FOR_TEXTS = "jobs.receipts.ask_for_texts"
    CHECK_MAILBOX = "jobs.receipts.check_mailbox"
    RUN_IMPORT = "jobs.audience.run_import"
    MAIL_NOTICES = "jobs.notices.mail_notices"


class SafeJob(Job):
    """A job that runs only what JobName lists: a write to Redis must not become code of the writer's choice."""

    ALLOWED = frozenset(name.value for name in JobName)

    @property
    def func(self) -> Any:
        if self.func_name not in self.ALLOWED or self.instance is not None:
            raise PermissionError(f"job function {self.func_name!r} is not on the list")
        return super().func

    # RQ imports these by name too, and calls them even for a job that func refused.
    success_callback = failure_callback = stopped_callback = None


@dataclass(frozen=True, slots=True)
class Ring:
    """One doorbell to ring after the commit."""

    queue: QueueName
    job: JobName
    args: tuple[int | str, ...]
    job_id: str | None


def connect(url: str) -> Redis:
    """A Redis client that fails within two seconds instead of hanging (redis-py's defaults took 15 s, measured)."""
    return Redis.from_url(
        url, socket_timeout=2.0, socket_connect_timeout=1.0, retry=ONE_MORE_TRY, health_check_interval=30
    )


def worker_connection() -> Redis:
    """A client for a worker's blocking waits: RQ sets the timeout that these need."""
    return Redis.from_url(current_app.config["REDIS_URL"], socket_connect_timeout=5.0, health_check_interval=30)


def init_app(app: Flask) -> None:
    """Bind the queues to the Redis of this app."""
    app.extensions["muster_redis"] = connect(app.config["REDIS_URL"])


def redis() -> Redis:
    """The Redis client of this app."""
    client: Redis = current_app.extensions["muster_redis"]
    return client


def queue(name: QueueName) -> Queue:
    """The queue of that name, with JSON arguments and the allow-listed job class."""
    return Queue(name.value, connection=redis(), serializer="json", job_class=SafeJob)


def has_waiting(*names: QueueName) -> bool:
    """Whether any job of these queues waits for a worker; False when Redis does not say."""
    try:
        return any(queue(name).count for name in names)
    except RedisError:
        return False


def enqueue_after_commit(name: QueueName, job: JobName, *args: int | str, job_id: str | None = None) -> None:
    """Ask for a job once the running unit of work is committed. With job_id at most one such job exists at a time."""
    g.setdefault("pending_jobs", []).append(Ring(name, job, args, job_id))


def drop_pending() -> None:
    """Forget what was asked for: the unit of work was rolled back."""
    g.pop("pending_jobs", None)


def flush_pending() -> None:
    """Enqueue what was asked for. Losing a doorbell loses nothing: the scheduler finds what was committed."""
    pending: list[Ring] = g.pop("pending_jobs", [])
    for number, ring in enumerate(pending):
        try:
            _enqueue(ring)
        except DuplicateJobError:
            log.info("doorbell is rung already", extra={"job": ring.job.value})
        except RedisError as error:
            # Each further try would cost the caller seconds of the same silence.
            log.warning("doorbells not rung", extra={"number": len(pending) - number, "error": type(error).__name__})
            return


def _enqueue(ring: Ring) -> None:
    options: dict[str, Any] = {"result_ttl": 0, "failure_ttl": KEEP_FAILED_SECONDS, "job_timeout": JOB_TIMEOUT_SECONDS}
    if ring.job_id is None:
        queue(ring.queue).enqueue(ring.job.value, args=ring.args, **options)
        return
    options |= {"job_id": ring.job_id, "unique": True}
    try:
        queue(ring.queue).enqueue(ring.job.value, args=ring.args, **options)
    except DuplicateJobError:
        if _is_over(ring.job_id):  # a failed job keeps its id for a week and would keep the bell silent as long
            forget(ring.job_id)
            queue(ring.queue).enqueue(ring.job.value, args=ring.args, **options)


def _is_over(job_id: str) -> bool:
    try:
        job = SafeJob.fetch(job_id, connection=redis(), serializer="json")
        status = job.get_status()
    except NoSuchJobError:
        return True
    if status is JobStatus.STARTED:  # RQ would believe in a killed worker for more than a minute
        return job.worker_name is not None and processes.has_ended_here(job.worker_name)
    if status is JobStatus.QUEUED:
        return _was_dropped(job)
    return status in OVER


def _was_dropped(job: Job) -> bool:
    """Whether a worker took the job from its queue and was killed before it began it.

    Such a job is "queued" for ever, and in no queue. Should its worker only be slow, the bell rings twice: no harm.
    """
    is_new = job.enqueued_at is None or clock.utcnow() - job.enqueued_at < SLOWEST_START
    return not is_new and job.get_position() is None


def forget(job_id: str) -> None:
    """Remove a job whose worker is known to be dead, so that its unique id is free again."""
    try:
        SafeJob.fetch(job_id, connection=redis(), serializer="json").delete()
    except NoSuchJobError:
        pass
    except RedisError as error:
        log.warning("dead job not removed", extra={"job_id": job_id, "error": type(error).__name__})
