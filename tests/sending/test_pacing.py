"""Pacing over the whole way, with the database's clock moved on: delays, caps, hours, and accounts that cannot send."""

from collections.abc import Callable
from datetime import timedelta
from threading import Timer

import pytest
from flask import Flask
from sqlalchemy import select

from app.campaigns import service as campaigns
from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import Campaign
from app.channels import service as channels
from app.channels.contract import Reason
from app.channels.models import SmtpAccount
from app.extensions import db
from app.kernel import queues
from app.kernel.db import db_now, transaction
from app.kernel.queues import JobName, QueueName
from jobs import sending as jobs
from tests.providers.script import Script, at
from tests.providers.servers import Server
from tests.sending import ledger
from tests.sending.test_path import publish, status, tick_and_work

pytestmark = pytest.mark.usefixtures("true_counters")

Forward = Callable[[float], None]


def waiting_for(campaign_id: int) -> str:
    with transaction():
        return campaigns.get(campaign_id).waiting_for


def begun(port: int, people: int, **values: object) -> int:
    """A campaign that is being sent, and nothing in the queues."""
    campaign_id = publish(port, people, **values)
    jobs.settle_campaign(campaign_id)
    jobs.look_at_campaigns()
    queues.redis().flushdb()
    return campaign_id


def test_the_delay_lies_between_any_two_messages(app: Flask, forward: Forward) -> None:
    with Server() as server:
        campaign_id = publish(server.port, 3, delay_seconds=60)
        tick_and_work()
        assert len(server.accepted) == 1 and "delay" in waiting_for(campaign_id)
        forward(50)
        tick_and_work()
        assert len(server.accepted) == 1
        for expected in (2, 3):
            forward(15 if expected == 2 else 61)
            tick_and_work()
            assert len(server.accepted) == expected
    assert status(campaign_id) is CampaignStatus.FINISHED


def test_a_slice_waits_for_a_short_delay_itself_while_nobody_else_wants_the_worker(app: Flask) -> None:
    with Server() as server:
        campaign_id = begun(server.port, 3, delay_seconds=1)
        assert jobs.send_slice(campaign_id, 0, 0) == 3


def test_a_slice_that_waits_for_its_delay_gives_way_to_those_who_come_meanwhile(app: Flask) -> None:
    with Server() as server:
        campaign_id = begun(server.port, 3, delay_seconds=2)
        other = Timer(0.2, queues.queue(QueueName.PACED).enqueue, args=(JobName.SEND_SLICE.value, 0, 0, 0))
        other.start()
        sent = jobs.send_slice(campaign_id, 0, 0)
        other.join()
        assert sent == len(server.accepted) == 1
    with transaction():
        campaign = campaigns.get(campaign_id)
        assert "delay" in campaign.waiting_for and campaign.next_send_at is not None


def test_after_every_batch_of_customers_comes_the_customers_delay(app: Flask, forward: Forward) -> None:
    with Server() as server:
        campaign_id = publish(server.port, 5, customers_batch_size=2, customers_delay_seconds=300)
        sent = []
        for seconds in (0, 290, 15, 301):
            forward(seconds)
            tick_and_work()
            sent.append(len(server.accepted))
        assert sent == [2, 2, 4, 5]
    assert status(campaign_id) is CampaignStatus.FINISHED


def test_the_cap_of_a_day_holds_over_midnight_and_shows_the_campaign_as_scheduled(app: Flask, forward: Forward) -> None:
    with Server() as server:
        campaign_id = publish(server.port, 5, account={"per_day": 3})
        tick_and_work()
        assert len(server.accepted) == 3 and status(campaign_id) is CampaignStatus.SCHEDULED
        assert "limit per day" in waiting_for(campaign_id)
        forward(23 * 3600)
        tick_and_work()
        assert len(server.accepted) == 3
        forward(2 * 3600)
        tick_and_work()
        assert len(server.accepted) == 5


def test_two_campaigns_share_the_cap_of_their_account(app: Flask, forward: Forward) -> None:
    with Server() as server:
        first = publish(server.port, 3, account={"per_day": 4})
        with transaction():
            sender = channels.get_account(campaigns.get(first).smtp_account_id or 0)
            second = ledger.factories.live_campaign(3, sender=sender).id
        tick_and_work(4)
        assert len(server.accepted) == 4
        forward(25 * 3600)
        tick_and_work(4)
        assert len(server.accepted) == 6
    assert {status(first), status(second)} == {CampaignStatus.FINISHED}


