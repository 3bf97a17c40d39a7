"""Doorbells: rung after the commit, once, and only for the functions on the list."""

import importlib
import json
import logging
import socket
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from redis import Redis
from rq import SimpleWorker
from rq.job import Job, JobStatus
from rq.timeouts import TimerDeathPenalty

from app.extensions import db
from app.kernel import clock, processes, queues
from app.kernel.db import transaction
from app.kernel.queues import JobName, QueueName, SafeJob, enqueue_after_commit
from tests import factories

SETTLE = (QueueName.DEFAULT, JobName.SETTLE_CAMPAIGN)


class Worker(SimpleWorker):
    """A real worker that runs jobs in this process, also outside the main thread."""

    death_penalty_class = TimerDeathPenalty


def work(name: QueueName = QueueName.DEFAULT) -> None:
    Worker([queues.queue(name)], connection=queues.redis(), serializer="json", job_class=SafeJob).work(burst=True)


def waiting(name: QueueName = QueueName.DEFAULT) -> list[str]:
    return list(queues.queue(name).job_ids)


def fetch(job_id: str) -> Job:
    return SafeJob.fetch(job_id, connection=queues.redis(), serializer="json")


def smuggle(redis: Redis, job_id: str, **fields: Any) -> None:
    """Write a job into Redis as somebody could who reached it."""
    body = {"data": json.dumps([fields.pop("function"), fields.pop("instance", None), fields.pop("args", []), {}])}
    fields = {"status": "queued", "origin": "default", "created_at": "2026-01-01T00:00:00.000000Z"} | body | fields
    redis.hset(f"rq:job:{job_id}", mapping=fields)
    redis.rpush("rq:queue:default", job_id)


@pytest.mark.parametrize("name", JobName)
def test_every_job_name_is_a_function(name: JobName) -> None:
    module, function = name.value.rsplit(".", 1)
    assert callable(getattr(importlib.import_module(module), function))


