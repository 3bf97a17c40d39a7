"""SMTP accounts: saving them with their secrets sealed, and trying them out."""

import re
from datetime import datetime
from uuid import uuid4

from flask import current_app
from flask_mail import Message

from app.channels.address import normalise_email, wire_address
from app.channels.contract import Channel, Outgoing, SmtpSettings, TestReport
from app.channels.dkim import DkimKey, Signer
from app.channels.models import SmtpAccount
from app.channels.registry import transport_for
from app.extensions import db
from app.kernel import clock
from app.kernel.crypto import sealer
from app.kernel.errors import InvalidInput, NotFound

HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?")
CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
LIMITS = ("per_second", "per_minute", "per_hour", "per_day")
MAX_CONNECTIONS = 200


def get_account(account_id: int) -> SmtpAccount:
    """The account. Raises NotFound."""
    account = db.session.get(SmtpAccount, account_id)
    if account is None:
        raise NotFound("There is no such SMTP account. It may have been deleted.")
    return account


def prepare_account(account: SmtpAccount, secret: str | None = None) -> None:
    """Check and stamp an account that is about to be saved. secret: the new password; None or "" keeps the old one.

    Saving clears the pause and the breaker: a person has just looked at it. Raises InvalidInput naming the field.
    """
    for field, limit in (("name", 120), ("host", 253), ("username", 255), ("from_name", 120)):
        value = (getattr(account, field) or "").strip()
        if CONTROL.search(value) or len(value) > limit:
            raise InvalidInput(f"Use one line of at most {limit} characters.", field)
        setattr(account, field, value)
    if not account.name:
        raise InvalidInput("Give the account a name.", "name")
    if not HOST.fullmatch(account.host):
        raise InvalidInput("Enter the name of the mail server, such as smtp.example.org, without http://.", "host")
    _check_numbers(account)
    account.from_email = _address(account.from_email, "from_email")
    account.reply_to = _address(account.reply_to, "reply_to") if account.reply_to else None
    now = clock.utcnow()
    account.uid = account.uid or uuid4().bytes
    if secret:
        account.secret_sealed = sealer("secret").seal(secret.encode(), account.uid)
    account.created_at, account.changed_at = account.created_at or now, now
    account.paused_reason = account.breaker_open_until = None
    account.breaker_open_seconds = 0


def _check_numbers(account: SmtpAccount) -> None:
    if not 1 <= (account.port or 0) <= 65535:
        raise InvalidInput("The port is a number from 1 to 65535; usual are 587 and 465.", "port")
    if not 1 <= (account.max_connections or 0) <= MAX_CONNECTIONS:
        raise InvalidInput(f"Choose 1 to {MAX_CONNECTIONS} connections.", "max_connections")
    if not 1 <= (account.messages_per_connection or 0) <= 100_000:
        raise InvalidInput("Choose 1 to 100000 messages.", "messages_per_connection")
    for field in LIMITS:
        value = getattr(account, field)
        if value is not None and not 1 <= value <= 10_000_000:
            raise InvalidInput("Choose a number from 1 to 10000000, or leave it empty for no limit.", field)


def _address(text: str | None, field: str) -> str:
    try:
        return normalise_email(text or "")
    except InvalidInput as error:
        raise InvalidInput(str(error), field) from error


def settings_of(account: SmtpAccount) -> SmtpSettings:
    """What a transport needs to speak to the server of this account, the secret opened."""
    secret = sealer("secret").open(account.secret_sealed, account.uid).decode() if account.secret_sealed else ""
    return SmtpSettings(
        host=account.host,
        port=account.port,
        security=account.security,
        username=account.username,
        secret=secret,
        auth=account.auth,
        helo=account.from_email.rsplit("@", 1)[1],
        ca_file=current_app.config["SMTP_CA_FILE"],
        messages_per_connection=account.messages_per_connection,
    )


def signer_of(account: SmtpAccount) -> Signer | None:
    """What signs the messages of this account (DKIM), if it has a key."""
    if not account.dkim_key_sealed or not account.dkim_domain or not account.dkim_selector:
        return None
    pem = sealer("secret").open(account.dkim_key_sealed, account.uid).decode()
    return Signer(DkimKey(account.dkim_domain, account.dkim_selector, pem))


def test_message(account: SmtpAccount, to: str, now: datetime) -> Outgoing:
    """The small e-mail that shows whether an account works."""
    sender = (account.from_name, account.from_email) if account.from_name else account.from_email
    message = Message(
        subject="Muster: your SMTP account works",
        recipients=[to],
        sender=sender,
        body=f"This is the test e-mail of the SMTP account {account.name}.\nIt arrived, so campaigns can use it.\n",
        date=now.timestamp(),
    )
    content = b"".join(line + b"\r\n" for line in message.as_bytes().splitlines())
    stuffed = content.replace(b"\r\n.", b"\r\n..")
    return Outgoing(0, wire_address(account.from_email), wire_address(to), stuffed)


def send_test_message(account_id: int, to: str) -> TestReport:
    """Send the test e-mail of an account and return the server's answer with the whole dialogue.

    Talks to the network: call it outside a transaction, then note_test() in one.
    """
    account = get_account(account_id)
    message = test_message(account, normalise_email(to), clock.utcnow())
    settings = settings_of(account)
    db.session.rollback()  # no transaction stays open across the network call
    return transport_for(Channel.EMAIL)(settings).send_one(message)
