"""Reports of SendGrid, signed with a key of which we hold the public half.

https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
"""

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from app.channels.receipts import BLOCKED, HARD, Bounce, MailReceipt, ReceiptKind, bounce, clean, code_in
from app.providers.report_values import Malformed, moment, objects, text

SIGNATURE, TIMESTAMP = "X-Twilio-Email-Event-Webhook-Signature", "X-Twilio-Email-Event-Webhook-Timestamp"
TOLD_WITHIN = timedelta(hours=25)  # for 24 hours SendGrid tries again


def is_signed(public_key: str, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Whether SendGrid signed this body. public_key: as its page shows it, base64 of the key in DER."""
    stamp = headers.get(TIMESTAMP, "")
    at = moment(int(stamp)) if stamp.isascii() and stamp.isdecimal() and len(stamp) < 12 else None
    if at is None or abs(now - at) > TOLD_WITHIN:
        return False
    try:
        key = load_der_public_key(base64.b64decode(public_key))
        signature = base64.b64decode(headers.get(SIGNATURE, ""), validate=True)
        if not isinstance(key, EllipticCurvePublicKey):
            return False
        key.verify(signature, stamp.encode() + body, ECDSA(SHA256()))
    except (binascii.Error, ValueError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def read(body: bytes) -> list[MailReceipt]:
    """What these events say, in their order. Raises Malformed."""
    try:
        events = json.loads(body)
    except (ValueError, RecursionError):
        raise Malformed from None
    if not isinstance(events, list):
        raise Malformed
    return [receipt for event in objects(events) if (receipt := _receipt(event)) is not None]


def _receipt(event: dict[str, Any]) -> MailReceipt | None:
    keys, at = (text(event, "smtp-id"),), moment(event.get("timestamp"))
    match text(event, "event"):
        case "delivered":
            return MailReceipt(keys, ReceiptKind.DELIVERED, at=at)
        case "spamreport":
            return MailReceipt(keys, ReceiptKind.COMPLAINT, at=at)
        case "bounce" | "dropped":
            words = text(event, "reason")
            code = code_in(f"{text(event, 'status')} {words}")
            meant = _meant(event, bounce(code, words), words)
            return MailReceipt(keys, meant.kind, meant.reason, code, clean(words), at)
        case _:
            return None


def _meant(event: dict[str, Any], by_code: Bounce, words: str) -> Bounce:
    if text(event, "event") == "dropped":  # what SendGrid itself did not want to send
        return HARD if words.startswith(("Bounced Address", "Invalid")) else BLOCKED
    if text(event, "type") == "blocked":
        return BLOCKED if by_code is HARD else by_code
    is_for_good = text(event, "status").startswith("5") and by_code.kind is ReceiptKind.SOFT_BOUNCE
    return HARD if is_for_good else by_code  # SendGrid sends nothing more there
