"""Reports of Amazon SES, which come through a topic of Amazon SNS and are signed by it.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html,
https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html
"""

import base64
import binascii
import json
import re
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from app.channels.receipts import (
    BLOCKED,
    FULL,
    HARD,
    LARGE,
    SOFT,
    Bounce,
    MailReceipt,
    ReceiptKind,
    bounce,
    clean,
    code_in,
)
from app.providers.report_values import Malformed, at, moment, objects, text

Fetch = Callable[[str], bytes]  # an https address -> what is there; raises OSError

_HOST = re.compile(r"sns\.[a-z]{2}(?:-[a-z]+){1,3}-\d{1,2}\.amazonaws\.com(?:\.cn)?")
_HASHES = {"1": SHA1, "2": SHA256}
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
_SIGNED["UnsubscribeConfirmation"] = _SIGNED["SubscriptionConfirmation"]
_TRANSIENT = {"MailboxFull": FULL, "MessageTooLarge": LARGE, "ContentRejected": BLOCKED, "AttachmentRejected": BLOCKED}


def envelope(body: bytes) -> dict[str, Any]:
    """What SNS sent. Raises Malformed."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise Malformed from None
    if not isinstance(found, dict) or found.get("Type") not in _SIGNED:
        raise Malformed
    return found


def is_signed(message: dict[str, Any], fetch: Fetch, now: datetime) -> bool:
    """Whether SNS signed this message. Raises OSError when its certificate cannot be fetched."""
    address, version = text(message, "SigningCertURL"), text(message, "SignatureVersion")
    if not is_of_sns(address) or not urlsplit(address).path.endswith(".pem") or version not in _HASHES:
        return False
    try:
        signature = base64.b64decode(text(message, "Signature"), validate=True)
        certificate = _certificate(address, fetch)
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            return False
        key = certificate.public_key()
        if not isinstance(key, RSAPublicKey):
            return False
        key.verify(signature, _signed_text(message), PKCS1v15(), _HASHES[version]())
    except (binascii.Error, InvalidSignature, ValueError):
        return False
    return True


def is_of_sns(address: str) -> bool:
    """Whether an address leads to Amazon SNS over https, and nowhere else."""
    try:
        parts = urlsplit(address)
        has_usual_port = parts.port in (None, 443)
    except ValueError:
        return False
    is_plain = parts.username is None and parts.password is None and has_usual_port
    return parts.scheme == "https" and is_plain and bool(_HOST.fullmatch(parts.hostname or ""))


@lru_cache(maxsize=16)
def _certificate(address: str, fetch: Fetch) -> x509.Certificate:
    return x509.load_pem_x509_certificate(fetch(address))


def _signed_text(message: dict[str, Any]) -> bytes:
    names = [name for name in _SIGNED[message["Type"]] if name != "Subject" or text(message, name)]
    return "".join(f"{name}\n{text(message, name)}\n" for name in names).encode("utf-8", "replace")


def read(message: dict[str, Any]) -> list[MailReceipt]:
    """What a notification says. Raises Malformed."""
    try:
        told = json.loads(text(message, "Message"))
    except (ValueError, RecursionError):
        if text(message, "Subject") or text(message, "Message").startswith("Successfully validated"):
            return []  # what SNS or a person writes to see whether the topic works
        raise Malformed from None
    mail = at(told, "mail")
    if not isinstance(mail, dict):
        raise Malformed
    keys = _keys(mail)
    match text(told, "notificationType") or text(told, "eventType"):
        case "Bounce":
            return _bounces(told["bounce"], keys) if isinstance(at(told, "bounce"), dict) else []
        case "Complaint":
            return _complaints(told, keys)
        case "Delivery":
            return [MailReceipt(keys, ReceiptKind.DELIVERED, at=moment(at(told, "delivery", "timestamp")))]
        case _:
            return []


def _keys(mail: dict[str, Any]) -> tuple[str, ...]:
    headers = {text(header, "name").lower(): text(header, "value") for header in objects(at(mail, "headers"))}
    found = (text(mail, "source"), headers.get("message-id", ""), text(mail, "commonHeaders", "messageId"))
    return tuple(each for each in found if each)


def _bounces(told: dict[str, Any], keys: tuple[str, ...]) -> list[MailReceipt]:
    recipients = objects(at(told, "bouncedRecipients")) or [{}]
    words = text(recipients[0], "diagnosticCode")
    code = code_in(f"{text(recipients[0], 'status')} {words}")
    meant = _meant(text(told, "bounceType"), text(told, "bounceSubType"), bounce(code, words))
    return [MailReceipt(keys, meant.kind, meant.reason, code, clean(words), moment(at(told, "timestamp")))]


def _meant(kind: str, subtype: str, by_code: Bounce) -> Bounce:
    if kind == "Permanent":
        return by_code if by_code.kind is ReceiptKind.BLOCKED else HARD
    return _TRANSIENT.get(subtype, by_code if by_code is not HARD else SOFT)


def _complaints(told: dict[str, Any], keys: tuple[str, ...]) -> list[MailReceipt]:
    kind = text(told, "complaint", "complaintFeedbackType")
    if kind == "not-spam":
        return []
    return [MailReceipt(keys, ReceiptKind.COMPLAINT, detail=clean(kind), at=moment(at(told, "complaint", "timestamp")))]
