"""Units of work, column types and what the two databases promise."""

import contextlib
import logging
import multiprocessing
import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pymysql
import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, StatementError

from app.audience.models import Folder
from app.channels.contract import Channel
from app.extensions import db
from app.kernel import clock, queues
from app.kernel import db as kernel_db
from app.kernel.db import EnumText, UtcDateTime, expect_only_reads, in_transaction, is_retriable, reading, transaction
from tests import factories

JOIN_SECONDS = 60


@pytest.fixture(autouse=True)
def _writes_expected() -> Iterator[None]:
    yield
    expect_only_reads(False)


def names() -> list[str]:
    """What is committed, seen by another connection."""
    with db.engine.connect() as connection:
        return list(connection.execute(sa.select(Folder.name).order_by(Folder.id)).scalars())


def add_by_another(app: Flask, name: str) -> None:
    """Commit a folder from another thread, as another request would."""
    failures: list[BaseException] = []

    def add() -> None:
        try:
            with app.app_context(), transaction():
                factories.folder(name)
        except BaseException as error:  # noqa: BLE001  handed to the test
            failures.append(error)

    thread = threading.Thread(target=add)
    thread.start()
    thread.join(JOIN_SECONDS)
    assert not thread.is_alive()
    assert failures == []


# --- units of work


def test_what_was_done_is_committed(app: Flask) -> None:
    with transaction():
        factories.folder("kept")
    assert names() == ["kept"]


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt, SystemExit])
def test_any_error_rolls_everything_back(app: Flask, error: type[BaseException]) -> None:
    with pytest.raises(error), transaction():
        factories.folder("gone")
        raise error
    assert names() == []


def test_a_failed_commit_leaves_a_usable_session(app: Flask) -> None:
    with transaction():
        factories.folder("same")
    with pytest.raises(IntegrityError), transaction():
        db.session.add(Folder(name="same", created_at=clock.utcnow()))
    with transaction():
        factories.folder("next")
    assert names() == ["same", "next"]


def test_reading_leaves_no_transaction_open(app: Flask) -> None:
    with reading():
        assert db.session.scalar(sa.select(Folder.id)) is None
        assert db.session.registry().in_transaction()
    assert not db.session.registry().in_transaction()


def test_a_write_inside_reading_is_not_kept(app: Flask) -> None:
    with reading():
        factories.folder("gone")
    assert names() == []


# --- trying again


class Flaky:
    """A step that fails some times with the error of a driver."""

    def __init__(self, failures: int, error: Exception) -> None:
        self.failures, self.error, self.calls = failures, error, 0

    def __call__(self) -> str:
        self.calls += 1
        factories.folder(f"call {self.calls}")
        if self.calls <= self.failures:
            raise OperationalError("a statement", None, self.error)
        return "done"


DEADLOCK = pymysql.err.OperationalError(1213, "Deadlock found when trying to get lock; try restarting transaction")
LOCKED = sqlite3.OperationalError("database is locked")


