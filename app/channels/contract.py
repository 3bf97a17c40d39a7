"""What a provider receives and returns: plain values, no database, no Flask."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeVar


class Channel(StrEnum):
    """The ways a message can travel. A value is added together with the provider that carries it."""

    EMAIL = "email"
    SMS = "sms"
    WHATSAPP = "whatsapp"
    PUSH = "push"  # web push: a notification in the browsers of a person


TO_PHONES = frozenset({Channel.SMS, Channel.WHATSAPP})  # through a gateway, to a number


class Outcome(StrEnum):
    """What became of one message at the provider."""

    ACCEPTED = "accepted"
    REFUSED = "refused"  # for good: a 5xx
    DEFERRED = "deferred"  # refused for now: a 4xx about this message, may be tried again
    NOT_TRANSMITTED = "not-transmitted"  # the provider never got the whole message; the attempt does not count
    UNCONFIRMED = "unconfirmed"  # handed over, and the answer was lost; never sent again by itself


class Fault(StrEnum):
    """Whom a failure is about, which decides who pays for it."""

    RECIPIENT = "recipient"  # this address only
    CONTENT = "content"  # the message itself: counts towards the brake of the campaign
    SENDER = "sender"  # sign-in, certificate or sender address refused: pauses the account, burns nobody
    PROVIDER = "provider"  # connection, DNS, 421: counts towards the breaker of the account


class Reason(StrEnum):
    """Why a recipient has no sent message. Every row that is not sent has exactly one."""

    # given by a provider, about one recipient or the content
    INVALID_RECIPIENT = "invalid-recipient"
    MAILBOX_FULL = "mailbox-full"
    NEEDS_SMTPUTF8 = "needs-smtputf8"
    REJECTED = "rejected"
    REJECTED_CONTENT = "rejected-content"
    TOO_LARGE = "too-large"
    MEDIA_REFUSED = "media-refused"  # the picture could not be fetched, or is none that the channel shows
    REPLY_LOST = "reply-lost"
    DEVICE_GONE = "device-gone"  # the push service knows none of the person's devices any more
    SERVICE_AWAY = "service-away"  # a push service that cannot take it now
    # given by the send path
    RENDER_ERROR = "render-error"
    RETRIES_EXHAUSTED = "retries-exhausted"
    POISON = "poison"
    WORKER_LOST = "worker-lost"
    DOMAIN_PACE = "domain-pace"  # waits for the pace to the domain of the address
    # given by the plan or the claim: skipped
    NO_ADDRESS = "no-address"
    DUPLICATE_ADDRESS = "duplicate-address"
    SUPPRESSED = "suppressed"
    OUTSIDE_WINDOW = "outside-window"  # WhatsApp: words of our own reach only who wrote within a day
    # given by a person or the calendar: stopped
    VALIDITY_PERIOD_EXPIRED = "validity-period-expired"
    CAMPAIGN_UNPUBLISHED = "campaign-unpublished"
    CAMPAIGN_ENDED = "campaign-ended"
    REMOVED_BY_USER = "removed-by-user"
    MISSION_CLOSED = "mission-closed"


@dataclass(frozen=True, slots=True)
class SendResult:
    """Outcome of one message.

    fault: None for ACCEPTED, and for NOT_TRANSMITTED when the feed itself stopped the message. reason: set for
    REFUSED, DEFERRED and UNCONFIRMED. A fault of the SENDER is always NOT_TRANSMITTED. code: the provider's own code
    ("550 5.1.1"), empty for ACCEPTED.
    detail: the provider's words, at most 255 characters, control characters removed.
    retry_after_seconds: the provider's own hint, if it gave one. provider_id: how the provider names an ACCEPTED
    message, where it does. gone: the ids of devices that never take anything again.
    """

    outcome: Outcome
    fault: Fault | None = None
    reason: Reason | None = None
    code: str = ""
    detail: str = ""
    retry_after_seconds: float | None = None
    provider_id: str = ""
    gone: tuple[int, ...] = ()


@dataclass(slots=True)
class Outgoing:
    """One e-mail ready to leave.

    ref: the feed's own number of the message, opaque to the provider.
    mail_from, recipient: bare addresses as they stand in MAIL FROM and RCPT TO (domain in punycode).
    content: the whole RFC 5322 message, CRLF lines, last line ended, already dot-stuffed.
    needs_smtputf8: the local part of an address is not ASCII (RFC 6531).
    """

    ref: int
    mail_from: bytes
    recipient: bytes
    content: bytes
    needs_smtputf8: bool = False


@dataclass(slots=True)
class OutgoingText:
    """One text message ready to leave.

    ref: the feed's own number of the message, opaque to the provider. recipient: a number in E.164, over WhatsApp with
    "whatsapp:" before it. body: as the phone shows it. content_sid: the template that is sent instead, "" for none;
    then body is the JSON of its variables. callback_url: where the provider reports what became of it; its token names
    the message, so that a report finds its recipient even when our process died before it could note the provider's id.
    "": nowhere. media_url: where the provider fetches the picture that is shown above the body, "" for none.
    """

    ref: int
    recipient: str
    body: str
    callback_url: str = ""
    content_sid: str = ""
    media_url: str = ""


@dataclass(frozen=True, slots=True)
class Device:
    """A browser that shows our notifications. endpoint: the address at its push service. p256dh, auth: its keys for us
    (RFC 8291): an uncompressed point of P-256, and 16 bytes."""

    id: int
    endpoint: str = field(repr=False)
    p256dh: bytes = field(repr=False)
    auth: bytes = field(repr=False)


@dataclass(slots=True)
class OutgoingPush:
    """One notification ready to leave, for every device of a person.

    ref: the feed's own number of the message, opaque to the provider. payload: what the service worker reads, not yet
    encrypted. topic: of messages with the same one a push service keeps the last (RFC 8030, 5.4). ttl_seconds: how long
    it waits for a device that is switched off.
    """

    ref: int
    devices: tuple[Device, ...]
    payload: bytes
    topic: str
    ttl_seconds: int


class Numbered(Protocol):
    """What every outgoing message has: the feed's own number."""

    ref: int


