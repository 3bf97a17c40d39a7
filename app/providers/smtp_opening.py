"""From the greeting to a connection that may send: EHLO, STARTTLS, sign-in. Pure.

The dialogue is a generator: it yields what to do, is sent the server's reply, and returns what the server offers.
"""

import base64
import ipaddress
import re
from collections.abc import Generator
from dataclasses import dataclass
from enum import Enum, auto

from app.channels.contract import Fault, Security, SmtpSettings
from app.kernel.texts import N_
from app.providers.smtp_codes import DETAIL_LENGTH, Stage, is_positive, opening_fault
from app.providers.smtp_replies import Capabilities, ConnectionFailed, Reply, capabilities_of

MASK = "****"


class Wait(Enum):
    """What to do other than to write a line."""

    LISTEN = auto()
    START_TLS = auto()


@dataclass(frozen=True, slots=True)
class Say:
    """Write this line. shown: how it stands in a transcript."""

    line: str
    shown: str


Opening = Generator[Say | Wait, Reply, Capabilities]


def open_session(settings: SmtpSettings, *, is_loopback: bool) -> Opening:
    """The dialogue before the first message.

    is_loopback: the peer is this machine, so that a password in clear text is nobody else's to read.
    Raises ConnectionFailed with Fault.SENDER for what a person must put right, Fault.PROVIDER for the rest.
    """
    if not re.fullmatch(r"[!-~]{1,255}", settings.helo):
        raise ConnectionFailed(Fault.SENDER, N_("The name for EHLO must be a host name in plain ASCII."))
    greeting = yield Wait.LISTEN
    _expect(Stage.GREETING, greeting)
    offers = yield from _greet(settings.helo)
    if settings.security is Security.STARTTLS:
        if not offers.has_starttls:
            raise ConnectionFailed(
                Fault.SENDER, N_("The server does not offer STARTTLS, and nothing is sent without encryption.")
            )
        reply = yield from _say("STARTTLS")
        _expect(Stage.STARTTLS, reply)
        yield Wait.START_TLS
        offers = yield from _greet(settings.helo)
    if settings.username:
        if settings.security is Security.NONE and not is_loopback:
            raise ConnectionFailed(
                Fault.SENDER, N_("A password is not sent without encryption: choose STARTTLS or TLS.")
            )
        yield from _sign_in(settings, offers)
    return offers


def _say(line: str, shown: str | None = None) -> Generator[Say | Wait, Reply, Reply]:
    reply = yield Say(line, line if shown is None else shown)
    return reply


def _expect(stage: Stage, reply: Reply) -> None:
    """Raise ConnectionFailed unless the reply lets the dialogue go on."""
    if is_positive(stage, reply):
        return
    raise ConnectionFailed(opening_fault(stage, reply), reply.words[:DETAIL_LENGTH], reply.label)


def _greet(helo: str) -> Generator[Say | Wait, Reply, Capabilities]:
    """EHLO, or HELO where the server does not know it (RFC 5321 section 3.2); then nothing is offered."""
    reply = yield from _say(f"EHLO {helo}")
    if is_positive(Stage.EHLO, reply):
        return capabilities_of(reply)
    if reply.code // 100 == 5:
        reply = yield from _say(f"HELO {helo}")
    _expect(Stage.EHLO, reply)
    return Capabilities()


def _sign_in(settings: SmtpSettings, offers: Capabilities) -> Generator[Say | Wait, Reply, None]:
    mechanism = choose_mechanism(settings.auth, offers.auth)
    if "\0" in settings.username + settings.secret:
        raise ConnectionFailed(Fault.SENDER, N_("The user name or password has a character that no server can take."))
    if mechanism == "PLAIN":
        token = _base64(f"\0{settings.username}\0{settings.secret}")
        reply = yield from _say(f"AUTH PLAIN {token}", f"AUTH PLAIN {MASK}")
    elif mechanism == "XOAUTH2":
        token = _base64(f"user={settings.username}\1auth=Bearer {settings.secret}\1\1")
        reply = yield from _say(f"AUTH XOAUTH2 {token}", f"AUTH XOAUTH2 {MASK}")
        if reply.code == 334:  # the reason for a refusal, which comes after an empty line
            reply = yield from _say("")
    else:
        reply = yield from _say("AUTH LOGIN")
        for word in (settings.username, settings.secret):
            if reply.code == 334:
                reply = yield from _say(_base64(word), MASK)
    _expect(Stage.AUTH, reply)


def choose_mechanism(wanted: str, offered: frozenset[str]) -> str:
    """PLAIN, LOGIN or XOAUTH2. Raises ConnectionFailed when the server does not offer what is needed."""
    if not offered:  # some servers hide it until the connection is encrypted
        words = N_("The server offers no sign-in. Choose STARTTLS or TLS, or remove the user name and the password.")
        raise ConnectionFailed(Fault.SENDER, words)
    candidates = ("PLAIN", "LOGIN", "XOAUTH2") if wanted == "auto" else (wanted.upper(),)
    for mechanism in candidates:
        if mechanism in offered:
            return mechanism
    raise ConnectionFailed(
        Fault.SENDER,
        N_(
            "The server does not offer the sign-in %(wanted)s (it offers: %(offered)s).",
            wanted="/".join(candidates),
            offered=" ".join(sorted(offered)),
        ),
    )


def is_loopback(address: str) -> bool:
    """Whether a socket's peer address is this machine."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(ip, "ipv4_mapped", None)
    return bool((mapped or ip).is_loopback)


def secrets_of(settings: SmtpSettings) -> tuple[str, ...]:
    """Every form in which the secret travels, for masking what a server echoes."""
    if not settings.secret:
        return ()
    user, secret = settings.username, settings.secret
    forms = (secret, f"\0{user}\0{secret}", f"user={user}\1auth=Bearer {secret}\1\1")
    return (secret, *(_base64(form) for form in forms))


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
