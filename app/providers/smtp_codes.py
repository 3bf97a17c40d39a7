"""What a server's answer means for a message: one table, from stage, codes and words to a result. Pure.

The rules are the SMTP table of the delivery design; the meaning of enhanced codes is RFC 3463, 4954, 6531 and 7372.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from app.channels.contract import Fault, Outcome, Reason, SendResult
from app.channels.refusals import FULL_MAILBOX, FULL_WORDS, INVALID_ADDRESS, TOO_LARGE, UNKNOWN_USER_WORDS
from app.providers.smtp_replies import Reply, printable

DETAIL_LENGTH = 255
MAX_HINT_SECONDS = 86_400.0


class Stage(StrEnum):
    """What a reply answers. END is the final dot; RESET is RSET or the lone dot after a refused recipient."""

    GREETING = "greeting"
    EHLO = "EHLO"
    STARTTLS = "STARTTLS"
    AUTH = "AUTH"
    RESET = "RSET"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    END = "end of data"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result for the message, and whether the connection can go on."""

    result: SendResult
    closes: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table; an empty condition holds always. klass: the first digit of the code."""

    outcome: Outcome
    fault: Fault
    reason: Reason | None = None
    stages: frozenset[Stage] = frozenset()
    klass: int = 0
    codes: frozenset[int] = frozenset()
    enhanced: frozenset[str] | None = None  # subject and detail without the class: "1.1"; {""}: none was given
    words: re.Pattern[str] | None = None
    closes: bool = False

    def holds(self, stage: Stage, reply: Reply) -> bool:
        """Whether this row is about that answer."""
        return (
            (not self.stages or stage in self.stages)
            and (not self.klass or reply.code // 100 == self.klass)
            and (not self.codes or reply.code in self.codes)
            and (self.enhanced is None or reply.enhanced[2:] in self.enhanced)
            and (self.words is None or self.words.search(reply.words) is not None)
        )


_AFTER_MAIL = frozenset({Stage.RCPT, Stage.DATA, Stage.END})
_NO_CODE = frozenset({""})
_POLICY_CODES = frozenset(f"7.{number}" for number in range(1000))

_SENDER_WORDS = re.compile(
    r"authenticat|not authori[sz]ed|relay|\bSPF\b|\bDKIM\b|\bDMARC\b|send as|sender address|log ?in first", re.I
)

# The first row that holds decides.
RULES: tuple[Rule, ...] = (
    Rule(Outcome.NOT_TRANSMITTED, Fault.PROVIDER, codes=frozenset({421}), closes=True),
    # A mailbox that is full today may take the message tomorrow, even where the server calls it 5.2.2.
    Rule(Outcome.DEFERRED, Fault.RECIPIENT, Reason.MAILBOX_FULL, klass=4, enhanced=FULL_MAILBOX),
    Rule(Outcome.DEFERRED, Fault.RECIPIENT, Reason.MAILBOX_FULL, klass=5, enhanced=FULL_MAILBOX),
    # Before the recipient is named a refusal for now is about the server, not about this message.
    Rule(Outcome.DEFERRED, Fault.PROVIDER, Reason.REJECTED, stages=frozenset({Stage.MAIL}), klass=4),
    Rule(Outcome.DEFERRED, Fault.RECIPIENT, Reason.REJECTED, klass=4),
    Rule(Outcome.NOT_TRANSMITTED, Fault.SENDER, codes=frozenset({530, 534, 535, 538}), closes=True),
    # The dialogue itself broke (a server that mishandles pipelining answers so): nobody may be burned for it.
    Rule(Outcome.NOT_TRANSMITTED, Fault.PROVIDER, codes=frozenset({503}), closes=True),
    Rule(Outcome.REFUSED, Fault.CONTENT, Reason.TOO_LARGE, klass=5, enhanced=TOO_LARGE),
    Rule(Outcome.REFUSED, Fault.CONTENT, Reason.TOO_LARGE, codes=frozenset({523})),
    Rule(Outcome.REFUSED, Fault.RECIPIENT, Reason.NEEDS_SMTPUTF8, klass=5, enhanced=frozenset({"6.7"})),
    Rule(
        Outcome.REFUSED,
        Fault.CONTENT,
        Reason.TOO_LARGE,
        stages=frozenset({Stage.MAIL}),
        codes=frozenset({552}),
    ),
    Rule(Outcome.NOT_TRANSMITTED, Fault.SENDER, stages=frozenset({Stage.MAIL}), klass=5),
    Rule(
        Outcome.DEFERRED,
        Fault.RECIPIENT,
        Reason.MAILBOX_FULL,
        stages=frozenset({Stage.RCPT}),
        codes=frozenset({552}),
        enhanced=_NO_CODE,
    ),
    Rule(
        Outcome.DEFERRED,
        Fault.RECIPIENT,
        Reason.MAILBOX_FULL,
        codes=frozenset({552}),
        enhanced=_NO_CODE,
        words=FULL_WORDS,
    ),
    Rule(Outcome.REFUSED, Fault.CONTENT, Reason.TOO_LARGE, codes=frozenset({552}), enhanced=_NO_CODE),
    Rule(
        Outcome.NOT_TRANSMITTED,
        Fault.SENDER,
        klass=5,
        # the sender's address; SPF, DKIM, reverse DNS, DMARC failed; not allowed to send so
        enhanced=frozenset(
            {"1.7", "1.8", "7.20", "7.21", "7.22", "7.23", "7.24", "7.25", "7.26", "7.57", "7.60", "7.515"}
        ),
    ),
    Rule(Outcome.NOT_TRANSMITTED, Fault.SENDER, klass=5, enhanced=frozenset({"7.1"}), words=_SENDER_WORDS),
    Rule(
        Outcome.REFUSED,
        Fault.RECIPIENT,
        Reason.INVALID_RECIPIENT,
        stages=_AFTER_MAIL,
        klass=5,
        enhanced=INVALID_ADDRESS,
    ),
    Rule(
        Outcome.REFUSED,
        Fault.RECIPIENT,
        Reason.INVALID_RECIPIENT,
        stages=frozenset({Stage.RCPT}),
        codes=frozenset({550, 551, 553}),
        enhanced=_NO_CODE,
        words=UNKNOWN_USER_WORDS,
    ),
    Rule(Outcome.REFUSED, Fault.CONTENT, Reason.REJECTED_CONTENT, klass=5, enhanced=_POLICY_CODES),
    Rule(Outcome.REFUSED, Fault.CONTENT, Reason.REJECTED_CONTENT, codes=frozenset({554})),
    Rule(Outcome.REFUSED, Fault.RECIPIENT, Reason.REJECTED, klass=5),
    # What is left is neither yes nor no. After the final dot nobody can tell; before it nothing has left.
    Rule(Outcome.UNCONFIRMED, Fault.PROVIDER, Reason.REPLY_LOST, stages=frozenset({Stage.END}), closes=True),
    Rule(Outcome.NOT_TRANSMITTED, Fault.PROVIDER, closes=True),
)

ACCEPTED = Verdict(SendResult(Outcome.ACCEPTED))


def is_positive(stage: Stage, reply: Reply) -> bool:
    """Whether the answer is the one that lets the dialogue go on."""
    return reply.code == 354 if stage is Stage.DATA else reply.code // 100 == 2


def classify(stage: Stage, reply: Reply) -> Verdict:
    """What an answer to MAIL, RCPT, DATA or the final dot means for the message it is about."""
    if stage is Stage.END and is_positive(stage, reply):
        return ACCEPTED
    rule = next(rule for rule in RULES if rule.holds(stage, reply))
    result = SendResult(
        rule.outcome,
        rule.fault,
        rule.reason,
        code=reply.label,
        detail=reply.words[:DETAIL_LENGTH],
        retry_after_seconds=retry_hint(reply.words) if reply.code // 100 == 4 else None,
    )
    return Verdict(result, rule.closes)


def opening_fault(stage: Stage, reply: Reply) -> Fault:
    """Whom a refusal before the first message is about.

    A greeting, and every 4xx (454 to AUTH too), is the server's trouble; 5xx to EHLO, STARTTLS or AUTH is ours.
    """
    return Fault.SENDER if stage is not Stage.GREETING and reply.code // 100 == 5 else Fault.PROVIDER


_RATE_WORDS = re.compile(
    r"\brate\b|rate[- ]?limit|too (?:fast|quickly|many (?:messages|e-?mails|mails))|throttl|slow(?:ing)? down|"
    r"(?:hourly|daily|sending|outgoing) (?:\w+ )?(?:limit|quota)|"
    r"(?:messages|e-?mails?|mails) per (?:second|minute|hour|day)|"
    r"server (?:is )?busy|(?:unusual|unexpected) (?:volume|amount)",
    re.I,
)
# What is about one connection is mended by another one, and greylisting asks to wait, not to be slow.
_NO_RATE_WORDS = re.compile(
    r"(?:this|per|each|concurrent|simultaneous|parallel|many) (?:smtp )?(?:connections?|sessions?)|gr[ae]y-?list", re.I
)
_ADDRESS = re.compile(r"\S+@\S+")


def slow_down_words(code: str, words: str) -> str:
    """The answer of a server that asks to be sent less at a time, without addresses; "" for any other answer.

    code: as in SendResult. That is 421 with 4.7.x, and every 4xx that speaks of a rate; 4.2.x is about one mailbox.
    """
    klass, _, enhanced = code.partition(" ")
    if klass[:1] != "4" or enhanced.startswith("4.2.") or _NO_RATE_WORDS.search(words):
        return ""
    if (klass != "421" or not enhanced.startswith("4.7.")) and not _RATE_WORDS.search(words):
        return ""
    return printable(_ADDRESS.sub("…", f"{code} {words}".strip()))[:DETAIL_LENGTH]


_HINT = re.compile(
    r"\b(?:in|after|for|within|wait|retry)\s+(?:about\s+|another\s+|at least\s+)?(\d{1,6})\s*"
    r"(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?)\b",
    re.I,
)
_UNIT_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def retry_hint(words: str) -> float | None:
    """The seconds of "try again in 300 seconds" or "greylisted for 5 minutes", at most a day; None without one."""
    found = _HINT.search(words)
    if found is None:
        return None
    return min(int(found.group(1)) * _UNIT_SECONDS[found.group(2)[0].lower()], MAX_HINT_SECONDS)


def without_address(result: SendResult, recipient: bytes) -> SendResult:
    """The result with the recipient's address taken out of the server's words: they are kept in clear text."""
    address = recipient.decode("utf-8", "replace")
    if not address or address.lower() not in result.detail.lower():
        return result
    detail = re.sub(re.escape(address), "…", result.detail, flags=re.I)
    return SendResult(
        result.outcome, result.fault, result.reason, result.code, printable(detail), result.retry_after_seconds
    )
