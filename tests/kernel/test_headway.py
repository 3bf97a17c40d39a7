"""How far long work has come, told through Redis."""

from datetime import timedelta

import pytest
from flask import Flask

from app.kernel import clock, headway, queues
from app.kernel.headway import Headway, Teller


def test_what_was_told_last_is_known_since_the_work_began(app: Flask) -> None:
    began = clock.utcnow()
    teller = Teller("a file", 200)
    assert headway.of("a file") is None
    teller.tell(50)
    first = headway.of("a file")
    assert first is not None and began <= first.began_at <= began + timedelta(seconds=5)
    assert (first.done, first.whole, first.share, first.is_over) == (50, 200, 0.25, False)
    teller.over()
    assert headway.of("a file") == Headway(first.began_at, 200, 200)
    assert headway.of("another file") is None


def test_work_that_tells_nothing_more_is_not_said_to_go_on(app: Flask) -> None:
    Teller("a file", 2).tell(1)
    assert 0 < queues.redis().ttl("headway:a file") <= headway.KEPT_SECONDS
    headway.forget("a file")
    assert headway.of("a file") is None


def test_nothing_to_do_is_done() -> None:
    assert Headway(clock.utcnow(), 0, 0).is_over
    assert Headway(clock.utcnow(), 0, 0).share == 0.0


def test_work_goes_on_without_a_redis_and_asks_it_once(
    app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(app.extensions, "muster_redis", queues.connect("redis://127.0.0.1:1/0"))
    teller = Teller("a file", 2)
    teller.tell(1)
    teller.over()
    assert [record.message for record in caplog.records] == ["headway not told"]
    assert headway.of("a file") is None
    headway.forget("a file")
