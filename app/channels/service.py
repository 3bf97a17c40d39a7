"""SMTP accounts: saving them with their secrets sealed, and trying them out."""

import re
from collections.abc import Iterable
from datetime import date, datetime
from email.utils import quote
from ipaddress import IPv6Address
from uuid import uuid4

from flask import current_app
from flask_mail import Message
from sqlalchemy import select

from app.channels import domain_pace, mail_dns, message_marks, stand_ins
from app.channels.address import needs_smtputf8, normalise_email, wire_address
from app.channels.contract import Channel, Outgoing, SmtpSettings, TestReport
from app.channels.dkim import DkimKey, Signer, dns_record, generate_key
from app.channels.models import Limited, Sender, SmtpAccount
from app.channels.registry import dns_records, transport_for
from app.channels.warm_up import FURTHEST, MOST_DAYS
from app.extensions import db
from app.kernel import audit, clock
from app.kernel.audit import What
from app.kernel.crypto import sealer
from app.kernel.errors import InvalidInput, NotFound, Unavailable

HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
WARM_UP = ("warm_up_begins_on", "warm_up_first_day", "warm_up_growth_percent")
LIMITS = ("per_second", "per_minute", "per_hour", "per_day")
MAX_LIMIT = 10_000_000
NUMBERS = (
    ("port", 587, 1, 65535),
    ("max_connections", 8, 1, 200),
    ("messages_per_connection", 500, 1, 100_000),
    ("warm_up_first_day", 50, 1, MAX_LIMIT),
    ("warm_up_growth_percent", 30, 1, 1000),
)
AUTH = ("auto", "plain", "login", "xoauth2")
MAX_PEM_BYTES = 4000
MAX_SECRET_BYTES = 900  # what fits the column when sealed


def get_account(account_id: int) -> SmtpAccount:
    """The account. Raises NotFound."""
    account = db.session.get(SmtpAccount, account_id)
    if account is None:
        raise NotFound("There is no such SMTP account. It may have been deleted.")
    return account


def prepare_account(account: SmtpAccount, secret: str | None = None) -> None:
    """Check and stamp an account that is about to be saved. secret: the new password; None or "" keeps the old one.

    Saving clears the pause, the breaker and a slower pace, and it sends itself again: a person has just looked at it.
    Raises InvalidInput naming the field.
    """
    for field, limit in (("name", 120), ("host", 253), ("username", 255), ("from_name", 120)):
        value = (getattr(account, field) or "").strip()
        if CONTROL.search(value) or len(value) > limit:
            raise InvalidInput("Use one line of at most %(limit)s characters.", field, limit=limit)
        setattr(account, field, value)
    check_name(account)
    check_host(account.host)
    account.auth = (account.auth or AUTH[0]).lower()
    if account.auth not in AUTH:
        raise InvalidInput("Choose one of %(values)s.", "auth", values=", ".join(AUTH))
    check_numbers(account, NUMBERS)
    check_limits(account)
    account.domain_paces = domain_pace.checked(account.domain_paces)
    account.from_email = _address(account.from_email, "from_email")
    account.reply_to = _address(account.reply_to, "reply_to") if account.reply_to else None
    account.bounce_address = _bounce_address(account.bounce_address) if account.bounce_address else None
    stand_ins.check(account)
    account.uid = account.uid or uuid4().bytes
    if secret:
        account.secret_sealed = sealed(secret, account.uid)
    if account.username and not account.secret_sealed:
        raise InvalidInput("Enter the password that goes with the user name.", "secret")
    if account.id:
        audit.note(What.ACCOUNT_CHANGE, account.id, account.name, fields=changed_fields(account))
    stamp(account)
    account.slow_factor, account.slow_from_per_hour, account.slow_changed_at = 1, 0, None
    account.failing_since = None
    stand_ins.end(account)


def changed_fields(sender: Sender) -> list[str]:
    """The fields that were changed; of a secret that it is new, and no more."""
    return sorted(name.removesuffix("_sealed") for name in audit.changed(sender))


