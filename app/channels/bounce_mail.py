"""What a mail in a bounce mailbox is: a delivery report, a complaint, an automatic answer, or something else. Pure.

Delivery reports are RFC 3464 (with RFC 6533), complaints RFC 5965, automatic answers RFC 3834. Some servers still write
plain words instead. Which message a report is about is told by our marks alone, never by an address in it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import MessageError
from email.message import Message
from email.parser import BytesParser, Parser
from email.policy import compat32
from email.utils import parseaddr, parsedate_to_datetime
from enum import Enum, auto

from app.channels.receipts import MailReceipt, ReceiptKind, bounce, clean, code_in

MAX_DEPTH = 5  # of multiparts in one another
WORDS_READ = 4000  # characters of a plain bounce in which its reason is looked for

ADDRESSED_TO = ("To", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "In-Reply-To", "References")
OF_ORIGINAL = ("Return-Path", "Message-ID", "X-Original-Message-ID")
ORIGINALS = frozenset({"message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers"})
REPORTS = frozenset({"message/delivery-status", "message/global-delivery-status"})
FEEDBACK = "message/feedback-report"
COMPLAINTS = frozenset({"abuse", "fraud", "opt-out"})  # the kinds of feedback that a person gave against the sender

_MAIL_SYSTEM = re.compile(r"mailer-?daemon|postmaster|mail-?daemon|mdaemon|microsoftexchange[0-9a-f]*", re.I)
_FAILED = re.compile(
    r"undeliver|not? ?deliver|delivery.{0,25}(fail|problem|error|not)|fail.{0,20}deliver|failure notice|returned mail"
    r"|returned to sender|could ?n.?t be (delivered|sent)|unzustellbar|nie.{0,15}dostarcz",
    re.I,
)
_PASSING = re.compile(
    r"delay|still (trying|being)|will (be )?(re-?tr|keep trying)|warning|verz[öo]ger|op[óo][źz]n", re.I
)
_QMAIL = re.compile(r"this is the qmail-send program at|\(#[245]\.\d{1,3}\.\d{1,3}\)", re.I)


class Sort(Enum):
    """What a mail is good for."""

    RECEIPT = auto()
    PASSING = auto()  # a report that decides nothing: delayed, relayed
    AUTOMATIC = auto()  # an absence note and the like
    STRANGE = auto()  # nothing that is understood here


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read. receipt: of a RECEIPT only."""

    sort: Sort
    receipt: MailReceipt | None = None


STRANGE, PASSING, AUTOMATIC = Reading(Sort.STRANGE), Reading(Sort.PASSING), Reading(Sort.AUTOMATIC)


