"""Alembic's entry: runs the numbered migrations with the app's own engine and metadata."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import context
from flask import current_app
from sqlalchemy import Connection

sys.path.insert(0, str(Path(__file__).parent))
from rendering import compare_type, render_item  # a script folder, not a package

migrate = current_app.extensions["migrate"]


@contextmanager
def _without_cascades(connection: Connection) -> Iterator[None]:
    """On SQLite a column that refers to another table is added by copying the table and dropping the old one, and with
    foreign keys on that deletes every row that refers to it (sqlite.org/lang_altertable.html, chapter 7)."""
    if connection.dialect.name != "sqlite":
        yield
        return
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.execute("PRAGMA foreign_keys=OFF")  # outside of a transaction, in which it would do nothing
    try:
        yield
        connection.rollback()  # what was done is committed
        broken = driver.execute("PRAGMA foreign_key_check").fetchall()
        if broken:
            raise RuntimeError(f"After the migration rows refer to rows that are not there: {broken[:5]}")
    finally:
        driver.execute("PRAGMA foreign_keys=ON")


def run() -> None:
    """Upgrade or downgrade over one connection. On MySQL every statement commits by itself."""
    with migrate.db.engine.connect() as connection, _without_cascades(connection):
        context.configure(
            connection=connection,
            target_metadata=migrate.db.metadata,
            render_item=render_item,
            compare_type=compare_type,
            render_as_batch=True,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
