"""The senders: SMTP accounts, gateways to phones and web push, their secrets sealed; limits of channels and
Twilio accounts; templates."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from flask import current_app
from flask_appbuilder import Model
from sqlalchemy import (
    JSON,
    Boolean,
    ColumnElement,
    Date,
    ForeignKey,
    Integer,
    SmallInteger,
    String,
    Text,
    false,
    true,
)
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from app.channels.contract import Channel, Security
from app.channels.warm_up import WarmUp
from app.kernel.db import NEVER_AGAIN, EnumText, UtcDateTime, bytes_of


class Limited:
    """What may send no more than so many messages in any such stretch of time. A limit of None does not bind."""

    per_second: Mapped[int | None] = mapped_column(Integer)
    per_minute: Mapped[int | None] = mapped_column(Integer)
    per_hour: Mapped[int | None] = mapped_column(Integer)
    per_day: Mapped[int | None] = mapped_column(Integer)

    @property
    def key(self) -> str:
        """Names it among all that is limited: "smtp:3", "channel:sms"."""
        raise NotImplementedError


class ChannelLimit(Limited, Model):
    """What all senders of a channel together may send. A channel without a row is not limited."""

    __tablename__ = "channel_limit"
    channel: Mapped[Channel] = mapped_column(EnumText(Channel, 16), primary_key=True)

    @property
    def key(self) -> str:
        """Names it among all that is limited: "channel:sms"."""
        return f"channel:{self.channel}"


class AccountLimit(Limited, Model):
    """What all gateways of a Twilio account together may send, whatever they carry. An account without a row is not
    limited."""

    __tablename__ = "account_limit"
    account_sid: Mapped[str] = mapped_column(String(34), primary_key=True)

    @property
    def key(self) -> str:
        """Names it among all that is limited: "twilio:AC…"."""
        return f"twilio:{self.account_sid}"

    @property
    def name(self) -> str:
        """The end of the SID, by which people know it; the rest looks like any other."""
        return f"…{self.account_sid[-4:]}"


class Sender(Limited):
    """What every sender has, whatever its channel: a name, a sealed secret, limits and health.

    Secrets are sealed with uid as identity. paused_reason is set when the provider refused
    our sign-in or the sender itself: nothing is sent until a person mends it.
    """

    kind = ""  # begins the keys of its limits and lanes
    channel: Any  # what it carries

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[bytes] = mapped_column(bytes_of(16), default=lambda: uuid4().bytes)
    name: Mapped[str] = mapped_column(String(120), unique=True)
    secret_sealed: Mapped[bytes | None] = mapped_column(bytes_of(1024))
    max_connections: Mapped[int] = mapped_column(Integer, default=8)
    is_enabled: Mapped[bool] = mapped_column(Boolean, default=True)
    paused_reason: Mapped[str | None] = mapped_column(String(255))
    # the breaker, kept here so that all workers share it (sending/breaker.py decides)
    breaker_open_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    breaker_open_seconds: Mapped[int] = mapped_column(Integer, default=0)
    last_error: Mapped[str | None] = mapped_column(Text)
    last_error_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)

    @classmethod
    def carries(cls, channel: Channel) -> ColumnElement[bool]:
        """The condition that a sender of this kind carries that channel."""
        return true() if cls.channel is channel else false()

    @property
    def key(self) -> str:
        """Names it among all that is limited, and its lanes: "smtp:3"."""
        return f"{self.kind}:{self.id}"

    @property
    def shared(self) -> Limited | None:
        """The limits that it keeps together with other senders, beside those of its channel; None for none."""
        return None

    @property
    def warm_up(self) -> WarmUp | None:
        """Its way up to its limit per day, also one that is over; None for what has none."""
        return None

    def most_on(self, day: date) -> int | None:
        """What it may send in the 24 hours before any moment of that day (UTC); None without a limit."""
        return self.warm_up.most_on(day) if self.warm_up else self.per_day

    @property
    def slow_per_hour(self) -> int | None:
        """Messages an hour that it sends at the most because its server asked to slow down; None when it did not."""
        return None

    @property
    def paces(self) -> Mapping[str, int]:
        """How many messages a minute may go to a recipient domain, by domain."""
        return {}

    @property
    def address(self) -> str:
        """What people see a message come from."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return self.name


