"""One non-blocking connection to an SMTP server: connecting, TLS, signing in, bytes in and out."""

import errno
import os
import selectors
import socket
import ssl
from collections.abc import Callable, Sequence
from enum import Enum, auto

from app.channels.contract import Fault, Security, SmtpSettings
from app.kernel.texts import N_
from app.providers.smtp_address import Address
from app.providers.smtp_dialogue import Dialogue
from app.providers.smtp_opening import MASK, Opening, Say, Wait, is_loopback, open_session, secrets_of
from app.providers.smtp_replies import ConnectionFailed, Reply, ReplyReader, printable

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE

# One TLS record. OpenSSL keeps what it could not write and does not say how much of it left, so that only single
# records let us know which bytes are on their way.
TLS_RECORD_BYTES = 16_384
# Below this the content's time runs out: a server must not hold a message by reading it byte by byte.
SLOWEST_BYTES_PER_SECOND = 16_384

_LATER = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Phase(Enum):
    """How far a connection is."""

    CONNECTING = auto()
    SECURING = auto()
    OPENING = auto()
    READY = auto()
    LEAVING = auto()
    CLOSED = auto()


class Connection:
    """One connection. Every method may raise ConnectionFailed; the owner then discards it."""

    __slots__ = (
        "_context",
        "_is_tls",
        "_lock_step",
        "_name",
        "_opening",
        "_out",
        "_secrets",
        "_selector",
        "_settings",
        "_sock",
        "_targets",
        "_trace",
        "_watched",
        "carried",
        "deadline",
        "dialogue",
        "dot_left",
        "left",
        "phase",
        "reader",
    )

    def __init__(
        self,
        settings: SmtpSettings,
        context: ssl.SSLContext | None,
        selector: selectors.BaseSelector,
        trace: list[str] | None,
    ) -> None:
        """trace: gets the dialogue line by line, secrets masked; with it messages go in lock step."""
        self.phase = Phase.CONNECTING
        self.reader = ReplyReader()
        self.dialogue: Dialogue = None  # type: ignore[assignment]  # from READY on
        self.deadline = 0.0
        self.dot_left = 0  # bytes up to the end of the final dot which the kernel does not have yet
        self.left = settings.messages_per_connection
        self.carried = False  # it has brought a message to its end
        self._settings, self._context, self._selector, self._trace = settings, context, selector, trace
        self._secrets = secrets_of(settings) if trace is not None else ()
        self._targets: list[Address] = []
        self._sock: socket.socket | None = None
        self._name = f"{settings.host}:{settings.port}"
        self._opening: Opening = None  # type: ignore[assignment]  # from OPENING on
        self._out: memoryview | None = None
        self._watched = 0
        self._is_tls = False
        self._lock_step = trace is not None

    # --- connecting

    def start(self, addresses: Sequence[Address], now: float) -> None:
        """Begin to connect to the first address that does not refuse; the time is shared between them."""
        self._targets = list(addresses)
        self._connect(now, "no address")

    def _connect(self, now: float, why: str) -> None:
        share = self._settings.connect_timeout_seconds / max(1, len(self._targets))
        while self._targets:
            family, address = self._targets.pop(0)
            self._drop_socket()
            try:
                self._sock = socket.socket(family, socket.SOCK_STREAM)
                self._sock.setblocking(False)
                self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                error = self._sock.connect_ex(address)
            except OSError as refused:
                error = refused.errno or errno.EIO
            if error in (0, errno.EINPROGRESS, errno.EWOULDBLOCK):
                self.deadline = now + share
                self._watch(WRITE)
                return
            why = os.strerror(error)
        raise ConnectionFailed(Fault.PROVIDER, N_("No connection to %(host)s: %(why)s.", host=self._name, why=why))

    def expire(self, now: float) -> None:
        """The deadline has passed: try the next address, or fail."""
        if self.phase is Phase.CONNECTING and self._targets:
            self._connect(now, N_("time out"))
            return
        raise ConnectionFailed(Fault.PROVIDER, N_("No answer from %(host)s in time.", host=self._name), is_timeout=True)

    def advance(self, mask: int, now: float) -> bool:
        """Go on with connecting and signing in; True as soon as messages may be sent."""
        if self.phase is Phase.CONNECTING:
            assert self._sock is not None
            error = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if error:
                self._connect(now, os.strerror(error))
                return False
            self._connected(now)
        elif self.phase is Phase.SECURING:
            self._handshake(now)
        else:
            if mask & WRITE:
                self.flush(now)
            if mask & READ:
                self.reader.feed(self.receive())
                self._read_opening(now)
        return self.phase is Phase.READY

    def _connected(self, now: float) -> None:
        assert self._sock is not None
        try:
            peer = self._sock.getpeername()[0]
        except OSError as error:
            raise self._gone(error) from error
        self._opening = open_session(self._settings, is_loopback=is_loopback(peer))
        self._note(f"connected to {self._name}")
        self._watch(READ)
        if self._settings.security is Security.TLS:
            self._secure(now)
        else:
            self._begin(now)

    def _begin(self, now: float) -> None:
        """Take the dialogue up: at its begin, or after STARTTLS."""
        self.phase = Phase.OPENING
        self._follow(lambda: next(self._opening), now)

    def _follow(self, move: Callable[[], Say | Wait], now: float) -> None:
        self.deadline = now + self._settings.reply_timeout_seconds
        try:
            step = move()
        except StopIteration as end:
            self.dialogue = Dialogue(end.value, in_lock_step=self._lock_step)
            self.phase = Phase.READY
            return
        if isinstance(step, Say):
            self.write(step.line.encode() + b"\r\n", shown=step.shown)
        elif step is Wait.START_TLS:
            self.reader.clear()  # whatever came in clear text after the answer was not said by the server we verify
            self._secure(now)

    def _read_opening(self, now: float) -> None:
        while self.phase is Phase.OPENING and (reply := self.reader.next()) is not None:
            self.note_reply(reply)
            answer = reply
            try:
                self._follow(lambda answer=answer: self._opening.send(answer), now)  # type: ignore[misc]
            except ConnectionFailed as failure:
                failure.detail = self._masked(failure.detail)
                raise

    # --- TLS

    def _secure(self, now: float) -> None:
        assert self._sock is not None and self._context is not None
        # wrap_socket() takes the descriptor out of the socket, and closes it when it fails
        self._unwatch()
        plain, self._sock = self._sock, None
        try:
            self._sock = self._context.wrap_socket(
                plain, server_hostname=self._settings.host, do_handshake_on_connect=False
            )
        except ValueError as error:  # a host name that no certificate can carry
            plain.close()
            raise ConnectionFailed(
                Fault.SENDER, N_("%(host)s is not a host name.", host=self._settings.host)
            ) from error
        except OSError as error:
            plain.close()
            raise self._gone(error) from error
        self.phase, self._is_tls = Phase.SECURING, True
        self.deadline = now + self._settings.reply_timeout_seconds
        self._handshake(now)

    def _handshake(self, now: float) -> None:
        assert isinstance(self._sock, ssl.SSLSocket)
        try:
            self._sock.do_handshake()
        except ssl.SSLWantReadError:
            self._watch(READ)
            return
        except ssl.SSLWantWriteError:
            self._watch(READ | WRITE)
            return
        except ssl.SSLCertVerificationError as error:
            host, why = self._settings.host, error.verify_message
            words = N_("The certificate of %(host)s is not valid: %(why)s.", host=host, why=why)
            raise ConnectionFailed(Fault.SENDER, words) from error
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:
            raise self._gone(error) from error
        except ssl.SSLError as error:
            words = N_("No encrypted connection: %(why)s.", why=error.reason or error)
            raise ConnectionFailed(Fault.SENDER, words) from error
        except OSError as error:
            raise self._gone(error) from error
        self._note(f"encrypted with {self._sock.version()}, certificate valid for {self._settings.host}")
        self._watch(READ)
        self._begin(now)

    # --- bytes

    def receive(self) -> bytes:
        """What has come in; nothing when it was not meant for us (TLS's own records)."""
        assert self._sock is not None
        try:
            data = self._sock.recv(65_536)
        except _LATER:
            return b""
        except OSError as error:
            raise self._gone(error) from error
        if not data:
            raise ConnectionFailed(Fault.PROVIDER, N_("%(host)s closed the connection.", host=self._name))
        return data

    def write(self, data: bytes, *, dot: int = 0, shown: str | None = None) -> None:
        """Write as much as the kernel takes and keep the rest. dot: where a content's final dot ends in the data.

        A broken connection is not reported here but by the next receive(): the server's last words may explain it.
        """
        if self._out is not None:
            raise ConnectionFailed(Fault.PROVIDER, N_("%(host)s answers before it was asked.", host=self._name))
        if self._trace is not None:
            self._note_written(data, dot, shown)
        self.dot_left = dot
        sock = self._sock
        assert sock is not None
        if self._is_tls and len(data) > TLS_RECORD_BYTES:
            self._out = memoryview(data)
            self._send()
        else:
            try:
                sent = sock.send(data)
            except _LATER:
                sent = 0
            except OSError:
                return
            self.dot_left = max(0, dot - sent)
            if sent < len(data):
                self._out = memoryview(data)[sent:]
        if self._out is not None:
            self._watch(READ | WRITE)

    def flush(self, now: float) -> None:
        """Go on writing what was kept; with its end the time for the answer begins."""
        if self._out is not None:
            self._send()
        if self._out is None:
            self._watch(READ)
            settings = self._settings
            is_content = self.dialogue is not None and self.dialogue.handed is not None
            self.deadline = now + (settings.accept_timeout_seconds if is_content else settings.reply_timeout_seconds)

    @property
    def has_unwritten(self) -> bool:
        """Whether something waits for the kernel to take it."""
        return self._out is not None

    def _send(self) -> None:
        sock, out = self._sock, self._out
        assert sock is not None and out is not None
        try:
            while out:
                sent = sock.send(out[:TLS_RECORD_BYTES] if self._is_tls else out)
                self.dot_left = max(0, self.dot_left - sent)
                out = out[sent:]
        except _LATER:
            pass
        except OSError:
            # Nothing more can leave; dot_left stays what it is.
            self._out = None
            return
        self._out = out if out else None

    def _watch(self, events: int) -> None:
        assert self._sock is not None
        if events == self._watched:
            return
        if self._watched:
            self._selector.modify(self._sock.fileno(), events, self)
        else:
            self._selector.register(self._sock.fileno(), events, self)
        self._watched = events

    def _unwatch(self) -> None:
        if self._watched:
            assert self._sock is not None
            self._selector.unregister(self._sock.fileno())
            self._watched = 0

    def quit(self) -> None:
        """Say goodbye. Whatever the server answers, and whether it does, changes nothing any more."""
        if self._out is None and self.phase is Phase.READY:
            self.phase = Phase.LEAVING
            self.write(b"QUIT\r\n", shown="QUIT")

    def close(self) -> None:
        """Close at once; what was not written does not leave."""
        self.phase = Phase.CLOSED
        self._drop_socket()

    def _drop_socket(self) -> None:
        if self._sock is None:
            return
        self._unwatch()
        self._sock.close()
        self._sock = None

    def _gone(self, error: OSError) -> ConnectionFailed:
        why = error.strerror or error
        return ConnectionFailed(
            Fault.PROVIDER, N_("The connection to %(host)s broke: %(why)s.", host=self._name, why=why)
        )

    # --- transcript

    def note_reply(self, reply: Reply) -> None:
        """Keep a reply in the transcript."""
        if self._trace is None:
            return
        last = len(reply.lines) - 1
        for number, line in enumerate(reply.lines):
            self._trace.append(self._masked(f"S: {reply.code}{' ' if number == last else '-'}{printable(line)}"))

    def _note_written(self, data: bytes, dot: int, shown: str | None) -> None:
        assert self._trace is not None
        if dot:
            self._trace.extend((f"C: ({dot - 3} bytes of message)", "C: ."))
        else:
            text = data.decode("utf-8", "replace").rstrip("\r\n") if shown is None else shown
            self._trace.append(f"C: {text}")

    def _note(self, text: str) -> None:
        if self._trace is not None:
            self._trace.append(f"C: ({text})")

    def _masked(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return text
