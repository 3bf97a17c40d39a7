"""Reports of Mailgun, signed in their own body with the signing key of the account.

https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks
"""

import hashlib
import hmac
import json
from datetime import datetime, timedelta
from typing import Any

from app.channels.receipts import BLOCKED, HARD, MailReceipt, ReceiptKind, bounce, clean, code_in
from app.providers.report_values import Malformed, at, moment, text

TOLD_WITHIN = timedelta(hours=9)  # for about eight hours Mailgun tries again


def report(body: bytes) -> dict[str, Any]:
    """The report. Raises Malformed."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise Malformed from None
    if not isinstance(found, dict) or not isinstance(found.get("event-data"), dict):
        raise Malformed
    return found


def is_signed(key: str, told: dict[str, Any], now: datetime) -> bool:
    """Whether Mailgun signed this report, and not longer ago than it tries."""
    stamp, token = text(told, "signature", "timestamp"), token_of(told)
    at_ = moment(int(stamp)) if stamp.isascii() and stamp.isdecimal() and len(stamp) < 12 else None
    if at_ is None or not token or abs(now - at_) > TOLD_WITHIN:
        return False
    expected = hmac.new(key.encode(), f"{stamp}{token}".encode("utf-8", "replace"), hashlib.sha256).hexdigest()
    shown = text(told, "signature", "signature").encode("utf-8", "replace")
    return hmac.compare_digest(expected.encode(), shown)


def token_of(told: dict[str, Any]) -> str:
    """What Mailgun makes anew for every report."""
    return text(told, "signature", "token")


def read(told: dict[str, Any]) -> list[MailReceipt]:
    """What this report says: of one message at a time."""
    receipt = _receipt(told["event-data"])
    return [] if receipt is None else [receipt]


def _receipt(event: dict[str, Any]) -> MailReceipt | None:
    keys = (text(event, "message", "headers", "message-id"), text(event, "envelope", "sender"))
    when = moment(event.get("timestamp"))
    match text(event, "event"):
        case "delivered":
            return MailReceipt(keys, ReceiptKind.DELIVERED, at=when)
        case "complained":
            return MailReceipt(keys, ReceiptKind.COMPLAINT, at=when)
        case "failed" if text(event, "severity") == "permanent":  # else Mailgun goes on trying
            status = at(event, "delivery-status")
            words = text(status, "message") or text(status, "description")
            code = code_in(f"{text(status, 'enhanced-code')} {words}")
            reason = text(event, "reason")
            meant = bounce(code, words)
            if reason.startswith("suppress-"):  # what Mailgun itself did not want to send
                meant = HARD if reason == "suppress-bounce" else BLOCKED
            return MailReceipt(keys, meant.kind, meant.reason, code, clean(words), when)
        case _:
            return None
