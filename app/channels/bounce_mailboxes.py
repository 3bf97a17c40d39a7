"""The mailboxes into which bounces fall: saving them with their secrets sealed, and what a visit needs of them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from flask import current_app
from sqlalchemy import select

from app.channels import service
from app.channels.contract import Security
from app.channels.mailbox import MailboxSettings, MailProtocol
from app.channels.models import SmtpAccount
from app.channels.receipt_models import BounceMailbox
from app.extensions import db
from app.kernel import audit, clock
from app.kernel.audit import What
from app.kernel.crypto import sealer
from app.kernel.errors import InvalidInput, NotFound

USUAL_PORTS = {
    (MailProtocol.IMAP, Security.TLS): 993,
    (MailProtocol.IMAP, Security.STARTTLS): 143,
    (MailProtocol.IMAP, Security.NONE): 143,
    (MailProtocol.POP3, Security.TLS): 995,
    (MailProtocol.POP3, Security.STARTTLS): 110,
    (MailProtocol.POP3, Security.NONE): 110,
}
EVERY = timedelta(minutes=1)
LONGEST_WAIT = timedelta(minutes=15)  # after checks without an answer


@dataclass(frozen=True, slots=True)
class Wanted:
    """A mailbox as a person describes it. port: None for the usual one. secret: "" keeps the stored one."""

    protocol: MailProtocol
    host: str
    port: int | None
    security: Security
    username: str
    secret: str = ""


def find(account_id: int) -> BounceMailbox | None:
    """The mailbox of an account, if it has one."""
    return db.session.get(BounceMailbox, account_id)


def get(account_id: int) -> BounceMailbox:
    """The mailbox of an account. Raises NotFound."""
    found = find(account_id)
    if found is None:
        raise NotFound("This account has no bounce mailbox.")
    return found


def save(account: SmtpAccount, wanted: Wanted) -> BounceMailbox:
    """Give an account this mailbox, or change the one it has; it is visited at once. Raises InvalidInput."""
    if not account.bounce_address:
        raise InvalidInput("Give the account a bounce address first: by it a bounce is known again.")
    _check(wanted)
    mailbox = find(account.id)
    if mailbox is None:
        mailbox = BounceMailbox(smtp_account_id=account.id, uid=uuid4().bytes)
    elif (mailbox.protocol, mailbox.host, mailbox.username) != (wanted.protocol, wanted.host, wanted.username):
        mailbox.left_over = []  # names of another server
    mailbox.protocol, mailbox.host, mailbox.security = wanted.protocol, wanted.host, wanted.security
    mailbox.port = wanted.port or USUAL_PORTS[wanted.protocol, wanted.security]
    mailbox.username = wanted.username
    if wanted.secret:
        mailbox.secret_sealed = service.sealed(wanted.secret, mailbox.uid)
    if not mailbox.secret_sealed:
        raise InvalidInput("Enter the password that goes with the user name.", "secret")
    mailbox.due_at, mailbox.failures, mailbox.problem = clock.utcnow(), 0, ""
    db.session.add(mailbox)
    audit.note(What.ACCOUNT_CHANGE, account.id, account.name, fields=["bounce_mailbox"])
    return mailbox


def remove(account: SmtpAccount) -> None:
    """Forget the mailbox of an account; its mails stay where they are. Raises NotFound."""
    db.session.delete(get(account.id))
    audit.note(What.ACCOUNT_CHANGE, account.id, account.name, fields=["bounce_mailbox"])


def _check(wanted: Wanted) -> None:
    for field, limit in (("host", 253), ("username", 255)):
        value = getattr(wanted, field)
        if not value or service.CONTROL.search(value) or len(value) > limit:
            raise InvalidInput("Use one line of at most %(limit)s characters.", field, limit=limit)
    service.check_host(wanted.host)
    if wanted.port is not None and not 1 <= wanted.port <= 65535:
        raise InvalidInput("Choose a port from 1 to 65535, or leave it empty for the usual one.", "port")


def settings_of(mailbox: BounceMailbox) -> MailboxSettings:
    """What a visit needs, the secret opened."""
    return MailboxSettings(
        protocol=mailbox.protocol,
        host=mailbox.host,
        port=mailbox.port,
        security=mailbox.security,
        username=mailbox.username,
        secret=sealer("secret").open(mailbox.secret_sealed, mailbox.uid).decode(),
        ca_file=current_app.config["SMTP_CA_FILE"],
    )


def due(now: datetime) -> list[int]:
    """The accounts whose mailbox is to be visited now; each is due again after a minute, whatever becomes of it."""
    found = db.session.scalars(select(BounceMailbox).where(BounceMailbox.due_at <= now)).all()
    for mailbox in found:
        mailbox.due_at = now + EVERY
    return [mailbox.smtp_account_id for mailbox in found]


def next_visit(now: datetime, failures: int) -> datetime:
    """When a mailbox is visited again after so many visits without an answer in a row."""
    return now + min(EVERY * 2 ** min(failures, 10), LONGEST_WAIT)