def read(raw: bytes) -> Reading:
    """What this mail says. raw: the mail, or its beginning. Whatever is in it, nothing is raised."""
    try:
        return _read(BytesParser(policy=compat32).parsebytes(raw), raw)
    except (MessageError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return STRANGE  # the parser of the library fails on some broken mails in its own ways


def _read(mail: Message, raw: bytes) -> Reading:
    parts = list(_parts(mail))
    keys = _keys(mail, parts, raw)
    at = _date(mail)
    for part in parts:
        if part.get_content_type() == FEEDBACK:
            return _feedback(part, keys, at)
    for part in parts:
        if part.get_content_type() in REPORTS:
            return _report(part, keys, at)
    if _is_from_mail_system(mail) and (plain := _plain(mail, _words(parts), keys, at)):
        return plain
    return AUTOMATIC if _is_automatic(mail) else STRANGE


def _parts(mail: Message, depth: int = 0) -> Iterator[Message]:
    """The mail's parts, never those of a mail inside it: a forwarded report is not ours."""
    if mail.get_content_maintype() != "multipart" or not mail.is_multipart():
        yield mail
    elif depth < MAX_DEPTH:
        for part in _children(mail):
            yield from _parts(part, depth + 1)


def _children(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [each for each in payload if isinstance(each, Message)] if isinstance(payload, list) else []


def _keys(mail: Message, parts: list[Message], raw: bytes) -> tuple[str, ...]:
    """Where our mark may stand: whom the report came to, the headers of the original, and then anywhere."""
    found = [str(value) for name in ADDRESSED_TO for value in mail.get_all(name, [])]
    for part in parts:
        if part.get_content_type() in ORIGINALS:
            original = (_children(part) or [Parser(policy=compat32).parsestr(_text(part))])[0]
            found += [str(value) for name in OF_ORIGINAL for value in original.get_all(name, [])]
    return (*found, raw.decode("latin-1"))


def _date(mail: Message) -> datetime | None:
    try:
        found = parsedate_to_datetime(str(mail["Date"]))
    except (ValueError, TypeError, OverflowError):
        return None
    return None if found.tzinfo is None else found.astimezone(UTC)


# --- reports in the form of the standards


def _feedback(part: Message, keys: tuple[str, ...], at: datetime | None) -> Reading:
    report = (_children(part) or [Parser(policy=compat32).parsestr(_text(part))])[0]
    if _word(report["Feedback-Type"]) not in COMPLAINTS:
        return PASSING
    return Reading(
        Sort.RECEIPT, MailReceipt(keys, ReceiptKind.COMPLAINT, detail=clean(_said(report, "User-Agent")), at=at)
    )


def _report(part: Message, keys: tuple[str, ...], at: datetime | None) -> Reading:
    """The worst that is said of a recipient: each of our messages has only one."""
    actions = {_word(block["Action"]): block for block in reversed(_blocks(part)) if block["Action"]}
    if "failed" in actions:
        return Reading(Sort.RECEIPT, _failed(actions["failed"], keys, at))
    if "delivered" in actions:
        return Reading(Sort.RECEIPT, MailReceipt(keys, ReceiptKind.DELIVERED, at=at))
    return PASSING if actions else STRANGE


def _blocks(part: Message) -> list[Message]:
    found = _children(part)
    if part.get_content_type() != "message/delivery-status":  # the library knows the older type only
        texts = [_text(each) for each in found] or [_text(part)]
        blocks = [block for text in texts for block in re.split(r"\r?\n[ \t]*\r?\n", text)]
        found += [Parser(policy=compat32).parsestr(block.lstrip()) for block in blocks]
    return found


def _failed(block: Message, keys: tuple[str, ...], at: datetime | None) -> MailReceipt:
    words = _said(block, "Diagnostic-Code").partition(";")[2].strip() or _said(block, "Diagnostic-Code")
    code = code_in(f"{_said(block, 'Status')} {words}")
    return _bounced(keys, code, words, at)


def _bounced(keys: tuple[str, ...], code: str, words: str, at: datetime | None) -> MailReceipt:
    meant = bounce(code, words)
    return MailReceipt(keys, meant.kind, meant.reason, code, clean(words), at)


# --- reports in plain words


def _is_from_mail_system(mail: Message) -> bool:
    address = parseaddr(_said(mail, "From"))[1]
    return bool(_MAIL_SYSTEM.fullmatch(address.partition("@")[0]))


def _plain(mail: Message, words: str, keys: tuple[str, ...], at: datetime | None) -> Reading | None:
    """What a mail system says in its own words; None when it is no report. A delay is told from them too badly to be
    thrown away for it."""
    subject, code = _said(mail, "Subject"), code_in(words)
    if _PASSING.search(subject) and not code.startswith("5."):
        return AUTOMATIC
    if not _FAILED.search(subject) and not _QMAIL.search(words):
        return None
    return Reading(Sort.RECEIPT, _bounced(keys, code, _sentence(words, code), at))


def _sentence(words: str, code: str) -> str:
    """The line of a plain bounce that says why, with the one before it: reasons are wrapped."""
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    wanted = re.compile(re.escape(code) if code else r"\b[45]\d\d\b")
    at = next((number for number, line in enumerate(lines) if wanted.search(line)), None)
    return " ".join(lines[max(at - 1, 0) : at + 1] if at is not None else lines[:8])


def _words(parts: list[Message]) -> str:
    texts = (_text(part) for part in parts if part.get_content_maintype() == "text")
    return next((text for text in texts if text.strip()), "")[:WORDS_READ]


# --- answers of machines for people


def _is_automatic(mail: Message) -> bool:
    submitted = _word(mail["Auto-Submitted"])
    return (
        submitted not in ("", "no")
        or _word(mail["Precedence"]) in ("auto_reply", "bulk", "junk", "list")
        or any(mail[name] for name in ("X-Autoreply", "X-Autorespond", "X-Auto-Reply-From", "X-Mail-Autoreply"))
    )


# --- values


def _said(mail: Message, name: str) -> str:
    return " ".join(str(mail.get(name, "")).split())


def _word(value: object) -> str:
    """The first word of a field's value, in lower case; what stands behind it is a comment."""
    found = re.match(r"\s*([\w-]+)", str(value or ""))
    return found[1].lower() if found else ""


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    try:
        return payload.decode(part.get_content_charset() or "utf-8", "replace")
    except LookupError:
        return payload.decode("latin-1")
