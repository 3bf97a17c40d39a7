"""Recovering claims: what is left behind, what is left alone, and which lanes and jobs become free."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.audience.models import Suppression
from app.campaigns import service as campaigns
from app.channels.contract import Reason
from app.extensions import db
from app.kernel import processes, queues
from app.kernel.db import db_now, in_transaction, transaction
from app.kernel.queues import QueueName
from app.sending import journal, slices, sweep
from app.sending.claim import Claim, ClaimOrder
from app.sending.journal import Mark
from app.sending.models import SenderLane
from app.sending.states import BatchState, RecipientState
from jobs import sending as jobs
from tests.sending import ledger

pytestmark = pytest.mark.usefixtures("true_counters")


def dead(boot: str | None = None) -> str:
    """The name of a process that has ended."""
    mine = processes.me().split(":")
    return ":".join([boot or mine[0], mine[1], "999999", "1"])


def claimed(campaign_id: int, owner: str | None = None) -> tuple[ClaimOrder, Claim]:
    order = ledger.order_of(campaign_id, owner)
    found = ledger.take(order)
    assert isinstance(found, Claim)
    return order, found


def test_a_journal_whose_claim_was_recorded_is_cleared_away(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(2)
    order, found = claimed(campaign_id)
    ledger.journal_of(found, [(1, Mark.ACCEPTED), (2, Mark.ACCEPTED)])
    ledger.keep(order, found)  # and then its worker is killed
    assert ledger.sweep_all() == 0
    assert list(journal.stray(ledger.folder())) == []
    assert ledger.counters(campaign_id) == {"sent": 2}


def test_the_journal_of_a_running_claim_stays(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(1)
    order, found = claimed(campaign_id)
    ledger.journal_of(found)
    ledger.sweep_all()
    assert list(journal.stray(ledger.folder())) == [found.key]
    ledger.keep(order, found)


@pytest.mark.parametrize("mark", list(Mark), ids=lambda mark: mark.name.lower())
def test_each_mark_means_one_thing(app: Flask, mark: Mark) -> None:
    meaning = {
        Mark.UNTOUCHED: ("awaiting", None, 0),
        Mark.RETURNED: ("awaiting", None, 0),
        Mark.HANDED_OVER: ("unconfirmed", Reason.WORKER_LOST, 1),
        Mark.ACCEPTED: ("sent", None, 1),
        Mark.REFUSED: ("failed", Reason.REJECTED, 1),
    }
    campaign_id = ledger.sending_campaign(1)
    _, found = claimed(campaign_id, dead())
    ledger.journal_of(found, [(1, mark)])
    assert ledger.sweep_all() == 1
    row = ledger.row(campaign_id, 1)
    assert (row.state.value, row.reason, row.attempt) == meaning[mark]
    with transaction():
        assert db.session.scalars(select(Suppression)).all() == []


def test_a_living_workers_claim_whose_lease_is_over_is_swept_once(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(2)
    order, found = claimed(campaign_id)
    ledger.journal_of(found, [(1, Mark.HANDED_OVER)])
    with transaction():
        db.session.execute(update(ledger.SendBatch).values(lease_until=db_now() - timedelta(seconds=1)))
    assert (ledger.sweep_all(), ledger.sweep_all()) == (1, 0)
    assert ledger.counters(campaign_id) == {"unconfirmed": 1, "awaiting": 1}
    kept = ledger.batch(campaign_id)
    assert (kept.deaths, kept.state, kept.lease_owner) == (0, BatchState.WAITING, None)
    assert not ledger.keep(order, found)


def test_a_claim_that_its_worker_recorded_at_the_same_moment_is_not_recovered(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(1)
    order, found = claimed(campaign_id)
    ledger.keep(order, found)
    assert not in_transaction(sweep.recover, found.key, order.owner, ledger.folder())
    assert ledger.counters(campaign_id) == {"sent": 1}


def test_another_hosts_journal_is_not_read_even_when_it_lies_here(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(1)
    _, found = claimed(campaign_id, dead())
    ledger.journal_of(found)
    with transaction():
        over = db_now() - sweep.FOREIGN_GRACE - timedelta(seconds=1)
        db.session.execute(update(ledger.SendBatch).values(journal_host="elsewhere", lease_until=over))
    assert ledger.sweep_all() == 1
    assert ledger.counters(campaign_id) == {"unconfirmed": 1}


def test_who_comes_back_from_the_dead_to_an_ended_campaign_is_stopped(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(2)
    claimed(campaign_id, dead())
    with transaction():
        campaigns.end(campaign_id, "me")
    jobs.settle_campaign(campaign_id)
    assert ledger.sweep_all() == 1
    assert ledger.counters(campaign_id) == {"stopped": 2}
    assert ledger.row(campaign_id, 1).reason is Reason.CAMPAIGN_ENDED


def test_after_a_death_the_batch_goes_on_in_small_claims(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.sending.claim.SMALL_CLAIM", 2)
    campaign_id = ledger.sending_campaign(5)
    sizes = []
    for _ in range(2):
        sizes.append(len(claimed(campaign_id, dead())[1].rows))
        ledger.sweep_all()
    order, found = claimed(campaign_id)
    assert (*sizes, len(found.rows)) == (5, 2, 1)
    ledger.keep(order, found)


def test_a_poisonous_message_that_left_is_unconfirmed_and_not_failed(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(1)
    for _ in range(sweep.ALONE_AFTER + 1):
        claimed(campaign_id, dead())
        ledger.sweep_all()
    _, found = claimed(campaign_id, dead())
    ledger.journal_of(found, [(1, Mark.HANDED_OVER)])
    ledger.sweep_all()
    assert ledger.row(campaign_id, 1).reason is Reason.WORKER_LOST


def test_a_message_that_the_server_sent_back_did_not_kill_its_worker(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(1)
    for _ in range(sweep.ALONE_AFTER + 3):
        _, found = claimed(campaign_id, dead())
        ledger.journal_of(found, [(1, Mark.RETURNED)])
        ledger.sweep_all()
        waits = ledger.row(campaign_id, 1)
        assert (waits.state, waits.reason, waits.detail) == (RecipientState.AWAITING, None, None)


def test_who_was_alone_in_a_worker_that_was_killed_for_another_reason_is_sent_to(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(2)
    for _ in range(sweep.ALONE_AFTER + 1):
        claimed(campaign_id, dead())
        ledger.sweep_all()
    order, found = claimed(campaign_id)
    ledger.keep(order, found)
    for _ in range(2):  # now the other one is alone
        claimed(campaign_id, dead())
        ledger.sweep_all()
    assert (ledger.row(campaign_id, 1).state, ledger.row(campaign_id, 1).detail) == (RecipientState.SENT, None)
    assert ledger.row(campaign_id, 2).reason is Reason.POISON


def lane_of(campaign_id: int, owner: str) -> str:
    """A lane held by this owner, whose job waits in the queue; returns the job's id."""
    with transaction():
        ready = slices.begin(campaign_id, job_id := f"send-{campaign_id}-0-0")
        assert ready is not None
        db.session.execute(update(SenderLane).values(owner=owner))
        slices.ring(campaigns.get(campaign_id), 0)
    return job_id


