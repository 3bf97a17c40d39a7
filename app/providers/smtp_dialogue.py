"""The dialogue of messages on one open connection: which replies are owed, and what each of them decides. Pure.

With PIPELINING the end of one message travels together with MAIL, RCPT and DATA of the next (RFC 2920 section 3.1),
so that a message costs one round trip; without it the same commands go one by one.
"""

import re
from collections import deque
from dataclasses import dataclass
from enum import Enum, auto

from app.channels.contract import Fault, Outcome, Outgoing, Reason, SendResult
from app.kernel.texts import N_
from app.providers.smtp_codes import Stage, classify, is_positive
from app.providers.smtp_replies import Capabilities, ConnectionFailed, Reply

DOT = b".\r\n"

# The ordinary case in one look: yes to the message, yes to the next envelope, each on a single line.
ALL_WELL = re.compile(rb"(?:2\d\d [^\r\n]*\r\n){3}354 [^\r\n]*\r\n")

_UNSAFE = re.compile(rb"[\x00-\x20\x7f<>]")

_ENVELOPE = (Stage.MAIL, Stage.RCPT, Stage.DATA)
_CONTENT = (Stage.END,)
_CONTENT_AND_ENVELOPE = (Stage.END, *_ENVELOPE)


class Next(Enum):
    """What the connection does after a reply."""

    WAIT = auto()  # more replies are owed
    COMMAND = auto()  # lock step: write the next command
    GO_AHEAD = auto()  # the envelope was taken: the content may go
    FREE = auto()  # nothing is owed
    CLOSE = auto()


@dataclass(frozen=True, slots=True)
class Heard:
    """What a reply decided. message and result: set when it settled a message."""

    next: Next
    message: Outgoing | None = None
    result: SendResult | None = None


def objection(message: Outgoing) -> SendResult | None:
    """Why this message must not touch the wire, or None. An address with CR, LF or > would be a command of its own."""
    if not message.recipient or _UNSAFE.search(message.recipient):
        detail = N_("The address has a character that cannot stand in an envelope.")
        return SendResult(Outcome.REFUSED, Fault.RECIPIENT, Reason.INVALID_RECIPIENT, detail=detail)
    if _UNSAFE.search(message.mail_from):
        detail = N_("The sender's address has a character that cannot stand in an envelope.")
        return SendResult(Outcome.NOT_TRANSMITTED, Fault.SENDER, detail=detail)
    if not message.content.endswith(b"\r\n"):
        detail = N_("The last line of the message is not ended.")  # the final dot would be part of the text
        return SendResult(Outcome.REFUSED, Fault.CONTENT, Reason.RENDER_ERROR, detail=detail)
    return None


def envelope(message: Outgoing, offers: Capabilities) -> bytes | SendResult:
    """MAIL, RCPT and DATA for this message, three lines; or why this server cannot carry it."""
    size = len(message.content)
    if offers.max_size_bytes and size > offers.max_size_bytes:
        detail = N_("%(size)s bytes; the server takes at most %(most)s.", size=size, most=offers.max_size_bytes)
        return SendResult(Outcome.REFUSED, Fault.CONTENT, Reason.TOO_LARGE, detail=detail)
    options = b" SIZE=%d" % size if offers.has_size else b""
    if message.needs_smtputf8 or not (message.recipient.isascii() and message.mail_from.isascii()):
        if not offers.has_smtputf8:
            detail = N_("The server does not offer SMTPUTF8, which this address needs.")
            return SendResult(Outcome.REFUSED, Fault.RECIPIENT, Reason.NEEDS_SMTPUTF8, detail=detail)
        options += b" SMTPUTF8"
    if offers.has_8bitmime and not message.content.isascii():
        options += b" BODY=8BITMIME"
    return b"MAIL FROM:<%b>%b\r\nRCPT TO:<%b>\r\nDATA\r\n" % (message.mail_from, options, message.recipient)


