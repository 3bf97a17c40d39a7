"""An internal status goes onto everybody who matches a filter, in steps, whatever happens in between."""

import json
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app.audience.models import Contact
from app.campaigns import statuses
from app.campaigns.models import Campaign
from app.channels.contract import Reason
from app.extensions import db
from app.kernel import clock, ending, queues
from app.kernel.db import transaction
from app.kernel.errors import NotFound
from app.kernel.queues import QueueName
from app.sending import label_runs, recipient_runs, selection
from app.sending import service as sending
from app.sending.models import CampaignRecipient, RecipientRun
from app.sending.selection import NO_LABEL, RecipientFilter
from app.sending.states import RecipientState, Shown
from jobs import sending as jobs
from tests.factories import BY
from tests.sending import ledger
from tests.sending.test_labels import carried, give


@pytest.fixture()
def status_id(app: Flask) -> int:
    with transaction():
        return statuses.create("Called", "#112233", BY).id


def run_of(campaign_id: int, asked: RecipientFilter, status_id: int | None) -> int:
    with transaction():
        return label_runs.start(campaign_id, asked, status_id, BY).id


def read(run_id: int) -> RecipientRun:
    db.session.rollback()
    return db.session.get_one(RecipientRun, run_id)


def fail(campaign_id: int, *seqs: int) -> None:
    with transaction():
        for seq in seqs:
            row = db.session.get_one(CampaignRecipient, (campaign_id, seq))
            row.state, row.reason, row.done_at = RecipientState.FAILED, Reason.REJECTED, clock.utcnow()


def test_everybody_who_matches_is_marked_and_nobody_else(
    app: Flask, status_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipient_runs, "ROWS_PER_STEP", 2)
    campaign_id, other = ledger.sending_campaign(7), ledger.sending_campaign(2)
    fail(campaign_id, 1, 4, 7)
    run_id = run_of(campaign_id, RecipientFilter(shown=Shown.FAILED), status_id)
    assert queues.queue(QueueName.BULK).job_ids == [f"recipient-run-{run_id}"]
    jobs.run_over_recipients(run_id)
    assert carried(campaign_id) == [status_id, None, None, status_id, None, None, status_id]
    assert carried(other) == [None, None]
    run = read(run_id)
    assert (run.changed, run.reached, run.last_seq, run.asked) == (3, 7, 7, {})
    assert run.finished_at is not None
    assert not recipient_runs.step(run_id, jobs.RUN_STEPS)


def test_an_internal_status_is_taken_off_those_who_carry_it(app: Flask, status_id: int) -> None:
    campaign_id = ledger.sending_campaign(4)
    with transaction():
        give(campaign_id, status_id, range(2, 4))
    run_id = run_of(campaign_id, RecipientFilter(internal_status_id=status_id), None)
    jobs.run_over_recipients(run_id)
    assert carried(campaign_id) == [None] * 4
    assert read(run_id).changed == 2


def test_a_name_of_many_is_marked_too(app: Flask, status_id: int) -> None:
    campaign_id = ledger.sending_campaign(3)
    with transaction():
        contact_id = db.session.get_one(CampaignRecipient, (campaign_id, 2)).contact_id
        db.session.get_one(Contact, contact_id).first_name = "Anna"
    jobs.run_over_recipients(run_of(campaign_id, RecipientFilter(names="Ann"), status_id))
    assert carried(campaign_id) == [None, status_id, None]


def test_marking_says_nothing_about_the_message(app: Flask, status_id: int) -> None:
    campaign_id = ledger.sending_campaign(3)
    order = ledger.order_of(campaign_id)
    found = ledger.take(order)
    jobs.run_over_recipients(run_of(campaign_id, RecipientFilter(), status_id))
    assert ledger.keep(order, found)
    assert ledger.states(campaign_id) == {"sent": 3}
    assert carried(campaign_id) == [status_id] * 3


def test_a_run_stops_when_its_status_is_deleted(app: Flask, status_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipient_runs, "ROWS_PER_STEP", 1)
    campaign_id = ledger.sending_campaign(3)
    run_id = run_of(campaign_id, RecipientFilter(), status_id)
    with transaction():
        assert recipient_runs.step(run_id, jobs.RUN_STEPS)
    with transaction():
        statuses.delete(status_id)
    jobs.run_over_recipients(run_id)
    jobs.clear_status(status_id)
    assert carried(campaign_id) == [None] * 3
    assert read(run_id).finished_at is not None
    with pytest.raises(NotFound), transaction():
        label_runs.start(campaign_id, RecipientFilter(), status_id, BY)


def test_a_worker_that_ends_leaves_the_rest_and_a_lost_bell_is_rung_again(
    app: Flask, status_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipient_runs, "ROWS_PER_STEP", 1)
    campaign_id = ledger.sending_campaign(3)
    run_id = run_of(campaign_id, RecipientFilter(), status_id)
    bells = queues.queue(QueueName.BULK)
    bells.empty()
    monkeypatch.setattr(ending, "is_asked", lambda: True)
    jobs.run_over_recipients(run_id)
    assert read(run_id).reached == 1
    jobs.wake_labels()
    assert bells.job_ids == []  # somebody works on it, as far as anybody knows
    with transaction():
        read(run_id).moved_at -= recipient_runs.SILENCE + timedelta(seconds=1)
    jobs.wake_labels()
    assert bells.job_ids == [f"recipient-run-{run_id}"]
    monkeypatch.undo()
    jobs.run_over_recipients(run_id)
    assert carried(campaign_id) == [status_id] * 3


def test_runs_are_shown_until_a_minute_after_their_end(app: Flask, status_id: int) -> None:
    campaign_id = ledger.sending_campaign(2)
    first, second = (run_of(campaign_id, RecipientFilter(), each) for each in (status_id, None))
    jobs.run_over_recipients(first)
    with transaction():
        assert [run.id for run in recipient_runs.recent(campaign_id)] == [second, first]
        read(first).finished_at -= recipient_runs.SHOWN_FOR
    with transaction():
        assert [run.id for run in recipient_runs.recent(campaign_id)] == [second]


def test_runs_go_with_their_campaign(app: Flask, status_id: int) -> None:
    campaign_id = ledger.sending_campaign(1)
    run_id = run_of(campaign_id, RecipientFilter(), status_id)
    with transaction():
        campaign = db.session.get_one(Campaign, campaign_id)
        campaign.status = campaign.status.PAUSED
    with transaction():
        sending.delete_campaign(campaign_id)
    assert db.session.scalars(select(RecipientRun)).all() == []
    jobs.run_over_recipients(run_id)


@pytest.mark.parametrize(
    "asked",
    [
        RecipientFilter(),
        RecipientFilter(shown=Shown.FAILED, reason=Reason.REJECTED, fact="opened_at", names="Anna", seq=3),
        RecipientFilter(internal_status_id=NO_LABEL, contact_ids=(1, 2)),
        RecipientFilter(contact_ids=(), from_at=clock.utcnow(), until_at=clock.utcnow() + timedelta(days=1)),
    ],
)
def test_a_filter_is_stored_and_read_back(asked: RecipientFilter) -> None:
    assert selection.load(json.loads(json.dumps(selection.dump(asked)))) == asked
