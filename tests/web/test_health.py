"""What load balancers ask: both addresses with everything there, and with each part away."""

import logging
import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from app import create_app
from app.extensions import db
from app.kernel import queues
from app.web import health

NOBODY = "127.0.0.1:1"  # nobody listens there


@pytest.fixture()
def version() -> Iterator[str]:
    """The version in the database; it is put back when a test has changed it."""
    kept: str = db.session.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    db.session.rollback()
    yield kept
    write_versions(kept)


def write_versions(*versions: str) -> None:
    """Make these the versions that the database says it is at."""
    db.session.rollback()
    with db.engine.begin() as connection:
        connection.execute(text("DELETE FROM alembic_version"))
        for each in versions:
            connection.execute(text("INSERT INTO alembic_version VALUES (:version)"), {"version": each})


def asked(app: Flask, path: str) -> tuple[int, Any]:
    """What somebody who is not signed in is told."""
    answer = app.test_client().get(path)
    return answer.status_code, answer.json


def test_both_answer_anybody_when_all_is_there(panel: Flask) -> None:
    assert asked(panel, "/healthz") == (200, {"status": "ok"})
    assert asked(panel, "/readyz") == (200, {"status": "ready", "missing": []})


@pytest.mark.parametrize(
    "versions", [("0000",), ("9999",), (), ("0001", "9999")], ids=["older", "newer", "none", "two"]
)
def test_a_database_at_another_version_is_not_ready(panel: Flask, version: str, versions: tuple[str, ...]) -> None:
    write_versions(*versions)
    assert asked(panel, "/readyz") == (503, {"status": "unready", "missing": ["database"]})
    assert asked(panel, "/healthz")[0] == 200
    write_versions(version)
    assert asked(panel, "/readyz")[0] == 200


def test_a_redis_that_is_away_is_named_within_seconds(panel: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(panel.extensions, "muster_redis", queues.connect(f"redis://{NOBODY}/0"))
    began = time.monotonic()
    assert asked(panel, "/readyz") == (503, {"status": "unready", "missing": ["redis"]})
    assert time.monotonic() - began < 5
    assert asked(panel, "/healthz")[0] == 200


def test_a_database_that_is_away_is_named_without_details(settings: dict[str, Any]) -> None:
    address = f"mysql+pymysql://muster:secret-word@{NOBODY}/muster"
    app = create_app(settings | {"SQLALCHEMY_DATABASE_URI": address, "SQLALCHEMY_ENGINE_OPTIONS": {}}, with_panel=False)
    health.register(app)
    assert asked(app, "/readyz") == (503, {"status": "unready", "missing": ["database"]})
    assert asked(app, "/healthz")[0] == 200
    with app.app_context():
        db.engine.dispose()


def test_a_probe_every_few_seconds_fills_no_log(panel: Flask, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    asked(panel, "/readyz")
    assert caplog.messages == []
