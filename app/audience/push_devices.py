"""Subscribing a person's browser to notifications, finding their devices, and forgetting those that are gone."""

import binascii
import re
from base64 import urlsafe_b64decode
from collections.abc import Collection, Sequence
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import uuid4

import msgpack
from cryptography.hazmat.primitives.asymmetric import ec
from flask import current_app
from sqlalchemy import delete, func, select

from app.audience.addresses import email_index
from app.audience.models import Contact
from app.audience.push_models import PushDevice
from app.channels.address import normalise_email
from app.channels.contract import Device
from app.extensions import db
from app.kernel import clock
from app.kernel.crypto import blind_index, sealer
from app.kernel.errors import Conflict, InvalidInput, NotFound
from app.kernel.signing import TokenPurpose, key_for, read, signer
from app.kernel.texts import N_

PURPOSE = "push"
MAX_ENDPOINT, MAX_DEVICES = 1000, 20
NOBODY = 0  # the contact in the links of test messages and previews
LINK_LASTS = timedelta(days=90)
ENDED = N_("This link has ended. Ask whoever sent it to you for a new one.")
# The first that is found: every browser names the ones that it descends from.
BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Firefox/": "Firefox",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
}
SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS X": "Mac",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


def link(contact_id: int) -> str:
    """The address of the page where this person subscribes a browser; it ends some months after the day it is made."""
    day = clock.utcnow().replace(hour=0, minute=0, second=0, microsecond=0)
    token = signer(key_for(TokenPurpose.PUSH))(contact_id, int((day + LINK_LASTS).timestamp())).decode()
    return f"{current_app.config['PUBLIC_URL']}/push/{token}"


def contact_of(token: str) -> int:
    """The id of the person whose link has this token, NOBODY for that of a test message.

    Raises NotFound for one that ended or was made up.
    """
    contact_id, ends = read(key_for(TokenPurpose.PUSH), token)
    if contact_id == NOBODY:
        return NOBODY
    if clock.utcnow().timestamp() > ends or db.session.get(Contact, contact_id) is None:
        raise NotFound(ENDED)
    return contact_id


def subscribe(contact_id: int, endpoint: str, p256dh: str, auth: str, name: str = "") -> PushDevice:
    """Keep a subscription as a browser gives it (keys in base64url); the same browser again is the same row.

    Raises InvalidInput for what is none, or leads to no push service that we know, Conflict when there are too many.
    """
    _check_endpoint(endpoint)
    keys = [endpoint, _point(p256dh), _key_bytes(auth, 16)]
    index = _index(endpoint)
    device = db.session.scalar(select(PushDevice).where(PushDevice.endpoint_index == index).with_for_update())
    if device is None or device.contact_id != contact_id:  # a browser can go over to somebody else
        own = select(func.count()).select_from(PushDevice).where(PushDevice.contact_id == contact_id)
        if (db.session.scalar(own) or 0) >= MAX_DEVICES:
            raise Conflict("You have subscribed %(most)s browsers already. Unsubscribe one first.", most=MAX_DEVICES)
    if device is None:
        device = PushDevice(uid=uuid4().bytes, endpoint_index=index, created_at=clock.utcnow())
        db.session.add(device)
    device.contact_id, device.name = contact_id, name[:60]
    device.sealed = sealer(PURPOSE).seal(msgpack.packb(keys), device.uid)
    db.session.flush()
    return device


def unsubscribe(contact_id: int, endpoint: str) -> None:
    """Forget a browser of this person; one that is not there is no error."""
    mine = (PushDevice.endpoint_index == _index(endpoint), PushDevice.contact_id == contact_id)
    db.session.execute(delete(PushDevice).where(*mine))