class Dialogue:
    """The messages of one connection: handed (its content is written, END is owed) and offered (its envelope is)."""

    __slots__ = ("_has_transaction", "_owed", "_prefix", "_script", "handed", "is_pipelined", "offered", "offers")

    def __init__(self, offers: Capabilities, *, in_lock_step: bool) -> None:
        self.offers = offers
        self.is_pipelined = offers.has_pipelining and not in_lock_step
        self.handed: Outgoing | None = None
        self.offered: Outgoing | None = None
        self._owed: tuple[Stage, ...] = ()
        self._script: deque[tuple[Stage, bytes]] = deque()
        self._prefix = b""  # what must go before the next MAIL
        self._has_transaction = False

    @property
    def expects(self) -> Stage | None:
        """What the next reply answers; None when no reply is owed."""
        return self._owed[0] if self._owed else None

    @property
    def is_steady(self) -> bool:
        """Whether the next four replies are for a message and the whole envelope of the next one."""
        return self._owed is _CONTENT_AND_ENVELOPE and self.offered is not None

    def offer(self, message: Outgoing, lines: bytes) -> bytes:
        """Begin a message on a free connection; returns the bytes to write. lines: its envelope()."""
        script = list(zip(_ENVELOPE, lines.splitlines(keepends=True), strict=True))
        if self._prefix:
            script.insert(0, (Stage.RESET, self._prefix))
            self._prefix = b""
        self.offered = message
        self._has_transaction = False
        if self.is_pipelined:
            self._owed = tuple(stage for stage, _ in script)
            return b"".join(line for _, line in script)
        self._script.extend(script)
        return self.command()

    def command(self) -> bytes:
        """The next command in lock step."""
        stage, line = self._script.popleft()
        self._owed = (stage,)
        return line

    def hand(self, following: Outgoing | None) -> None:
        """The content of the offered message is being written, and with it the envelope of the following one."""
        self.handed, self.offered = self.offered, following
        self._has_transaction = False
        self._owed = _CONTENT if following is None else _CONTENT_AND_ENVELOPE

    def hear_all_well(self) -> Outgoing:
        """What hear() does four times when is_steady and all replies are positive; returns the accepted message."""
        message = self.handed
        assert message is not None
        self.handed = None
        self._owed = ()
        return message

    def hear(self, reply: Reply) -> Heard:
        """Take the reply that is owed first.

        Raises ConnectionFailed when the connection is lost before the offered message left; it stays offered.
        """
        if not self._owed:
            raise ConnectionFailed(Fault.PROVIDER, reply.words or N_("An answer to no question."), reply.label)
        stage, self._owed = self._owed[0], self._owed[1:]
        if stage is Stage.END:
            message, self.handed = self.handed, None
            verdict = classify(stage, reply)
            return Heard(Next.CLOSE if verdict.closes else self._onward(), message, verdict.result)
        if reply.code == 421:
            raise ConnectionFailed(Fault.PROVIDER, reply.words, reply.label)
        if stage is Stage.RESET:
            return Heard(self._onward())
        if self.offered is None:
            return self._drain(stage, reply)
        if is_positive(stage, reply):
            self._has_transaction = True
            return Heard(Next.GO_AHEAD if stage is Stage.DATA else self._onward())
        return self._refused(stage, reply)

    def _refused(self, stage: Stage, reply: Reply) -> Heard:
        verdict = classify(stage, reply)
        if verdict.closes and verdict.result.fault is Fault.PROVIDER:
            raise ConnectionFailed(Fault.PROVIDER, verdict.result.detail, verdict.result.code)
        message, self.offered = self.offered, None
        self._script.clear()
        if not self._owed:
            self._forget_transaction()
        return Heard(Next.CLOSE if verdict.closes else self._onward(), message, verdict.result)

    def _drain(self, stage: Stage, reply: Reply) -> Heard:
        """A reply to the rest of a pipelined envelope whose message is settled already."""
        if stage is Stage.DATA:
            if reply.code == 354:  # nobody is left to receive: an empty message ends it (RFC 2920 section 3.1)
                self._prefix, self._has_transaction = DOT, False
            else:
                self._forget_transaction()
        return Heard(self._onward())

    def _forget_transaction(self) -> None:
        if self._has_transaction:
            self._prefix, self._has_transaction = b"RSET\r\n", False

    def _onward(self) -> Next:
        if self._owed:
            return Next.WAIT
        return Next.COMMAND if self._script else Next.FREE
