"""The bounce mailbox of an SMTP account as JSON: what may be written, what is shown, and what a visit found."""

from typing import Any

from app.channels.bounce_mail import Sort
from app.channels.bounce_mailboxes import Wanted
from app.channels.contract import Security
from app.channels.mailbox import MailProtocol
from app.channels.receipt_models import BounceMailbox
from app.sending.mailboxes import Visit
from app.web import words
from app.web.api.bodies import Body, Choice, Flag, Moment, Text, Whole

USUAL = {"protocol": MailProtocol.IMAP, "host": "", "port": None, "security": Security.TLS, "username": ""}


class MailboxBody(Body):
    """What may be written. secret, the password, is never given back; without it the old one stays. port: null for the
    usual one of the protocol."""

    protocol = Choice(MailProtocol)
    host = Text(required=True)
    port = Whole(allow_none=True)
    security = Choice(Security)
    username = Text(required=True)
    secret = Text(load_only=True)


class MailboxShown(MailboxBody):
    """A mailbox with what was found in it since it is read.

    problem: what kept the last visit from reading it, empty when all went well. receipts: reports on messages; ignored:
    delays and automatic answers; strange: not understood, put aside.
    """

    checked_at = Moment(dump_only=True, allow_none=True)
    problem = Text(dump_only=True)
    receipts = Whole(dump_only=True)
    ignored = Whole(dump_only=True)
    strange = Whole(dump_only=True)


class MailboxVisit(Body):
    """What one visit found, counted as MailboxShown counts. problem: the server's words when it could not be read."""

    is_read = Flag()
    problem = Text()
    receipts = Whole()
    ignored = Whole()
    strange = Whole()


def wanted(values: dict[str, Any], mailbox: BounceMailbox | None) -> Wanted:
    """The mailbox as it is to be: what is named, and the rest as it stands. A port belongs to its protocol and
    security, so it stays with these only."""
    before = USUAL if mailbox is None else {name: getattr(mailbox, name) for name in USUAL}
    after = before | values
    if any(after[name] != before[name] for name in ("protocol", "security")):
        after["port"] = values.get("port")
    return Wanted(**after)


def shown(mailbox: BounceMailbox) -> dict[str, Any]:
    """A mailbox as JSON, in the words of the person."""
    result: dict[str, Any] = MailboxShown().dump(mailbox)
    return result | {"problem": words.sentence(mailbox.problem)}


def shown_visit(visit: Visit) -> dict[str, Any]:
    """A visit as JSON, in the words of the person."""
    return {
        "is_read": not visit.problem,
        "problem": words.sentence(visit.problem),
        "receipts": visit.found[Sort.RECEIPT],
        "ignored": visit.found[Sort.PASSING] + visit.found[Sort.AUTOMATIC],
        "strange": visit.found[Sort.STRANGE],
    }
