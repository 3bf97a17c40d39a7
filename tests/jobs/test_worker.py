"""`python -m jobs.worker`: which queues it takes, and what its forked job does when it is told to stop."""

import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask
from rq.exceptions import StopRequested

from app.kernel import clock, ending, queues
from app.kernel.queues import JobName, QueueName, SafeJob
from app.sending.deliver import SLICE_SECONDS
from jobs import worker
from jobs.worker import HouseWorker

ROOT = Path(__file__).resolve().parents[2]


def test_an_unknown_queue_is_refused_with_the_names_of_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    assert worker.main(["mail"]) == 2
    said = capsys.readouterr().err
    assert "'mail'" in said and all(name.value in said for name in QueueName)


def house_worker() -> HouseWorker:
    return HouseWorker([queues.queue(QueueName.SEND)], connection=queues.redis(), serializer="json", job_class=SafeJob)


def test_short_jobs_do_not_wait_for_the_end_of_a_campaign(app: Flask) -> None:
    many = [queues.queue(name) for name in QueueName]
    made = HouseWorker(many, connection=queues.redis(), serializer="json", job_class=SafeJob)
    for number in range(3):
        queues.queue(QueueName.SEND).enqueue(JobName.SEND_SLICE.value, args=(7, number, 0))
        queues.queue(QueueName.BULK).enqueue(JobName.RUN_IMPORT.value, args=(number,))
    queues.queue(QueueName.DEFAULT).enqueue(JobName.SETTLE_CAMPAIGN.value, args=(7,))
    taken = [found[1].name for _ in range(7) if (found := made.dequeue_job_and_maintain_ttl(None)) is not None]
    assert taken == ["send", "default", "send", "send", "bulk", "bulk", "bulk"]


def test_slow_campaigns_come_first_but_for_a_slice_of_the_others_each_time_they_had_as_long(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(clock, "steady", lambda: now)
    many = [queues.queue(name) for name in QueueName]
    made = HouseWorker(many, connection=queues.redis(), serializer="json", job_class=SafeJob)
    for number in range(8):
        for name in (QueueName.SEND, QueueName.PACED):
            queues.queue(name).enqueue(JobName.SEND_SLICE.value, args=(7, number, 0))
    queues.queue(QueueName.DEFAULT).enqueue(JobName.SETTLE_CAMPAIGN.value, args=(7,))
    taken = []
    for _ in range(9):
        found = made.dequeue_job_and_maintain_ttl(None)
        assert found is not None
        taken.append(found[1].name)
        now += SLICE_SECONDS if taken[-1] == "send" else SLICE_SECONDS / 3
    assert taken == ["paced", "default", "send", *["paced"] * 5, "send"]


def test_the_forked_job_takes_a_stop_as_a_request(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "_is_asked", False)
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    try:
        house_worker().setup_work_horse_signals()
        signal.raise_signal(signal.SIGTERM)
        assert ending.is_asked()
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])


def test_a_worker_that_is_told_to_stop_tells_its_running_job(app: Flask) -> None:
    made = house_worker()
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    with subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"]) as child:
        made._horse_pid = child.pid
        try:
            with pytest.raises(StopRequested):
                made.request_stop(signal.SIGTERM, None)
            assert child.wait(10) == -signal.SIGTERM
        finally:
            child.kill()
            signal.signal(signal.SIGTERM, before[0])
            signal.signal(signal.SIGINT, before[1])


KILLED = """
import os, signal, sys, time
from rq import Worker
from jobs.worker import HouseWorker
made = HouseWorker.__new__(HouseWorker)
def work(self, job, queue):
    print(os.getpid(), flush=True)
    time.sleep(60)
Worker.main_work_horse = work
if os.fork() == 0:
    made.main_work_horse(None, None)
    os._exit(0)
signal.pause()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")
def test_a_job_does_not_outlive_a_killed_worker() -> None:
    with subprocess.Popen([sys.executable, "-c", KILLED], stdout=subprocess.PIPE, cwd=ROOT, text=True) as parent:
        assert parent.stdout is not None
        assert int(parent.stdout.readline()) > 0
        parent.kill()
        parent.wait(10)
        # the pipe ends when the job has ended too
        assert select.select([parent.stdout], [], [], 10)[0] and parent.stdout.read() == ""
