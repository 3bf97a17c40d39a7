"""A Redis that is emptied, dies or hangs, a database that is killed, an import that is killed, a clock that jumps."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pymysql
import pytest
from flask import Flask
from flask_migrate import upgrade
from redis import Redis
from sqlalchemy import func, select

import config
from app import create_app
from app.audience import import_service
from app.audience.models import Contact, ContactImport, ImportStatus
from app.campaigns.lifecycle import CampaignStatus
from app.extensions import db
from app.kernel.db import reading, transaction
from jobs import runtime
from jobs.sending import settle_campaign
from tests.conftest import free_port
from tests.faults.house import House, own_redis, size, wait_for

pytestmark = pytest.mark.timeout(600)


@pytest.fixture()
def redis_port(house: House) -> Iterator[int]:
    """A Redis of the test's own, which the house's processes use."""
    port = free_port()
    house.environ["REDIS_URL"] = f"redis://127.0.0.1:{port}/0"
    yield port


def test_an_emptied_redis_costs_nothing_but_time(house: House, redis_port: int) -> None:
    house.smtp("--accept-delay", "0.01")
    with own_redis(house.folder, redis_port):
        campaign_id = house.campaign(size(600, 2000), account={"per_second": 200})
        house.scheduler()
        house.worker()
        for _ in range(size(2, 5)):
            before = len(house.accepted())
            wait_for(lambda before=before: len(house.accepted()) > before + 50, 60)  # type: ignore[misc]
            Redis(port=redis_port).flushall()
        house.wait_until_finished(campaign_id, 120)
    found = house.judge(campaign_id)
    assert (found.lost, found.doubled, found.unconfirmed) == (0, 0, 0)
    moments = sorted(moment for moment, _ in house.accepted())
    for index, first in enumerate(moments):
        within = sum(1 for moment in moments[index : index + 400] if moment < first + 1.0)
        # the server's clock sees a message some milliseconds after its slot, one more or less on either side
        assert within <= 200 * 1.05


def test_a_killed_redis_that_comes_back_empty_costs_nothing_but_time(house: House, redis_port: int) -> None:
    house.smtp("--accept-delay", "0.01")
    campaign_id = house.campaign(size(600, 2000))
    house.scheduler()
    with own_redis(house.folder, redis_port) as server:
        house.worker()
        wait_for(lambda: len(house.accepted()) > 50, 60)
        server.kill()
        server.wait()
        time.sleep(size(2, 5))
    with own_redis(house.folder, redis_port):
        house.worker()  # whoever starts workers starts one again when it ended
        house.wait_until_finished(campaign_id, 150)
    found = house.judge(campaign_id)
    assert (found.lost, found.doubled) == (0, 0) and found.unconfirmed <= 2


def test_a_killed_import_goes_on_and_adds_nobody_twice(house: House) -> None:
    rows = size(60_000, 200_000)
    path = house.folder / "people.csv"
    lines = (f"person{number}@people.example,Person {number}\n" for number in range(rows))
    path.write_text("email,first_name\n" + "".join(lines))
    with path.open("rb") as stream, transaction():
        import_id = import_service.create(stream, "people.csv", by="me").id
    with transaction():
        waiting = import_service.get(import_id)
        import_service.start(import_id, waiting.mapping, None, "PL")
    house.scheduler()
    worker = house.worker()

    def done() -> int:
        with reading():
            return db.session.scalar(select(ContactImport.rows_done)) or 0

    wait_for(lambda: 0 < done() < rows, 60)
    worker.kill()
    house.worker()

    def is_over() -> bool:
        with reading():
            return import_service.get(import_id).status is ImportStatus.DONE

    wait_for(is_over, 200, done)
    with reading():
        over = import_service.get(import_id)
        contacts = db.session.scalar(select(func.count()).select_from(Contact))
        assert (over.rows_done, over.added, over.bad) == (rows, rows, 0)
    assert contacts == rows


@pytest.mark.parametrize("jump", ["+2h", "-2h"])
def test_a_worker_whose_clock_jumped_steals_no_lease_and_sends_nothing_twice(house: House, jump: str) -> None:
    faketime = next(iter(Path("/usr/lib").glob("*/faketime/libfaketime.so.1")), None)
    if faketime is None:
        pytest.skip("libfaketime is not installed (Debian's package faketime)")
    house.smtp("--accept-delay", "0.005")
    campaign_id = house.campaign(size(500, 2000))
    settle_campaign(campaign_id)  # planned by the true clock: SQLite has no clock but that of the process that asks it
    house.scheduler()
    house.worker()
    house.worker({"LD_PRELOAD": str(faketime), "FAKETIME": jump, "FAKETIME_DONT_FAKE_MONOTONIC": "1"})
    house.wait_until_finished(campaign_id, 150)
    found = house.judge(campaign_id)
    assert (found.lost, found.doubled, found.unconfirmed) == (0, 0, 0)


class MariaDb:
    """A MariaDB server of the test's own, which may be killed."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder / "mariadb", free_port()
        install = [
            "mariadb-install-db",
            "--no-defaults",
            f"--datadir={self.folder}",
            "--auth-root-authentication-method=normal",
        ]
        subprocess.run([*install, "--user=root"], check=True, capture_output=True)
        self.start()
        self.sql("CREATE DATABASE muster")

    def start(self) -> None:
        """Start it, or start it again, and wait until it answers."""
        socket = self.folder / "s"
        command = ["mariadbd", "--no-defaults", "--user=root", f"--datadir={self.folder}", f"--port={self.port}"]
        command += ["--bind-address=127.0.0.1", f"--socket={socket}", f"--pid-file={self.folder}/pid"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self.answers, 60)

    def answers(self) -> bool:
        """Whether it answers."""
        try:
            pymysql.connect(host="127.0.0.1", port=self.port, user="root", connect_timeout=2).close()
        except pymysql.err.OperationalError:
            return False
        return True

    def sql(self, statement: str) -> None:
        """Run one statement."""
        with pymysql.connect(host="127.0.0.1", port=self.port, user="root") as connection:
            connection.cursor().execute(statement)

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()