def test_a_validity_that_ends_stops_who_waits_for_a_retry(app: Flask, forward: Forward) -> None:
    with Server(Script(rules=[at("RCPT", "451 4.3.0 later", message=2)])) as server:
        campaign_id = publish(server.port, 3, valid_until=db_now() + timedelta(seconds=45))
        tick_and_work()
        assert ledger.counters(campaign_id) == {"sent": 2, "awaiting": 1}
        forward(50)
        tick_and_work()
        assert len(server.accepted) == 2
    assert status(campaign_id) is CampaignStatus.EXPIRED
    assert ledger.counters(campaign_id) == {"sent": 2, "stopped": 1}


def test_retries_come_at_their_time_and_end_after_the_last(app: Flask, forward: Forward) -> None:
    with Server(Script(rules=[at("RCPT", "452 4.5.3 later")])) as server:
        campaign_id = publish(server.port, 1)
        attempts = []
        for seconds in (0, 30, 60, 400, 1200, 5000, 9000, 18000, 36000, 72000):
            forward(seconds)
            tick_and_work(2)
            attempts.append(ledger.row(campaign_id, 1).attempt)
        assert attempts == [1, 1, 2, 3, 4, 5, 6, 7, 8, 9]
        assert server.accepted == []
    assert ledger.row(campaign_id, 1).reason is Reason.RETRIES_EXHAUSTED
    jobs.look_at_campaigns()
    assert status(campaign_id) is CampaignStatus.FINISHED


def test_a_scheduled_campaign_begins_at_its_time(app: Flask, forward: Forward) -> None:
    with Server() as server:
        campaign_id = publish(server.port, 2, start_at=db_now() + timedelta(hours=2))
        tick_and_work()
        assert status(campaign_id) is CampaignStatus.SCHEDULED and server.accepted == []
        forward(7201)
        tick_and_work()
        assert len(server.accepted) == 2
    assert status(campaign_id) is CampaignStatus.FINISHED


def test_the_breaker_keeps_everybody_away_until_one_probe_succeeds(app: Flask, forward: Forward) -> None:
    with Server() as closed:
        port = closed.port
    campaign_id = publish(port, 3)
    tick_and_work()
    lengths = []
    for _ in range(3):
        with transaction():
            lengths.append(db.session.scalars(select(SmtpAccount.breaker_open_seconds)).one())
        forward(lengths[-1] - 5)
        jobs.look_at_campaigns()
        assert queues.queue(QueueName.SEND).job_ids == []
        forward(6)
        tick_and_work(2)
    assert lengths == [30, 60, 120]
    with Server(port=port) as server:
        forward(1000)
        tick_and_work(4)
        assert len(server.accepted) == 3
    assert ledger.counters(campaign_id) == {"sent": 3}


def test_a_scheduled_campaign_of_a_paused_account_waits_and_says_why(app: Flask) -> None:
    with Server() as server:
        campaign_id = publish(server.port, 2)
        with transaction():
            db.session.scalars(select(SmtpAccount)).one().paused_reason = "535 wrong password"
        tick_and_work()
        assert server.visits == [] and status(campaign_id) is CampaignStatus.SCHEDULED
        assert "535 wrong password" in waiting_for(campaign_id)
        with transaction():
            db.session.scalars(select(SmtpAccount)).one().paused_reason = ""
        tick_and_work()
        assert len(server.accepted) == 2


def test_when_the_hours_close_the_rest_waits_for_the_next_day(app: Flask, forward: Forward) -> None:
    now = db_now()
    with Server(Script(rules=[at("RCPT", "451 4.3.0 later", message={1, 2})])) as server:
        opens, closes = now - timedelta(hours=1), now + timedelta(minutes=1)
        hours = {"daily_from": opens.time().replace(microsecond=0), "daily_until": closes.time().replace(microsecond=0)}
        campaign_id = publish(server.port, 4, zone="UTC", **hours)
        tick_and_work()
        assert ledger.counters(campaign_id) == {"sent": 2, "awaiting": 2}
        forward(600)
        tick_and_work()
        assert len(server.accepted) == 2 and status(campaign_id) is CampaignStatus.SCHEDULED
        with transaction():
            kept = db.session.get_one(Campaign, campaign_id)
            assert kept.next_send_at == opens.replace(microsecond=0) + timedelta(days=1)
        forward(86400 - 3600)
        tick_and_work()
        assert len(server.accepted) == 4
