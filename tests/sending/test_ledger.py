"""Planning, claiming, recording, settling and sweeping, each step on a real database."""

import threading
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import update

from app.audience.models import SuppressionSource
from app.audience.service import delete_contact
from app.audience.suppressions import suppress, suppress_email
from app.campaigns import service as campaigns
from app.campaigns.lifecycle import CampaignStatus
from app.channels.contract import Channel, Fault, Outcome, Reason, SendResult
from app.extensions import db
from app.kernel import processes
from app.kernel.db import db_now, in_transaction, transaction
from app.kernel.errors import Conflict, NotFound
from app.sending import claim, journal, record, removals, service, settle, sweep, tick
from app.sending.claim import Claim, Later, Nothing
from app.sending.journal import Mark
from app.sending.models import CampaignRecipient, SendBatch
from app.sending.states import BatchState, RecipientState
from jobs import sending as jobs
from tests import factories
from tests.sending import ledger

pytestmark = pytest.mark.usefixtures("true_counters")

REFUSED = SendResult(Outcome.REFUSED, Fault.RECIPIENT, Reason.REJECTED, "550", "no")
INVALID = SendResult(Outcome.REFUSED, Fault.RECIPIENT, Reason.INVALID_RECIPIENT, "550 5.1.1", "no such user")
DEFERRED = SendResult(Outcome.DEFERRED, Fault.RECIPIENT, Reason.REJECTED, "450", "later")
LOST = SendResult(Outcome.UNCONFIRMED, Fault.PROVIDER, Reason.REPLY_LOST)


def claimed(campaign_id: int) -> tuple[claim.ClaimOrder, Claim]:
    order = ledger.order_of(campaign_id)
    found = ledger.take(order)
    assert isinstance(found, Claim)
    return order, found


# --- planning


def test_everybody_gets_one_row_with_a_state_and_those_who_cannot_be_written_to_a_reason(app: Flask) -> None:
    with transaction():
        people = factories.folder()
        factories.contact(people, email="a@people.example")
        factories.contact(people, email=None, phone="+48600000001")
        factories.contact(people, email="b@people.example")
        suppress_email("b@people.example")
        made = factories.campaign(people)
        campaigns.publish(made.id, "me")
        campaign_id = made.id
    jobs.settle_campaign(campaign_id)
    assert ledger.counters(campaign_id) == {"awaiting": 1, "skipped": 2}
    assert [ledger.row(campaign_id, seq).reason for seq in (1, 2, 3)] == [None, Reason.NO_ADDRESS, Reason.SUPPRESSED]


def test_somebody_in_two_folders_of_a_campaign_gets_one_row(app: Flask) -> None:
    with transaction():
        first, second = factories.folder(), factories.folder()
        factories.contact(first, second)
        factories.contact(second)
        made = factories.campaign(first, second)
        campaigns.publish(made.id, "me")
        campaign_id = made.id
    jobs.settle_campaign(campaign_id)
    assert ledger.counters(campaign_id) == {"awaiting": 2}


def test_of_two_people_with_the_same_second_address_the_first_is_written_to(app: Flask) -> None:
    with transaction():
        people = factories.folder()
        for _ in range(2):
            factories.contact(people, second_email="office@people.example")
        made = factories.campaign(people, to_second_email=True)
        campaigns.publish(made.id, "me")
        campaign_id = made.id
    jobs.settle_campaign(campaign_id)
    assert ledger.row(campaign_id, 1).state is RecipientState.AWAITING
    assert ledger.row(campaign_id, 2).reason is Reason.DUPLICATE_ADDRESS


