"""What the page of queues and workers is told: by real workers on a real Redis."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from rq import Worker
from rq.job import Job

from app.kernel import clock, engine_room, leases, queues
from app.kernel.db import transaction
from app.kernel.queues import JobName, QueueName, SafeJob

NOBODY = "aaaaaaaa:4026531836:4711:99"


@pytest.fixture()
def worker(app: Flask) -> Iterator[Worker]:
    made = Worker(
        [queues.queue(QueueName.SEND)], connection=queues.redis(), name=NOBODY, serializer="json", job_class=SafeJob
    )
    made.register_birth()
    yield made
    made.register_death()


def queued(name: QueueName, *args: int) -> Job:
    return queues.queue(name).enqueue(JobName.SEND_SLICE.value, args=args)


def test_a_queue_tells_what_waits_and_since_when(app: Flask) -> None:
    first = queued(QueueName.SEND, 1)
    queued(QueueName.SEND, 2)
    state = {each.name: each for each in engine_room.look().queues}["send"]
    assert (state.waiting, state.running, state.failed) == (2, 0, 0)
    assert state.oldest_at is not None and first.enqueued_at is not None
    assert abs(clock.utcnow() - state.oldest_at) < timedelta(seconds=30)


def test_a_queue_without_a_living_worker_is_named(worker: Worker) -> None:
    room = engine_room.look()
    assert room.unserved == ["paced", "default", "bulk"]
    worker.last_heartbeat = clock.utcnow() - engine_room.SILENT_AFTER * 2
    queues.redis().hset(worker.key, "last_heartbeat", worker.last_heartbeat.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
    room = engine_room.look()
    assert [each.is_silent for each in room.workers] == [True]
    assert room.unserved == ["paced", "send", "default", "bulk"]


def test_a_worker_tells_what_it_works_on(worker: Worker) -> None:
    job = queued(QueueName.SEND, 7, 0, 1)
    worker.prepare_execution(job)
    (state,) = engine_room.look().workers
    assert state.job == "send_slice(7, 0, 1)"
    assert state.queues == ("send",)
    assert not state.is_silent


def test_a_job_that_ended_meanwhile_is_no_fault(worker: Worker) -> None:
    job = queued(QueueName.SEND, 7, 0, 1)
    worker.prepare_execution(job)
    job.delete()
    (state,) = engine_room.look().workers
    assert state.job == ""


def test_only_a_lease_that_is_not_over_leads(app: Flask) -> None:
    assert engine_room.look().leader_pid is None
    with transaction():
        leases.acquire(leases.SCHEDULER, NOBODY, 30)
    assert engine_room.look().leader_pid == "4711"
    with transaction():
        leases.release(leases.SCHEDULER, NOBODY)
    assert engine_room.look().leader_pid is None
