"""The jobs of the send path can come twice, late and for nothing without harm."""

import pytest
from flask import Flask
from sqlalchemy import select

from app.campaigns import service as campaigns
from app.campaigns.lifecycle import CampaignStatus
from app.channels import service as channels
from app.extensions import db
from app.kernel import queues
from app.kernel.db import transaction
from app.kernel.queues import QueueName
from app.sending.models import SenderLane
from jobs import sending as jobs
from tests import factories
from tests.providers.servers import Server
from tests.sending import ledger

pytestmark = pytest.mark.usefixtures("true_counters")


def test_jobs_for_a_campaign_that_is_gone_do_nothing(app: Flask) -> None:
    assert jobs.send_slice(12345, 0, 0) == 0
    jobs.settle_campaign(12345)


def test_a_slice_for_a_campaign_that_was_stopped_sends_nothing(app: Flask) -> None:
    with Server() as server:
        campaign_id = ledger.sending_campaign(3, port=server.port)
        with transaction():
            campaigns.stop(campaign_id, "me")
        assert jobs.send_slice(campaign_id, 0, 0) == 0
        assert server.accepted == [] and server.visits == []


def test_a_slice_tells_how_many_it_sent_and_frees_its_lane(app: Flask) -> None:
    with Server() as server:
        campaign_id = ledger.sending_campaign(3, port=server.port)
        assert jobs.send_slice(campaign_id, 0, 0) == 3
    with transaction():
        assert set(db.session.scalars(select(SenderLane.owner))) == {None}


def test_when_all_lanes_are_taken_a_slice_leaves_at_once(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(3)
    jobs_before = queues.queue(QueueName.SEND).job_ids
    with transaction():
        for lane in range(4):
            assert jobs.slices.begin(campaign_id, f"job-{lane}") is not None
        assert jobs.slices.begin(campaign_id, "one too many") is None
    assert jobs.send_slice(campaign_id, 0, 0) == 0
    assert ledger.counters(campaign_id) == {"awaiting": 3}
    assert queues.queue(QueueName.SEND).job_ids == jobs_before


def test_a_slice_through_an_account_that_was_switched_off_fails_the_campaign_and_sends_nothing(app: Flask) -> None:
    with Server() as server:
        campaign_id = ledger.sending_campaign(2, port=server.port)
        with transaction():
            channels.get_account(campaigns.get(campaign_id).smtp_account_id or 0).is_enabled = False
        assert jobs.send_slice(campaign_id, 0, 0) == 0
        assert server.visits == []
    with transaction():
        failed = campaigns.get(campaign_id)
        assert failed.status is CampaignStatus.FAILED and "switched off" in failed.status_detail
    assert ledger.counters(campaign_id) == {"awaiting": 2}


def test_a_settling_that_comes_twice_plans_nobody_twice(app: Flask) -> None:
    with transaction():
        campaign_id = factories.live_campaign(4).id
    for _ in range(3):
        jobs.settle_campaign(campaign_id)
    assert ledger.counters(campaign_id) == {"awaiting": 4}


def test_a_look_moves_no_campaign_that_was_stopped(app: Flask) -> None:
    first, second = ledger.sending_campaign(1), ledger.sending_campaign(1)
    with transaction():
        campaigns.stop(first, "me")
    jobs.look_at_campaigns()
    with transaction():
        assert campaigns.get(first).status is CampaignStatus.PAUSED
        assert campaigns.get(second).status is CampaignStatus.SENDING
