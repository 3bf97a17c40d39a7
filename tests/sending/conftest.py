"""Fixtures of the ledger's tests."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import Connection, event

from app.extensions import db
from app.kernel import clock
from app.kernel.db import is_mysql, reading
from app.sending import service


@pytest.fixture()
def true_counters(app: Flask) -> Iterator[None]:
    """After the test the counters agree with the rows."""
    yield
    with reading():
        assert service.reconcile() == []


@pytest.fixture()
def forward(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[float], None]]:
    """Call it with seconds: the database's clock and ours go on by so much at once."""
    true_now, ahead = clock.utcnow, [0.0]

    def go(seconds: float) -> None:
        ahead[0] += seconds
        db.session.rollback()  # a transaction that is open keeps the time at which it began

    def set_time(connection: Connection) -> None:
        connection.exec_driver_sql(f"SET timestamp = UNIX_TIMESTAMP(SYSDATE(6)) + {ahead[0]}")

    monkeypatch.setattr(clock, "utcnow", lambda: true_now() + timedelta(seconds=ahead[0]))
    if not is_mysql(db.engine.dialect):
        yield go
        return
    event.listen(db.engine, "begin", set_time)
    try:
        yield go
    finally:
        event.remove(db.engine, "begin", set_time)
        db.session.remove()
        db.engine.dispose()  # connections keep the time they were given
