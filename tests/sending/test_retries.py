"""Those who failed for one reason are tried again when a person asks, and nobody else is."""

from datetime import timedelta

import pytest
from flask import Flask

from app.campaigns import service as campaigns
from app.campaigns.lifecycle import CampaignStatus
from app.channels.contract import Outcome, Reason, SendResult
from app.extensions import db
from app.kernel import ending, queues
from app.kernel.db import transaction
from app.kernel.errors import Conflict, InvalidInput
from app.kernel.queues import QueueName
from app.sending import recipient_runs, retries
from app.sending.claim import Claim
from app.sending.models import RecipientRun
from app.sending.states import RETRIABLE, BatchState, RecipientState
from jobs import sending as jobs
from tests.factories import BY
from tests.sending import ledger

pytestmark = pytest.mark.usefixtures("true_counters")

REJECTED = SendResult(Outcome.REFUSED, reason=Reason.REJECTED, code="550", detail="no")
INVALID = SendResult(Outcome.REFUSED, reason=Reason.INVALID_RECIPIENT, code="550 5.1.1", detail="no such user")
LOST = SendResult(Outcome.UNCONFIRMED, reason=Reason.REPLY_LOST)


def send(campaign_id: int, results: dict[int, SendResult]) -> list[int]:
    """Send what can be claimed, with these results by number; returns to whom."""
    order, sent = ledger.order_of(campaign_id), []
    while isinstance(found := ledger.take(order), Claim):
        sent += [row.seq for row in found.rows]
        ledger.keep(order, found, lambda seq: results.get(seq, ledger.ACCEPTED))
    jobs.look_at_campaigns()
    return sent


def start(campaign_id: int, reason: Reason = Reason.REJECTED) -> int:
    with transaction():
        return retries.start(campaign_id, reason, BY).id


def retry(campaign_id: int, reason: Reason = Reason.REJECTED) -> int:
    run_id = start(campaign_id, reason)
    jobs.run_over_recipients(run_id)
    return run_id


def read(run_id: int) -> RecipientRun:
    db.session.rollback()
    return db.session.get_one(RecipientRun, run_id)


def status(campaign_id: int) -> CampaignStatus:
    db.session.rollback()
    return campaigns.get(campaign_id).status


