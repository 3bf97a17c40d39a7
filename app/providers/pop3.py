"""A visit to a mailbox over POP3 (RFC 1939): what is understood is deleted, the rest stays and is not read again.

Our own dialogue: the library's gives up at a line of 2048 bytes and keeps whole mails, however large, in memory.
"""

import socket

from app.channels.contract import Fault, Security
from app.channels.mailbox import MAX_MAIL_BYTES, Judge, Judged, MailboxSettings
from app.kernel import clock
from app.kernel.texts import N_
from app.providers.mail_socket import connect, cut_off_after, encrypted
from app.providers.smtp_replies import ConnectionFailed

LINE_BYTES = 4096
MAX_LIST_BYTES = 8 * 2**20  # of a mailbox with a hundred thousand mails
MOST_LEFT = 1000  # mails that stay in the mailbox


class Refused(Exception):
    """The server said -ERR, or something that is no answer."""


def visit(settings: MailboxSettings, judge: Judge, left_over: list[str]) -> None:
    """Show every mail to judge that is not left over; left_over is brought up to date as it goes.

    Raises OSError, Refused and ConnectionFailed.
    """
    dialogue = _Dialogue(connect(settings))
    try:
        with cut_off_after(settings.budget_seconds, lambda: dialogue.peer):
            dialogue.sign_in(settings)
            _look(dialogue, settings, judge, left_over)
            dialogue.say("QUIT")  # only now the server deletes
    finally:
        dialogue.close()


def _look(dialogue: "_Dialogue", settings: MailboxSettings, judge: Judge, left_over: list[str]) -> None:
    until = clock.steady() + settings.budget_seconds
    there = dialogue.uids()
    left_over[:] = [uid for uid in left_over if uid in there]
    new = [uid for uid in there if uid not in set(left_over)]
    for uid in new[: settings.most_mails]:
        if clock.steady() >= until or len(left_over) >= MOST_LEFT:
            break
        match judge(dialogue.mail(there[uid])):
            case Judged.DONE:
                dialogue.say("DELE", there[uid])
            case Judged.KEPT:
                left_over.append(uid)
            case Judged.LATER:
                continue


class _Dialogue:
    """One connection; answers are read as they come."""

    def __init__(self, peer: socket.socket) -> None:
        self.peer = peer
        self._file = peer.makefile("rb")

    def sign_in(self, settings: MailboxSettings) -> None:
        """Hear the greeting, encrypt where that comes second, and sign in."""
        self._answer()
        if settings.security is Security.STARTTLS:
            try:
                self.say("STLS")
            except Refused:
                raise ConnectionFailed(Fault.SENDER, N_("The server does not offer STARTTLS.")) from None
            self.peer = encrypted(self.peer, settings)
            self._file = self.peer.makefile("rb")  # what came in clear text after the answer is forgotten
        self.say("USER", settings.username)
        self.say("PASS", settings.secret)

    def say(self, *words: str) -> None:
        """Say a command and hear that it was taken. Raises Refused."""
        self.peer.sendall(" ".join(words).encode() + b"\r\n")
        self._answer()

    def uids(self) -> dict[str, str]:
        """What the server calls its mails -> their numbers in this visit, the oldest first."""
        self.say("UIDL")
        lines = (line.split() for line in self._body(MAX_LIST_BYTES).decode("ascii", "replace").splitlines())
        return {words[1][:70]: words[0] for words in lines if len(words) == 2}

    def mail(self, number: str) -> bytes:
        """The beginning of a mail; the rest is read and forgotten."""
        self.say("RETR", number)
        return self._body(MAX_MAIL_BYTES)

    def close(self) -> None:
        """Hang up."""
        self._file.close()
        self.peer.close()

    def _answer(self) -> None:
        line = self._file.readline(LINE_BYTES)
        if not line:
            raise ConnectionResetError("The server hung up.")
        if not line.startswith(b"+OK"):
            raise Refused(line.removeprefix(b"-ERR").decode("utf-8", "replace").strip())

    def _body(self, most_bytes: int) -> bytes:
        """The lines up to the lone dot, the doubled ones undone; what is too much is read and forgotten."""
        found, begins_line = bytearray(), True
        while True:
            piece = self._file.readline(LINE_BYTES)
            if not piece:
                raise ConnectionResetError("The server hung up.")
            if begins_line and piece.startswith(b"."):
                if piece.rstrip() == b".":
                    return bytes(found)
                piece = piece[1:]
            begins_line = piece.endswith(b"\n")
            if len(found) < most_bytes:
                found += piece
