"""Fixtures of the ledger's tests."""

from collections.abc import Iterator

import pytest
from flask import Flask

from app.kernel.db import reading
from app.sending import service


@pytest.fixture()
def true_counters(app: Flask) -> Iterator[None]:
    """After the test the counters agree with the rows."""
    yield
    with reading():
        assert service.reconcile() == []
