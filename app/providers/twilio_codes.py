"""What Twilio's answers mean (https://www.twilio.com/docs/api/errors). Pure; the table is tested line by line."""

import json
import re
from dataclasses import dataclass

from app.channels.contract import Fault, Outcome, Reason, SendResult

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")

OPTED_OUT = frozenset({21610})
INVALID = frozenset({21211, 21214, 21217, 21614, 63003, 63024})
# words or a template that cannot be sent, whoever gets them; 63021: a kind of content that the channel does not take;
# 63027 and more: of WhatsApp's templates
CONTENT = frozenset({21602, 21605, 21617, 21655, 21656, 30007, 63005, 63021, 63027, 63028, 63040, 63041, 63042})
# a picture that Twilio could not fetch or read; 21623: more than one message takes
MEDIA = frozenset({12300, 21620, 21623, 63019})
TOO_LARGE = frozenset({11751, 30019, 63034})
NEEDS_TEMPLATE = frozenset({63016})  # words of our own, and the person has not written within a day
NO_ROUTE = frozenset({21408, 21612})  # a country that the account may not, or cannot, reach
# sign-in, a suspended account, or a sender that may not send: nobody gets anything until a person mends it
SENDER = frozenset(
    {20003, 20005, 20006, 20008, 21212, 21266, 21603, 21606, 21611, 21659, 21660, 21701, 21703, 30034, 63007}
)
BUSY = frozenset({429, 503})
BUSY_CODES = frozenset({20429, 14107, 63018, 63038})  # the last two: too many in a short time, and in a day
AMBIGUOUS = frozenset({500, 502, 504})  # the message may be on its way all the same


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer over HTTP. retry_after: the header as it came."""

    status: int
    body: bytes
    retry_after: str = ""


def result_of(answer: Answer) -> SendResult:
    """What an answer to "send this message" means for the message."""
    said = _said(answer.body)
    if answer.status in (200, 201):
        sid = said.get("sid")
        if isinstance(sid, str) and sid:
            return SendResult(Outcome.ACCEPTED, provider_id=sid[:64])
        return _result(Outcome.UNCONFIRMED, Fault.PROVIDER, Reason.REPLY_LOST, answer, said)
    code = said.get("code")
    if answer.status in BUSY or code in BUSY_CODES:
        return _result(Outcome.NOT_TRANSMITTED, Fault.PROVIDER, None, answer, said)
    if answer.status in AMBIGUOUS or answer.status >= 500:
        return _result(Outcome.UNCONFIRMED, Fault.PROVIDER, Reason.REPLY_LOST, answer, said)
    if code in SENDER or answer.status in (401, 403, 404):
        return _result(Outcome.NOT_TRANSMITTED, Fault.SENDER, None, answer, said)
    if code in OPTED_OUT:
        return _result(Outcome.REFUSED, Fault.RECIPIENT, Reason.SUPPRESSED, answer, said)
    if code in INVALID:
        return _result(Outcome.REFUSED, Fault.RECIPIENT, Reason.INVALID_RECIPIENT, answer, said)
    if code in NEEDS_TEMPLATE:
        return _result(Outcome.REFUSED, Fault.CONTENT, Reason.OUTSIDE_WINDOW, answer, said)
    if code in MEDIA:
        return _result(Outcome.REFUSED, Fault.CONTENT, Reason.MEDIA_REFUSED, answer, said)
    if code in TOO_LARGE:
        return _result(Outcome.REFUSED, Fault.CONTENT, Reason.TOO_LARGE, answer, said)
    if code in CONTENT:
        return _result(Outcome.REFUSED, Fault.CONTENT, Reason.REJECTED_CONTENT, answer, said)
    return _result(Outcome.REFUSED, Fault.RECIPIENT, Reason.REJECTED, answer, said)


def _said(body: bytes) -> dict[str, object]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _result(
    outcome: Outcome, fault: Fault, reason: Reason | None, answer: Answer, said: dict[str, object]
) -> SendResult:
    words = CONTROL.sub(" ", str(said.get("message") or "")).strip()
    return SendResult(
        outcome,
        fault,
        reason,
        code=str(said.get("code") or answer.status),
        detail=without_numbers(words)[:255],
        retry_after_seconds=float(answer.retry_after) if answer.retry_after.isdecimal() else None,
    )


def without_numbers(text: str) -> str:
    """Twilio's words without the phone number they repeat: what is kept of a result holds no address."""
    return re.sub(r"\+?[0-9][0-9 ()-]{6,}[0-9]", "…", text)