Taken = TypeVar("Taken", bound=Numbered, covariant=True)
Carried = TypeVar("Carried", bound=Numbered, contravariant=True)


class Feed(Protocol[Taken]):
    """Where a transport gets its messages and tells what became of them. Called from one thread only."""

    def take(self) -> Taken | float | None:
        """The next message; or the seconds after which to ask again; or None when nothing more will come."""

    def hand_over(self, ref: int) -> bool:
        """Called right before the first byte of the message is written. False: this one must not leave."""

    def report(self, ref: int, result: SendResult) -> None:
        """Called exactly once for every message taken."""

    def tick(self) -> bool:
        """Called at least every 100 ms. False: stop; what was not handed over is reported NOT_TRANSMITTED."""


@dataclass(frozen=True, slots=True)
class ContentTemplate:
    """A template as its provider keeps it. body: with {{1}} and the like where its variables stand; variables: their
    names. status: the provider's word for whether it may be sent. why: what was wrong with a rejected one."""

    content_sid: str
    name: str
    language: str
    category: str
    status: str
    body: str
    variables: tuple[str, ...]
    why: str = ""


@dataclass(frozen=True, slots=True)
class RememberedText:
    """A message to a phone as its provider remembers it.

    body: as the phone shows it. status, code: what became of it in the provider's words; code is "" without an error.
    at: when the provider took it over, aware UTC.
    """

    provider_id: str
    body: str = field(repr=False)
    status: str
    code: str
    at: datetime


class ReadingProblem(Exception):
    """What a provider keeps could not be read; says why in the provider's words, without the secret."""


class Security(StrEnum):
    """How the connection to an SMTP server is protected. Never weakened by itself."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """Everything needed to speak to one SMTP server. secret: password, or OAuth token for XOAUTH2."""

    host: str
    port: int
    security: Security
    username: str = ""
    secret: str = field(default="", repr=False)
    auth: str = "auto"  # auto, plain, login or xoauth2
    helo: str = "localhost"
    ca_file: str | None = None  # extra trust, beside the system's
    messages_per_connection: int = 500
    connect_timeout_seconds: float = 10.0
    reply_timeout_seconds: float = 30.0  # EHLO, AUTH, MAIL, RCPT, DATA
    accept_timeout_seconds: float = 60.0  # the answer to the final dot


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """Everything needed to send text messages through one account of a provider.

    account: the account's id there. username, secret: what signs our requests in: the account and its token, or an API
    key and its secret. sender: a number in E.164 (over WhatsApp with "whatsapp:" before it), the id of a messaging
    service, or a name. base_url: where the API is; content_url: where that of its templates is.
    """

    account: str
    username: str
    sender: str
    base_url: str
    secret: str = field(default="", repr=False)
    connect_timeout_seconds: float = 5.0
    answer_timeout_seconds: float = 15.0
    content_url: str = ""


@dataclass(frozen=True, slots=True)
class PushSettings:
    """Everything needed to send web push. private_key: our VAPID key, 32 bytes. subject: the address at which a push
    service finds us (RFC 8292)."""

    subject: str
    private_key: bytes = field(repr=False)
    connect_timeout_seconds: float = 5.0
    answer_timeout_seconds: float = 15.0


@dataclass(frozen=True, slots=True)
class RunReport:
    """How a run ended. fault: None when the feed was drained or stopped; else why the server could not be used.
    slow_down: the server's words when it asked to be sent less at a time, without addresses; "" when it did not."""

    accepted: int
    fault: Fault | None = None
    code: str = ""
    detail: str = ""
    slow_down: str = ""


@dataclass(frozen=True, slots=True)
class TestReport:
    """What a test message met. transcript: the dialogue line by line ("C: …", "S: …"), secrets masked."""

    __test__ = False  # not a test class, whatever pytest thinks of its name

    result: SendResult
    transcript: Sequence[str]


class Transport(Protocol[Carried]):
    """What a provider implements, of any channel. Never raises a vendor's or socket's error: it reports results."""

    def run(self, feed: Feed[Carried], connections: int) -> RunReport:
        """Send all that the feed gives over up to `connections` connections; returns when the feed is over."""

    def send_one(self, message: Carried) -> TestReport:
        """Send one message over a connection of its own and keep the dialogue."""
