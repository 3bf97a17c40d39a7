"""Finding an SMTP server, and what a mail server must prove: name lookup and the TLS context."""

import socket
import ssl
from collections.abc import Callable
from threading import Thread
from typing import Any

from app.channels.contract import Fault, Security, SmtpSettings
from app.channels.mailbox import MailboxSettings
from app.kernel.texts import N_
from app.providers.smtp_replies import ConnectionFailed

POLL_SECONDS = 0.05

Address = tuple[int, Any]  # family, sockaddr


def resolve(settings: SmtpSettings, keep_on: Callable[[], bool]) -> list[Address]:
    """The server's addresses.

    keep_on: called every 50 ms, since getaddrinfo itself knows no timeout; False gives up.
    Raises ConnectionFailed with Fault.PROVIDER.
    """
    found: list[Address] = []
    trouble: list[Exception] = []

    def ask() -> None:
        try:
            for family, _, _, _, address in socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM):
                found.append((family, address))
        except (OSError, ValueError, OverflowError) as error:  # a name that is none is a UnicodeError
            trouble.append(error)

    asking = Thread(target=ask, name="smtp-resolve", daemon=True)
    asking.start()
    for _ in range(int(settings.connect_timeout_seconds / POLL_SECONDS) + 1):
        asking.join(POLL_SECONDS)
        if not asking.is_alive() or not keep_on():
            break
    if not asking.is_alive() and found:
        return found
    why = N_("no answer in time") if asking.is_alive() else trouble[0] if trouble else N_("no address")
    raise ConnectionFailed(
        Fault.PROVIDER, N_("The address of %(host)s was not found: %(why)s.", host=settings.host, why=why)
    )


def tls_context(settings: SmtpSettings | MailboxSettings) -> ssl.SSLContext | None:
    """What a server must prove: a valid certificate for its name, TLS 1.2 or newer. None without encryption.

    Raises ConnectionFailed with Fault.SENDER when the extra certificates cannot be read.
    """
    if settings.security is Security.NONE:
        return None
    try:
        context = ssl.create_default_context()
        if settings.ca_file:
            context.load_verify_locations(settings.ca_file)
    except OSError as error:
        raise ConnectionFailed(
            Fault.SENDER, N_("The file of certificates cannot be read: %(why)s.", why=error)
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
