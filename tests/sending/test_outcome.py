"""What a result means for a recipient."""

from datetime import UTC, datetime, timedelta

import pytest

from app.audience.models import SuppressionSource
from app.channels.contract import Fault, Outcome, Reason, SendResult
from app.sending import breaker, outcome
from app.sending.breaker import Breaker
from app.sending.outcome import BACK, RETRY_SECONDS, SENT, brake_marks, brakes, verdict
from app.sending.states import SHOWN_AS, RecipientState

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def of(result: SendResult, attempt: int = 0, jitter: float = 0.5) -> outcome.Verdict:
    return verdict(result, attempt, NOW, lambda: jitter)


def test_what_was_accepted_is_sent() -> None:
    assert of(SendResult(Outcome.ACCEPTED)) is SENT


def test_what_was_not_transmitted_waits_again_and_costs_no_attempt() -> None:
    assert of(SendResult(Outcome.NOT_TRANSMITTED, Fault.PROVIDER), attempt=5) is BACK
    assert not BACK.counts


def test_a_lost_reply_is_unconfirmed_and_never_failed() -> None:
    found = of(SendResult(Outcome.UNCONFIRMED, Fault.PROVIDER, Reason.REPLY_LOST))
    assert (found.state, found.reason) == (RecipientState.UNCONFIRMED, Reason.REPLY_LOST)


@pytest.mark.parametrize(
    "reason", [Reason.REJECTED, Reason.INVALID_RECIPIENT, Reason.TOO_LARGE, Reason.REJECTED_CONTENT]
)
def test_a_refusal_fails_with_its_reason_and_only_an_invalid_address_is_suppressed(reason: Reason) -> None:
    found = of(SendResult(Outcome.REFUSED, Fault.RECIPIENT, reason, "550 5.1.1", "no such user"))
    assert (found.state, found.reason, found.detail) == (RecipientState.FAILED, reason, "550 5.1.1 no such user")
    assert found.suppresses == (SuppressionSource.INVALID if reason is Reason.INVALID_RECIPIENT else None)


@pytest.mark.parametrize(("attempt", "seconds"), list(enumerate(RETRY_SECONDS)))
def test_a_temporary_refusal_waits_longer_every_time(attempt: int, seconds: int) -> None:
    deferred = SendResult(Outcome.DEFERRED, Fault.RECIPIENT, Reason.REJECTED, "450")
    for jitter, factor in ((0.0, 0.8), (0.5, 1.0), (1.0, 1.2)):
        found = of(deferred, attempt, jitter)
        assert found.state is RecipientState.AWAITING and found.not_before is not None
        assert found.not_before - NOW == timedelta(seconds=seconds * factor)


def test_after_the_last_wait_the_recipient_has_failed() -> None:
    found = of(SendResult(Outcome.DEFERRED, Fault.RECIPIENT, Reason.REJECTED, "450"), attempt=len(RETRY_SECONDS))
    assert (found.state, found.reason) == (RecipientState.FAILED, Reason.RETRIES_EXHAUSTED)


@pytest.mark.parametrize(("hint", "seconds"), [(90.0, 100), (10**9, 86_410)])
def test_the_servers_own_hint_wins_with_a_margin_and_a_bound(hint: float, seconds: int) -> None:
    found = of(SendResult(Outcome.DEFERRED, retry_after_seconds=hint))
    assert found.not_before == NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize("code", ["450 4.7.1", "451 4.7.650"])
def test_a_greylisting_server_is_left_alone_for_five_minutes(code: str) -> None:
    found = of(SendResult(Outcome.DEFERRED, code=code))
    assert found.not_before == NOW + timedelta(minutes=5)


def test_the_brake_looks_at_answers_about_content_only() -> None:
    content = SendResult(Outcome.REFUSED, Fault.CONTENT, Reason.REJECTED_CONTENT)
    person = SendResult(Outcome.REFUSED, Fault.RECIPIENT, Reason.INVALID_RECIPIENT)
    back = SendResult(Outcome.NOT_TRANSMITTED, Fault.PROVIDER)
    marks = brake_marks([SendResult(Outcome.ACCEPTED), content, person, back, content])
    assert marks == ".x.x"
    assert not brakes("x" * 4 + "." * 96) and brakes("x" * 5)


def test_every_state_is_shown_as_something() -> None:
    assert set(SHOWN_AS) == set(RecipientState)


def test_the_breaker_opens_longer_every_time_and_lets_one_probe_through() -> None:
    state, lengths = Breaker(), []
    for _ in range(7):
        state = breaker.opened(state, NOW)
        lengths.append(state.open_seconds)
    assert lengths == [30, 60, 120, 240, 480, 900, 900]
    assert breaker.is_blocking(state, NOW + timedelta(seconds=899))
    over = NOW + timedelta(seconds=900)
    assert not breaker.is_blocking(state, over) and breaker.is_probe(state, over)
    assert breaker.is_blocking(breaker.probing(state, over), over + timedelta(seconds=899))
    assert not breaker.is_probe(breaker.CLOSED, NOW) and not breaker.is_blocking(breaker.CLOSED, NOW)


@pytest.mark.parametrize(
    ("result", "is_healthy"),
    [
        (SendResult(Outcome.ACCEPTED), True),
        (SendResult(Outcome.REFUSED, Fault.RECIPIENT, Reason.INVALID_RECIPIENT, "550 5.1.1"), True),
        (SendResult(Outcome.REFUSED, Fault.CONTENT, Reason.REJECTED_CONTENT, "554"), True),
        (SendResult(Outcome.DEFERRED, Fault.RECIPIENT, Reason.MAILBOX_FULL, "452 4.2.2"), True),
        (SendResult(Outcome.REFUSED, Fault.RECIPIENT, Reason.INVALID_RECIPIENT), False),
        (SendResult(Outcome.DEFERRED, Fault.RECIPIENT, Reason.REJECTED, "451 4.3.0"), False),
        (SendResult(Outcome.NOT_TRANSMITTED, Fault.PROVIDER, code="421"), False),
        (SendResult(Outcome.UNCONFIRMED, Fault.PROVIDER, Reason.REPLY_LOST, "250"), False),
    ],
    ids=["accepted", "no-recipient", "no-content", "full", "never-asked", "not-now", "goodbye", "lost"],
)
def test_what_shows_a_provider_that_can_be_used(result: SendResult, is_healthy: bool) -> None:
    assert outcome.shows_health(result) is is_healthy
