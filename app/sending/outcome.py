"""What a result means for a recipient: the next state, the reason, the next attempt. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.audience.models import SuppressionSource
from app.channels.contract import Fault, Outcome, Reason, SendResult
from app.kernel.texts import N_
from app.sending.states import RecipientState

# Waits after a temporary refusal, about 31 hours in all; then the recipient has failed.
RETRY_SECONDS = (60, 300, 900, 3600, 7200, 14400, 28800, 57600)
JITTER = 0.2
GREYLISTING = ("450 4.7.", "451 4.7.")  # a server that wants to see us come back: sooner than this is in vain
GREYLIST_SECONDS = 300
HINT_MARGIN_SECONDS = 10
MAX_HINT_SECONDS = 86400

BRAKE_LENGTH = 100  # answers the content brake looks at
BRAKE_LIMIT = 5  # of them refused for their content stop the campaign


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where a recipient goes. counts: whether the server answered, so that the attempt is used up.

    suppresses: how the address comes onto the suppression list, if it does.
    """

    state: RecipientState
    reason: Reason | None = None
    detail: str = ""
    not_before: datetime | None = None
    counts: bool = True
    suppresses: SuppressionSource | None = None
    provider_id: str = ""


SENT = Verdict(RecipientState.SENT)
BACK = Verdict(RecipientState.AWAITING, counts=False)
# Who was alone in a worker that died is not to blame for it yet: workers are killed for other reasons, too. Who is
# alone in the next one that dies is: what only lets a recipient wait meanwhile leaves these words where they are.
SUSPECT = Verdict(RecipientState.AWAITING, detail=N_("A worker died while preparing this message."), counts=False)


def verdict(result: SendResult, attempt: int, now: datetime, jitter: Callable[[], float]) -> Verdict:
    """What becomes of a recipient after this result.

    attempt: answered attempts before this one. now: aware UTC. jitter: a number from 0 to 1.
    """
    detail = f"{result.code} {result.detail}".strip()[:255]
    match result.outcome:
        case Outcome.ACCEPTED:
            return accepted(result)
        case Outcome.NOT_TRANSMITTED:
            return BACK
        case Outcome.UNCONFIRMED:
            return Verdict(RecipientState.UNCONFIRMED, result.reason or Reason.REPLY_LOST, detail)
        case Outcome.DEFERRED:
            if attempt >= len(RETRY_SECONDS):
                return Verdict(RecipientState.FAILED, Reason.RETRIES_EXHAUSTED, detail)
            wait = timedelta(seconds=_wait_seconds(result, attempt, jitter))
            return Verdict(RecipientState.AWAITING, result.reason, detail, now + wait)
        case Outcome.REFUSED:
            return _refused(result.reason or Reason.REJECTED, detail)


def accepted(result: SendResult) -> Verdict:
    """What becomes of a recipient whose message the provider took."""
    return Verdict(RecipientState.SENT, provider_id=result.provider_id) if result.provider_id else SENT


def _refused(reason: Reason, detail: str) -> Verdict:
    if reason is Reason.SUPPRESSED:  # the provider knows of an opt-out that we did not
        return Verdict(RecipientState.SKIPPED, reason, detail, suppresses=SuppressionSource.STOP_WORD)
    is_invalid = reason is Reason.INVALID_RECIPIENT
    return Verdict(RecipientState.FAILED, reason, detail, suppresses=SuppressionSource.INVALID if is_invalid else None)


def _wait_seconds(result: SendResult, attempt: int, jitter: Callable[[], float]) -> float:
    if result.retry_after_seconds is not None:
        return min(result.retry_after_seconds, MAX_HINT_SECONDS) + HINT_MARGIN_SECONDS
    wait = RETRY_SECONDS[attempt] * (1 - JITTER + 2 * JITTER * jitter())
    return max(wait, GREYLIST_SECONDS) if result.code.startswith(GREYLISTING) else wait


def shows_health(result: SendResult) -> bool:
    """Whether this result shows a provider that can be used: it took the message, or said no to this recipient or this
    content alone. "Not now" shows nothing, but for a full mailbox: a server that is half broken says it to all."""
    if result.outcome is Outcome.ACCEPTED:
        return True
    is_no = result.outcome is Outcome.REFUSED or result.reason is Reason.MAILBOX_FULL
    return is_no and bool(result.code)  # without a code nobody asked the provider


def brake_marks(results: list[SendResult]) -> str:
    """The answers of these results as the brake remembers them: "." or "x" (refused for its content)."""
    return "".join(
        "x" if result.fault is Fault.CONTENT else "."
        for result in results
        if result.outcome in (Outcome.ACCEPTED, Outcome.REFUSED, Outcome.DEFERRED)
    )[-BRAKE_LENGTH:]


def brakes(recent: str) -> bool:
    """Whether so many of the last answers refused the content that the campaign must stop."""
    return recent.count("x") >= BRAKE_LIMIT
