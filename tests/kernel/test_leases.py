"""Leases: of any number of owners exactly one leads."""

import threading
from datetime import datetime, timedelta

from flask import Flask
from sqlalchemy import select

from app.extensions import db
from app.kernel import leases
from app.kernel.db import db_now, transaction
from app.kernel.leases import LeaderLease


def acquire(owner: str, seconds: float = 60.0, role: str = "scheduler") -> bool:
    with transaction():
        return leases.acquire(role, owner, seconds)


def test_the_first_owner_leads_and_may_renew(app: Flask) -> None:
    assert acquire("a")
    assert acquire("a")
    assert not acquire("b")


def test_roles_do_not_meet(app: Flask) -> None:
    assert acquire("a")
    assert acquire("b", role="sweeper")


def test_a_lease_that_ran_out_is_taken_by_another(app: Flask) -> None:
    assert acquire("a", seconds=60)
    with transaction():
        db.session.get_one(LeaderLease, "scheduler").until = db_now() - timedelta(microseconds=1)
    assert acquire("b")
    assert not acquire("a")


def test_a_renewed_lease_lasts_longer(app: Flask) -> None:
    acquire("a", seconds=1)
    acquire("a", seconds=100)
    with transaction():
        assert db.session.get_one(LeaderLease, "scheduler").until > db_now() + timedelta(seconds=90)


def test_a_lease_tells_since_when_its_owner_leads(app: Flask) -> None:
    def since() -> datetime:
        return db.session.scalars(select(LeaderLease.since)).one()  # type: ignore[return-value]

    before = db_now()
    acquire("a")
    first = since()
    assert before <= first <= db_now()
    acquire("a")
    assert since() == first
    with transaction():
        leases.release("scheduler", "a")
    acquire("b")
    second = since()
    assert second > first
    with transaction():
        leases.release("scheduler", "b")
    acquire("b")
    assert since() > second


def test_a_released_lease_is_free_at_once(app: Flask) -> None:
    acquire("a")
    with transaction():
        leases.release("scheduler", "a")
    assert acquire("b")


def test_nobody_releases_the_lease_of_another(app: Flask) -> None:
    acquire("a")
    with transaction():
        leases.release("scheduler", "b")
    assert not acquire("b")


def test_a_lease_that_was_rolled_back_was_never_taken(app: Flask) -> None:
    leases.acquire("scheduler", "a", 60)
    db.session.rollback()
    assert acquire("b")


def test_of_many_that_come_at_the_same_moment_one_leads(app: Flask) -> None:
    together, winners = threading.Barrier(6), []

    def come(owner: str) -> None:
        with app.app_context():
            together.wait(10)
            if acquire(owner):
                winners.append(owner)

    threads = [threading.Thread(target=come, args=(f"owner {number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(winners) == 1
