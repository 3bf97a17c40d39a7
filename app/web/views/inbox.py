"""The inbox of the demo: the mails that its catcher caught, newest first."""

import email
import email.policy
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Any

from flask import abort, current_app, request
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.kernel import mail_folder
from app.web.asked import number
from app.web.base import AppView
from app.web.frames import framed

PAGE_SIZE = 50
MOST_PAGES = 9999
HEAD_BYTES = 16 * 1024
SHOWN_PART_CHARS = 1_000_000

_HEADERS = BytesHeaderParser(policy=email.policy.default)


@dataclass(frozen=True, slots=True)
class Line:
    """One mail in the list."""

    name: str
    to: str
    subject: str
    caught_at: datetime


def folder() -> Path:
    """Where the catcher of this instance keeps its mails."""
    return Path(current_app.config["INSTANCE"]) / "mails"


def _header(message: Any, name: str) -> str:
    try:
        return str(message.get(name, ""))
    except (ValueError, IndexError, AttributeError):  # the parser of a malformed header; the mail is shown all the same
        return ""


def line_of(name: str) -> Line | None:
    """What the list shows of a mail; None when it was dropped meanwhile."""
    try:
        with (folder() / name).open("rb") as file:
            head = file.read(HEAD_BYTES)
    except FileNotFoundError:
        return None
    message = _HEADERS.parsebytes(head)
    at = datetime.strptime(name[:15], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    return Line(name, _header(message, "Delivered-To") or _header(message, "To"), _header(message, "Subject"), at)


def find(wanted: str, page: int) -> tuple[list[Line], bool]:
    """One page of the mails whose recipient or subject has these words, and whether there are more."""
    wanted, skipped, found = wanted.casefold(), page * PAGE_SIZE, list[Line]()
    for name in mail_folder.newest_first(folder()):
        if not wanted and skipped:  # nothing to look for: no need to read what is not shown
            skipped -= 1
            continue
        line = line_of(name)
        if line is None or (wanted and wanted not in f"{line.to}\n{line.subject}".casefold()):
            continue
        if skipped:
            skipped -= 1
            continue
        if len(found) == PAGE_SIZE:
            return found, True
        found.append(line)
    return found, False


def _part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    try:
        return str(body.get_content())[:SHOWN_PART_CHARS] if body is not None else ""
    except (LookupError, ValueError):
        return _("(This part cannot be read: its character set or its encoding is wrong.)")


def _mail(name: str) -> EmailMessage:
    path = mail_folder.path_of(folder(), name)
    if path is None:
        abort(404)
    return email.message_from_bytes(path.read_bytes(), policy=email.policy.default)


class InboxView(AppView):
    """Reads only."""

    route_base = "/inbox"
    resource = "DemoInbox"
    default_view = "list"

    @expose("/")
    @has_access
    @permission_name("read")
    def list(self) -> Any:
        """The mails, or those with these words in recipient or subject."""
        wanted = request.args.get("q", "").strip()[:200]
        page = number(request.args.get("page", "0"), 0, MOST_PAGES)
        lines, has_more = find(wanted, page)
        return self.render_template(
            "inbox.html", title=_("Inbox of the demo"), lines=lines, wanted=wanted, page=page, has_more=has_more
        )

    @expose("/<string:name>")
    @has_access
    @permission_name("read")
    def show(self, name: str) -> Any:
        """One mail: its headers, its text, and its HTML where it can do nothing."""
        message = _mail(name)
        return self.render_template(
            "mail.html",
            title=_header(message, "Subject") or _("(no subject)"),
            name=name,
            headers=[(key, value.replace("\r\n", " ")) for key, value in message.raw_items()],
            text=_part(message, "plain"),
            html=message.get_body(("html",)) is not None,
            attachments=[part.get_filename() or part.get_content_type() for part in message.iter_attachments()],
        )

    @expose("/<string:name>/html")
    @has_access
    @permission_name("read")
    def html(self, name: str) -> Response:
        """Its HTML part for a frame: it may look as it likes and do nothing but open its links in a new window."""
        return framed(_part(_mail(name), "html"))
