"""Gateways to phones, for text messages and WhatsApp: saving them with their secrets sealed, and trying them out."""

import re
from typing import Any
from uuid import uuid4

from flask import current_app
from sqlalchemy import inspect, select

from app.channels import service
from app.channels.contract import TO_PHONES, Channel, GatewaySettings, OutgoingText, TestReport
from app.channels.models import Gateway
from app.channels.phone import normalise_phone
from app.channels.registry import phone_answers, transport_for
from app.extensions import db
from app.kernel import audit
from app.kernel.audit import What
from app.kernel.crypto import sealer
from app.kernel.errors import InvalidInput, NotFound, Unavailable
from app.kernel.signing import TokenPurpose, key_for, signer
from app.kernel.texts import N_

WHATSAPP_PREFIX = "whatsapp:"  # before every number of WhatsApp, as Twilio wants it
PREFIXES = {Channel.SMS: "", Channel.WHATSAPP: WHATSAPP_PREFIX}
ACCOUNT_SID = re.compile(r"AC[0-9a-f]{32}")
KEY_SID = re.compile(r"SK[0-9a-f]{32}")
SERVICE_SID = re.compile(r"MG[0-9a-f]{32}")
SENDER_NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 &+_-]{1,11}")  # Twilio's alphanumeric sender id
SHORT_CODE = re.compile(r"[0-9]{3,6}")
CURRENCY = re.compile(r"[A-Z]{3}")
NUMBERS = (("max_connections", 64, 1, 100),)  # up to four workers share them (sending.slices)
MAX_PRICE_MICROS = 100_000_000
TEST_TEXT = N_("Muster: your gateway %(name)s works.")


def get(gateway_id: int) -> Gateway:
    """The gateway. Raises NotFound."""
    gateway = db.session.get(Gateway, gateway_id)
    if gateway is None:
        raise NotFound("There is no such gateway. It may have been deleted.")
    return gateway


def prepare(gateway: Gateway, secret: str | None = None) -> None:
    """Check and stamp a gateway that is about to be saved. secret: the new token; None or "" keeps the old one, and of
    a new gateway takes that of another one of the same account. A new token of a stored gateway holds for all of its
    account.

    Saving clears the pause and the breaker: a person has just looked at it. Raises InvalidInput naming the field.
    """
    for field in ("name", "account_sid", "key_sid", "sender", "currency"):
        value = (getattr(gateway, field) or "").strip()
        if service.CONTROL.search(value) or len(value) > 120:
            raise InvalidInput("Use one line of at most %(limit)s characters.", field, limit=120)
        setattr(gateway, field, value)
    service.check_name(gateway)
    _check_channel(gateway)
    if not ACCOUNT_SID.fullmatch(gateway.account_sid):
        raise InvalidInput("Copy the Account SID from Twilio's console: AC and 32 digits and letters.", "account_sid")
    if gateway.key_sid and not KEY_SID.fullmatch(gateway.key_sid):
        raise InvalidInput(
            "Copy the SID of the API key from Twilio's console: SK and 32 digits and letters.", "key_sid"
        )
    gateway.sender = _sender(gateway.sender, gateway.channel)
    gateway.uid = gateway.uid or uuid4().bytes
    _seal(gateway, secret or "")
    if not gateway.secret_sealed:
        raise InvalidInput("Enter the auth token of the account, or the secret of the API key.", "secret")
    service.check_numbers(gateway, NUMBERS)
    service.check_limits(gateway)
    _check_price(gateway)
    if gateway.id:
        audit.note(What.GATEWAY_CHANGE, gateway.id, gateway.name, fields=service.changed_fields(gateway))
    service.stamp(gateway)


def add(gateway: Gateway) -> None:
    """Add a gateway that was prepared."""
    db.session.add(gateway)
    db.session.flush()
    audit.note(What.GATEWAY_CREATE, gateway.id, gateway.name)


def same_account(gateway: Gateway) -> list[Gateway]:
    """The other gateways that sign in as this one does, by name: the numbers and services of one Twilio account."""
    signs_in_so = (Gateway.account_sid == gateway.account_sid, Gateway.key_sid == gateway.key_sid)
    others = select(Gateway).where(*signs_in_so, Gateway.id != (gateway.id or 0)).order_by(Gateway.name)
    with db.session.no_autoflush:  # a form may be about to change this one
        return list(db.session.scalars(others))


def _seal(gateway: Gateway, secret: str) -> None:
    others = same_account(gateway)
    if secret:
        gateway.secret_sealed = service.sealed(secret, gateway.uid)
    elif others and (not gateway.secret_sealed or _signs_in_anew(gateway)):
        gateway.secret_sealed = service.sealed(_secret(others[0]), gateway.uid)
    # not from one that is just added: a slip of the pen there must not stop those that send
    for other in others if secret and gateway.id else ():
        other.secret_sealed = service.sealed(secret, other.uid)
        audit.note(What.GATEWAY_CHANGE, other.id, other.name, fields=["secret"])
        service.stamp(other)


def _signs_in_anew(gateway: Gateway) -> bool:
    fields: Any = inspect(gateway).attrs
    return bool(fields.account_sid.history.has_changes() or fields.key_sid.history.has_changes())