@pytest.fixture()
def on_own_mariadb(redis_url: str, tmp_path: Path) -> Iterator[tuple[House, MariaDb]]:
    """A house whose database is a MariaDB of its own."""
    if shutil.which("mariadbd") is None:
        pytest.skip("mariadbd is not installed")
    server = MariaDb(tmp_path)
    environ = dict(os.environ) | {
        "MUSTER_INSTANCE": str(tmp_path / "instance"),
        "MUSTER_KEYRING": config.Keyring.generate().dump(),
        "DATABASE_URL": f"mysql://root@127.0.0.1:{server.port}/muster",
        "REDIS_URL": redis_url,
        "MUSTER_LEASE_SECONDS": "4",
    }
    app: Flask = create_app(config.load(environ) | {"TESTING": True}, with_panel=False)
    runtime.use_app(app)
    with app.app_context():
        upgrade()
        house = House(app, environ, tmp_path)
        yield house, server
        house.close()
        app.extensions["muster_redis"].flushdb()
        db.session.remove()
        db.engine.dispose()
    server.kill()


@pytest.mark.sqlite
def test_a_killed_database_loses_nobody_and_workers_come_back_by_themselves(
    on_own_mariadb: tuple[House, MariaDb],
) -> None:
    house, server = on_own_mariadb
    house.smtp("--accept-delay", "0.01")
    campaign_id = house.campaign(size(600, 3000))
    house.scheduler()
    workers = [house.worker() for _ in range(2)]
    kills = size(1, 3)
    for _ in range(kills):
        before = len(house.accepted())
        wait_for(lambda before=before: len(house.accepted()) > before + 50, 60)  # type: ignore[misc]
        server.kill()
        time.sleep(1.0)
        server.start()
    wait_for(lambda: _is_finished(house, campaign_id), 150)
    found = house.judge(campaign_id)
    assert (found.lost, found.doubled) == (0, 0) and found.unconfirmed <= kills * 2 * 2
    assert all(worker.poll() is None for worker in workers)


def _is_finished(house: House, campaign_id: int) -> bool:
    return house.status(campaign_id) is CampaignStatus.FINISHED
