"""Notices for people, and what each wants to hear of."""

from datetime import datetime
from enum import StrEnum

from flask_appbuilder import Model
from sqlalchemy import Boolean, ForeignKey, Index, Integer, SmallInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.audit import NAME_LIMIT, Subject
from app.kernel.db import EnumText, UtcDateTime


class NoticeKind(StrEnum):
    """What a notice is about."""

    UPCOMING = "upcoming"
    STARTED = "started"
    FINISHED = "finished"
    FAILED = "failed"
    PAUSED = "paused"  # stopped by itself: the validity period is over, or the provider refuses the account
    STAND_IN = "stand-in"  # the messages of an account go over its stand-in, or over its own server again


class Way(StrEnum):
    """How a person is told."""

    PANEL = "panel"
    EMAIL = "email"


class Scope(StrEnum):
    """Of whose campaigns a person hears."""

    NONE = "none"
    OWN = "own"
    ALL = "all"


class MailState(StrEnum):
    """What became of the e-mail of a notice. One that is unconfirmed is never sent again by itself."""

    NONE = "none"  # nobody asked for one
    DUE = "due"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNCONFIRMED = "unconfirmed"


class Notice(Model):
    """One thing that one person is told, once.

    key: names the event, so that whoever looks twice tells nobody twice. about, about_id, name: the campaign or the
    account, by the name it had then. detail: why, as a sentence of the inner rings. Times are aware UTC.
    """

    __tablename__ = "notice"
    __table_args__ = (
        UniqueConstraint("person_id", "key", name="uq_notice_person_id"),
        Index("ix_notice_unread", "person_id", "is_shown", "read_at"),
        Index("ix_notice_mail", "mail_state", "mail_after"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(64))
    kind: Mapped[NoticeKind] = mapped_column(EnumText(NoticeKind, 16))
    about: Mapped[Subject] = mapped_column(EnumText(Subject, 16))
    about_id: Mapped[int | None] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(String(NAME_LIMIT), default="")
    detail: Mapped[str] = mapped_column(String(500), default="")
    happened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    is_shown: Mapped[bool] = mapped_column(Boolean, default=True)  # in the panel
    read_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    mail_state: Mapped[MailState] = mapped_column(EnumText(MailState, 16), default=MailState.NONE)
    mail_after: Mapped[datetime | None] = mapped_column(UtcDateTime)
    mail_tries: Mapped[int] = mapped_column(SmallInteger, default=0)
    mail_error: Mapped[str] = mapped_column(String(255), default="")


class NoticeChoice(Model):
    """Of whose campaigns a person hears, for one kind and one way. Without a row it is choices.USUAL."""

    __tablename__ = "notice_choice"
    person_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[NoticeKind] = mapped_column(EnumText(NoticeKind, 16), primary_key=True)
    way: Mapped[Way] = mapped_column(EnumText(Way, 8), primary_key=True)
    scope: Mapped[Scope] = mapped_column(EnumText(Scope, 8))


class NoticeManner(Model):
    """How long before a start a person hears of it, and in which language their e-mails are."""

    __tablename__ = "notice_manner"
    person_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True)
    lead_minutes: Mapped[int] = mapped_column(Integer, default=60)
    language: Mapped[str] = mapped_column(String(8), default="en")


class NoticeMark(Model):
    """Up to when the events were looked through, in one row."""

    __tablename__ = "notice_mark"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    looked_until: Mapped[datetime] = mapped_column(UtcDateTime)
