"""Reports of Postmark, which signs nothing: it shows a password that was given to it.

https://postmarkapp.com/developer/webhooks/webhooks-overview
"""

import base64
import binascii
import hmac
import json
from typing import Any

from app.channels.receipts import BLOCKED, FULL, HARD, SOFT, MailReceipt, ReceiptKind, bounce, clean, code_in
from app.providers.report_values import Malformed, at, moment, text, texts

USER = "muster"
_BOUNCES = {
    "HardBounce": HARD,
    "BadEmailAddress": HARD,
    "SoftBounce": SOFT,
    "DnsError": SOFT,
    "Unknown": SOFT,
    **dict.fromkeys(("Blocked", "SpamNotification", "VirusNotification", "DMARCPolicy"), BLOCKED),
}


def is_signed(password: str, authorization: str) -> bool:
    """Whether a request carries our user name and this password (HTTP Basic)."""
    kind, _, value = authorization.partition(" ")
    try:
        shown = base64.b64decode(value.strip(), validate=True)
    except (binascii.Error, ValueError):
        return False
    return kind.lower() == "basic" and hmac.compare_digest(shown, f"{USER}:{password}".encode())


def read(body: bytes) -> list[MailReceipt]:
    """What this report says: of one message at a time. Raises Malformed."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise Malformed from None
    if not isinstance(told, dict) or not text(told, "RecordType"):
        raise Malformed
    receipt = _receipt(told)
    return [] if receipt is None else [receipt]


def _receipt(told: dict[str, Any]) -> MailReceipt | None:
    keys = tuple(texts(at(told, "Metadata")))  # the header of message_marks.py comes back in it
    kind = text(told, "Type")
    match text(told, "RecordType"):
        case "Delivery":
            return MailReceipt(keys, ReceiptKind.DELIVERED, at=moment(told.get("DeliveredAt")))
        case "SpamComplaint":
            return MailReceipt(keys, ReceiptKind.COMPLAINT, at=moment(told.get("BouncedAt")))
        case "Bounce" if kind in _BOUNCES:
            words = text(told, "Details") or text(told, "Description")
            code = code_in(words)
            meant = FULL if bounce(code, words) is FULL else _BOUNCES[kind]
            return MailReceipt(keys, meant.kind, meant.reason, code, clean(words), moment(told.get("BouncedAt")))
        case _:
            return None
