"""What the catcher of the demo caught, as its inbox shows it: mails, text messages and WhatsApp."""

import email
import email.policy
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from itertools import islice
from pathlib import Path
from typing import Any

from flask import current_app
from flask_babel import gettext as _

from app.channels.contract import Channel
from app.channels.gateways import WHATSAPP_PREFIX
from app.kernel import caught_texts, message_folder
from app.kernel.caught_texts import CaughtText

CHANNELS = (Channel.EMAIL, Channel.SMS, Channel.WHATSAPP)
PAGE_SIZE = 50
HEAD_BYTES = 16 * 1024
SHOWN_PART_CHARS = 1_000_000
SHOWN_LINE_CHARS = 160

_HEADERS = BytesHeaderParser(policy=email.policy.default)


@dataclass(frozen=True, slots=True)
class Line:
    """One message in the list. title: the subject of a mail, the words of a text. is_lost: it reached no phone."""

    name: str
    channel: Channel
    to: str
    title: str
    caught_at: datetime
    is_lost: bool = False


def mails() -> Path:
    """Where the catcher of this instance keeps its mails."""
    return Path(current_app.config["INSTANCE"]) / "mails"


def texts() -> Path:
    """Where it keeps its text messages and those of WhatsApp."""
    return Path(current_app.config["INSTANCE"]) / "texts"


def channel_of(text: CaughtText) -> Channel:
    """What a message to a phone went over."""
    return Channel.WHATSAPP if text.phone.startswith(WHATSAPP_PREFIX) else Channel.SMS


def number_of(text: CaughtText) -> str:
    """The number of the phone, without what Twilio writes before it."""
    return text.phone.removeprefix(WHATSAPP_PREFIX)


def header(message: Any, name: str) -> str:
    """A header of a mail; "" when it is missing or malformed."""
    try:
        return str(message.get(name, ""))
    except (ValueError, IndexError, AttributeError):  # the parser of a malformed header; the mail is shown all the same
        return ""


def part(message: EmailMessage, kind: str) -> str:
    """The "plain" or the "html" part of a mail, "" without one."""
    body = message.get_body((kind,))
    try:
        return str(body.get_content())[:SHOWN_PART_CHARS] if body is not None else ""
    except (LookupError, ValueError):
        return _("(This part cannot be read: its character set or its encoding is wrong.)")


def mail(name: str) -> EmailMessage | None:
    """A mail; None when there is none of that name."""
    path = message_folder.path_of(mails(), name)
    return email.message_from_bytes(path.read_bytes(), policy=email.policy.default) if path else None


def text(name: str) -> CaughtText | None:
    """A message to a phone, or an answer; None when there is none of that name."""
    path = message_folder.path_of(texts(), name)
    return caught_texts.read(path) if path else None


def find(wanted: str, channel: Channel | None, page: int) -> tuple[list[Line], bool]:
    """One page of the messages over this channel, or over all, whose recipient or words have these words, and whether
    there are more."""
    first, wanted = page * PAGE_SIZE, wanted.casefold()
    folders = {Channel.EMAIL: (mails(),), None: (mails(), texts())}.get(channel, (texts(),))
    lines = (line for path in message_folder.newest_first(*folders) if (line := _line(path)) is not None)
    fit = (
        line for line in lines if channel in (None, line.channel) and wanted in f"{line.to}\n{line.title}".casefold()
    )
    found = list(islice(fit, first, first + PAGE_SIZE + 1))
    return found[:PAGE_SIZE], len(found) > PAGE_SIZE


def _line(path: Path) -> Line | None:
    """None for what was dropped meanwhile, and for answers: they did not come to anybody's inbox."""
    return _line_of_mail(path) if path.suffix == message_folder.MAIL else _line_of_text(path)


def _line_of_mail(path: Path) -> Line | None:
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except FileNotFoundError:
        return None
    message = _HEADERS.parsebytes(head)
    to, subject = header(message, "Delivered-To") or header(message, "To"), header(message, "Subject")
    return Line(path.name, Channel.EMAIL, to, subject, message_folder.caught_at(path))


def _line_of_text(path: Path) -> Line | None:
    found = caught_texts.read(path)
    if found is None or found.is_answer:
        return None
    words = " ".join(found.text.split())[:SHOWN_LINE_CHARS]
    at = message_folder.caught_at(path)
    return Line(path.name, channel_of(found), number_of(found), words, at, is_lost=bool(found.code))
