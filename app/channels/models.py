"""The senders: SMTP accounts and gateways for text messages, their secrets sealed."""

from datetime import datetime
from uuid import uuid4

from flask_appbuilder import Model
from sqlalchemy import Boolean, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.channels.contract import Security
from app.kernel.db import NEVER_AGAIN, EnumText, UtcDateTime, bytes_of


class Sender:
    """What every sender has, whatever its channel: a name, a sealed secret, limits and health.

    Secrets are sealed with uid as identity. Limits of None do not bind. paused_reason is set when the provider refused
    our sign-in or the sender itself: nothing is sent until a person mends it.
    """

    kind = ""  # begins the keys of its limits and lanes

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[bytes] = mapped_column(bytes_of(16), default=lambda: uuid4().bytes)
    name: Mapped[str] = mapped_column(String(120), unique=True)
    secret_sealed: Mapped[bytes | None] = mapped_column(bytes_of(1024))
    max_connections: Mapped[int] = mapped_column(Integer, default=8)
    per_second: Mapped[int | None] = mapped_column(Integer)
    per_minute: Mapped[int | None] = mapped_column(Integer)
    per_hour: Mapped[int | None] = mapped_column(Integer)
    per_day: Mapped[int | None] = mapped_column(Integer)
    is_enabled: Mapped[bool] = mapped_column(Boolean, default=True)
    paused_reason: Mapped[str | None] = mapped_column(String(255))
    # the breaker, kept here so that all workers share it (sending/breaker.py decides)
    breaker_open_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    breaker_open_seconds: Mapped[int] = mapped_column(Integer, default=0)
    last_error: Mapped[str | None] = mapped_column(Text)
    last_error_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)

    @property
    def key(self) -> str:
        """Names it among all senders: "smtp:3"."""
        return f"{self.kind}:{self.id}"

    @property
    def address(self) -> str:
        """What people see a message come from."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return self.name


class SmtpAccount(Sender, Model):
    """An SMTP server to send through, with its sender address. dkim_key is sealed as the secret is."""

    __tablename__ = "smtp_account"
    __table_args__ = NEVER_AGAIN
    kind = "smtp"
    host: Mapped[str] = mapped_column(String(253))
    port: Mapped[int] = mapped_column(Integer, default=587)
    security: Mapped[Security] = mapped_column(EnumText(Security, 16), default=Security.STARTTLS)
    username: Mapped[str] = mapped_column(String(255), default="")
    auth: Mapped[str] = mapped_column(String(16), default="auto")
    from_name: Mapped[str] = mapped_column(String(120), default="")
    from_email: Mapped[str] = mapped_column(String(254))
    reply_to: Mapped[str | None] = mapped_column(String(254))
    messages_per_connection: Mapped[int] = mapped_column(Integer, default=500)
    dkim_domain: Mapped[str | None] = mapped_column(String(253))
    dkim_selector: Mapped[str | None] = mapped_column(String(63))
    dkim_key_sealed: Mapped[bytes | None] = mapped_column(bytes_of(4096))

    @property
    def address(self) -> str:
        """Its sender address."""
        return self.from_email


class Gateway(Sender, Model):
    """A Twilio number, messaging service or sender name that text messages are sent through, with its account.

    account_sid: the account. key_sid: the API key that signs in, "" for the account's own token; the secret is the
    key's secret or the token. sender: a number in E.164, the SID of a messaging service, or a name.
    segment_price_micros: what a segment costs, in millionths of the currency; None when nobody said.
    """

    __tablename__ = "gateway"
    __table_args__ = NEVER_AGAIN
    kind = "gateway"
    account_sid: Mapped[str] = mapped_column(String(34))
    key_sid: Mapped[str] = mapped_column(String(34), default="")
    sender: Mapped[str] = mapped_column(String(34))
    segment_price_micros: Mapped[int | None] = mapped_column(Integer)
    currency: Mapped[str] = mapped_column(String(3), default="")

    @property
    def address(self) -> str:
        """The number, service or name."""
        return self.sender