def _secret(gateway: Gateway) -> str:
    assert gateway.secret_sealed is not None
    return sealer("secret").open(gateway.secret_sealed, gateway.uid).decode()


def _check_channel(gateway: Gateway) -> None:
    try:
        gateway.channel = Channel(gateway.channel or Channel.SMS)  # a form gives its text
    except ValueError:
        gateway.channel = Channel.EMAIL
    if gateway.channel not in TO_PHONES:
        raise InvalidInput("Choose text messages or WhatsApp.", "channel")
    if gateway.id and inspect(gateway).attrs.channel.history.has_changes():
        raise InvalidInput("A gateway keeps what it carries. Create another one.", "channel")


def _sender(text: str, channel: Channel) -> str:
    if channel is Channel.WHATSAPP:
        return _whatsapp_sender(text)
    if SERVICE_SID.fullmatch(text) or SENDER_NAME.fullmatch(text) or SHORT_CODE.fullmatch(text):
        return text
    try:
        return normalise_phone(text, None)
    except InvalidInput:
        raise InvalidInput(
            "Enter a number such as +44 7700 900123, the SID of a messaging service (MG…), a short code, or a name of "
            "at most 11 letters and digits.",
            "sender",
        ) from None


def _whatsapp_sender(text: str) -> str:
    if SERVICE_SID.fullmatch(text):
        return text
    try:
        return normalise_phone(text, None)
    except InvalidInput:
        raise InvalidInput(
            "Enter the number that WhatsApp knows, such as +44 7700 900123, or the SID of a messaging service (MG…).",
            "sender",
        ) from None


def _check_price(gateway: Gateway) -> None:
    price = gateway.segment_price_micros
    if price is not None and (not service.is_whole(price) or not 0 <= price <= MAX_PRICE_MICROS):
        raise InvalidInput("Enter a price from 0 to 100, or leave it empty.", "segment_price")
    gateway.currency = gateway.currency.upper()
    if price is None:
        gateway.currency = ""
    elif not CURRENCY.fullmatch(gateway.currency):
        raise InvalidInput("Name the currency of the price with three letters, such as EUR.", "currency")


def settings_of(gateway: Gateway) -> GatewaySettings:
    """What a transport needs to send through this gateway, the secret opened."""
    is_named = gateway.channel is Channel.WHATSAPP and not SERVICE_SID.fullmatch(gateway.sender)
    return GatewaySettings(
        account=gateway.account_sid,
        username=gateway.key_sid or gateway.account_sid,
        sender=f"{WHATSAPP_PREFIX}{gateway.sender}" if is_named else gateway.sender,
        base_url=current_app.config["TWILIO_URL"],
        content_url=current_app.config["TWILIO_CONTENT_URL"],
        secret=_secret(gateway),
    )


def hooks_address() -> str:
    """Where Twilio calls us; "" when it could not be believed: over http anybody on the way reads and repeats it. The
    Twilio of the demo is on this machine, so nobody is on the way."""
    public_url: str = current_app.config["PUBLIC_URL"]
    is_private = public_url.startswith("https://") or current_app.config["DEMO"]
    return f"{public_url}/hooks" if is_private else ""


def inbound_address(gateway: Gateway) -> str:
    """Where Twilio tells what people write to a gateway; "" when it could not be believed: without a private way, or
    without the account's own token, which it signs with."""
    hooks = hooks_address()
    if gateway.key_sid or not hooks:
        return ""
    return f"{hooks}/twilio/inbound/{signer(key_for(TokenPurpose.INBOUND))(gateway.id, 0).decode()}"


def send_test_message(gateway_id: int, to: str) -> TestReport:
    """Send a small text message to one number and return the provider's answer.

    Talks to the network: call it outside a transaction.
    """
    gateway = get(gateway_id)
    try:
        recipient = normalise_phone(to, None)
    except InvalidInput as error:
        raise error.about("to") from error
    prefix, channel = PREFIXES[gateway.channel], gateway.channel
    message = OutgoingText(0, prefix + recipient, str(TEST_TEXT) % {"name": gateway.name})
    settings = settings_of(gateway)
    db.session.rollback()  # no transaction stays open across the network call
    return transport_for(channel)(settings).send_one(message)


def answer_as(gateway_id: int, phone: str, text: str) -> None:
    """Write to a gateway of the demo as the person with this phone (as Twilio writes it), and be told of it as Twilio
    tells. Raises InvalidInput, NotFound, and Unavailable when it did not arrive.

    Talks to the network: call it outside a transaction.
    """
    gateway = get(gateway_id)
    webhook, settings = inbound_address(gateway), settings_of(gateway)
    if not text:
        raise InvalidInput("Write what the person answers.", "text")
    if not webhook:
        raise NotFound("Nobody can answer to this gateway: nothing that it is told could be checked.")
    db.session.rollback()  # no transaction stays open across the network call
    try:
        phone_answers()(settings, webhook, phone, text)
    except OSError as error:
        raise Unavailable("The answer did not arrive. Try again in a moment.") from error