def test_those_who_failed_for_the_reason_are_sent_to_again_and_nobody_else(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(6)
    send(campaign_id, {2: REJECTED, 3: INVALID, 4: LOST, 5: REJECTED})
    assert status(campaign_id) is CampaignStatus.FINISHED
    run = read(retry(campaign_id))
    assert (run.changed, run.reached, run.finished_at is not None) == (2, 6, True)
    assert ledger.counters(campaign_id) == {"sent": 2, "failed": 1, "unconfirmed": 1, "awaiting": 2}
    row = ledger.row(campaign_id, 2)
    assert (row.reason, row.detail, row.attempt, row.done_at) == (None, None, 0, None)
    jobs.look_at_campaigns()
    assert status(campaign_id) is CampaignStatus.SENDING
    assert send(campaign_id, {}) == [2, 5]
    assert ledger.counters(campaign_id) == {"sent": 4, "failed": 1, "unconfirmed": 1}
    assert status(campaign_id) is CampaignStatus.FINISHED


def test_only_batches_with_somebody_who_waits_are_opened(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.sending.plan.BATCH_SIZE", 2)
    campaign_id = ledger.sending_campaign(6)
    send(campaign_id, {3: REJECTED})
    retry(campaign_id)
    states = [ledger.batch(campaign_id, number).state for number in (1, 2, 3)]
    assert states == [BatchState.DONE, BatchState.WAITING, BatchState.DONE]


def test_a_run_goes_on_in_steps_and_by_another_worker(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipient_runs, "ROWS_PER_STEP", 2)
    monkeypatch.setattr(retries, "ROWS_PER_LOOK", 3)
    campaign_id = ledger.sending_campaign(9)
    send(campaign_id, {1: REJECTED, 2: REJECTED, 8: REJECTED})
    run_id = start(campaign_id)
    assert queues.queue(QueueName.BULK).job_ids == [f"recipient-run-{run_id}"]
    with transaction():
        assert recipient_runs.step(run_id, jobs.RUN_STEPS)
    assert (read(run_id).reached, read(run_id).changed) == (2, 2)
    with monkeypatch.context() as asked:
        asked.setattr(ending, "is_asked", lambda: True)
        jobs.run_over_recipients(run_id)
    assert (read(run_id).reached, read(run_id).changed) == (5, 2)
    queues.queue(QueueName.BULK).empty()
    with transaction():
        read(run_id).moved_at -= recipient_runs.SILENCE + timedelta(seconds=1)
    jobs.wake_labels()
    assert queues.queue(QueueName.BULK).job_ids == [f"recipient-run-{run_id}"]
    jobs.run_over_recipients(run_id)
    assert (read(run_id).changed, read(run_id).finished_at is not None) == (3, True)
    with transaction():
        assert not recipient_runs.step(run_id, jobs.RUN_STEPS)


def test_a_campaign_that_finishes_between_two_steps_goes_on_again(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipient_runs, "ROWS_PER_STEP", 1)
    campaign_id = ledger.sending_campaign(2)
    send(campaign_id, {1: REJECTED, 2: REJECTED})
    run_id = start(campaign_id)
    with transaction():
        recipient_runs.step(run_id, jobs.RUN_STEPS)
    jobs.look_at_campaigns()
    assert send(campaign_id, {}) == [1]
    assert status(campaign_id) is CampaignStatus.FINISHED
    jobs.run_over_recipients(run_id)
    jobs.look_at_campaigns()
    assert send(campaign_id, {}) == [2]
    assert ledger.counters(campaign_id) == {"sent": 2}


def test_a_run_ends_with_its_campaign(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(3)
    send(campaign_id, {1: REJECTED, 2: REJECTED, 3: REJECTED})
    with transaction():
        campaigns.run_on_folders(campaign_id, [campaigns.get(campaign_id).folders[0].id], BY)
    jobs.settle_campaign(campaign_id)
    run_id = start(campaign_id)
    with transaction():
        campaigns.get(campaign_id).status = CampaignStatus.SENDING
        campaigns.end(campaign_id, BY)
    jobs.run_over_recipients(run_id)
    assert (read(run_id).changed, read(run_id).finished_at is not None) == (0, True)
    assert ledger.counters(campaign_id) == {"failed": 3}


@pytest.mark.parametrize("reason", sorted(set(Reason) - RETRIABLE))
def test_a_reason_that_no_second_try_helps_is_refused(app: Flask, reason: Reason) -> None:
    campaign_id = ledger.sending_campaign(1)
    with pytest.raises(Conflict, match="not tried again"):
        start(campaign_id, reason)


def test_what_a_server_may_have_taken_over_is_never_retriable(app: Flask) -> None:
    taken = {Reason.REPLY_LOST, Reason.WORKER_LOST}
    barred = {Reason.SUPPRESSED, Reason.INVALID_RECIPIENT, Reason.NO_ADDRESS, Reason.REMOVED_BY_USER}
    assert RETRIABLE.isdisjoint(taken | barred)


def test_unconfirmed_ones_stay_whatever_reason_they_have(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(1)
    send(campaign_id, {1: SendResult(Outcome.UNCONFIRMED, reason=Reason.REJECTED)})
    assert read(retry(campaign_id)).changed == 0
    assert ledger.row(campaign_id, 1).state is RecipientState.UNCONFIRMED


def test_the_same_is_not_begun_twice(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(1)
    send(campaign_id, {1: REJECTED})
    start(campaign_id)
    with pytest.raises(Conflict, match="already"):
        start(campaign_id)


@pytest.mark.parametrize(("move", "words"), [("unpublish", "Publish it first"), ("expire", "Extend"), ("end", "ended")])
def test_a_campaign_that_cannot_send_says_what_to_do(app: Flask, move: str, words: str) -> None:
    campaign_id = ledger.sending_campaign(2)
    with transaction():
        if move == "expire":
            campaigns.expire(campaigns.lock(campaign_id))
        else:
            getattr(campaigns, move)(campaign_id, BY)
    with pytest.raises(Conflict, match=words):
        start(campaign_id)


def test_a_finished_campaign_whose_account_is_off_is_not_retried(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(1)
    send(campaign_id, {1: REJECTED})
    with transaction():
        account = campaigns.get(campaign_id).smtp_account
        assert account is not None
        account.is_enabled = False
    with pytest.raises(InvalidInput, match="switched off"):
        start(campaign_id)
