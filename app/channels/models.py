"""The senders: SMTP accounts, their secrets sealed."""

from datetime import datetime
from uuid import uuid4

from flask_appbuilder import Model
from sqlalchemy import Boolean, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.channels.contract import Security
from app.kernel.db import NEVER_AGAIN, EnumText, UtcDateTime, bytes_of


class SmtpAccount(Model):
    """An SMTP server to send through, with its sender address, limits and health.

    secret and dkim_key are sealed with uid as identity (channels.service opens them). Limits of None do not bind.
    paused_reason is set when the server refused our sign-in or sender address: nothing is sent until a person mends it.
    """

    __tablename__ = "smtp_account"
    __table_args__ = NEVER_AGAIN
    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[bytes] = mapped_column(bytes_of(16), default=lambda: uuid4().bytes)
    name: Mapped[str] = mapped_column(String(120), unique=True)
    host: Mapped[str] = mapped_column(String(253))
    port: Mapped[int] = mapped_column(Integer, default=587)
    security: Mapped[Security] = mapped_column(EnumText(Security, 16), default=Security.STARTTLS)
    username: Mapped[str] = mapped_column(String(255), default="")
    secret_sealed: Mapped[bytes | None] = mapped_column(bytes_of(1024))
    auth: Mapped[str] = mapped_column(String(16), default="auto")
    from_name: Mapped[str] = mapped_column(String(120), default="")
    from_email: Mapped[str] = mapped_column(String(254))
    reply_to: Mapped[str | None] = mapped_column(String(254))
    max_connections: Mapped[int] = mapped_column(Integer, default=8)
    messages_per_connection: Mapped[int] = mapped_column(Integer, default=500)
    per_second: Mapped[int | None] = mapped_column(Integer)
    per_minute: Mapped[int | None] = mapped_column(Integer)
    per_hour: Mapped[int | None] = mapped_column(Integer)
    per_day: Mapped[int | None] = mapped_column(Integer)
    dkim_domain: Mapped[str | None] = mapped_column(String(253))
    dkim_selector: Mapped[str | None] = mapped_column(String(63))
    dkim_key_sealed: Mapped[bytes | None] = mapped_column(bytes_of(4096))
    is_enabled: Mapped[bool] = mapped_column(Boolean, default=True)
    paused_reason: Mapped[str | None] = mapped_column(String(255))
    # the breaker, kept here so that all workers share it (sending/breaker.py decides)
    breaker_open_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    breaker_open_seconds: Mapped[int] = mapped_column(Integer, default=0)
    last_error: Mapped[str | None] = mapped_column(Text)
    last_error_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)

    def __repr__(self) -> str:
        return self.name
