"""A limit on how long what is read may take."""

import time

import pytest
import sqlalchemy as sa
from flask import Flask

from app.audience.models import Folder
from app.extensions import db
from app.kernel.db import is_mysql
from app.kernel.patience import TookTooLong, patience
from tests import factories

SLOW = {
    True: "SELECT SLEEP(20)",
    False: "SELECT COUNT(*) FROM (WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n)",
}
PAUSE = {
    True: "SELECT SLEEP(0.3)",
    False: "SELECT COUNT(*) FROM (WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 1500000)"
    " SELECT x FROM n)",
}


def statement(kinds: dict[bool, str]) -> sa.TextClause:
    return sa.text(kinds[is_mysql(db.session.get_bind().dialect)])


def test_a_slow_statement_is_given_up_and_the_transaction_goes_on(app: Flask) -> None:
    factories.folder("Written before")
    began = time.monotonic()
    with pytest.raises(TookTooLong), patience(0.1):
        db.session.execute(statement(SLOW))
    assert time.monotonic() - began < 5
    assert db.session.scalar(sa.select(Folder.name)) == "Written before"


def test_the_time_counts_for_all_statements_together(app: Flask) -> None:
    began = time.monotonic()
    with pytest.raises(TookTooLong), patience(1.0):
        for _ in range(1000):
            db.session.execute(statement(PAUSE)).all()
    assert time.monotonic() - began < 10


def test_what_is_quick_is_answered(app: Flask) -> None:
    factories.folder("Quick")
    with patience(30):
        assert db.session.scalar(sa.select(Folder.name)) == "Quick"


def test_afterwards_a_statement_may_take_its_time(app: Flask) -> None:
    with pytest.raises(TookTooLong), patience(0.01):
        db.session.execute(statement(SLOW))
    assert len(db.session.execute(statement(PAUSE)).all()) == 1


def test_another_fault_stays_what_it_is(app: Flask) -> None:
    with pytest.raises(sa.exc.DBAPIError), patience(30):
        db.session.execute(sa.text("SELECT nothing FROM nowhere"))
