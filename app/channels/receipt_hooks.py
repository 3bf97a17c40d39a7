"""How the reports of providers are checked: saved with their secrets sealed, and what came of them."""

import base64
import binascii
import re
from collections.abc import Iterable
from uuid import uuid4

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from app.channels import service
from app.channels.receipt_models import ReceiptHook
from app.channels.receipts import PROVIDERS, ReceiptKind, ReceiptWay
from app.extensions import db
from app.kernel import audit, clock
from app.kernel.audit import What
from app.kernel.crypto import sealer
from app.kernel.errors import InvalidInput
from app.kernel.texts import N_

# What is checked with something that is no secret, and with what is one.
WITH_SETTING = frozenset({ReceiptWay.SES, ReceiptWay.SENDGRID})
TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]{5,30}:\d{12}:[A-Za-z0-9_-]{1,256}")
LEAST_SECRET = 16  # characters
NO_TOPIC = N_("Copy the ARN of the topic from Amazon SNS: arn:aws:sns:, region, account and name.")
NO_KEY = N_("Copy the verification key from SendGrid's page of the event webhook, all of it.")


def find(way: ReceiptWay) -> ReceiptHook | None:
    """How the reports of this provider are checked; None when they are not taken."""
    return db.session.get(ReceiptHook, way)


def secret_of(hook: ReceiptHook) -> str:
    """Its secret, opened; "" without one."""
    return sealer("secret").open(hook.secret_sealed, hook.uid).decode() if hook.secret_sealed else ""


def save(way: ReceiptWay, value: str) -> None:
    """Take the reports of this provider, checked with that value from now on. "" keeps a stored secret.

    Raises InvalidInput.
    """
    value = value.strip()
    hook = find(way) or ReceiptHook(way=way, uid=uuid4().bytes)
    if way in WITH_SETTING:
        hook.setting = _topic(value) if way is ReceiptWay.SES else _public_key(value)
    elif value or not hook.secret_sealed:
        hook.secret_sealed = _sealed(value, hook.uid)
    db.session.add(hook)
    audit.note(What.RECEIPT_HOOK_CHANGE, None, PROVIDERS[way], is_on=True)


def stop(way: ReceiptWay) -> None:
    """Take no reports of this provider any more; what came stays counted."""
    hook = find(way)
    if hook is not None:
        hook.setting, hook.secret_sealed = "", None
        audit.note(What.RECEIPT_HOOK_CHANGE, None, PROVIDERS[way], is_on=False)


def is_on(hook: ReceiptHook | None) -> bool:
    """Whether reports are taken."""
    return hook is not None and bool(hook.setting or hook.secret_sealed)


def _sealed(value: str, uid: bytes) -> bytes:
    if len(value) < LEAST_SECRET:
        raise InvalidInput("Use at least %(least)s characters.", "value", least=LEAST_SECRET)
    try:
        return service.sealed(value, uid)
    except InvalidInput as error:
        raise error.about("value") from error


def _topic(text: str) -> str:
    if not TOPIC.fullmatch(text):
        raise InvalidInput(NO_TOPIC, "value")
    return text


def _public_key(text: str) -> str:
    try:
        plain = "".join(text.split())
        key = load_der_public_key(base64.b64decode(plain, validate=True))
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        raise InvalidInput(NO_KEY, "value") from None
    if not isinstance(key, EllipticCurvePublicKey) or len(plain) > 500:
        raise InvalidInput(NO_KEY, "value")
    return plain


def count(way: ReceiptWay, known: Iterable[ReceiptKind], unknown: int) -> None:
    """Count reports that were taken: those on messages of ours by their kind, and the others."""
    hook = db.session.get(ReceiptHook, way, with_for_update=True)
    if hook is None:
        return
    hook.last_event_at = clock.utcnow()
    hook.unknown += unknown
    for kind in known:
        if kind is ReceiptKind.DELIVERED:
            hook.delivered += 1
        elif kind is ReceiptKind.COMPLAINT:
            hook.complained += 1
        else:
            hook.bounced += 1