class SmtpAccount(Sender, Model):
    """An SMTP server to send through, with its sender address. dkim_key is sealed as the secret is.

    bounce_address: where servers send back what they could not deliver; each message leaves with a mark in it
    (return_path.py). None: it goes back to the sender address, without a mark.

    warm_up_begins_on: the day (UTC) on which its warm-up begins, None for no warm-up; warm_up_first_day: how many
    messages that day holds; warm_up_growth_percent: how many more each day after it, until per_day is reached.

    slow_factor: how many times slower it sends now than the slow_from_per_hour messages an hour of before, because its
    server asked for that; 1: as fast as it can. slow_changed_at: when that last changed (sending/slow_down.py decides).

    stand_in_id: the account over whose server its messages go while its own cannot be used (stand_ins.py).
    failing_since: since when its server was not to be reached, or refuses it; None while it sends. stood_in_since:
    since when its stand-in carries its messages; None while it carries them itself.
    domain_paces: how many messages a minute may go to a recipient domain, by domain; None for no such limit.
    """

    __tablename__ = "smtp_account"
    __table_args__ = NEVER_AGAIN
    kind = "smtp"
    channel = Channel.EMAIL
    host: Mapped[str] = mapped_column(String(253))
    port: Mapped[int] = mapped_column(Integer, default=587)
    security: Mapped[Security] = mapped_column(EnumText(Security, 16), default=Security.STARTTLS)
    username: Mapped[str] = mapped_column(String(255), default="")
    auth: Mapped[str] = mapped_column(String(16), default="auto")
    from_name: Mapped[str] = mapped_column(String(120), default="")
    from_email: Mapped[str] = mapped_column(String(254))
    reply_to: Mapped[str | None] = mapped_column(String(254))
    bounce_address: Mapped[str | None] = mapped_column(String(254))
    messages_per_connection: Mapped[int] = mapped_column(Integer, default=500)
    dkim_domain: Mapped[str | None] = mapped_column(String(253))
    dkim_selector: Mapped[str | None] = mapped_column(String(63))
    dkim_key_sealed: Mapped[bytes | None] = mapped_column(bytes_of(4096))
    warm_up_begins_on: Mapped[date | None] = mapped_column(Date)
    warm_up_first_day: Mapped[int] = mapped_column(Integer, default=50)
    warm_up_growth_percent: Mapped[int] = mapped_column(Integer, default=30)
    slow_factor: Mapped[int] = mapped_column(SmallInteger, default=1)
    slow_from_per_hour: Mapped[int] = mapped_column(Integer, default=0)
    slow_changed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    stand_in_id: Mapped[int | None] = mapped_column(ForeignKey("smtp_account.id"))
    failing_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    stood_in_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    stand_in: Mapped["SmtpAccount | None"] = relationship(remote_side=lambda: SmtpAccount.id)
    domain_paces: Mapped[dict[str, int] | None] = mapped_column(JSON(none_as_null=True))

    @property
    def slow_per_hour(self) -> int | None:
        """Messages an hour that it sends at the most because its server asked to slow down."""
        # a row that is not stored yet has no defaults
        return max(self.slow_from_per_hour // self.slow_factor, 1) if (self.slow_factor or 1) > 1 else None

    @property
    def paces(self) -> Mapping[str, int]:
        """How many messages a minute may go to a recipient domain, by domain."""
        return self.domain_paces or {}

    @property
    def warm_up(self) -> WarmUp | None:
        """Its way up to its limit per day, also one that is over; None without one."""
        if self.warm_up_begins_on is None or not self.per_day:
            return None
        return WarmUp(self.warm_up_begins_on, self.warm_up_first_day, self.warm_up_growth_percent, self.per_day)

    @property
    def address(self) -> str:
        """Its sender address."""
        return self.from_email


class Gateway(Sender, Model):
    """A Twilio number, messaging service or sender name that messages to phones are sent through, with its account.

    channel: text messages or WhatsApp. account_sid: the account. key_sid: the API key that signs in, "" for the
    account's own token; the secret is the key's secret or the token. sender: a number in E.164, the SID of a messaging
    service, or a name. segment_price_micros: what a segment costs, over WhatsApp a message, in millionths of the
    currency; None when nobody said.
    """

    __tablename__ = "gateway"
    __table_args__ = NEVER_AGAIN
    kind = "gateway"
    channel: Mapped[Channel] = mapped_column(EnumText(Channel, 16), default=Channel.SMS)
    account_sid: Mapped[str] = mapped_column(String(34))
    key_sid: Mapped[str] = mapped_column(String(34), default="")
    sender: Mapped[str] = mapped_column(String(34))
    segment_price_micros: Mapped[int | None] = mapped_column(Integer)
    currency: Mapped[str] = mapped_column(String(3), default="")
    account_limit: Mapped[AccountLimit | None] = relationship(
        primaryjoin=lambda: foreign(Gateway.account_sid) == AccountLimit.account_sid, viewonly=True
    )

    @property
    def shared(self) -> Limited | None:
        """What all gateways of its Twilio account together may send."""
        return self.account_limit

    @classmethod
    def carries(cls, channel: Channel) -> ColumnElement[bool]:
        """The condition that a gateway carries that channel."""
        return cls.channel == channel

    @property
    def address(self) -> str:
        """The number, service or name."""
        return self.sender


class WebPushSender(Sender, Model):
    """What notifications are sent with: the one VAPID key of this installation, which every subscription is bound to.

    The secret is the private key as 64 hexadecimal digits. public_key: its point, base64url without padding.
    """

    __tablename__ = "web_push_sender"
    __table_args__ = NEVER_AGAIN
    kind = "push"
    channel = Channel.PUSH
    public_key: Mapped[str] = mapped_column(String(90))

    @property
    def address(self) -> str:
        """The site that a browser names below a notification."""
        return urlsplit(current_app.config["PUBLIC_URL"]).netloc


class ApprovalState(StrEnum):
    """Whether WhatsApp lets a template be sent (https://www.twilio.com/docs/content/content-types-overview)."""

    UNSUBMITTED = "unsubmitted"
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    PAUSED = "paused"
    DISABLED = "disabled"
    GONE = "gone"  # not at the provider any more


class WhatsAppTemplate(Model):
    """A template of a Twilio account as the last look found it (channels.whatsapp_templates).

    body: with {{1}} and the like where its variables stand; variables: their names. why: why it was rejected.
    """

    __tablename__ = "whatsapp_template"
    __table_args__ = NEVER_AGAIN
    id: Mapped[int] = mapped_column(primary_key=True)
    account_sid: Mapped[str] = mapped_column(String(34), index=True)
    content_sid: Mapped[str] = mapped_column(String(34), unique=True)
    name: Mapped[str] = mapped_column(String(250), default="")
    language: Mapped[str] = mapped_column(String(16), default="")
    category: Mapped[str] = mapped_column(String(40), default="")
    status: Mapped[ApprovalState] = mapped_column(EnumText(ApprovalState, 16))
    body: Mapped[str] = mapped_column(Text, default="")
    variables: Mapped[list[str]] = mapped_column(JSON, default=list)
    why: Mapped[str] = mapped_column(String(255), default="")
    synced_at: Mapped[datetime] = mapped_column(UtcDateTime)

    def __repr__(self) -> str:
        return f"{self.name} ({self.language})"
