"""The scheduler: one of them leads, every one sweeps, and a failing tick is followed by the next."""

import logging
import threading
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from app.campaigns import service as campaigns
from app.campaigns.lifecycle import CampaignStatus
from app.extensions import db
from app.kernel import audit, clock, processes, queues
from app.kernel.audit import What
from app.kernel.db import db_now, transaction
from app.kernel.leases import SCHEDULER, LeaderLease
from app.kernel.queues import QueueName
from app.notices.models import Notice
from app.sending import plan
from app.sending.claim import Claim
from app.sending.models import SendBatch
from jobs import scheduler, sending
from jobs.scheduler import Scheduler
from tests import factories
from tests.notices.people import person
from tests.sending import ledger


def scheduler_of(owner: str) -> Scheduler:
    made = Scheduler()
    made.owner = owner
    return made


def running(app: Flask, made: Scheduler) -> threading.Thread:
    """A thread in which it runs."""

    def run() -> None:
        with app.app_context():
            made.run()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def published(people: int = 1) -> int:
    with transaction():
        return factories.live_campaign(people).id


def status(campaign_id: int) -> CampaignStatus:
    with transaction():
        return campaigns.get(campaign_id).status


def test_of_two_schedulers_one_leads(app: Flask) -> None:
    first, second = scheduler_of("one"), scheduler_of("two")
    assert (first.tick(), second.tick(), first.tick()) == (True, False, True)


def test_the_one_that_does_not_lead_moves_no_campaign(app: Flask) -> None:
    campaign_id = published()
    sending.settle_campaign(campaign_id)
    leader = scheduler_of("one")
    with transaction():
        db.session.add(LeaderLease(role=SCHEDULER, owner="one", until=db_now() + timedelta(minutes=1)))
    assert not scheduler_of("two").tick() and status(campaign_id) is CampaignStatus.SCHEDULED
    assert leader.tick() and status(campaign_id) is CampaignStatus.SENDING


def test_a_leader_that_died_is_followed_when_its_lease_is_over(app: Flask) -> None:
    first, second = scheduler_of("one"), scheduler_of("two")
    first.tick()
    with transaction():
        db.session.execute(update(LeaderLease).values(until=db_now() - timedelta(seconds=1)))
    assert second.tick() and not first.tick()


def test_a_tick_rings_for_a_publish_whose_bell_was_lost(app: Flask) -> None:
    campaign_id = published()
    queues.redis().flushdb()
    assert scheduler_of("one").tick()
    assert queues.queue(QueueName.DEFAULT).job_ids == [f"settle-{campaign_id}-1"]


def test_a_tick_rings_once_for_every_slice_that_is_due(app: Flask) -> None:
    campaign_id = published(3)
    sending.settle_campaign(campaign_id)
    leader = scheduler_of("one")
    for _ in range(3):
        leader.tick()
    assert queues.queue(QueueName.SEND).job_ids == [f"send-{campaign_id}-0-0"]


@pytest.mark.parametrize(
    ("values", "name", "bells"),
    [({}, QueueName.SEND, 2), ({"delay_seconds": 1}, QueueName.PACED, 1)],
    ids=["fast", "slow"],
)
def test_a_campaign_has_as_many_bells_as_slices_can_do_something(
    values: dict[str, Any], name: QueueName, bells: int, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "BATCH_SIZE", 2)
    with transaction():
        campaign_id = factories.live_campaign(4, sender=factories.account(max_connections=4), **values).id
    sending.settle_campaign(campaign_id)
    assert scheduler_of("one").tick()
    assert queues.queue(name).job_ids == [f"send-{campaign_id}-{number}-0" for number in range(bells)]


def test_a_campaign_that_is_due_between_two_ticks_does_not_wait_for_the_second(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "TICK_SECONDS", 30.0)
    leader, looks = scheduler_of("one"), []
    campaign_id = published()

    def look() -> None:
        looks.append(clock.steady())
        if len(looks) == 1:
            with transaction():
                campaigns.get(campaign_id).next_send_at = db_now() + timedelta(seconds=0.2)
        else:
            leader.stop()

    monkeypatch.setattr(sending, "look_at_campaigns", look)
    thread = running(app, leader)
    thread.join(10)
    leader.stop()
    assert not thread.is_alive() and len(looks) == 2


def test_every_scheduler_sweeps_the_claims_of_its_own_host(app: Flask) -> None:
    scheduler_of("one").tick()
    campaign_id = ledger.sending_campaign(2)
    found = ledger.take(ledger.order_of(campaign_id))
    assert isinstance(found, Claim)
    boot, namespace, *_ = processes.me().split(":")
    with transaction():
        db.session.execute(update(SendBatch).values(lease_owner=f"{boot}:{namespace}:999999:1"))
    assert not scheduler_of("two").tick()
    assert ledger.counters(campaign_id) == {"awaiting": 2}


def test_a_tick_that_fails_is_followed_by_the_next_and_a_clean_stop_gives_the_lease_back(
    app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(scheduler, "TICK_SECONDS", 0.001)
    made, ticks = scheduler_of("one"), []

    def look() -> None:
        ticks.append(1)
        if len(ticks) == 1:
            raise OperationalError("SELECT 1", {}, Exception("gone away"))
        made.stop()

    monkeypatch.setattr(sending, "look_at_campaigns", look)

    with caplog.at_level(logging.WARNING, "jobs.scheduler"):
        thread = running(app, made)
        thread.join(30)
    assert not thread.is_alive() and len(ticks) == 2
    assert [record.message for record in caplog.records] == ["tick failed, the next one comes"]
    with transaction():
        until = db.session.scalar(select(LeaderLease.until).where(LeaderLease.role == SCHEDULER))
        assert until is not None and until <= db_now()


def test_the_leader_tells_people_what_happened_within_some_ticks(app: Flask) -> None:
    ann, one = person("ann"), scheduler_of("one")
    one.tick()
    with transaction():
        made = factories.campaign(factories.folder())
        made.created_by = "ann"
        audit.note(What.CAMPAIGN_FINISH, made.id, made.name)
    for _ in range(int(scheduler.SWEEP_SECONDS / scheduler.TICK_SECONDS)):
        one.tick()
    db.session.rollback()
    assert list(db.session.scalars(select(Notice.person_id))) == [ann]
