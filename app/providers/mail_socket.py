"""The way to a mailbox: a connection with a timeout, and its encryption, which is never weakened."""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Timer

from app.channels.contract import Fault, Security
from app.channels.mailbox import MailboxSettings
from app.kernel.texts import N_
from app.providers.smtp_address import tls_context
from app.providers.smtp_opening import is_loopback
from app.providers.smtp_replies import ConnectionFailed

GRACE_SECONDS = 10.0  # beyond the budget, for the mail that is being read


def connect(settings: MailboxSettings) -> socket.socket:
    """An open connection, encrypted already where encryption comes first. Raises OSError and ConnectionFailed."""
    peer = socket.create_connection((settings.host, settings.port), settings.timeout_seconds)
    try:
        if settings.security is Security.NONE and not is_loopback(peer.getpeername()[0]):
            raise ConnectionFailed(
                Fault.SENDER, N_("A password is not sent without encryption: choose STARTTLS or TLS.")
            )
        return encrypted(peer, settings) if settings.security is Security.TLS else peer
    except (OSError, ValueError, ConnectionFailed):
        peer.close()
        raise


def encrypted(peer: socket.socket, settings: MailboxSettings) -> ssl.SSLSocket:
    """The same connection behind TLS, the server's certificate and name checked."""
    context = tls_context(settings)
    assert context is not None
    return context.wrap_socket(peer, server_hostname=settings.host)


@contextmanager
def cut_off_after(seconds: float, peer: Callable[[], socket.socket]) -> Iterator[None]:
    """Ends the connection when the visit takes so long: a server that sends a byte now and then must hold no worker.

    peer: gives the connection as it is then, because encryption makes another one of it.
    """

    def cut() -> None:
        with suppress(OSError):  # closed meanwhile
            socket.socket.shutdown(peer(), socket.SHUT_RDWR)  # that of an SSLSocket is not for another thread

    timer = Timer(seconds + GRACE_SECONDS, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
