"""A visit to a mailbox over IMAP (RFC 3501): what is understood is deleted, the rest goes into a folder of ours."""

import imaplib
import re
import socket
from contextlib import suppress
from typing import Any

from app.channels.contract import Fault, Security
from app.channels.mailbox import MAX_MAIL_BYTES, Judge, Judged, MailboxSettings
from app.kernel import clock
from app.kernel.texts import N_
from app.providers.mail_socket import connect, cut_off_after
from app.providers.smtp_address import tls_context
from app.providers.smtp_replies import ConnectionFailed

FOLDER = "Muster"
_PREFIX = re.compile(rb'\(\("([^"\\]*)"')  # of the personal namespace (RFC 2342): where folders may be made


def visit(settings: MailboxSettings, judge: Judge, _left_over: list[str]) -> None:
    """Show every mail of the inbox to judge. Raises OSError, imaplib's errors and ConnectionFailed."""
    connection = _Connection(settings)
    try:
        with cut_off_after(settings.budget_seconds, lambda: connection.sock):
            connection.sign_in(settings)
            _look(connection, settings, judge)
            connection.logout()
    finally:
        with suppress(OSError):
            connection.shutdown()


def _look(connection: "_Connection", settings: MailboxSettings, judge: Judge) -> None:
    until = clock.steady() + settings.budget_seconds
    _expect(connection.select("INBOX"))
    found = _expect(connection.uid("SEARCH", "UNDELETED"))
    try:
        for uid in (found[0] or b"").decode("ascii").split()[: settings.most_mails]:
            if clock.steady() >= until:
                break
            mail = connection.fetch_mail(uid)
            if mail is None:  # somebody else took it meanwhile
                continue
            match judge(mail):
                case Judged.DONE:
                    connection.delete(uid)
                case Judged.KEPT:
                    connection.put_aside(uid)
                case Judged.LATER:
                    continue
    finally:
        connection.expunge_ours()


class _Connection(imaplib.IMAP4):
    """The library's, over our own connection."""

    def __init__(self, settings: MailboxSettings) -> None:
        self._settings = settings
        self._offers: frozenset[str] = frozenset()
        self._folder = ""
        self._deleted: list[str] = []
        super().__init__(settings.host, settings.port, settings.timeout_seconds)

    def open(self, host: str = "", port: int = 0, timeout: float | None = None) -> None:
        """Called by the library."""
        self.host, self.port = host, port
        self.sock: socket.socket = connect(self._settings)
        self.file = self.sock.makefile("rb")

    def sign_in(self, settings: MailboxSettings) -> None:
        """Encrypt where that comes second, and sign in; AUTHENTICATE takes every character, LOGIN does not."""
        if settings.security is Security.STARTTLS:
            if "STARTTLS" not in self.capabilities:
                raise ConnectionFailed(Fault.SENDER, N_("The server does not offer STARTTLS."))
            self.starttls(tls_context(settings))
        if "AUTH=PLAIN" in self.capabilities:
            said = b"\0" + settings.username.encode() + b"\0" + settings.secret.encode()
            self.authenticate("PLAIN", lambda _challenge: said)
        else:
            self.login(_quoted(settings.username), settings.secret)
        offers = _expect(self.capability())  # more than before the sign-in
        self._offers = frozenset(b" ".join(each for each in offers if each).decode("ascii", "replace").upper().split())

    def fetch_mail(self, uid: str) -> bytes | None:
        """The beginning of a mail, without marking it as read."""
        answer: list[Any] = _expect(self.uid("FETCH", uid, f"(BODY.PEEK[]<0.{MAX_MAIL_BYTES}>)"))
        parts: list[Any] = [each[1] for each in answer if isinstance(each, tuple)]
        return parts[0] if parts else None

    def delete(self, uid: str) -> None:  # type: ignore[override]
        """Mark a mail for deletion, which holds even when the connection breaks; it is not looked at again."""
        _expect(self.uid("STORE", uid, "+FLAGS.SILENT", r"(\Deleted)"))
        self._deleted.append(uid)

    def put_aside(self, uid: str) -> None:
        """Move a mail into our folder."""
        folder = self._our_folder()
        if "MOVE" in self._offers:
            _expect(self.uid("MOVE", uid, folder))
        else:
            _expect(self.uid("COPY", uid, folder))
            self.delete(uid)

    def expunge_ours(self) -> None:
        """Let go of what was marked; without UIDPLUS of everything that is marked (RFC 4315)."""
        if not self._deleted or self.state != "SELECTED":
            return
        with suppress(OSError, imaplib.IMAP4.error):  # it is done by the next visit then, or by the owner
            if "UIDPLUS" in self._offers:
                self.uid("EXPUNGE", ",".join(self._deleted))
            else:
                self.expunge()

    def _our_folder(self) -> str:
        if not self._folder:
            prefix = b""
            if "NAMESPACE" in self._offers and (found := _PREFIX.search(_expect(self.namespace())[0] or b"")):
                prefix = found[1]
            self._folder = _quoted(prefix.decode("ascii", "replace") + FOLDER)
            self.create(self._folder)  # NO when it is there already; else the move says what is wrong
        return self._folder


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _expect(answer: tuple[str, list[bytes | None]]) -> list[bytes | None]:
    kind, data = answer
    if kind != "OK":
        raise imaplib.IMAP4.error(b" ".join(each for each in data if each).decode("utf-8", "replace"))
    return data