@pytest.fixture()
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses between tries, noted and not waited for."""
    noted: list[float] = []
    monkeypatch.setattr(kernel_db.time, "sleep", noted.append)
    return noted


@pytest.mark.parametrize("error", [DEADLOCK, LOCKED], ids=["deadlock", "locked"])
def test_a_step_is_tried_again_and_only_the_last_try_counts(app: Flask, pauses: list[float], error: Exception) -> None:
    step = Flaky(4, error)
    assert in_transaction(step) == "done"
    assert names() == ["call 5"]
    assert len(pauses) == 4
    assert all(0 < pause <= 1 for pause in pauses)


def test_a_step_is_given_up_after_five_tries(app: Flask, pauses: list[float]) -> None:
    step = Flaky(99, DEADLOCK)
    with pytest.raises(OperationalError):
        in_transaction(step)
    assert step.calls == kernel_db.ATTEMPTS == 5
    assert names() == []


def test_with_patience_a_step_is_tried_until_the_time_is_over(
    app: Flask, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter(range(0, 1000, 10))
    monkeypatch.setattr(clock, "steady", lambda: float(next(now)))
    step = Flaky(99, DEADLOCK)
    with pytest.raises(OperationalError):
        in_transaction(step, patience_seconds=60.0)
    assert step.calls == 10  # five for nothing, then one every ten seconds of this clock


def test_an_error_of_the_step_is_not_tried_again(app: Flask) -> None:
    step = Flaky(99, pymysql.err.ProgrammingError(1064, "You have an error in your SQL syntax"))
    with pytest.raises(OperationalError):
        in_transaction(step)
    assert step.calls == 1


def test_a_step_gets_its_arguments(app: Flask) -> None:
    assert in_transaction(divmod, 7, 2) == (3, 1)


def test_a_try_that_failed_rings_no_bell(app: Flask, pauses: list[float]) -> None:
    step = Flaky(2, DEADLOCK)

    def ring() -> str:
        queues.enqueue_after_commit(queues.QueueName.DEFAULT, queues.JobName.SETTLE_CAMPAIGN, step.calls)
        return step()

    in_transaction(ring)
    assert [list(job.args) for job in queues.queue(queues.QueueName.DEFAULT).jobs] == [[2]]


@pytest.mark.parametrize("code", sorted(kernel_db.RETRIABLE_CODES))
def test_lost_connections_and_locks_are_worth_another_try(code: int) -> None:
    assert is_retriable(OperationalError("a statement", None, pymysql.err.OperationalError(code, "words")))


@pytest.mark.parametrize("code", [1062, 1064, 1406, 1451])
def test_a_wrong_statement_is_not_worth_another_try(code: int) -> None:
    assert not is_retriable(OperationalError("a statement", None, pymysql.err.OperationalError(code, "words")))


@pytest.mark.mariadb
def test_two_threads_in_a_deadlock_both_get_through(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    with transaction():
        ids = [factories.folder(name).id for name in ("a", "b")]
    both_hold_one = threading.Barrier(2)
    tries: list[int] = []

    def rename(first: int, second: int, mark: str) -> None:
        def step() -> None:
            tries.append(first)
            db.session.execute(sa.update(Folder).where(Folder.id == first).values(name=Folder.name + mark))
            if tries.count(first) == 1:
                both_hold_one.wait(JOIN_SECONDS)
            db.session.execute(sa.update(Folder).where(Folder.id == second).values(name=Folder.name + mark))

        with app.app_context():
            in_transaction(step)

    orders = [(ids[0], ids[1], "1"), (ids[1], ids[0], "2")]
    threads = [threading.Thread(target=rename, args=order) for order in orders]
    with caplog.at_level(logging.WARNING):
        _run(threads)
    assert sorted(map(sorted, names())) == [["1", "2", "a"], ["1", "2", "b"]]
    assert len(tries) == 3
    assert [record.message for record in caplog.records] == ["transaction is tried again"]


@pytest.mark.mariadb
def test_a_killed_connection_is_replaced(app: Flask) -> None:
    killed: list[int] = []

    def step() -> str:
        mine = db.session.scalar(sa.text("SELECT CONNECTION_ID()"))
        if not killed:
            killed.append(mine)
            with db.engine.connect() as other:
                other.exec_driver_sql(f"KILL {mine}")
        factories.folder("kept")
        return "done"

    assert in_transaction(step) == "done"
    assert names() == ["kept"]


@pytest.mark.mariadb
def test_a_reader_sees_what_others_commit_meanwhile(app: Flask) -> None:
    assert names() == []
    assert db.session.scalars(sa.select(Folder.name)).all() == []
    add_by_another(app, "new")
    assert db.session.scalars(sa.select(Folder.name)).all() == ["new"]  # READ COMMITTED: no old snapshot


def _run(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(JOIN_SECONDS)
    assert not any(thread.is_alive() for thread in threads)


# --- readers and writers


def test_a_reading_request_does_not_hold_up_a_writer(app: Flask) -> None:
    expect_only_reads(True)
    assert db.session.scalars(sa.select(Folder.name)).all() == []  # its transaction stays open
    began = clock.steady()
    add_by_another(app, "written meanwhile")
    assert clock.steady() - began < 5  # half of what SQLite waits for a lock
    assert names() == ["written meanwhile"]


def test_a_request_that_read_may_write_although_another_wrote_between(app: Flask) -> None:
    expect_only_reads(True)
    assert db.session.scalars(sa.select(Folder.name)).all() == []
    add_by_another(app, "other")
    with transaction():
        assert db.session.scalars(sa.select(Folder.name)).all() == ["other"]
        factories.folder("mine")
    assert names() == ["other", "mine"]


@pytest.mark.sqlite
def test_a_request_that_may_write_holds_the_one_writer_from_its_first_read(app: Flask) -> None:
    with transaction():
        db.session.scalars(sa.select(Folder.name)).all()
        with (
            contextlib.closing(sqlite3.connect(db.engine.url.database or "", timeout=0, isolation_level=None)) as other,
            pytest.raises(sqlite3.OperationalError, match="locked"),
        ):
            other.execute("BEGIN IMMEDIATE")


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("pragma", "value"), [("journal_mode", "wal"), ("foreign_keys", 1), ("busy_timeout", 10000), ("synchronous", 1)]
)
def test_sqlite_is_set_up_for_several_processes(app: Flask, pragma: str, value: object) -> None:
    assert db.session.scalar(sa.text(f"PRAGMA {pragma}")) == value


WRITERS, ROUNDS = 8, 25


def _count_up(app: Flask, folder_id: int) -> None:
    """In another process: read a number, add one, write it."""

    def step() -> None:
        query = sa.select(Folder.name).where(Folder.id == folder_id).with_for_update()
        number = int(db.session.execute(query).scalar_one())
        db.session.execute(sa.update(Folder).where(Folder.id == folder_id).values(name=str(number + 1)))

    with app.app_context():
        db.engine.dispose(close=False)  # the connections of the parent are the parent's
        for _ in range(ROUNDS):
            in_transaction(step)
        db.session.remove()
        db.engine.dispose()


def test_eight_writing_processes_lose_nothing(app: Flask) -> None:
    with transaction():
        folder_id = factories.folder("0").id
    db.session.remove()
    fork = multiprocessing.get_context("fork")
    writers = [fork.Process(target=_count_up, args=(app, folder_id)) for _ in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(JOIN_SECONDS)
    assert [writer.exitcode for writer in writers] == [0] * WRITERS
    assert names() == [str(WRITERS * ROUNDS)]


# --- column types


def test_a_naive_time_is_refused(app: Flask) -> None:
    naive = datetime(2026, 1, 1)  # noqa: DTZ001  the point of the test
    with pytest.raises(StatementError, match="naive"), transaction():
        db.session.add(Folder(name="x", created_at=naive))


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 10, 25, 0, 30, 1, 123456, tzinfo=UTC),
        datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Warsaw")),
        datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=-5, minutes=-30))),
    ],
    ids=["microseconds", "fold", "offset"],
)
def test_a_time_comes_back_as_the_same_instant_in_utc(app: Flask, moment: datetime) -> None:
    with transaction():
        db.session.add(Folder(name="x", created_at=moment))
    db.session.remove()
    found = db.session.scalars(sa.select(Folder.created_at)).one()
    assert (found, found.tzinfo) == (moment.astimezone(UTC), UTC)
    assert db.session.scalar(sa.select(Folder.name).where(Folder.created_at == moment)) == "x"


def test_a_missing_time_stays_missing() -> None:
    dialect: Any = sa.create_engine("sqlite://").dialect
    assert UtcDateTime().process_bind_param(None, dialect) is None
    assert UtcDateTime().process_result_value(None, dialect) is None


def test_an_enum_is_stored_as_its_text_and_nothing_else_is_stored() -> None:
    dialect: Any = sa.create_engine("sqlite://").dialect
    column = EnumText(Channel)
    assert column.process_bind_param(Channel.EMAIL, dialect) == "email"
    assert column.process_bind_param("email", dialect) == "email"
    assert column.process_result_value("email", dialect) is Channel.EMAIL
    assert column.process_bind_param(None, dialect) is None and column.process_result_value(None, dialect) is None
    with pytest.raises(ValueError, match="pigeon"):
        column.process_bind_param("pigeon", dialect)


def test_names_of_the_whole_world_are_stored(app: Flask) -> None:
    wanted = "Zażółć 🎉 שלום 漢字"
    with transaction():
        factories.folder(wanted)
    assert names() == [wanted]


def test_a_missing_row_that_is_referred_to_is_refused(app: Flask) -> None:
    with pytest.raises(DBAPIError), transaction():
        db.session.execute(sa.text("INSERT INTO contact_folder (folder_id, contact_id) VALUES (999, 999)"))
