"""What a mailbox that receives bounces needs, and what its reading tells: plain values, no database, no Flask."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from typing import Protocol

from app.channels.contract import Security

MAX_MAIL_BYTES = 256 * 1024  # of a larger mail the beginning is read: what a server says stands there


class MailProtocol(StrEnum):
    """How a mailbox is read."""

    IMAP = "imap"
    POP3 = "pop3"


class Judged(Enum):
    """What becomes of a mail that was read."""

    DONE = auto()  # what it says is stored: it is deleted
    KEPT = auto()  # nobody needs it here, and it may be a person's: it is put aside
    LATER = auto()  # it comes too early: it stays and is read again


Judge = Callable[[bytes], Judged]


@dataclass(frozen=True, slots=True)
class MailboxSettings:
    """Everything needed to read one mailbox. timeout_seconds: of each answer. budget_seconds: of the whole visit."""

    protocol: MailProtocol
    host: str
    port: int
    security: Security
    username: str
    secret: str = field(repr=False)
    ca_file: str | None = None  # extra trust, beside the system's
    timeout_seconds: float = 10.0
    budget_seconds: float = 25.0
    most_mails: int = 500


@dataclass(frozen=True, slots=True)
class MailboxReport:
    """How a visit ended. left_over: what the server calls the mails that were put aside and still lie there.

    problem: "" when all went well, else one sentence; what was judged before it happened stays judged.
    """

    left_over: tuple[str, ...] = ()
    problem: str = ""


class Mailbox(Protocol):
    """What a provider implements. Never raises a protocol's or socket's error: it reports a problem."""

    def visit(self, judge: Judge, left_over: Collection[str]) -> MailboxReport:
        """Show every new mail to judge, the oldest first, and do with it what it says.

        A mail is deleted or put aside after judge returned. What judge raises ends the visit and is raised.
        """
