"""What every job runs in: a context of its own, its errors in the log with ids only, and no session left behind."""

import logging
import threading
from collections.abc import Callable

import pytest
from flask import Flask, current_app
from sqlalchemy import select

from app.extensions import db
from app.kernel.db import transaction
from app.kernel.errors import NotFound
from app.sending.models import SendBatch
from config import ConfigError
from jobs import runtime
from jobs.runtime import job


def outside(function: Callable[[], object]) -> object:
    """Call it as a worker does, where no app context is; returns its result or what it raised."""
    results: list[object] = []

    def run() -> None:
        try:
            results.append(function())
        except (NotFound, SystemExit) as error:
            results.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(30)
    assert not thread.is_alive()
    return results[0]


def test_a_job_has_the_app_of_its_process(app: Flask) -> None:
    @job
    def name() -> object:
        return current_app._get_current_object()  # type: ignore[attr-defined]

    assert outside(name) is app


def test_what_a_job_raises_is_logged_with_its_arguments_and_raised(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    @job
    def lose(campaign_id: int) -> None:
        raise NotFound(f"no campaign {campaign_id}")

    with caplog.at_level(logging.ERROR, "jobs.runtime"):
        assert isinstance(outside(lambda: lose(7)), NotFound)
    (record,) = caplog.records
    assert (record.message, record.job, record.arguments) == ("job failed", "lose", (7,))  # type: ignore[attr-defined]
    assert record.exc_info is not None


def test_a_job_that_fails_leaves_no_transaction_open(app: Flask) -> None:
    @job
    def fail_in_the_middle() -> None:
        db.session.scalars(select(SendBatch)).all()
        raise NotFound("gone")

    outside(fail_in_the_middle)
    with transaction():  # on SQLite a writer that was left open would block this one
        db.session.execute(SendBatch.__table__.delete())


def test_a_job_inside_a_context_uses_that_one(app: Flask) -> None:
    session = db.session()

    @job
    def look() -> bool:
        return db.session() is session

    assert look()


def test_a_configuration_that_is_wrong_ends_a_worker_with_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_options: object) -> None:
        raise ConfigError("REDIS_URL is missing.")

    monkeypatch.setattr(runtime, "_app", None)
    monkeypatch.setattr(runtime, "create_app", refuse)
    found = outside(runtime.the_app)
    assert isinstance(found, SystemExit) and str(found) == "Muster cannot start. REDIS_URL is missing."
