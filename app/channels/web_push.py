"""The installation's one sender of notifications: its keys made once and kept sealed, its settings saved."""

from base64 import urlsafe_b64encode
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask import current_app
from sqlalchemy import select

from app.channels import service
from app.channels.contract import PushSettings
from app.channels.models import WebPushSender
from app.extensions import db
from app.kernel import audit
from app.kernel.audit import What
from app.kernel.crypto import sealer
from app.kernel.errors import InvalidInput, Unavailable

NAME = "Web push"
NUMBERS = (("max_connections", 64, 1, 100),)  # up to four workers share them (sending.slices)


def ensure() -> WebPushSender:
    """The sender, made with a new pair of keys when there is none."""
    found = _only()
    if found is not None:
        return found
    key = ec.generate_private_key(ec.SECP256R1())
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    sender = WebPushSender(name=NAME, uid=uuid4().bytes, public_key=urlsafe_b64encode(point).rstrip(b"=").decode())
    sender.secret_sealed = service.sealed(f"{key.private_numbers().private_value:064x}", sender.uid)
    prepare(sender)
    db.session.add(sender)
    db.session.flush()
    audit.note(What.WEB_PUSH_CREATE, sender.id, sender.name)
    return sender


def _only() -> WebPushSender | None:
    return db.session.scalar(select(WebPushSender).order_by(WebPushSender.id).limit(1))


def get() -> WebPushSender:
    """The sender. Raises Unavailable before the first start has made it."""
    found = _only()
    if found is None:
        raise Unavailable("Web push has no keys yet. Start Muster with run.py once.")
    return found


def prepare(sender: WebPushSender) -> None:
    """Check and stamp the sender when it is about to be saved.

    Saving clears the pause and the breaker: a person has just looked at it. Raises InvalidInput naming the field.
    """
    sender.name = (sender.name or "").strip()
    if service.CONTROL.search(sender.name) or len(sender.name) > 120:
        raise InvalidInput("Use one line of at most %(limit)s characters.", "name", limit=120)
    service.check_name(sender)
    service.check_numbers(sender, NUMBERS)
    service.check_limits(sender)
    if sender.id:
        audit.note(What.WEB_PUSH_CHANGE, sender.id, sender.name, fields=service.changed_fields(sender))
    service.stamp(sender)


def settings_of(sender: WebPushSender) -> PushSettings:
    """What a transport needs to send with this key, the secret opened."""
    assert sender.secret_sealed is not None
    key = sealer("secret").open(sender.secret_sealed, sender.uid).decode()
    return PushSettings(subject=current_app.config["PUBLIC_URL"], private_key=bytes.fromhex(key))
