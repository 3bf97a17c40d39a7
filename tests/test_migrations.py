"""The migrations, up and down: on SQLite always, and on MariaDB where TEST_DATABASE_URL names a server."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask_migrate import check, downgrade, upgrade

import config
from app import create_app
from app.extensions import db

SERVER = os.environ.get("TEST_DATABASE_URL")


@pytest.fixture(params=["sqlite", pytest.param("mariadb", marks=pytest.mark.mariadb)])
def empty_app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """An app without the panel over an empty database of its own."""
    if request.param == "sqlite":
        yield from _app_over(f"sqlite:///{tmp_path / 'muster.db'}", tmp_path)
        return
    assert SERVER
    name = f"muster_migrations_{os.getpid()}"
    server = sa.create_engine(SERVER.replace("mysql://", "mysql+pymysql://"), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    try:
        yield from _app_over(f"{SERVER.rstrip('/')}/{name}", tmp_path)
    finally:
        with server.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name}")
        server.dispose()


def _app_over(database_url: str, folder: Path) -> Iterator[Flask]:
    environ = {
        "MUSTER_INSTANCE": str(folder),
        "MUSTER_KEYRING": config.Keyring.generate().dump(),
        "DATABASE_URL": database_url,
        "REDIS_URL": "redis://127.0.0.1:1/0",  # no migration asks for it
    }
    app = create_app(config.load(environ) | {"TESTING": True}, with_panel=False)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def _tables() -> set[str]:
    return set(sa.inspect(db.engine).get_table_names())


def _shape() -> dict[str, list[tuple[object, ...]]]:
    """What a database says of its tables, to compare two of them."""
    seen = sa.inspect(db.engine)
    return {
        table: [
            *((column["name"], str(column["type"]), column["nullable"]) for column in seen.get_columns(table)),
            *sorted((str(i["name"]), *map(str, i["column_names"]), bool(i["unique"])) for i in seen.get_indexes(table)),
            *sorted((key["referred_table"], *key["constrained_columns"]) for key in seen.get_foreign_keys(table)),
        ]
        for table in sorted(_tables())
    }


def test_an_upgraded_database_is_what_the_models_say(empty_app: Flask) -> None:
    upgrade()
    assert set(db.metadata.tables) <= _tables()
    check()


def test_a_difference_from_the_models_is_seen(empty_app: Flask) -> None:
    upgrade()
    with db.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE campaign ADD COLUMN forgotten INTEGER")
    with pytest.raises(SystemExit):
        check()


def test_a_downgrade_leaves_only_the_mark_and_can_be_taken_back(empty_app: Flask) -> None:
    upgrade()
    first = _shape()
    downgrade(revision="base")
    assert _tables() == {"alembic_version"}
    upgrade()
    assert _shape() == first
    check()


def test_a_table_that_gets_a_reference_keeps_its_rows_and_those_that_hang_on_it(empty_app: Flask) -> None:
    upgrade(revision="0001")
    with db.engine.begin() as connection:
        seen = sa.MetaData()
        seen.reflect(connection, only=["campaign", "campaign_document", "campaign_progress"])
        for name in ("campaign", "campaign_document", "campaign_progress"):
            connection.execute(seen.tables[name].insert().values(_filled(seen.tables[name])))
    upgrade(revision="0002")
    assert _rows("campaign") == _rows("campaign_document") == _rows("campaign_progress") == 1
    downgrade(revision="0001")
    assert _rows("campaign") == _rows("campaign_document") == _rows("campaign_progress") == 1


def test_who_was_removed_before_there_was_a_log_stands_in_it(empty_app: Flask) -> None:
    upgrade(revision="0007")
    removed = {"state": "stopped", "reason": "removed-by-user", "detail": "removed by ann"}
    with db.engine.begin() as connection:
        seen = sa.MetaData()
        seen.reflect(connection, only=["campaign", "contact", "campaign_recipient"])
        named = {"campaign": {}, "contact": {"first_name": "Zoe", "last_name": "Lis"}, "campaign_recipient": removed}
        for name, values in named.items():
            table = seen.tables[name]
            more = {"done_at": datetime(2026, 1, 1, tzinfo=UTC)} if name == "campaign_recipient" else {}
            connection.execute(table.insert().values(_filled(table) | values | more))
    upgrade(revision="0008")
    with db.engine.connect() as connection:
        row = connection.execute(sa.text("SELECT * FROM removal")).mappings().one()
    assert (row["client_name"], row["campaign_name"], row["removed_by"]) == ("Zoe Lis", "1", "ann")
    assert (row["campaign_id"], row["contact_id"], row["reason"]) == (1, 1, "removed-by-user")


def test_runs_on_their_way_go_on_in_one_table_and_come_back(empty_app: Flask) -> None:
    upgrade(revision="0016")
    own = {"label_run": {"internal_status_id": 5, "marked": 7}, "retry_run": {"reason": "mailbox-full", "put_back": 3}}
    with db.engine.begin() as connection:
        seen = sa.MetaData()
        seen.reflect(connection, only=["campaign", *own])
        for name, values in ({"campaign": {}} | own).items():
            here = values | ({"reached": 40} if name in own else {})
            connection.execute(seen.tables[name].insert().values(_filled(seen.tables[name]) | here))
    upgrade(revision="0017")
    query = "SELECT kind, internal_status_id, reason, reached, changed FROM recipient_run ORDER BY id"
    assert _read(query) == [("label", 5, None, 40, 7), ("retry", None, "mailbox-full", 40, 3)]
    downgrade(revision="0016")
    assert _read("SELECT internal_status_id, reached, marked FROM label_run") == [(5, 40, 7)]
    assert _read("SELECT reason, reached, put_back FROM retry_run") == [("mailbox-full", 40, 3)]


def _read(query: str) -> list[tuple[object, ...]]:
    with db.engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def _filled(table: sa.Table) -> dict[str, object]:
    """A row of that table, its keys 1, without what may be missing."""
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    values: dict[type, object] = {int: 1, str: "1", bytes: b"1", bool: True, datetime: moment, object: {}}
    return {column.name: values[column.type.python_type] for column in table.columns if not column.nullable}


def _rows(table: str) -> int:
    with db.engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(sa.table(table))) or 0


@pytest.mark.parametrize("empty_app", ["sqlite"], indirect=True)
def test_numbers_that_are_remembered_elsewhere_are_never_given_again(empty_app: Flask) -> None:
    upgrade()
    marked = {name for name, table in db.metadata.tables.items() if table.dialect_options["sqlite"]["autoincrement"]}
    query = sa.text("SELECT name FROM sqlite_master WHERE sql LIKE '%AUTOINCREMENT%'")
    assert set(db.session.scalars(query)) == marked >= {"campaign", "contact", "smtp_account", "mission"}