def test_running_on_another_folder_adds_only_those_who_are_new(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(2)
    with transaction():
        more = factories.folder()
        known = campaigns.get(campaign_id).folders[0]
        factories.contact(more, known)
        factories.contact(more)
        campaigns.run_on_folders(campaign_id, [more.id], "me")
    jobs.settle_campaign(campaign_id)
    jobs.settle_campaign(campaign_id)
    assert ledger.counters(campaign_id) == {"awaiting": 4}


def test_an_audience_is_cut_into_batches_that_cover_it_exactly(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.sending.plan.BATCH_SIZE", 4)
    campaign_id = ledger.sending_campaign(10)
    assert [(ledger.batch(campaign_id, n).lo, ledger.batch(campaign_id, n).hi) for n in (1, 2, 3)] == [
        (1, 4),
        (5, 8),
        (9, 10),
    ]


# --- claiming


def test_a_claim_takes_a_whole_batch_and_nobody_else_gets_it(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(3)
    order, found = claimed(campaign_id)
    assert [row.seq for row in found.rows] == [1, 2, 3] and found.is_whole
    assert ledger.counters(campaign_id) == {"sending": 3}
    again = ledger.take(order)
    assert isinstance(again, Later) and again.reason is Nothing.NOT_DUE
    assert ledger.keep(order, found)
    assert ledger.counters(campaign_id) == {"sent": 3}
    assert ledger.batch(campaign_id).state is BatchState.DONE


def test_the_delay_gives_one_message_at_a_time_and_says_when_the_next_may_leave(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(3, delay_seconds=60)
    order, found = claimed(campaign_id)
    assert [row.seq for row in found.rows] == [1] and not found.is_whole
    ledger.keep(order, found)
    later = ledger.take(order)
    assert isinstance(later, Later) and later.reason is Nothing.THROTTLED and "delay" in later.why
    assert later.at is not None and timedelta(seconds=50) < later.at - later.now <= timedelta(seconds=60)
    assert ledger.batch(campaign_id).state is BatchState.WAITING


def test_who_opted_out_after_the_plan_is_left_out_of_the_claim(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(3)
    with transaction():
        row = db.session.get_one(CampaignRecipient, (campaign_id, 2))
        suppress(Channel.EMAIL, row.address_index, SuppressionSource.UNSUBSCRIBED, campaign_id)
    order, found = claimed(campaign_id)
    assert [row.seq for row in found.rows] == [1, 3]
    assert ledger.row(campaign_id, 2).reason is Reason.SUPPRESSED
    assert ledger.counters(campaign_id) == {"sending": 2, "skipped": 1}
    ledger.keep(order, found)


def test_whose_contact_was_deleted_is_left_out_of_the_claim(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(2)
    with transaction():
        delete_contact(db.session.get_one(CampaignRecipient, (campaign_id, 1)).contact_id)
    order, found = claimed(campaign_id)
    assert [row.seq for row in found.rows] == [2]
    assert ledger.row(campaign_id, 1).reason is Reason.NO_ADDRESS
    ledger.keep(order, found)


def test_a_paused_campaign_gives_nothing(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(3)
    order = ledger.order_of(campaign_id)
    with transaction():
        campaigns.stop(campaign_id, "me")
    found = ledger.take(order)
    assert isinstance(found, Later) and found.reason is Nothing.NOT_SENDING
    assert ledger.counters(campaign_id) == {"awaiting": 3}


def test_two_claimers_at_once_never_get_the_same_batch(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.sending.plan.BATCH_SIZE", 5)
    campaign_id = ledger.sending_campaign(60)
    order = ledger.order_of(campaign_id)
    taken: list[int] = []

    def claimer() -> None:
        with app.app_context():
            while isinstance(found := ledger.take(order), Claim):
                taken.append(found.key.batch_no)
            db.session.remove()

    threads = [threading.Thread(target=claimer) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(taken) == list(range(1, 13))
    assert ledger.counters(campaign_id) == {"sending": 60}


# --- recording


def test_every_result_finds_its_state(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(5)
    results = {2: REFUSED, 3: DEFERRED, 4: LOST, 5: INVALID}
    order, found = claimed(campaign_id)
    assert ledger.keep(order, found, lambda seq: results.get(seq, ledger.ACCEPTED))
    assert ledger.states(campaign_id) == {"sent": 1, "failed": 2, "awaiting": 1, "unconfirmed": 1}
    assert [ledger.row(campaign_id, seq).attempt for seq in range(1, 6)] == [1, 1, 1, 1, 1]
    assert ledger.row(campaign_id, 2).detail == "550 no"
    deferred, kept = ledger.row(campaign_id, 3), ledger.batch(campaign_id)
    assert deferred.not_before is not None and kept.not_before == deferred.not_before
    assert kept.state is BatchState.WAITING


def test_a_deferred_recipient_is_claimed_alone_when_its_time_has_come(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(3)
    order, found = claimed(campaign_id)
    ledger.keep(order, found, lambda seq: DEFERRED if seq == 2 else ledger.ACCEPTED)
    assert isinstance(ledger.take(order), Later)
    with transaction():
        past = db_now() - timedelta(seconds=1)
        db.session.execute(update(SendBatch).values(not_before=past))
        db.session.execute(update(CampaignRecipient).where(CampaignRecipient.seq == 2).values(not_before=past))
    again = ledger.take(order)
    assert isinstance(again, Claim) and [row.seq for row in again.rows] == [2] and again.rows[0].attempt == 1
    ledger.keep(order, again)
    assert ledger.counters(campaign_id) == {"sent": 3}


def test_an_invalid_address_is_suppressed_for_the_next_campaign(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(1)
    order, found = claimed(campaign_id)
    ledger.keep(order, found, lambda _: INVALID)
    with transaction():
        known = campaigns.get(campaign_id).folders[0]
        second = factories.campaign(known)
        campaigns.publish(second.id, "me")
        second_id = second.id
    jobs.settle_campaign(second_id)
    assert ledger.row(second_id, 1).reason is Reason.SUPPRESSED


def test_results_of_a_claim_that_was_swept_are_not_written(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(2)
    order, found = claimed(campaign_id)
    with transaction():
        db.session.execute(update(SendBatch).values(lease_until=db_now() - timedelta(seconds=1)))
    assert ledger.sweep_all() == 1
    assert ledger.counters(campaign_id) == {"awaiting": 2}
    assert not ledger.keep(order, found)
    assert ledger.counters(campaign_id) == {"awaiting": 2}


def test_refused_content_brakes_the_campaign(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(6)
    order, found = claimed(campaign_id)
    content = SendResult(Outcome.REFUSED, Fault.CONTENT, Reason.REJECTED_CONTENT, "554 5.7.1", "spam")
    verdicts = {row.seq: ledger.verdict(content, 0, found.now, lambda: 0.5) for row in found.rows}
    in_transaction(record.record, found.key, order.owner, verdicts, "xxxxxx", True)
    with transaction():
        braked = campaigns.get(campaign_id)
        assert braked.status is CampaignStatus.FAILED and "content" in braked.status_detail


# --- settling


def test_unpublish_stops_everybody_with_a_reason_and_publish_lets_them_go_on(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(3)
    with transaction():
        campaigns.unpublish(campaign_id, "me")
    jobs.settle_campaign(campaign_id)
    assert ledger.counters(campaign_id) == {"stopped": 3}
    assert ledger.row(campaign_id, 1).reason is Reason.CAMPAIGN_UNPUBLISHED
    with transaction():
        campaigns.publish(campaign_id, "me")
    jobs.settle_campaign(campaign_id)
    assert ledger.counters(campaign_id) == {"awaiting": 3}
    jobs.look_at_campaigns()
    order, found = claimed(campaign_id)
    assert len(found.rows) == 3
    ledger.keep(order, found)


def test_people_resumed_while_their_batch_is_leased_are_not_forgotten(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(3, delay_seconds=60)
    order, found = claimed(campaign_id)  # one of three is on its way
    for move in (campaigns.unpublish, campaigns.publish):
        with transaction():
            move(campaign_id, "me")
        jobs.settle_campaign(campaign_id)
    ledger.keep(order, found)
    assert ledger.counters(campaign_id) == {"sent": 1, "awaiting": 2}
    assert ledger.batch(campaign_id).state is BatchState.WAITING


def test_the_end_is_final(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(2)
    with transaction():
        campaigns.end(campaign_id, "me")
    jobs.settle_campaign(campaign_id)
    assert ledger.row(campaign_id, 1).reason is Reason.CAMPAIGN_ENDED
    with pytest.raises(Conflict), transaction():
        campaigns.publish(campaign_id, "me")


def test_a_settling_that_was_overtaken_by_a_newer_move_stops(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(2)
    with transaction():
        campaigns.unpublish(campaign_id, "me")
    work = in_transaction(settle.begin, campaign_id, "worker")
    assert work is not None
    with transaction():
        campaigns.publish(campaign_id, "me")
    assert in_transaction(settle.step, work, "worker", 0) is None
    assert ledger.counters(campaign_id) == {"awaiting": 2}


def test_an_expired_campaign_stops_its_people_and_an_extended_one_resumes_them(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(2, valid_until=db_now() + timedelta(hours=1))
    with transaction():
        campaigns.get(campaign_id).valid_until = db_now() - timedelta(seconds=1)
    jobs.look_at_campaigns()
    jobs.settle_campaign(campaign_id)
    assert ledger.row(campaign_id, 1).reason is Reason.VALIDITY_PERIOD_EXPIRED
    with transaction():
        expired = campaigns.get(campaign_id)
        expired.valid_until = db_now() + timedelta(hours=1)
        campaigns.prepare_change(expired, "me")
    jobs.settle_campaign(campaign_id)
    assert ledger.counters(campaign_id) == {"awaiting": 2}


# --- sweeping


def kill_owner(campaign_id: int, boot: str | None = None) -> str:
    """Make the lease's owner a process that has ended."""
    mine = processes.me().split(":")
    dead = ":".join([boot or mine[0], mine[1], "999999", "1.00"])
    with transaction():
        db.session.execute(update(SendBatch).where(SendBatch.campaign_id == campaign_id).values(lease_owner=dead))
    return dead


def test_a_dead_workers_journal_decides(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(5)
    _, found = claimed(campaign_id)
    marks = [(1, Mark.ACCEPTED), (2, Mark.REFUSED), (3, Mark.HANDED_OVER), (4, Mark.RETURNED)]
    ledger.journal_of(found, marks)
    kill_owner(campaign_id)
    assert ledger.sweep_all() == 1
    assert ledger.states(campaign_id) == {"sent": 1, "failed": 1, "unconfirmed": 1, "awaiting": 2}
    assert ledger.row(campaign_id, 3).reason is Reason.WORKER_LOST
    assert list(journal.stray(ledger.folder())) == []


def test_without_a_journal_nothing_was_sent(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(3)
    claimed(campaign_id)
    kill_owner(campaign_id)
    ledger.sweep_all()
    assert ledger.counters(campaign_id) == {"awaiting": 3}


def test_a_living_owner_with_a_good_lease_is_left_alone(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(3)
    order, found = claimed(campaign_id)
    assert ledger.sweep_all() == 0
    assert ledger.keep(order, found)


def test_after_a_restart_of_the_machine_nothing_is_guessed(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(2)
    _, found = claimed(campaign_id)
    ledger.journal_of(found)
    kill_owner(campaign_id, boot="otherone")
    ledger.sweep_all()
    assert ledger.counters(campaign_id) == {"unconfirmed": 2}


@pytest.mark.parametrize(("minutes", "swept"), [(9, 0), (11, 1)])
def test_a_host_that_does_not_come_back_is_waited_for_and_then_unconfirmed(
    app: Flask, minutes: int, swept: int
) -> None:
    campaign_id = ledger.sending_campaign(2)
    order, found = claimed(campaign_id)
    with transaction():
        over = db_now() - timedelta(minutes=minutes)
        db.session.execute(update(SendBatch).values(journal_host="elsewhere", lease_until=over))
    assert ledger.sweep_all() == swept
    assert ledger.counters(campaign_id) == ({"unconfirmed": 2} if swept else {"sending": 2})
    if not swept:
        ledger.keep(order, found)


def test_a_message_that_kills_worker_after_worker_fails_and_the_others_go_on(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(3)
    order = ledger.order_of(campaign_id)
    for _ in range(sweep.ALONE_AFTER + 1):
        assert isinstance(ledger.take(order), Claim)
        kill_owner(campaign_id)
        ledger.sweep_all()
    suspect = ledger.row(campaign_id, 1)
    assert (suspect.state, suspect.detail) == (RecipientState.AWAITING, sweep.SUSPECT.detail)
    assert isinstance(ledger.take(order), Claim)
    kill_owner(campaign_id)
    ledger.sweep_all()
    assert ledger.row(campaign_id, 1).reason is Reason.POISON
    while isinstance(found := ledger.take(order), Claim):
        assert len(found.rows) == 1
        ledger.keep(order, found)
    assert ledger.counters(campaign_id) == {"failed": 1, "sent": 2}


def test_a_claim_that_was_swept_is_not_renewed(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(2)
    order, found = claimed(campaign_id)
    assert in_transaction(claim.renew, order, [found.key]) == {found.key}
    with transaction():
        db.session.execute(update(SendBatch).values(lease_until=db_now() - timedelta(seconds=1)))
    ledger.sweep_all()
    assert in_transaction(claim.renew, order, [found.key]) == set()


# --- the scheduler's look


def test_a_campaign_waits_for_its_hours_and_goes_on_in_them(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign_id = ledger.sending_campaign(1)
    now = db_now()
    with transaction():
        made = campaigns.get(campaign_id)
        made.daily_from = (now + timedelta(hours=2)).time().replace(microsecond=0)
        made.daily_until = (now + timedelta(hours=3)).time().replace(microsecond=0)
    jobs.look_at_campaigns()
    with transaction():
        waiting = campaigns.get(campaign_id)
        assert waiting.status is CampaignStatus.SCHEDULED and waiting.waiting_for
        assert waiting.next_send_at is not None and waiting.next_send_at > now
        opens = waiting.next_send_at + timedelta(minutes=1)
    for module in (tick, claim):
        monkeypatch.setattr(module, "db_now", lambda: opens)
    jobs.look_at_campaigns()
    with transaction():
        assert campaigns.get(campaign_id).status is CampaignStatus.SENDING


def test_a_campaign_with_nobody_left_is_finished(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(1)
    order, found = claimed(campaign_id)
    ledger.keep(order, found)
    jobs.look_at_campaigns()
    with transaction():
        assert campaigns.get(campaign_id).status is CampaignStatus.FINISHED


# --- what a person may do


def test_a_removed_client_is_stopped_for_good(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(2)
    contact_id = ledger.row(campaign_id, 1).contact_id
    with transaction():
        removals.remove(campaign_id, contact_id, "me")
    assert ledger.row(campaign_id, 1).reason is Reason.REMOVED_BY_USER
    for move in (campaigns.unpublish, campaigns.publish):
        with transaction():
            move(campaign_id, "me")
        jobs.settle_campaign(campaign_id)
    assert ledger.row(campaign_id, 1).reason is Reason.REMOVED_BY_USER
    assert ledger.counters(campaign_id) == {"awaiting": 1, "stopped": 1}


def test_a_client_whose_message_is_on_its_way_or_has_left_cannot_be_removed(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(1)
    contact_id = ledger.row(campaign_id, 1).contact_id
    order, found = claimed(campaign_id)
    with pytest.raises(Conflict, match="right now"), transaction():
        removals.remove(campaign_id, contact_id, "me")
    ledger.keep(order, found)
    with pytest.raises(Conflict, match="already left"), transaction():
        removals.remove(campaign_id, contact_id, "me")
    with pytest.raises(NotFound), transaction():
        removals.remove(campaign_id, 10**6, "me")


def test_a_sending_campaign_is_not_deleted_and_a_stopped_one_goes_with_all_its_rows(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(2)
    with pytest.raises(Conflict), transaction():
        service.delete_campaign(campaign_id)
    with transaction():
        campaigns.stop(campaign_id, "me")
    with transaction():
        service.delete_campaign(campaign_id)
    assert ledger.states(campaign_id) == {} and ledger.counters(campaign_id) == {}
    with pytest.raises(NotFound), transaction():
        campaigns.get(campaign_id)


def test_reconcile_finds_a_counter_that_lies(app: Flask) -> None:
    ledger.sending_campaign(2)
    with transaction():
        db.session.execute(update(CampaignRecipient).where(CampaignRecipient.seq == 1).values(state="failed"))
    with transaction():
        assert len(service.reconcile()) == 2
        db.session.execute(update(CampaignRecipient).values(state="awaiting"))
