"""Fixtures of the tests of the audience."""

import pytest

from app.audience import csv_rows


@pytest.fixture()
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_rows, "CHUNK_ROWS", 10)
