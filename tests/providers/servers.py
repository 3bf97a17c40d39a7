"""A scriptable SMTP server on a real socket: a thread for tests, or a process (python -m tests.providers.servers)."""

import base64
import contextlib
import re
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Self

from tests.providers.script import Accepted, Answer, Do, Moment, Script, Visit

MESSAGE_ID = re.compile(rb"^Message-ID:[ \t]*(<[^>\r\n]*>)", re.I | re.M)


class Server:
    """The server in a thread: `with Server(Script(…)) as server:`, then server.port, .accepted and .visits."""

    def __init__(self, script: Script | None = None, *, port: int = 0, on_accept: Any = None, on_refuse: Any = None):
        self.script = script or Script()
        self.accepted: list[Accepted] = []
        self.visits: list[Visit] = []
        self.messages = 0
        self.open_most = 0
        self.on_accept: Callable[[Accepted], None] = on_accept or (lambda message: None)
        self.on_refuse: Callable[[Moment, str], None] = on_refuse or (lambda moment, reply: None)
        self.changed = threading.Condition()
        self._socket = socket.create_server(("127.0.0.1", port), backlog=512)
        self.port: int = self._socket.getsockname()[1]
        self._sessions: set[_Session] = set()
        self._threads: list[threading.Thread] = []
        self._is_stopping = False

    def serve(self) -> None:
        """Take connections until stop() is called, each in a thread of its own."""
        while True:
            try:
                peer, _ = self._socket.accept()
            except OSError:
                return
            with self.changed:
                if self._is_stopping:
                    peer.close()
                    return
                session = _Session(self, peer)
                self._sessions.add(session)
                self.open_most = max(self.open_most, len(self._sessions))
            thread = threading.Thread(target=session.run, name=f"smtp-visit-{session.visit.number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """End serve() and every connection."""
        with self.changed:
            self._is_stopping = True
            sessions = list(self._sessions)
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for session in sessions:
            session.cut()

    def left(self, session: "_Session") -> None:
        """A connection ends."""
        with self.changed:
            self._sessions.remove(session)
            session.visit.is_over = True
            self.changed.notify_all()

    def __enter__(self) -> Self:
        self._threads.append(threading.Thread(target=self.serve, name="smtp-server", daemon=True))
        self._threads[0].start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()
        for thread in list(self._threads):
            thread.join(10)
            assert not thread.is_alive()

    def wait_until(self, is_so: Callable[["Server"], bool], seconds: float = 10.0) -> bool:
        """Wait for something the server sees, such as all visits being over."""
        with self.changed:
            return self.changed.wait_for(lambda: is_so(self), seconds)

    def wait_until_over(self) -> None:
        """Wait until every connection has ended, so that what visits say is final."""
        assert self.wait_until(lambda server: all(visit.is_over for visit in server.visits))


class _HangUp(Exception):
    def __init__(self, *, rudely: bool = False) -> None:
        self.rudely = rudely


class _Session:
    """One connection of the server."""

    def __init__(self, server: Server, peer: socket.socket) -> None:
        self.server, self.script, self.socket = server, server.script, peer
        self.visit = Visit(len(server.visits) + 1)
        server.visits.append(self.visit)
        self.sender = self.recipient = ""
        self.message = self.nth = 0
        self.has_recipient = self.has_transaction = False
        self.is_silent = server.script.blackhole
        self.is_signed_in = not server.script.auth
        self._in = b""
        self._out: deque[tuple[float, bytes]] = deque()
        self._out_changed = threading.Condition()
        self._is_leaving = False

    def run(self) -> None:
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        speaking = threading.Thread(target=self._speak_in_time, daemon=True)
        if self._is_slow:
            speaking.start()
        try:
            if self.script.implicit_tls:
                self._start_tls()
            self._answer("greeting", "220 test.example ESMTP")
            while line := self._line():
                self._command(line.rstrip(b"\r\n").decode("utf-8", "surrogateescape"))
        except _HangUp as end:
            with contextlib.suppress(OSError):
                self._said()
                time.sleep(self.script.leave_delay)
                if end.rudely:
                    self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
        finally:
            with self._out_changed:
                self._is_leaving = True
                self._out_changed.notify_all()
            if self._is_slow:
                speaking.join()
            self.server.left(self)
            self.socket.close()  # last: the peer sees it at once, and may come back before the next line

    def cut(self) -> None:
        """End the connection from another thread."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)

    def _start_tls(self) -> None:
        assert self.script.tls is not None
        self.socket = self.script.tls.wrap_socket(self.socket, server_side=True)
        self.visit.is_tls = True

    def _line(self) -> bytes:
        """The next line with its end; empty when the peer has hung up. What was said leaves before waiting."""
        while (end := self._in.find(b"\n")) < 0:
            if not self._is_slow:
                self._speak()
            more = self.socket.recv(65_536)
            if not more:
                return b""
            self._in += more
        line, self._in = self._in[: end + 1], self._in[end + 1 :]
        return line

    def _content(self) -> bytes:
        """All lines up to the final dot, with dot-stuffing."""
        pieces, tail = [self._in], self._in
        while (end := tail.find(b"\r\n.\r\n")) < 0:
            more = self.socket.recv(1 << 20)
            if not more:
                raise _HangUp
            pieces.append(more)
            tail = tail[-4:] + more
        whole = b"".join(pieces)
        rest = len(tail) - end - 5
        self._in = whole[len(whole) - rest :]
        return whole[: len(whole) - rest - 3]

    # --- speaking

    @property
    def _is_slow(self) -> bool:
        return bool(self.script.reply_delay or self.script.accept_delay)

    def _say(self, text: str, extra_delay: float = 0.0) -> None:
        if not self.is_silent:
            data = text.replace("\n", "\r\n").encode("utf-8", "surrogateescape") + b"\r\n"
            with self._out_changed:
                self._out.append((time.monotonic() + self.script.reply_delay + extra_delay, data))
                self._out_changed.notify_all()

    def _speak_in_time(self) -> None:
        """Let replies leave when their time has come; what is due together goes in one packet."""
        with self._out_changed:
            while True:
                self._out_changed.wait_for(lambda: self._out or self._is_leaving)
                if not self._out:
                    return
                self._out_changed.wait_for(lambda: False, max(0.0, self._out[0][0] - time.monotonic()))
                try:
                    self._speak(time.monotonic() + 0.002)
                except OSError:
                    self._out.clear()
                self._out_changed.notify_all()

    def _speak(self, until: float = float("inf")) -> None:
        data = b""
        while self._out and self._out[0][0] <= until:
            data += self._out.popleft()[1]
        step = 1 if self.script.split_replies else len(data) or 1
        for start in range(0, len(data), step):
            self.socket.sendall(data[start : start + step])

    def _said(self) -> None:
        """Wait until what was said has left."""
        if self._is_slow:
            with self._out_changed:
                self._out_changed.wait_for(lambda: not self._out)
        else:
            self._speak()

    def _decide(self, stage: str, line: str = "") -> Answer | None:
        moment = Moment(stage, line, self.visit.number, self.message, self.nth, self.recipient)
        answer = next((found for rule in self.script.rules if (found := rule(moment)) is not None), None)
        if isinstance(answer, str) and answer[:1] in "45":
            self.server.on_refuse(moment, answer)
        return answer

    def _answer(self, stage: str, usual: str, line: str = "", delay: float = 0.0) -> str:
        """Answer by the script, else as usual; returns what was said."""
        answer = self._decide(stage, line)
        if isinstance(answer, Do):
            self._do(answer)
            return ""
        said = usual if answer is None else answer
        self._say(said, delay)
        if said.startswith(("421", "221")):
            raise _HangUp
        return said

    def _do(self, action: Do) -> None:
        if action is Do.SILENCE:
            self._said()
            self.is_silent = True
            return
        raise _HangUp(rudely=action is Do.RESET)

    # --- hearing

    def _command(self, line: str) -> None:
        self.visit.lines.append(line)
        self.visit.hurried += bool(self._out)
        verb = line.split(" ", 1)[0].upper()
        handler = {
            "EHLO": self._ehlo,
            "STARTTLS": self._starttls,
            "AUTH": self._auth,
            "MAIL": self._mail,
            "RCPT": self._rcpt,
            "DATA": self._data,
            "QUIT": self._quit,
        }.get(verb)
        if handler is not None:
            handler(line)
        elif verb in ("HELO", "RSET", "NOOP"):
            self.has_transaction = self.has_transaction and verb == "NOOP"
            self._answer(verb, "250 Ok", line)
        else:
            self._say("500 5.5.2 What?")

    def _ehlo(self, line: str) -> None:
        script = self.script
        offers = [*script.extensions, *(["PIPELINING"] if script.pipelining else [])]
        if script.tls is not None and not self.visit.is_tls:
            offers.append("STARTTLS")
        if script.auth and (self.visit.is_tls or not script.auth_needs_tls):
            offers.append(f"AUTH {script.auth}")
        lines = ["test.example", *offers]
        self._answer("EHLO", "\n".join([f"250-{each}" for each in lines[:-1]] + [f"250 {lines[-1]}"]), line)

    def _starttls(self, line: str) -> None:
        if self.script.tls is None:
            self._say("502 5.5.1 No TLS here")
            return
        said = self._answer("STARTTLS", "220 Go", line)
        if not said.startswith("220"):
            return
        self._said()
        self._start_tls()

    def _auth(self, line: str) -> None:
        words = line.split()
        mechanism = words[1].upper()
        given = words[2] if len(words) > 2 else ""
        script = self.script
        if mechanism == "PLAIN":
            good = _decoded(given) == f"\0{script.username}\0{script.secret}"
        elif mechanism == "XOAUTH2":
            good = _decoded(given) == f"user={script.username}\1auth=Bearer {script.secret}\1\1"
            if not good:
                self._say("334 eyJzdGF0dXMiOiI0MDEifQ==")
                self.visit.lines.append((self._line()).decode().rstrip())
        else:
            good = [self._ask("Username:"), self._ask("Password:")] == [script.username, script.secret]
        said = self._answer("AUTH", "235 2.7.0 Welcome" if good else "535 5.7.8 Wrong user name or password", line)
        self.is_signed_in = said.startswith("235")

    def _ask(self, question: str) -> str:
        self._say(f"334 {base64.b64encode(question.encode()).decode()}")
        return _decoded((self._line()).decode().strip())

    def _mail(self, line: str) -> None:
        self.server.messages += 1
        self.message, self.nth = self.server.messages, self.nth + 1
        self.sender, self.recipient, self.has_recipient = line.partition(":")[2], "", False
        if not self.is_signed_in:
            self._say("530 5.7.0 Sign in first")
            return
        if self.has_transaction:
            self._say("503 5.5.1 Nested MAIL command")
            return
        self.has_transaction = self._answer("MAIL", "250 2.1.0 Ok", line).startswith("2")

    def _rcpt(self, line: str) -> None:
        self.recipient = line.partition("<")[2].rpartition(">")[0]
        said = self._answer("RCPT", "250 2.1.5 Ok", line)
        self.has_recipient = self.has_recipient or said.startswith("2")

    def _data(self, line: str) -> None:
        usual = "354 End data with <CR><LF>.<CR><LF>" if self.has_recipient else "503 5.5.1 No valid recipients"
        said = self._answer("DATA", usual, line)
        if not said.startswith("354"):
            return
        self.has_transaction = False
        first = self._line()
        if first == b".\r\n":
            self.visit.lone_dots += 1
            self._say("554 5.5.1 No valid recipients")
            return
        early = self._decide("content")
        if isinstance(early, Do):
            self._do(early)
        elif early is not None:
            self._say(early)
        self._in = first + self._in
        content = self._content()
        if early is None:
            self._end(b"".join(line.removeprefix(b".") for line in content.splitlines(keepends=True)))

    def _end(self, content: bytes) -> None:
        """The final dot. A message whose answer is taken away by hanging up or silence counts as accepted."""
        answer = self._decide("END")
        if isinstance(answer, str) and not answer.startswith("2"):
            self._say(answer, self.script.accept_delay)
            if answer.startswith("421"):
                raise _HangUp
            return
        found = MESSAGE_ID.search(content)
        message_id = found.group(1).decode() if found else ""
        kept = content if self.script.keep_content else b""
        is_answered = not isinstance(answer, Do)
        accepted = Accepted(self.message, self.visit.number, message_id, self.sender, self.recipient, kept, is_answered)
        self.visit.messages += 1
        self.server.on_accept(accepted)
        with self.server.changed:
            self.server.accepted.append(accepted)
            self.server.changed.notify_all()
        if isinstance(answer, Do):
            self._do(answer)
        else:
            self._say(answer or f"250 2.0.0 Ok: queued as {self.message}", self.script.accept_delay)

    def _quit(self, _line: str) -> None:
        self.visit.has_quit = True
        self._answer("QUIT", "221 2.0.0 Bye")


def _decoded(text: str) -> str:
    return base64.b64decode(text).decode()


if __name__ == "__main__":
    from tests.providers.server_process import main

    main()