def test_a_listed_job_runs(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[int] = []
    monkeypatch.setattr("jobs.sending.settle_campaign", ran.append)
    with transaction():
        enqueue_after_commit(*SETTLE, 7)
    work()
    assert ran == [7]
    assert queues.redis().keys("rq:job:*") == []


@pytest.mark.parametrize(
    "function", ["os.system", "jobs.runtime.use_app", "jobs.sending.db", "app.cli.init_app", "builtins.eval", ""]
)
def test_a_worker_refuses_what_is_not_listed(app: Flask, function: str) -> None:
    smuggle(queues.redis(), "evil", function=function, args=["touch /nowhere"])
    work()
    assert fetch("evil").get_status() is JobStatus.FAILED
    assert "not on the list" in str(fetch("evil").latest_result().exc_string)


def test_a_worker_calls_no_method_of_a_smuggled_object(app: Flask) -> None:
    smuggle(queues.redis(), "evil", function=JobName.SETTLE_CAMPAIGN.value, instance="text")
    work()
    assert fetch("evil").get_status() is JobStatus.FAILED


@pytest.mark.parametrize("function", [JobName.SETTLE_CAMPAIGN.value, "os.system"])
def test_a_worker_calls_no_smuggled_callback(app: Flask, monkeypatch: pytest.MonkeyPatch, function: str) -> None:
    called: list[Any] = []
    monkeypatch.setattr("jobs.sending.settle_campaign", lambda: None)
    monkeypatch.setattr("jobs.runtime.use_app", lambda *args: called.append(args))
    names = dict.fromkeys(
        ("success_callback_name", "failure_callback_name", "stopped_callback_name"), "jobs.runtime.use_app"
    )
    smuggle(queues.redis(), "evil", function=function, **names)
    work()
    assert called == []


def test_a_doorbell_is_rung_only_after_the_commit(app: Flask) -> None:
    with transaction():
        enqueue_after_commit(*SETTLE, 1, job_id="settle-1-1")
        assert waiting() == []
    assert waiting() == ["settle-1-1"]
    assert list(fetch("settle-1-1").args) == [1]


def test_a_rolled_back_doorbell_is_never_rung(app: Flask) -> None:
    with pytest.raises(ZeroDivisionError), transaction():
        enqueue_after_commit(*SETTLE, 1)
        raise ZeroDivisionError
    with transaction():
        pass
    assert waiting() == []


def test_a_failed_commit_rings_no_bell(app: Flask) -> None:
    with transaction():
        factories.folder("same")
    with pytest.raises(Exception, match="(?i)unique|duplicate"), transaction():
        enqueue_after_commit(*SETTLE, 1)
        db.session.add(type(factories.folder())(name="same", created_at=clock.utcnow()))
    assert waiting() == []


def test_the_same_bell_rings_once(app: Flask) -> None:
    for _ in range(3):
        with transaction():
            enqueue_after_commit(*SETTLE, 1, job_id="settle-1-1")
            enqueue_after_commit(*SETTLE, 1, job_id="settle-1-1")
            enqueue_after_commit(*SETTLE, 2, job_id="settle-2-1")
    assert waiting() == ["settle-1-1", "settle-2-1"]


def test_without_an_id_every_bell_rings(app: Flask) -> None:
    with transaction():
        enqueue_after_commit(*SETTLE, 1)
        enqueue_after_commit(*SETTLE, 1)
    assert len(waiting()) == 2


def test_a_failed_job_does_not_silence_its_bell(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[int] = []
    monkeypatch.setattr("jobs.sending.settle_campaign", lambda number: ran.append(number) or 1 / 0)
    for _ in range(2):
        with transaction():
            enqueue_after_commit(*SETTLE, 1, job_id="settle-1-1")
        work()
        assert fetch("settle-1-1").get_status() is JobStatus.FAILED
    assert ran == [1, 1]


@pytest.mark.parametrize("status", sorted(queues.OVER))
def test_a_job_that_is_over_does_not_silence_its_bell(app: Flask, status: JobStatus) -> None:
    with transaction():
        enqueue_after_commit(*SETTLE, 1, job_id="settle-1-1")
    queues.redis().delete("rq:queue:default")
    fetch("settle-1-1").set_status(status)
    with transaction():
        enqueue_after_commit(*SETTLE, 1, job_id="settle-1-1")
    assert waiting() == ["settle-1-1"]


def test_a_running_job_keeps_its_id(app: Flask) -> None:
    with transaction():
        enqueue_after_commit(*SETTLE, 1, job_id="settle-1-1")
    queues.redis().delete("rq:queue:default")
    fetch("settle-1-1").set_status(JobStatus.STARTED)
    with transaction():
        enqueue_after_commit(*SETTLE, 1, job_id="settle-1-1")
    assert waiting() == []


def test_a_job_whose_worker_was_killed_before_it_began_does_not_silence_its_bell(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction():
        enqueue_after_commit(*SETTLE, 1, job_id="settle-1-1")
    assert queues.redis().blpop(["rq:queue:default"], 1) is not None  # what a worker of several queues does first
    for seconds, expected in ((1, []), (10, ["settle-1-1"])):
        monkeypatch.setattr(clock, "utcnow", lambda seconds=seconds: datetime.now(UTC) + timedelta(seconds=seconds))
        with transaction():
            enqueue_after_commit(*SETTLE, 1, job_id="settle-1-1")
        assert waiting() == expected


def test_a_job_that_waits_long_for_its_turn_is_not_rung_for_again(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        with transaction():
            enqueue_after_commit(*SETTLE, 1, job_id="settle-1-1")
        monkeypatch.setattr(clock, "utcnow", lambda: datetime.now(UTC) + timedelta(hours=1))
    assert waiting() == ["settle-1-1"]


def test_a_forgotten_job_frees_its_id(app: Flask) -> None:
    with transaction():
        enqueue_after_commit(*SETTLE, 1, job_id="settle-1-1")
    queues.forget("settle-1-1")
    queues.forget("settle-1-1")
    assert waiting() == []
    assert queues.redis().keys("rq:job:*") == []


def test_without_redis_the_commit_stands_and_the_log_says_so(
    app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket() as bound:  # bound and not listening: refused, and nobody else gets the port
        bound.bind(("127.0.0.1", 0))
        dead = queues.connect(f"redis://127.0.0.1:{bound.getsockname()[1]}/0")
        monkeypatch.setitem(app.extensions, "muster_redis", dead)
        began = clock.steady()
        with caplog.at_level(logging.WARNING), transaction():
            factories.folder("kept")
            for number in range(50):
                enqueue_after_commit(*SETTLE, number)
        assert clock.steady() - began < 2
        queues.forget("settle-1-1")
        monkeypatch.undo()
    db.session.rollback()
    assert [record.message for record in caplog.records] == ["doorbells not rung", "dead job not removed"]
    assert vars(caplog.records[0])["number"] == 50
    assert db.session.execute(db.text("SELECT name FROM folder")).scalars().all() == ["kept"]


def test_a_silent_redis_does_not_hold_up_the_caller(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes the connection and never answers
        dead = queues.connect(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        monkeypatch.setitem(app.extensions, "muster_redis", dead)
        began = clock.steady()
        with transaction():
            for number in range(10):
                enqueue_after_commit(*SETTLE, number)
        assert clock.steady() - began < 4
        monkeypatch.undo()


@pytest.mark.parametrize(("pid", "rung"), [("999999", 1), ("own", 0)])
def test_a_job_of_a_killed_worker_does_not_silence_the_bell_and_one_of_a_living_worker_does(
    app: Flask, pid: str, rung: int
) -> None:
    boot, namespace, _, began = processes.me().split(":")
    owner = processes.me() if pid == "own" else f"{boot}:{namespace}:{pid}:{began}"
    job = queues.queue(QueueName.SEND).enqueue(JobName.SEND_SLICE.value, args=(1, 0, 0), job_id="bell")
    queues.queue(QueueName.SEND).empty()
    job.save()
    job.set_status(JobStatus.STARTED)
    job.worker_name = owner
    job.save()
    with transaction():
        queues.enqueue_after_commit(QueueName.SEND, JobName.SEND_SLICE, 1, 0, 0, job_id="bell")
    assert len(queues.queue(QueueName.SEND)) == rung
