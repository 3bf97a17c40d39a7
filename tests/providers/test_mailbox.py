"""Visits to real mailboxes: every mail is shown once, nothing is lost, and what goes wrong is said in a sentence."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.channels.contract import Security
from app.channels.mailbox import MAX_MAIL_BYTES, Judged, MailboxReport, MailboxSettings, MailProtocol
from app.providers import mail_socket
from app.providers.mailbox import open_mailbox
from tests.providers import dovecot
from tests.providers.dovecot import Dovecot

BOTH = list(MailProtocol)
FATES = {b"done": Judged.DONE, b"kept": Judged.KEPT, b"late": Judged.LATER}


def mail(name: bytes, body: bytes = b"Hello") -> bytes:
    return b"Subject: " + name + b"\r\n\r\n" + body + b"\r\n"


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with dovecot.running() as made:
        yield made


@pytest.fixture(autouse=True)
def fresh(server: Dovecot) -> None:
    server.empty()


class Reader:
    """Judges by the subject and remembers."""

    def __init__(self) -> None:
        self.seen: list[bytes] = []

    def __call__(self, raw: bytes) -> Judged:
        self.seen.append(raw)
        return FATES[raw[9:13]]

    @property
    def names(self) -> list[bytes]:
        return [raw.partition(b"\r\n")[0][9:] for raw in self.seen]


def visit(settings: MailboxSettings, left_over: tuple[str, ...] = ()) -> tuple[Reader, MailboxReport]:
    reader = Reader()
    return reader, open_mailbox(settings).visit(reader, left_over)


@pytest.mark.parametrize("security", list(Security))
@pytest.mark.parametrize("protocol", BOTH)
def test_every_mail_is_shown_and_treated_as_judged(server: Dovecot, protocol: MailProtocol, security: Security) -> None:
    server.deliver(mail(b"done 1"), mail(b"kept 2"), mail(b"late 3"), mail(b"done 4"))
    reader, report = visit(server.settings(protocol, security))
    assert report.problem == ""
    assert reader.names == [b"done 1", b"kept 2", b"late 3", b"done 4"]
    kept, late = mail(b"kept 2"), mail(b"late 3")
    if protocol is MailProtocol.IMAP:
        assert (server.inbox(), server.put_aside(), report.left_over) == ([late], [kept], ())
    else:
        assert (server.inbox(), server.put_aside(), len(report.left_over)) == ([kept, late], [], 1)


@pytest.mark.parametrize("protocol", BOTH)
def test_what_was_put_aside_is_not_shown_again(server: Dovecot, protocol: MailProtocol) -> None:
    server.deliver(mail(b"kept 1"), mail(b"late 2"))
    _reader, first = visit(server.settings(protocol))
    server.deliver(mail(b"done 3"))
    reader, second = visit(server.settings(protocol), first.left_over)
    assert reader.names == [b"late 2", b"done 3"]
    assert second.left_over == first.left_over


def test_what_left_the_mailbox_is_forgotten(server: Dovecot) -> None:
    _reader, report = visit(server.settings(MailProtocol.POP3), ("a mail of last year",))
    assert report == MailboxReport()


@pytest.mark.parametrize("protocol", BOTH)
def test_of_a_large_mail_the_beginning_is_shown(server: Dovecot, protocol: MailProtocol) -> None:
    server.deliver(mail(b"done 1", b"x" * 70 + b"\r\n" + b"long line " * 5000 + b"\r\n" + b"y" * 3_000_000))
    server.deliver(mail(b"done 2"))
    reader, report = visit(server.settings(protocol))
    assert (reader.names, report.problem, server.inbox()) == ([b"done 1", b"done 2"], "", [])
    assert MAX_MAIL_BYTES <= len(reader.seen[0]) <= MAX_MAIL_BYTES + 4096


def test_doubled_dots_of_pop3_are_undone(server: Dovecot) -> None:
    body = b".one\r\n..two\r\n.\r\nthree " + b"." * 9000
    server.deliver(mail(b"done", body))
    reader, _report = visit(server.settings(MailProtocol.POP3))
    assert reader.seen == [mail(b"done", body)]


@pytest.mark.parametrize("protocol", BOTH)
def test_a_visit_ends_after_so_many_mails(server: Dovecot, protocol: MailProtocol) -> None:
    server.deliver(*(mail(b"done %d" % number) for number in range(4)))
    reader, report = visit(server.settings(protocol, most_mails=3))
    assert (len(reader.seen), len(server.inbox()), report.problem) == (3, 1, "")


@pytest.mark.parametrize("protocol", BOTH)
def test_a_visit_ends_when_its_time_is_up(server: Dovecot, protocol: MailProtocol) -> None:
    server.deliver(mail(b"done 1"))
    reader, report = visit(server.settings(protocol, budget_seconds=0.0))
    assert (reader.seen, len(server.inbox()), report.problem) == ([], 1, "")


@pytest.mark.parametrize("protocol", BOTH)
def test_an_error_of_ours_deletes_nothing_that_was_not_judged(server: Dovecot, protocol: MailProtocol) -> None:
    def judge(raw: bytes) -> Judged:
        if b"late" in raw:
            raise RuntimeError("the database is away")
        return Judged.DONE

    server.deliver(mail(b"done 1"), mail(b"late 2"), mail(b"done 3"))
    with pytest.raises(RuntimeError, match="database"):
        open_mailbox(server.settings(protocol)).visit(judge, ())
    assert {mail(b"late 2"), mail(b"done 3")} <= set(server.inbox())


def test_the_folder_is_made_where_the_server_wants_it_and_without_move_mails_are_copied() -> None:
    more = "protocol imap {\n  imap_capability = IMAP4rev1 NAMESPACE STARTTLS AUTH=PLAIN\n}"
    with dovecot.running(prefix="INBOX.", separator=".", more=more) as server:
        server.deliver(mail(b"kept 1"), mail(b"done 2"))
        _reader, report = visit(server.settings(MailProtocol.IMAP))
        assert (report.problem, server.inbox(), server.put_aside()) == ("", [], [mail(b"kept 1")])


@pytest.mark.parametrize("protocol", BOTH)
def test_a_wrong_password_is_said_in_the_words_of_the_server(server: Dovecot, protocol: MailProtocol) -> None:
    server.deliver(mail(b"done 1"))
    reader, report = visit(server.settings(protocol, secret="wrong"), ("kept",))
    assert report.problem.startswith("The server refused: ")
    assert "uthentication failed" in report.problem
    assert (reader.seen, report.left_over, len(server.inbox())) == ([], ("kept",), 1)


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
@pytest.mark.parametrize("protocol", BOTH)
def test_a_certificate_that_nobody_vouches_for_is_refused(
    server: Dovecot, protocol: MailProtocol, security: Security
) -> None:
    _reader, report = visit(server.settings(protocol, security, ca_file=None))
    assert report.problem.startswith("The certificate of 127.0.0.1 is not valid")


def test_a_password_does_not_leave_this_machine_in_clear_text(server: Dovecot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_socket, "is_loopback", lambda _address: False)
    _reader, report = visit(server.settings(MailProtocol.IMAP, Security.NONE))
    assert report.problem == "A password is not sent without encryption: choose STARTTLS or TLS."


class Odd:
    """A server that says these things, one at each connection, and then nothing, or hangs up."""

    def __init__(self, says: bytes, hangs_up: bool = False) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._says, self._hangs_up = says, hangs_up
        self._peers: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                peer, _address = self._socket.accept()
            except OSError:
                return
            self._peers.append(peer)
            peer.sendall(self._says)
            if self._hangs_up:
                peer.close()

    def settings(self, protocol: MailProtocol, **values: object) -> MailboxSettings:
        usual = MailboxSettings(protocol, "127.0.0.1", self.port, Security.NONE, "user", "secret", timeout_seconds=0.3)
        return replace(usual, **values)  # type: ignore[arg-type]

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._socket.close()
        for peer in self._peers:
            peer.close()


GREETINGS = {MailProtocol.IMAP: b"* OK ready\r\n", MailProtocol.POP3: b"+OK ready\r\n"}


@pytest.mark.parametrize("protocol", BOTH)
@pytest.mark.parametrize("says", [b"", b"220 smtp.example.org ESMTP\r\n", b"\x00\xff" * 500, b"* BYE full\r\n"])
@pytest.mark.parametrize("hangs_up", [False, True])
def test_a_server_that_is_none_is_a_problem_in_words(protocol: MailProtocol, says: bytes, hangs_up: bool) -> None:
    odd = Odd(says, hangs_up)
    try:
        reader, report = visit(odd.settings(protocol), ("kept",))
    finally:
        odd.close()
    assert report.problem and "secret" not in report.problem
    assert (reader.seen, report.left_over) == ([], ("kept",))


@pytest.mark.parametrize("protocol", BOTH)
def test_without_starttls_nobody_signs_in(protocol: MailProtocol) -> None:
    says = {MailProtocol.IMAP: b"* OK ready\r\n* CAPABILITY IMAP4rev1\r\n", MailProtocol.POP3: b"+OK\r\n-ERR no\r\n"}
    odd = Odd(says[protocol])
    try:
        _reader, report = visit(odd.settings(protocol, security=Security.STARTTLS))
    finally:
        odd.close()
    assert report.problem


@pytest.mark.parametrize("protocol", BOTH)
def test_nobody_there_is_a_problem_in_words(protocol: MailProtocol) -> None:
    odd = Odd(b"")
    odd.close()
    _reader, report = visit(odd.settings(protocol))
    assert report.problem.startswith("The connection to 127.0.0.1 broke: ")


def test_a_server_that_drips_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_socket, "GRACE_SECONDS", 0.2)
    odd = Odd(GREETINGS[MailProtocol.POP3])
    try:
        _reader, report = visit(odd.settings(MailProtocol.POP3, timeout_seconds=30.0, budget_seconds=0.1))
    finally:
        odd.close()
    assert report.problem