def renew(old_endpoint: str, endpoint: str, p256dh: str, auth: str) -> None:
    """A browser got another subscription by itself; who names the old address is that browser: nobody else knows it.

    Raises NotFound when the old one is not here, and what subscribe() raises.
    """
    old = db.session.scalar(select(PushDevice).where(PushDevice.endpoint_index == _index(old_endpoint)))
    if old is None:
        raise NotFound("This browser is not subscribed here.")
    contact_id, name = old.contact_id, old.name
    db.session.delete(old)
    db.session.flush()
    subscribe(contact_id, endpoint, p256dh, auth, name)


def forget(device_ids: Collection[int]) -> None:
    """Delete devices that their push services do not know any more."""
    db.session.execute(delete(PushDevice).where(PushDevice.id.in_(device_ids)))


def of_people(uids: Sequence[bytes]) -> dict[bytes, tuple[Device, ...]]:
    """The devices of the contacts with these uids, opened; who has none is left out."""
    query = (
        select(Contact.uid, PushDevice.id, PushDevice.uid.label("device_uid"), PushDevice.sealed)
        .join(PushDevice, PushDevice.contact_id == Contact.id)
        .where(PushDevice.contact_id.in_(select(Contact.id).where(Contact.uid.in_(uids))))
        .order_by(PushDevice.id)
    )
    open_, found = sealer(PURPOSE).open, dict[bytes, tuple[Device, ...]]()
    for row in db.session.execute(query):
        device = Device(row.id, *msgpack.unpackb(open_(row.sealed, row.device_uid)))
        found[row.uid] = (*found.get(row.uid, ()), device)
    return found


def of_address(email: str) -> tuple[Device, ...]:
    """The devices of the contact with this e-mail address. Raises InvalidInput for what is none."""
    index = email_index(normalise_email(email))
    uid = db.session.scalar(select(Contact.uid).where(Contact.email_index == index))
    return of_people([uid]).get(uid, ()) if uid is not None else ()


def of_contact(contact_id: int) -> Sequence[PushDevice]:
    """The devices of one person, the oldest first."""
    mine = select(PushDevice).where(PushDevice.contact_id == contact_id)
    return db.session.scalars(mine.order_by(PushDevice.id)).all()


def count() -> tuple[int, int]:
    """How many devices there are, and of how many people."""
    both = select(func.count(), func.count(PushDevice.contact_id.distinct())).select_from(PushDevice)
    devices, people = db.session.execute(both).one()
    return devices, people


def name_of(user_agent: str) -> str:
    """What people call a browser that names itself so: "Firefox, Windows"; "" when nothing is known."""
    browser = next((name for mark, name in BROWSERS.items() if mark in user_agent), "")
    system = next((name for mark, name in SYSTEMS.items() if mark in user_agent), "")
    return ", ".join(filter(None, (browser, system)))


def _index(endpoint: str) -> bytes:
    return blind_index(PURPOSE).of(endpoint)


def _check_endpoint(endpoint: str) -> None:
    """Only addresses of the push services in the settings: our requests must not be led anywhere else."""
    services: Sequence[str] = current_app.config["PUSH_SERVICES"]
    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    is_text = re.fullmatch(r"[\x21-\x7e]+", endpoint) is not None and len(endpoint) <= MAX_ENDPOINT
    if is_text and host and parts.username is None and parts.password is None:
        is_known = any(host == each or host.endswith(f".{each}") for each in services)
        if parts.scheme == "https" and port in (None, 443) and is_known:
            return
        if f"{parts.scheme}://{parts.netloc}" in services:  # a stand-in on this machine
            return
    raise InvalidInput("This browser's push service is not known here. Try another browser.", "endpoint")


def _key_bytes(text: str, length: int) -> bytes:
    try:
        raw = urlsafe_b64decode(f"{text}{'=' * (-len(text) % 4)}".encode("ascii"))
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != length:
        raise InvalidInput("The keys of this subscription cannot be used. Subscribe again.", "keys")
    return raw


def _point(text: str) -> bytes:
    raw = _key_bytes(text, 65)
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)
    except ValueError:
        raise InvalidInput("The keys of this subscription cannot be used. Subscribe again.", "keys") from None
    return raw
