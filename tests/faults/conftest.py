"""An installation for each fault test, on the database of the session."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app.extensions import db
from tests.faults.house import LEASE_SECONDS, House


@pytest.fixture()
def house(app: Flask, settings: dict[str, Any], tmp_path: Path) -> Iterator[House]:
    """The installation; its processes are the test's to start."""
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST")},
        **settings["ENVIRON"],
        "MUSTER_LEASE_SECONDS": str(LEASE_SECONDS),
    }
    made = House(app, environ, tmp_path)
    yield made
    made.close()
    db.session.rollback()
