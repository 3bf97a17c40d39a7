"""The ledger as a state machine: random claims, crashes, lost answers, sweeps, stops, and the promises hold always.

The machine drives the real functions on the real database. Two faults that such systems have had are put in on purpose,
and the machine must find them.
"""

import os
from collections.abc import Sequence
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import update

from app.campaigns import service as campaigns
from app.campaigns.lifecycle import LIVE, CampaignStatus
from app.channels.contract import Fault, Outcome, Reason, SendResult
from app.extensions import db
from app.kernel import processes
from app.kernel.db import in_transaction, transaction
from app.sending import claim, journal, record, service, sweep
from app.sending.claim import Claim, ClaimOrder, Later
from app.sending.journal import Journal, Mark
from app.sending.models import CampaignRecipient, SendBatch
from app.sending.outcome import BACK, Verdict
from app.sending.states import BatchState, RecipientState
from jobs import sending as jobs
from tests.conftest import empty
from tests.sending import ledger

PEOPLE = 4
IS_FULL = os.environ.get("MUSTER_FULL") == "1"
LOST = SendResult(Outcome.UNCONFIRMED, Fault.PROVIDER, Reason.REPLY_LOST)
ANSWERS = {
    "accepted": (SendResult(Outcome.ACCEPTED), True, Mark.ACCEPTED),
    "refused": (SendResult(Outcome.REFUSED, Fault.RECIPIENT, Reason.REJECTED), False, Mark.REFUSED),
    "deferred": (SendResult(Outcome.DEFERRED, Fault.RECIPIENT, Reason.REJECTED), False, Mark.RETURNED),
    "lost after acceptance": (
        SendResult(Outcome.UNCONFIRMED, Fault.PROVIDER, Reason.REPLY_LOST),
        True,
        Mark.HANDED_OVER,
    ),
    "lost before acceptance": (
        SendResult(Outcome.UNCONFIRMED, Fault.PROVIDER, Reason.REPLY_LOST),
        False,
        Mark.HANDED_OVER,
    ),
    "not transmitted": (SendResult(Outcome.NOT_TRANSMITTED, Fault.PROVIDER), False, Mark.RETURNED),
}


class Worker:
    """A worker with a claim in its hands, as far as it got. It may die, or sleep and wake too late."""

    def __init__(self, order: ClaimOrder, found: Claim) -> None:
        self.order, self.found = order, found
        self.journal = Journal(ledger.folder(), found.key, found.lo, found.hi)
        self.results: dict[int, SendResult] = {}
        self.todo = [row.seq for row in found.rows]


