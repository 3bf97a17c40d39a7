"""What comes back of an e-mail after a server took it: receipts, and what the code of a bounce says. Pure."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.channels.contract import Reason
from app.channels.refusals import FULL_MAILBOX, FULL_WORDS, INVALID_ADDRESS, TOO_LARGE, UNKNOWN_USER_WORDS
from app.kernel.audit import without_addresses

CODE = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")  # an enhanced code of RFC 3463
NO_ROUTE = frozenset({"4.4", "4.310"})  # no server for this domain, after days of trying: the address is wrong
VAGUE = frozenset({"", "0.0", "5.0"})  # codes that say no more than "no"; then the words count
DETAIL_LENGTH = 255

_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


class ReceiptKind(StrEnum):
    """What a receipt says. A bounce is of one of three kinds, because each says something else about the address."""

    DELIVERED = "delivered"
    HARD_BOUNCE = "hard-bounce"  # there is no such mailbox
    BLOCKED = "blocked"  # this message is not wanted, which says nothing about the address
    SOFT_BOUNCE = "soft-bounce"  # the mailbox is full, or the server did not say why
    COMPLAINT = "complaint"  # the person called the message unwanted mail


class ReceiptWay(StrEnum):
    """How a receipt came to us."""

    MAILBOX = "mailbox"
    SES = "ses"
    SENDGRID = "sendgrid"
    POSTMARK = "postmark"
    MAILGUN = "mailgun"


PROVIDERS = {
    ReceiptWay.SES: "Amazon SES",
    ReceiptWay.SENDGRID: "SendGrid",
    ReceiptWay.POSTMARK: "Postmark",
    ReceiptWay.MAILGUN: "Mailgun",
}


@dataclass(frozen=True, slots=True)
class MailReceipt:
    """One receipt. keys: texts in one of which a mark of our message stands (message_marks.py), the likeliest first.

    reason: of the bounces. code: the server's, "5.1.1", or "". detail: its words, without addresses, at most 255
    characters. at: when it happened (aware, UTC); None: now.
    """

    keys: tuple[str, ...]
    kind: ReceiptKind
    reason: Reason | None = None
    code: str = ""
    detail: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Bounce:
    """What a bounce means."""

    kind: ReceiptKind
    reason: Reason


HARD = Bounce(ReceiptKind.HARD_BOUNCE, Reason.INVALID_RECIPIENT)
BLOCKED = Bounce(ReceiptKind.BLOCKED, Reason.REJECTED_CONTENT)
LARGE = Bounce(ReceiptKind.BLOCKED, Reason.TOO_LARGE)
FULL = Bounce(ReceiptKind.SOFT_BOUNCE, Reason.MAILBOX_FULL)
SOFT = Bounce(ReceiptKind.SOFT_BOUNCE, Reason.REJECTED)


def code_in(text: str) -> str:
    """The first enhanced code that stands in a text, or ""; one that only says "no" counts when there is no other."""
    found = [match[0] for match in CODE.finditer(text)]
    return next((code for code in found if code[2:] not in VAGUE), found[0] if found else "")


def bounce(code: str, words: str) -> Bounce:
    """What a server meant that took a message and sent it back. code: an enhanced code or "". The unknown is soft."""
    detail = code[2:]
    if detail in FULL_MAILBOX or (detail in VAGUE and FULL_WORDS.search(words)):
        return FULL
    if detail in TOO_LARGE:
        return LARGE
    if code.startswith("4."):
        return SOFT
    if detail in INVALID_ADDRESS or detail in NO_ROUTE or (detail in VAGUE and UNKNOWN_USER_WORDS.search(words)):
        return HARD
    return BLOCKED if detail.startswith("7.") else SOFT


def clean(words: str) -> str:
    """A server's words as they may be kept: one line, no address, no control character, at most 255 characters."""
    return _UNPRINTABLE.sub(" ", without_addresses(words)).strip()[:DETAIL_LENGTH]
