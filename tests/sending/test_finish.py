"""A campaign is finished when nobody waits, nobody is on the way and everybody asked for is planned."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from app.campaigns import service as campaigns
from app.campaigns.lifecycle import CampaignStatus
from app.channels.contract import Outcome, RunReport, SendResult
from app.extensions import db
from app.kernel.db import db_now, transaction
from app.sending import deliver, finish, slices
from app.sending.claim import Claim, Later, Nothing
from jobs import sending as jobs
from tests import factories
from tests.sending import ledger

pytestmark = pytest.mark.usefixtures("true_counters")

UNCONFIRMED = SendResult(Outcome.UNCONFIRMED)
DEFERRED = SendResult(Outcome.DEFERRED, code="451")


def worked_through(result: SendResult = ledger.ACCEPTED) -> int:
    """A campaign of one, claimed and recorded with this result, that nobody looked at since."""
    campaign_id = ledger.sending_campaign(1)
    order = ledger.order_of(campaign_id)
    found = ledger.take(order)
    assert isinstance(found, Claim)
    ledger.keep(order, found, lambda _seq: result)
    return campaign_id


def is_finished(campaign_id: int) -> bool:
    with transaction():
        return finish.finish_if_done(campaigns.get(campaign_id))


def elsewhere(app: Flask, act: Callable[[], object]) -> None:
    """Do it in another thread with a session of its own, and wait for it."""

    def run() -> None:
        with app.app_context():
            with transaction():
                act()
            db.session.remove()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(30)
    assert not thread.is_alive()


@pytest.mark.parametrize(("result", "expected"), [(ledger.ACCEPTED, True), (UNCONFIRMED, True), (DEFERRED, False)])
def test_a_campaign_is_finished_when_nobody_waits(app: Flask, result: SendResult, expected: bool) -> None:
    campaign_id = worked_through(result)
    assert is_finished(campaign_id) is expected
    with transaction():
        assert (campaigns.get(campaign_id).finished_at is not None) is expected


def test_a_campaign_with_somebody_on_the_way_is_not_finished(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(1)
    order = ledger.order_of(campaign_id)
    found = ledger.take(order)
    assert isinstance(found, Claim) and not is_finished(campaign_id)
    ledger.keep(order, found)


def test_a_campaign_whose_new_people_are_not_planned_yet_is_not_finished(app: Flask) -> None:
    campaign_id = worked_through()
    with transaction():
        more = factories.folder()
        factories.contact(more)
        campaigns.run_on_folders(campaign_id, [more.id], "me")
    assert not is_finished(campaign_id)
    jobs.settle_campaign(campaign_id)
    assert ledger.counters(campaign_id) == {"sent": 1, "awaiting": 1}


@pytest.mark.mariadb
def test_a_run_at_the_moment_of_the_finish_is_not_lost(app: Flask) -> None:
    campaign_id = worked_through()
    with transaction():
        more = factories.folder()
        factories.contact(more)
        folder_id = more.id
        ready = slices.begin(campaign_id, "job")
        assert ready is not None
    feed = deliver.BatchFeed(ready.order)
    feed.later = Later(Nothing.NOT_DUE, db_now())
    with transaction():
        kept = campaigns.get(campaign_id)
        elsewhere(app, lambda: campaigns.run_on_folders(campaign_id, [folder_id], "me"))
        slices.end(ready, feed, RunReport(0), 0, 0)
        assert kept.status is CampaignStatus.SENDING
    jobs.settle_campaign(campaign_id)
    assert ledger.counters(campaign_id) == {"sent": 1, "awaiting": 1}


def test_a_slice_that_found_nothing_due_looks_again_before_the_campaign_waits(app: Flask) -> None:
    campaign_id = worked_through(DEFERRED)
    with transaction():
        ready = slices.begin(campaign_id, "job")
        assert ready is not None
    feed = deliver.BatchFeed(ready.order)
    feed.later = Later(Nothing.NOT_DUE, db_now(), db_now() + timedelta(hours=16))  # what it saw some seconds ago
    with transaction():
        slices.end(ready, feed, RunReport(0), 0, 0)
    with transaction():
        waiting = campaigns.get(campaign_id)
        assert waiting.status is CampaignStatus.SENDING
        assert waiting.next_send_at == ledger.batch(campaign_id).not_before