class Ledger(RuleBasedStateMachine):
    """Two workers, a sweeper and a manager over one campaign of four people."""

    app: Flask

    def __init__(self) -> None:
        super().__init__()
        self.accepted = dict.fromkeys(range(1, PEOPLE + 1), 0)
        self.workers: list[Worker] = []
        self.count = 0
        self.campaign_id = 0

    @initialize()
    def publish(self) -> None:
        empty(self.app)
        self.campaign_id = ledger.sending_campaign(PEOPLE)

    def teardown(self) -> None:
        empty(self.app)

    @rule()
    def claim(self) -> None:
        if self.status() is not CampaignStatus.SENDING or len(self.workers) == 2:
            return
        self.count += 1
        mine = processes.me().split(":")
        order = ledger.order_of(self.campaign_id, ":".join([*mine[:2], str(900_000 + self.count), "1.00"]))
        found = ledger.take(order)
        if isinstance(found, Claim):
            self.workers.append(Worker(order, found))

    @precondition(lambda self: self.workers)
    @rule(which=st.integers(0, 1), answers=st.lists(st.sampled_from(sorted(ANSWERS)), min_size=1, max_size=PEOPLE))
    def send_some(self, which: int, answers: list[str]) -> None:
        """Messages leave, or do not, and the journal says so before and after."""
        worker = self.workers[which % len(self.workers)]
        for answer in answers[: len(worker.todo)]:
            self.deliver(worker, worker.todo.pop(0), answer)

    def deliver(self, worker: Worker, seq: int, answer: str) -> None:
        result, is_accepted, mark = ANSWERS[answer]
        worker.journal.mark(seq, Mark.HANDED_OVER)
        self.accepted[seq] += is_accepted
        worker.journal.mark(seq, mark)
        worker.results[seq] = result

    @precondition(lambda self: self.workers)
    @rule(which=st.integers(0, 1))
    def record(self, which: int) -> None:
        """The worker ends its claim: what it did not send goes back."""
        worker = self.workers.pop(which % len(self.workers))
        back = SendResult(Outcome.NOT_TRANSMITTED)
        ledger.keep(worker.order, worker.found, lambda seq: worker.results.get(seq, back))
        worker.journal.delete()

    @precondition(lambda self: self.workers)
    @rule(which=st.integers(0, 1), is_accepted=st.booleans(), is_handed=st.booleans())
    def die(self, which: int, is_accepted: bool, is_handed: bool) -> None:
        """The worker is killed, perhaps while a message is on its way; then the sweep comes."""
        worker = self.workers.pop(which % len(self.workers))
        if worker.todo and is_handed:
            seq = worker.todo.pop(0)
            worker.journal.mark(seq, Mark.HANDED_OVER)
            self.accepted[seq] += is_accepted
        self.sweep(worker)

    @precondition(lambda self: self.workers)
    @rule(which=st.integers(0, 1))
    def sleep_and_wake_too_late(self, which: int) -> None:
        """The worker froze with one message past its last check, is swept, wakes, sends that one and records."""
        worker = self.workers.pop(which % len(self.workers))
        seq = worker.todo.pop(0) if worker.todo else None
        if seq is not None:
            worker.journal.mark(seq, Mark.HANDED_OVER)
        self.sweep(worker)
        if seq is not None:
            self.accepted[seq] += 1
            worker.results[seq] = ANSWERS["accepted"][0]
        ledger.keep(worker.order, worker.found, lambda it: worker.results.get(it, SendResult(Outcome.NOT_TRANSMITTED)))

    def sweep(self, worker: Worker) -> None:
        if in_transaction(sweep.recover, worker.found.key, worker.order.owner, ledger.folder()):
            journal.remove(ledger.folder(), worker.found.key)

    @rule(event=st.sampled_from(["stop", "start", "unpublish", "publish"]))
    def manager(self, event: str) -> None:
        """A manager moves the campaign, as far as its state allows."""
        if (event in ("stop", "unpublish")) != (self.status() in (CampaignStatus.SCHEDULED, CampaignStatus.SENDING)):
            return
        if self.status() is CampaignStatus.FINISHED:
            return
        with transaction():
            getattr(campaigns, event)(self.campaign_id, "me")

    @rule()
    def settle(self) -> None:
        """The rows follow the manager's last move, at once or after much else has happened."""
        jobs.settle_campaign(self.campaign_id)

    @rule()
    def tick(self) -> None:
        """Time goes by: what was deferred is due, and the scheduler looks."""
        with transaction():
            db.session.execute(update(CampaignRecipient).values(not_before=None))
            db.session.execute(update(SendBatch).values(not_before=campaigns.clock.utcnow()))
        jobs.settle_campaign(self.campaign_id)
        jobs.look_at_campaigns()

    def status(self) -> CampaignStatus:
        with transaction():
            return campaigns.get(self.campaign_id).status

    @invariant()
    def nobody_gets_it_twice(self) -> None:
        assert all(times <= 1 for times in self.accepted.values()), self.accepted

    @invariant()
    def nobody_is_lost_and_the_counters_agree(self) -> None:
        if not self.campaign_id:
            return
        counted = ledger.states(self.campaign_id)
        assert sum(counted.values()) == PEOPLE and ledger.counters(self.campaign_id) == counted
        assert service.reconcile() == []
        db.session.rollback()

    @invariant()
    def what_was_accepted_never_waits_and_what_is_sent_was_accepted(self) -> None:
        if not self.campaign_id:
            return
        held = {seq for worker in self.workers for seq in worker.results}
        for seq, times in self.accepted.items():
            state = ledger.row(self.campaign_id, seq).state
            if times and seq not in held:
                assert state in (RecipientState.SENT, RecipientState.UNCONFIRMED), (seq, state)
            if state is RecipientState.SENT:
                assert times == 1, (seq, state)

    @invariant()
    def rows_agree_with_a_campaign_that_is_settled(self) -> None:
        """Nobody waits while the campaign is held, nobody is held while it is live, nobody waits in a closed batch."""
        if not self.campaign_id:
            return
        with transaction():
            campaign = campaigns.get(self.campaign_id)
            is_settled = campaign.settled_serial == campaign.lifecycle_serial
            is_held, is_live = campaign.hold_reason is not None, campaign.status in LIVE
        counted = ledger.states(self.campaign_id)
        assert not (is_settled and is_held and counted.get("awaiting")), counted
        assert not (is_settled and is_live and counted.get("stopped")), counted
        if is_settled and counted.get("awaiting"):
            assert ledger.batch(self.campaign_id).state is not BatchState.DONE


