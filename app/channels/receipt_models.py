"""Where receipts on e-mails come from: a mailbox that is read, and the reports of a provider. Their secrets sealed."""

from datetime import datetime
from uuid import uuid4

from flask_appbuilder import Model
from sqlalchemy import JSON, ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from app.channels.contract import Security
from app.channels.mailbox import MailProtocol
from app.channels.receipts import ReceiptWay
from app.kernel.db import EnumText, UtcDateTime, bytes_of


class BounceMailbox(Model):
    """The mailbox into which the bounces of an SMTP account fall, what was found in it, and when it is read again.

    The secret is sealed with uid as identity. left_over: what the server calls the mails that stay there, not to be
    read again (POP3 alone; over IMAP they are moved away). failures: checks without an answer in a row.
    """

    __tablename__ = "bounce_mailbox"
    smtp_account_id: Mapped[int] = mapped_column(
        ForeignKey("smtp_account.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    uid: Mapped[bytes] = mapped_column(bytes_of(16), default=lambda: uuid4().bytes)
    protocol: Mapped[MailProtocol] = mapped_column(EnumText(MailProtocol, 8))
    host: Mapped[str] = mapped_column(String(253))
    port: Mapped[int] = mapped_column(Integer)
    security: Mapped[Security] = mapped_column(EnumText(Security, 16))
    username: Mapped[str] = mapped_column(String(255))
    secret_sealed: Mapped[bytes] = mapped_column(bytes_of(1024))
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    checked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    problem: Mapped[str] = mapped_column(String(255), default="")
    failures: Mapped[int] = mapped_column(Integer, default=0)
    receipts: Mapped[int] = mapped_column(Integer, default=0)
    ignored: Mapped[int] = mapped_column(Integer, default=0)
    strange: Mapped[int] = mapped_column(Integer, default=0)
    left_over: Mapped[list[str]] = mapped_column(JSON, default=list)


class ReceiptHook(Model):
    """What checks the reports of one provider, and what came of them.

    setting: what is no secret (the topic at Amazon, the public key at SendGrid); the secret is sealed with uid as
    identity. unknown: reports on messages that are not ours.
    """

    __tablename__ = "receipt_hook"
    way: Mapped[ReceiptWay] = mapped_column(EnumText(ReceiptWay, 16), primary_key=True)
    uid: Mapped[bytes] = mapped_column(bytes_of(16), default=lambda: uuid4().bytes)
    setting: Mapped[str] = mapped_column(String(500), default="")
    secret_sealed: Mapped[bytes | None] = mapped_column(bytes_of(1024))
    last_event_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    delivered: Mapped[int] = mapped_column(Integer, default=0)
    bounced: Mapped[int] = mapped_column(Integer, default=0)
    complained: Mapped[int] = mapped_column(Integer, default=0)
    unknown: Mapped[int] = mapped_column(Integer, default=0)
