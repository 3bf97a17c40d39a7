"""What a test server is told to do (rules for each moment of the dialogue), and what it keeps of what it saw."""

import random
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any


class Do(Enum):
    """What the server does instead of a reply."""

    CLOSE = auto()  # hang up (FIN)
    RESET = auto()  # hang up rudely (RST)
    SILENCE = auto()  # read on, and never answer anything again


Answer = str | Do


@dataclass(frozen=True)
class Moment:
    """Where the server is when it is about to answer.

    stage: greeting, EHLO, HELO, STARTTLS, AUTH, MAIL, RCPT, DATA, content (its first bytes have come), END, RSET,
    NOOP, QUIT. message: number of the MAIL on this server, connection: number of the connection, both from 1;
    nth: number of the MAIL on this connection.
    """

    stage: str
    line: str
    connection: int
    message: int
    nth: int
    recipient: str


Rule = Callable[[Moment], Answer | None]


def at(stage: str, answer: Answer, **where: Any) -> Rule:
    """A rule: at this stage answer so. where: fields of Moment with the value, or the set of values, they must have."""

    def rule(moment: Moment) -> Answer | None:
        if moment.stage != stage:
            return None
        for name, wanted in where.items():
            value = getattr(moment, name)
            if value not in wanted if isinstance(wanted, set | frozenset | range) else value != wanted:
                return None
        return answer

    return rule


@dataclass
class Script:
    """How a server behaves. rules: the first that answers decides; extensions: EHLO lines besides those made here."""

    rules: Sequence[Rule] = ()
    pipelining: bool = True
    extensions: Sequence[str] = ("8BITMIME",)
    tls: ssl.SSLContext | None = None  # offers STARTTLS, or speaks TLS from the start with implicit_tls
    implicit_tls: bool = False
    auth: str = ""  # "PLAIN LOGIN XOAUTH2": offered, and then needed
    auth_needs_tls: bool = False
    username: str = "user"
    secret: str = "secret"
    reply_delay: float = 0.0  # like a round trip: replies to what came together leave together
    accept_delay: float = 0.0  # more of it for the final dot
    leave_delay: float = 0.0  # between the last words and the end of the connection
    split_replies: bool = False  # every byte in a packet of its own
    blackhole: bool = False
    keep_content: bool = True


@dataclass
class Accepted:
    """A message the server has taken, whether or not its answer left."""

    message: int
    connection: int
    message_id: str
    sender: str  # as it stood behind MAIL FROM:, with its parameters
    recipient: str
    content: bytes  # without dot-stuffing
    is_answered: bool


@dataclass
class Visit:
    """What one connection did."""

    number: int
    lines: list[str] = field(default_factory=list)
    messages: int = 0
    is_tls: bool = False
    has_quit: bool = False
    is_over: bool = False
    lone_dots: int = 0
    hurried: int = 0  # commands that came before the answer to the one before had left

    @property
    def verbs(self) -> list[str]:
        """The commands in order."""
        return [line.split(" ", 1)[0].upper() for line in self.lines]


def random_faults(
    *, accept_then_drop: float = 0.0, tempfail: float = 0.0, permfail: float = 0.0, seed: int | None = None
) -> Rule:
    """Fail at random: a share of recipients is refused for now or for good, a share of messages dropped after END."""
    dice = random.Random(seed)

    def rule(moment: Moment) -> Answer | None:
        if moment.stage == "RCPT":
            thrown = dice.random()
            if thrown < tempfail:
                return "451 4.3.0 Try again later"
            if thrown < tempfail + permfail:
                return "550 5.1.1 No such user"
        if moment.stage == "END" and dice.random() < accept_then_drop:
            return Do.RESET
        return None

    return rule
