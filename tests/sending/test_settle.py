"""The rows of a campaign follow its moves, also those of people who were on their way when it moved."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app.campaigns import service as campaigns
from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import Campaign
from app.channels.contract import Outcome, Reason, SendResult
from app.extensions import db
from app.kernel.db import db_now, in_transaction, transaction
from app.sending import plan, progress, settle
from app.sending.claim import Claim
from app.sending.models import CampaignRecipient
from app.sending.states import BatchState, RecipientState
from jobs import sending as jobs
from tests import factories
from tests.sending import ledger

pytestmark = pytest.mark.usefixtures("true_counters")

BACK = SendResult(Outcome.NOT_TRANSMITTED)
DEFERRED = SendResult(Outcome.DEFERRED, code="451", detail="later")


def moved(campaign_id: int, move: Callable[[int, str], Campaign]) -> None:
    """A person moves the campaign and its rows follow."""
    with transaction():
        move(campaign_id, "me")
    jobs.settle_campaign(campaign_id)


@pytest.mark.parametrize(
    ("move", "reason"),
    [(campaigns.end, Reason.CAMPAIGN_ENDED), (campaigns.unpublish, Reason.CAMPAIGN_UNPUBLISHED)],
    ids=["end", "unpublish"],
)
def test_who_comes_back_after_the_campaign_was_held_is_stopped_with_its_reason(
    app: Flask, move: Callable[[int, str], Campaign], reason: Reason
) -> None:
    campaign_id = ledger.sending_campaign(3)
    order = ledger.order_of(campaign_id)
    found = ledger.take(order)
    assert isinstance(found, Claim)
    moved(campaign_id, move)
    results = {1: ledger.ACCEPTED, 2: BACK, 3: DEFERRED}
    ledger.keep(order, found, results.__getitem__)
    assert ledger.counters(campaign_id) == {"sent": 1, "stopped": 2}
    back, deferred = ledger.row(campaign_id, 2), ledger.row(campaign_id, 3)
    assert (back.reason, back.attempt, back.sending_at) == (reason, 0, None)
    assert (deferred.reason, deferred.attempt, deferred.detail) == (reason, 1, "451 later")
    assert ledger.batch(campaign_id).state is BatchState.DONE


def test_who_came_back_while_it_was_unpublished_goes_on_with_the_others(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(3, delay_seconds=60)
    order = ledger.order_of(campaign_id)
    found = ledger.take(order)
    assert isinstance(found, Claim) and len(found.rows) == 1
    moved(campaign_id, campaigns.unpublish)
    ledger.keep(order, found, lambda _seq: BACK)
    assert ledger.counters(campaign_id) == {"stopped": 3}
    moved(campaign_id, campaigns.publish)
    assert ledger.counters(campaign_id) == {"awaiting": 3}
    assert ledger.batch(campaign_id).state is BatchState.WAITING


def test_who_goes_on_need_not_wait_for_another_ones_next_try(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(2)
    order = ledger.order_of(campaign_id)
    found = ledger.take(order)
    assert isinstance(found, Claim)
    ledger.keep(order, found, lambda _seq: DEFERRED)
    with transaction():  # one of them came back unsent while the campaign was held
        row = db.session.get_one(CampaignRecipient, (campaign_id, 2))
        row.state, row.reason, row.not_before = RecipientState.STOPPED, Reason.CAMPAIGN_UNPUBLISHED, None
        progress.move(campaign_id, {RecipientState.AWAITING: -1, RecipientState.STOPPED: 1})
    moved(campaign_id, campaigns.unpublish)
    moved(campaign_id, campaigns.publish)
    jobs.look_at_campaigns()
    again = ledger.take(ledger.order_of(campaign_id))
    assert isinstance(again, Claim) and [row.seq for row in again.rows] == [2]


def test_who_comes_back_after_a_stop_waits_for_the_start(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(2)
    order = ledger.order_of(campaign_id)
    found = ledger.take(order)
    assert isinstance(found, Claim)
    moved(campaign_id, campaigns.stop)
    ledger.keep(order, found, lambda _seq: BACK)
    assert ledger.counters(campaign_id) == {"awaiting": 2}


def test_people_are_settled_in_steps_and_a_settling_that_broke_off_is_done_again(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settle, "ROWS_PER_STEP", 2)
    campaign_id = ledger.sending_campaign(5)
    with transaction():
        campaigns.unpublish(campaign_id, "me")
    work = in_transaction(settle.begin, campaign_id, "a worker that dies")
    assert work is not None and in_transaction(settle.step, work, "a worker that dies", 0) == 2
    assert ledger.counters(campaign_id) == {"stopped": 2, "awaiting": 3}
    monkeypatch.setattr(settle.leases, "db_now", lambda: db_now() + timedelta(seconds=settle.LEASE_SECONDS))
    jobs.settle_campaign(campaign_id)
    assert ledger.counters(campaign_id) == {"stopped": 5}
    with transaction():
        done = campaigns.get(campaign_id)
        assert done.settled_serial == done.lifecycle_serial


def test_people_are_planned_in_portions_and_how_far_that_is_can_be_seen(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "LEAST_IN_A_PORTION", 3)
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(plan.Teller, "tell", lambda self, done: told.append((done, self._whole)))
    with transaction():
        one, other = factories.folder(), factories.folder()
        factories.contacts(3, one)
        factories.contacts(4, one, other)
        factories.contacts(5, other)
        campaign_id = factories.campaign(one, other, start_at=None).id
    with transaction():
        campaigns.publish(campaign_id, "me")
    jobs.settle_campaign(campaign_id)
    rows = db.session.execute(select(CampaignRecipient.seq, CampaignRecipient.contact_id)).all()
    assert sorted(seq for seq, _contact in rows) == list(range(1, 13))
    assert len({contact for _seq, contact in rows}) == 12
    assert told[:4] == [(0, 12), (3, 12), (6, 12), (9, 12)] and told[4] == (12, 12)


def test_one_worker_at_a_time_settles_a_campaign(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(1)
    with transaction():
        campaigns.unpublish(campaign_id, "me")
    assert in_transaction(settle.begin, campaign_id, "one") is not None
    assert in_transaction(settle.begin, campaign_id, "another") is None


def test_the_settling_of_a_newer_move_does_not_wait_for_the_overtaken_one(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(2)
    with transaction():
        campaigns.unpublish(campaign_id, "me")
    old = in_transaction(settle.begin, campaign_id, "one")
    assert old is not None
    with transaction():
        campaigns.publish(campaign_id, "me")
    assert in_transaction(settle.begin, campaign_id, "another") is None
    assert in_transaction(settle.step, old, "one", 0) is None
    assert in_transaction(settle.begin, campaign_id, "another") is not None


def test_an_end_of_settling_after_a_newer_move_leaves_that_one_to_be_done(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(2)
    with transaction():
        campaigns.unpublish(campaign_id, "me")
    old = in_transaction(settle.begin, campaign_id, "one")
    assert old is not None
    in_transaction(settle.step, old, "one", 0)
    with transaction():
        campaigns.publish(campaign_id, "me")
    in_transaction(settle.end, old, "one")
    jobs.settle_campaign(campaign_id)
    assert ledger.counters(campaign_id) == {"awaiting": 2}


def test_people_added_to_a_campaign_that_waits_for_retries_need_not_wait_for_them(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(1)
    with transaction():
        more = factories.folder()
        factories.contact(more)
        campaigns.run_on_folders(campaign_id, [more.id], "me")
    with transaction():  # a slice that ended at this moment knew nothing of them
        campaigns.wait(campaigns.get(campaign_id), "waiting to try again", db_now() + timedelta(hours=16))
    jobs.settle_campaign(campaign_id)
    with transaction():
        assert campaigns.get(campaign_id).next_send_at is None


def test_a_finished_campaign_that_is_run_on_new_people_goes_on_with_them_only(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(1)
    order = ledger.order_of(campaign_id)
    found = ledger.take(order)
    assert isinstance(found, Claim)
    ledger.keep(order, found)
    jobs.look_at_campaigns()
    with transaction():
        assert campaigns.get(campaign_id).status is CampaignStatus.FINISHED
        more = factories.folder()
        factories.contact(more)
        campaigns.run_on_folders(campaign_id, [more.id], "me")
    jobs.settle_campaign(campaign_id)
    assert ledger.counters(campaign_id) == {"sent": 1, "awaiting": 1}
    jobs.look_at_campaigns()
    with transaction():
        assert campaigns.get(campaign_id).status is CampaignStatus.SENDING


def test_a_run_on_people_who_are_all_known_finishes_at_once(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(1)
    order = ledger.order_of(campaign_id)
    found = ledger.take(order)
    assert isinstance(found, Claim)
    ledger.keep(order, found)
    jobs.look_at_campaigns()
    with transaction():
        campaigns.run_on_folders(campaign_id, [campaigns.get(campaign_id).folders[0].id], "me")
    jobs.settle_campaign(campaign_id)
    with transaction():
        assert campaigns.get(campaign_id).status is CampaignStatus.FINISHED


def test_an_expired_campaign_that_is_ended_says_so_of_everybody(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(2)
    with transaction():
        campaigns.expire(campaigns.get(campaign_id))
    jobs.settle_campaign(campaign_id)
    assert ledger.row(campaign_id, 1).reason is Reason.VALIDITY_PERIOD_EXPIRED
    moved(campaign_id, campaigns.end)
    assert {ledger.row(campaign_id, seq).reason for seq in (1, 2)} == {Reason.CAMPAIGN_ENDED}
    assert ledger.row(campaign_id, 1).state is RecipientState.STOPPED