SETTINGS = settings(
    max_examples=300 if IS_FULL else 25,
    stateful_step_count=40 if IS_FULL else 25,
    deadline=None,
    derandomize=not IS_FULL,
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)

pytestmark = pytest.mark.timeout(600)


# a fault that was put in need not be told in the fewest steps
UNSHRUNK = settings(SETTINGS, max_examples=400, phases=(Phase.generate,), report_multiple_bugs=False)


def play(app: Flask, how: settings = SETTINGS) -> None:
    """Run the machine on this app."""
    run_state_machine_as_test(type("Played", (Ledger,), {"app": app}), settings=how)


def walk(app: Flask, steps: Sequence[tuple[str, tuple[Any, ...]]]) -> None:
    """These rules of the machine one after the other, every invariant asked after each: what chance may miss."""
    machine = type("Walked", (Ledger,), {"app": app})()
    machine.publish()
    for name, arguments in steps:
        getattr(machine, name)(*arguments)
        machine.nobody_gets_it_twice()
        machine.nobody_is_lost_and_the_counters_agree()
        machine.what_was_accepted_never_waits_and_what_is_sent_was_accepted()
        machine.rows_agree_with_a_campaign_that_is_settled()


LOSES_AN_ANSWER = (("claim", ()), ("send_some", (0, ["lost after acceptance"])), ("record", (0,)))
IS_UNPUBLISHED_MEANWHILE = (("claim", ()), ("manager", ("unpublish",)), ("settle", ()), ("record", (0,)))


def test_the_ledger_keeps_its_promises_whatever_happens(app: Flask) -> None:
    play(app)


@pytest.mark.parametrize("steps", [LOSES_AN_ANSWER, IS_UNPUBLISHED_MEANWHILE])
def test_the_walks_that_find_a_fault_find_none_without_it(app: Flask, steps: Any) -> None:
    walk(app, steps)


def test_a_sweep_that_sends_handed_over_messages_again_is_found(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    original = sweep._verdict

    def resend(mark: Mark) -> Verdict:
        return BACK if mark is Mark.HANDED_OVER else original(mark)

    monkeypatch.setattr(sweep, "_verdict", resend)
    with pytest.raises(AssertionError):
        play(app, UNSHRUNK)


def test_a_record_without_a_fence_is_found(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def unfenced(key: journal.ClaimKey, _owner: str) -> SendBatch | None:
        return db.session.get(SendBatch, (key.campaign_id, key.batch_no), populate_existing=True)

    monkeypatch.setattr(record, "leased_batch", unfenced)
    with pytest.raises(AssertionError):
        play(app, UNSHRUNK)


def test_an_outcome_that_sends_unconfirmed_again_is_found(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    original = ledger.verdict

    def resend(result: SendResult, *rest: Any) -> Verdict:
        return BACK if result.outcome is Outcome.UNCONFIRMED else original(result, *rest)

    monkeypatch.setattr(ledger, "verdict", resend)
    with pytest.raises(AssertionError):
        walk(app, LOSES_AN_ANSWER)


def test_a_claim_that_is_committed_after_the_send_is_found(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def uncommitted(order: ClaimOrder) -> Claim | Later:
        found = claim.claim(order)
        db.session.rollback()
        return found

    monkeypatch.setattr(ledger, "take", uncommitted)
    with pytest.raises((AssertionError, FileExistsError)):  # the journal of the first claim bars the second
        play(app, UNSHRUNK)


def test_a_record_that_forgets_the_campaign_was_held_is_found(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "_held", lambda _campaign_id, verdicts: verdicts)
    with pytest.raises(AssertionError):
        walk(app, IS_UNPUBLISHED_MEANWHILE)
