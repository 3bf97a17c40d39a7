"""What the answers of push services mean (RFC 8030, 8292). Pure; the table is tested line by line."""

import re
from dataclasses import replace

from app.channels.contract import Fault, Outcome, Reason, SendResult

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
GONE = frozenset({404, 410})
SENDER = frozenset({400, 401, 403})  # our key, our token or our headers
MAX_HINT_SECONDS = 86400.0
# What is said of several devices, the best first: a person who got it on one of them got it.
BEST_FIRST = (Outcome.ACCEPTED, Outcome.UNCONFIRMED, Outcome.DEFERRED, Outcome.NOT_TRANSMITTED, Outcome.REFUSED)


def result_of(status: int, body: bytes = b"", retry_after: str = "") -> SendResult:
    """What an answer of a push service means for the message to one device. retry_after: the header as it came."""
    if 200 <= status < 300:
        return SendResult(Outcome.ACCEPTED)
    words = CONTROL.sub(" ", body[:1000].decode("utf-8", "replace")).strip()[:255]
    hint = min(float(retry_after), MAX_HINT_SECONDS) if re.fullmatch("[0-9]{1,9}", retry_after) else None
    code = str(status)
    if status in GONE:
        return SendResult(Outcome.REFUSED, Fault.RECIPIENT, Reason.DEVICE_GONE, code, words)
    if status in SENDER:
        return SendResult(Outcome.NOT_TRANSMITTED, Fault.SENDER, code=code, detail=words)
    if status == 413:
        return SendResult(Outcome.REFUSED, Fault.CONTENT, Reason.TOO_LARGE, code, words)
    if status == 429 or status >= 500:
        return SendResult(Outcome.DEFERRED, Fault.RECIPIENT, Reason.SERVICE_AWAY, code, words, hint)
    return SendResult(Outcome.REFUSED, Fault.RECIPIENT, Reason.REJECTED, code, words)


def together(results: dict[int, SendResult]) -> SendResult:
    """What became of a person, of what became of each of their devices (by id): the best of it.

    Devices that are gone are named in it, whatever became of the others.
    """
    best = min(results.values(), key=_place)
    return replace(best, gone=tuple(key for key, each in results.items() if each.reason is Reason.DEVICE_GONE))


def _place(result: SendResult) -> tuple[int, bool]:
    return BEST_FIRST.index(result.outcome), result.reason is Reason.DEVICE_GONE