def test_a_dead_workers_lane_is_freed_and_its_job_forgotten(app: Flask) -> None:
    job_id = lane_of(ledger.sending_campaign(1), dead())
    assert job_id in queues.queue(QueueName.SEND).job_ids
    ledger.sweep_all()
    with transaction():
        assert db.session.scalars(select(SenderLane.owner)).all() == [None]
    assert job_id not in queues.queue(QueueName.SEND).job_ids


@pytest.mark.parametrize(("is_over", "owners"), [(False, ["kept"]), (True, [None])])
def test_the_lane_of_another_machine_is_freed_when_it_is_over(
    app: Flask, is_over: bool, owners: list[str | None]
) -> None:
    other = dead("otherone")
    lane_of(ledger.sending_campaign(1), other)
    if is_over:
        with transaction():
            db.session.execute(update(SenderLane).values(until=db_now() - timedelta(seconds=1)))
    ledger.sweep_all()
    with transaction():
        found = db.session.scalars(select(SenderLane.owner)).all()
    assert found == [other if owner == "kept" else owner for owner in owners]


def test_a_living_workers_lane_is_left_alone(app: Flask) -> None:
    lane_of(ledger.sending_campaign(1), processes.me())
    ledger.sweep_all()
    with transaction():
        assert db.session.scalars(select(SenderLane.owner)).all() == [processes.me()]
