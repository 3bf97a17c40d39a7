"""The two clocks."""

from datetime import UTC, timedelta

from flask import Flask

from app.kernel import clock
from app.kernel.db import db_now


def test_the_wall_clock_is_aware_and_utc() -> None:
    assert clock.utcnow().tzinfo is UTC


def test_the_steady_clock_never_goes_back() -> None:
    readings = [clock.steady() for _ in range(1000)]
    assert readings == sorted(readings)


def test_the_clock_of_the_database_is_aware_and_agrees(app: Flask) -> None:
    before, told, after = clock.utcnow(), db_now(), clock.utcnow()
    assert told.tzinfo is UTC
    assert before - timedelta(seconds=2) <= told <= after + timedelta(seconds=2)