def stamp(sender: Sender) -> None:
    """A person has looked at it just now: it is tried again, whatever was wrong with it."""
    now = clock.utcnow()
    sender.created_at, sender.changed_at = sender.created_at or now, now
    sender.paused_reason = sender.breaker_open_until = None
    sender.breaker_open_seconds = 0


def add_account(account: SmtpAccount) -> None:
    """Add an account that was prepared."""
    db.session.add(account)
    db.session.flush()
    audit.note(What.ACCOUNT_CREATE, account.id, account.name)


def _is_ipv6(host: str) -> bool:
    try:
        return bool(IPv6Address(host))
    except ValueError:
        return False


def check_host(host: str) -> None:
    """Refuse what is neither the name nor the address of a server. Raises InvalidInput."""
    if not HOST.fullmatch(host) and not _is_ipv6(host):
        raise InvalidInput("Enter the name of the mail server alone, such as smtp.example.org.", "host")


def check_name(sender: Sender) -> None:
    """Refuse a sender without a name, or with that of another one of its kind. Raises InvalidInput."""
    if not sender.name:
        raise InvalidInput("Give the account a name.", "name")
    kind = type(sender)
    with db.session.no_autoflush:
        same = select(kind.id).where(kind.name == sender.name, kind.id != (sender.id or 0))
        if db.session.scalar(same) is not None:
            raise InvalidInput("Another account has this name. Choose a different one.", "name")


def sealed(secret: str, uid: bytes) -> bytes:
    """A secret as it is stored. Raises InvalidInput for one that is no line of text, or too long."""
    try:
        plain = secret.encode()
    except UnicodeEncodeError:  # half a character, which only a program can send
        plain = b""
    if CONTROL.search(secret) or not 0 < len(plain) <= MAX_SECRET_BYTES:
        raise InvalidInput("Use one line of at most %(limit)s bytes.", "secret", limit=MAX_SECRET_BYTES)
    return sealer("secret").seal(plain, uid)


def check_numbers(sender: Sender, numbers: Iterable[tuple[str, int, int, int]]) -> None:
    """Fill in the usual value of each of these (field, usual, least, most), or refuse one out of its range."""
    for field, usual, lowest, highest in numbers:
        value = getattr(sender, field)
        if value is None:
            setattr(sender, field, usual)
        elif not is_whole(value) or not lowest <= value <= highest:
            raise InvalidInput(
                "Choose a whole number from %(least)s to %(most)s; %(usual)s is usual.",
                field,
                least=lowest,
                most=highest,
                usual=usual,
            )


def check_limits(limited: Limited) -> None:
    """Refuse a limit that is none, and a warm-up that never reaches its limit. Raises InvalidInput."""
    for field in LIMITS:
        value = getattr(limited, field)
        if value is not None and (not is_whole(value) or not 1 <= value <= MAX_LIMIT):
            raise InvalidInput(
                "Choose a whole number from 1 to %(most)s, or leave it empty for no limit.", field, most=MAX_LIMIT
            )
    if isinstance(limited, SmtpAccount) and limited.warm_up_begins_on is not None:
        _check_warm_up(limited, limited.warm_up_begins_on)


def _check_warm_up(account: SmtpAccount, begins_on: date) -> None:
    # what is wrong with both is said at the limit: the page of all limits has no other field
    if begins_on > clock.utcnow().date() + FURTHEST:
        raise InvalidInput("Choose a day within a year.", "warm_up_begins_on")
    if not account.per_day:
        raise InvalidInput("The warm-up grows until this limit is reached: enter one, or end the warm-up.", "per_day")
    if account.warm_up_first_day >= account.per_day:
        raise InvalidInput(
            "The warm-up begins with %(first)s messages a day: choose a higher limit, or end the warm-up.",
            "per_day",
            first=account.warm_up_first_day,
        )
    if account.warm_up is not None and len(account.warm_up.numbers) > MOST_DAYS:
        raise InvalidInput(
            "The warm-up would take more than %(days)s days to reach this limit. Let it grow faster.",
            "per_day",
            days=MOST_DAYS,
        )


