"""The life of a run.py: start, work, Ctrl-C, kill -9, and a process that is lost on the way."""

import re
import signal
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

import config
from app import create_app
from app.extensions import db
from app.sending.deliver import FIRST_CLAIM
from tests import factories
from tests.providers.script import Script
from tests.providers.servers import Server
from tests.run.conftest import Run, Running, wait_for


@pytest.fixture()
def mail_server() -> Iterator[Server]:
    """A mail server that takes its time over every message."""
    with Server(Script(accept_delay=0.02, keep_content=False)) as server:
        yield server


def publish(running: Running, port: int, people: int) -> None:
    """A published campaign to so many people in the database of that instance; its scheduler finds it."""
    environ = {"MUSTER_INSTANCE": str(running.instance), "REDIS_URL": "redis://127.0.0.1:1/0"}
    with create_app(config.load(environ), with_panel=False).app_context():
        factories.live_campaign(people, sender=factories.account(port=port))
        db.session.commit()
        db.session.remove()
        db.engine.dispose()


def states(running: Running) -> dict[str, int]:
    """How many recipients are in each state, straight from the database."""
    with closing(sqlite3.connect(running.instance / "muster.db", timeout=10)) as database:
        return dict(database.execute("SELECT state, COUNT(*) FROM campaign_recipient GROUP BY state"))


def test_the_first_start_makes_everything_and_the_second_keeps_it(run: Run) -> None:
    first = run(MUSTER_ADMIN_PASSWORD="")
    first.wait_until_ready()
    wait_for("the password", lambda: "Sign in as admin" in first.output)
    assert re.search(r"with the password \S{12,}", first.output)
    assert first.get("/readyz")[0] == 200
    for name in ("secret_key", "keyring.json", "redis/redis.conf"):
        assert stat.S_IMODE((first.instance / name).stat().st_mode) == 0o600
    again = run()  # in the same folder
    assert again.process.wait(30) == 1
    assert "It already runs in the folder" in wait_for("its words", lambda: again.output)
    assert first.end() == 0
    assert first.left_over() == []
    assert "Traceback" not in first.output
    keys = (first.instance / "keyring.json").read_text()
    second = run()
    second.wait_until_ready()
    assert "Sign in as admin" not in second.output
    assert (first.instance / "keyring.json").read_text() == keys
    kill(second)  # while its workers still start


def kill(running: Running) -> None:
    """kill -9, and nothing may live on."""
    assert len(running.family()) >= 5
    running.process.kill()
    running.process.wait()
    wait_for("no process lives", lambda: not running.left_over(), 10)
    assert running.get("/healthz")[0] == 0


def test_ctrl_c_during_the_preparation_says_nothing_bad(run: Run) -> None:
    running = run()
    wait_for("it prepares", lambda: any("runner.prepare" in name for name in running.family()))
    assert running.end(signal.SIGINT) == 0
    assert running.left_over() == []
    assert "Traceback" not in running.output


def two_workers(running: Running) -> list[Any]:
    """The workers, once both are there; a work horse looks like its worker, so only direct children count."""
    workers = [p for name, p in running.family().items() if "jobs.worker" in name and p.ppid() == running.process.pid]
    return workers if len(workers) == 2 else []


@pytest.mark.timeout(240)
def test_a_campaign_survives_a_killed_worker_ctrl_c_and_kill_9(run: Run, mail_server: Server) -> None:
    running = run()
    running.wait_until_ready()
    publish(running, mail_server.port, 5000)
    wait_for("some were sent", lambda: states(running).get("sent"), 40)
    victim = wait_for("two workers", lambda: two_workers(running))[0]
    victim.kill()
    wait_for("another worker", lambda: len(two_workers(running)) == 2 and victim not in two_workers(running))
    wait_for("it is told", lambda: re.search(r"The worker \d ended \(-9\); again in 1 s", running.output))
    sent = states(running)["sent"]
    wait_for("it goes on", lambda: states(running)["sent"] > sent, 40)
    assert running.end(signal.SIGINT, 25) == 0  # a slice with hundreds of slow messages ahead does not finish them
    assert running.left_over() == []
    assert "Traceback" not in running.output, running.output
    after = states(running)
    assert after["awaiting"] > 0, "it was over before Ctrl-C"
    # Only the killed worker may leave some, one for each of its connections; Ctrl-C leaves nobody.
    assert after.get("unconfirmed", 0) <= 8, after
    # What the killed worker had in hand waits for the next sweep, which may be that of the next start.
    assert after.get("sending", 0) in (0, FIRST_CLAIM), after

    second = run()
    second.wait_until_ready()
    before = after["sent"]
    wait_for("it goes on after the restart", lambda: states(second).get("sent", 0) > before, 40)
    kill(second)