def is_whole(value: object) -> bool:
    """Whether a value is a whole number; True and False are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def _address(text: str | None, field: str) -> str:
    try:
        return normalise_email(text or "")
    except InvalidInput as error:
        raise error.about(field) from error


def _bounce_address(text: str) -> str:
    try:
        return message_marks.checked_address(text)
    except InvalidInput as error:
        raise error.about("bounce_address") from error


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


def prepare_dkim(account: SmtpAccount, pem: str = "") -> None:
    """Check the DKIM names of an account that prepare_account() has taken, and seal its key.

    pem: a private key; "" keeps the stored one, and makes one when there is none. Without domain and selector nothing
    is signed and the key is forgotten. Raises InvalidInput naming the field.
    """
    domain, selector = (account.dkim_domain or "").strip().lower(), (account.dkim_selector or "").strip()
    account.dkim_domain, account.dkim_selector = domain or None, selector or None
    if not domain and not selector:
        account.dkim_key_sealed = None
        return
    key = DkimKey(domain, selector, pem or _stored_pem(account) or generate_key())
    Signer(key)
    plain = key.private_key_pem.encode()
    if len(plain) > MAX_PEM_BYTES:
        raise InvalidInput("This key is too long. Use an RSA key of 2048 bits.", "dkim_key")
    account.dkim_key_sealed = sealer("secret").seal(plain, account.uid)


def _stored_pem(account: SmtpAccount) -> str:
    if not account.dkim_key_sealed:
        return ""
    return sealer("secret").open(account.dkim_key_sealed, account.uid).decode()


def dkim_record(account: SmtpAccount) -> tuple[str, str] | None:
    """(name, text) of the DNS record that receivers check the signatures of this account with, if it signs."""
    if not account.dkim_key_sealed or not account.dkim_domain or not account.dkim_selector:
        return None
    key = DkimKey(account.dkim_domain, account.dkim_selector, _stored_pem(account))
    return key.dns_name, dns_record(key)


def dns_findings(account: SmtpAccount) -> list[mail_dns.Finding]:
    """What receivers find in the DNS about the messages of this account. Asks the network. Raises Unavailable."""
    from_domain = account.from_email.rpartition("@")[2]
    return_domain = (account.bounce_address or account.from_email).rpartition("@")[2]
    stand_in = mail_dns.StandIn(account.stand_in.name, account.stand_in.host) if account.stand_in else None
    sending = mail_dns.Sending(from_domain, return_domain, account.host, dkim_record(account), stand_in)
    try:
        return mail_dns.check(sending, dns_records())
    except mail_dns.DnsSilent as error:
        raise Unavailable("No name server answered in time. Try again.") from error


def signer_of(account: SmtpAccount) -> Signer | None:
    """What signs the messages of this account (DKIM), if it has a key."""
    if not account.dkim_key_sealed or not account.dkim_domain or not account.dkim_selector:
        return None
    return Signer(DkimKey(account.dkim_domain, account.dkim_selector, _stored_pem(account)))


def test_message(account: SmtpAccount, to: str, now: datetime) -> Outgoing:
    """The small e-mail that shows whether an account works."""
    # Flask-Mail does not quote the name of a pair: "Shop, Ltd" would become two addresses.
    name = f'"{quote(account.from_name)}" ' if account.from_name else ""
    message = Message(
        subject="Muster: your SMTP account works",
        recipients=[to],
        sender=f"{name}<{account.from_email}>",
        body=f"This is the test e-mail of the SMTP account {account.name}.\nIt arrived, so campaigns can use it.\n",
        date=now.timestamp(),
    )
    content = b"".join(line + b"\r\n" for line in message.as_bytes().splitlines())
    stuffed = content.replace(b"\r\n.", b"\r\n..")
    back_to = wire_address(account.bounce_address or account.from_email)  # which the server may refuse, too
    return Outgoing(0, back_to, wire_address(to), stuffed, needs_smtputf8(to))


def send_test_message(account_id: int, to: str) -> TestReport:
    """Send the test e-mail of an account and return the server's answer with the whole dialogue.

    Talks to the network: call it outside a transaction.
    """
    account = get_account(account_id)
    message = test_message(account, _address(to, "to"), clock.utcnow())
    settings = settings_of(account)
    db.session.rollback()  # no transaction stays open across the network call
    return transport_for(Channel.EMAIL)(settings).send_one(message)
