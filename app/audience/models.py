"""Contacts with sealed addresses, folders, imports, suppressions."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import uuid4

from flask_appbuilder import Model
from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.channels.contract import Channel
from app.kernel.db import NEVER_AGAIN, EnumText, UtcDateTime, bytes_of

contact_folder = Table(
    "contact_folder",
    Model.metadata,
    Column("folder_id", ForeignKey("folder.id", ondelete="CASCADE"), primary_key=True),
    Column("contact_id", ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True, index=True),
)


class Contact(Model):
    """A person. Names are plain so that people can search them; every address is sealed.

    sealed: msgpack of [email, second_email, phone, whatsapp] (None where absent), sealed for purpose "contact" with
    uid as identity. The index columns are blind indexes of the normalised addresses: e-mail addresses share one index
    space ("email"), phone and WhatsApp numbers another ("phone"). audience.addresses packs and opens them.
    The indexes on names and company are for people: lists in their order, searches for their beginning.
    """

    __tablename__ = "contact"
    __table_args__ = (
        Index("ix_contact_last_name_first_name", "last_name", "first_name"),
        Index("ix_contact_first_name", "first_name"),
        Index("ix_contact_company", "company"),
        NEVER_AGAIN,
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[bytes] = mapped_column(bytes_of(16), default=lambda: uuid4().bytes)
    first_name: Mapped[str] = mapped_column(String(120), default="")
    last_name: Mapped[str] = mapped_column(String(120), default="")
    company: Mapped[str] = mapped_column(String(200), default="")
    country: Mapped[str] = mapped_column(String(2), default="")
    language: Mapped[str] = mapped_column(String(16), default="")
    time_zone: Mapped[str] = mapped_column(String(64), default="")
    attributes: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    sealed: Mapped[bytes] = mapped_column(bytes_of(1200))
    email_index: Mapped[bytes | None] = mapped_column(bytes_of(16), unique=True)
    second_email_index: Mapped[bytes | None] = mapped_column(bytes_of(16), index=True)
    phone_index: Mapped[bytes | None] = mapped_column(bytes_of(16), index=True)
    whatsapp_index: Mapped[bytes | None] = mapped_column(bytes_of(16), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    folders: Mapped[list["Folder"]] = relationship(secondary=contact_folder, back_populates="contacts")

    def __repr__(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or f"Contact {self.id}"


class Folder(Model):
    """A named set of contacts; a contact can be in several."""

    __tablename__ = "folder"
    __table_args__ = NEVER_AGAIN
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    contacts: Mapped[list[Contact]] = relationship(secondary=contact_folder, back_populates="folders", viewonly=True)

    def __repr__(self) -> str:
        return self.name


class SuppressionSource(StrEnum):
    """How an address came onto the suppression list."""

    UNSUBSCRIBED = "unsubscribed"
    STOP_WORD = "stop-word"  # a reply that says STOP and nothing else; START takes it back
    INVALID = "invalid"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    BY_HAND = "by-hand"


class Suppression(Model):
    """An address that must not be written to, kept as its blind index only. id grows, so that a running batch can ask
    for what is new."""

    __tablename__ = "suppression"
    __table_args__ = (Index("uq_suppression_channel_address", "channel", "address_index", unique=True),)
    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[Channel] = mapped_column(EnumText(Channel, 16))
    address_index: Mapped[bytes] = mapped_column(bytes_of(16))
    source: Mapped[SuppressionSource] = mapped_column(EnumText(SuppressionSource, 16))
    campaign_id: Mapped[int | None] = mapped_column(Integer)  # where it came from; no key: it outlives the campaign
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class ReplyMeaning(StrEnum):
    """What the words of a reply ask for."""

    STOP = "stop"
    START = "start"
    HELP = "help"
    UNCLEAR = "unclear"  # perhaps an opt-out, which only a person can tell
    MESSAGE = "message"


class ReplyState(StrEnum):
    """Who has dealt with a reply, and how."""

    NEEDS_LOOK = "needs-look"
    OPEN = "open"
    ANSWERED = "answered"
    DISMISSED = "dismissed"
    SETTLED = "settled"  # its words, or a person, have put the number on the suppression list or taken it off


class Reply(Model):
    """A message that somebody sent to one of our gateways.

    provider_id: how the provider names it, so that one that is told twice is kept once. sealed: the number and the text
    (audience.replies). campaign_id, seq: the last message that had gone to the number; no key, because a reply outlives
    a campaign. contact_id: whom that message went to, else somebody with the number; a reply goes with its contact.
    media: how many pictures and the like came with it, which are not kept. settled_by: "" when the words did it.
    """

    __tablename__ = "reply"
    __table_args__ = (
        Index("ix_reply_campaign_id", "campaign_id", "seq"),
        Index("ix_reply_state", "state", "id"),
        NEVER_AGAIN,
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[bytes] = mapped_column(bytes_of(16), default=lambda: uuid4().bytes)
    channel: Mapped[Channel] = mapped_column(EnumText(Channel, 16))
    provider_id: Mapped[str] = mapped_column(String(64), unique=True)
    gateway_id: Mapped[int] = mapped_column(Integer)
    sealed: Mapped[bytes] = mapped_column(bytes_of(8192))
    address_index: Mapped[bytes] = mapped_column(bytes_of(16), index=True)
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), index=True)
    campaign_id: Mapped[int | None] = mapped_column(Integer)
    seq: Mapped[int | None] = mapped_column(Integer)
    media: Mapped[int] = mapped_column(SmallInteger, default=0)
    meaning: Mapped[ReplyMeaning] = mapped_column(EnumText(ReplyMeaning, 16))
    state: Mapped[ReplyState] = mapped_column(EnumText(ReplyState, 16))
    received_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    settled_by: Mapped[str] = mapped_column(String(64), default="")
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    contact: Mapped[Contact | None] = relationship(lazy="joined")

    @property
    def itself(self) -> "Reply":
        """Itself, for those columns of a list that show more than one value, or what is sealed."""
        return self

    person = message = state_of_it = itself

    def __repr__(self) -> str:
        return f"Reply {self.id}"


class ReplyWords(Model):
    """The words that mean something in a reply, and what is answered to them; a meaning without a row has its usual
    words (audience.reply_words) and no answer."""

    __tablename__ = "reply_words"
    meaning: Mapped[ReplyMeaning] = mapped_column(EnumText(ReplyMeaning, 16), primary_key=True)
    words: Mapped[list[str]] = mapped_column(JSON)
    answer: Mapped[str] = mapped_column(Text, default="")


class ImportStatus(StrEnum):
    """The way of an import."""

    UPLOADED = "uploaded"  # waits for the mapping of its columns
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ContactImport(Model):
    """One uploaded CSV file and what became of it. Its bytes wait sealed in import_chunk, so that any worker on any
    machine can go on with it; they are deleted when it is over."""

    __tablename__ = "contact_import"
    __table_args__ = NEVER_AGAIN
    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[bytes] = mapped_column(bytes_of(16), default=lambda: uuid4().bytes)
    file_name: Mapped[str] = mapped_column(String(255))
    size_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    status: Mapped[ImportStatus] = mapped_column(EnumText(ImportStatus, 16), default=ImportStatus.UPLOADED, index=True)
    error: Mapped[str | None] = mapped_column(Text)
    encoding: Mapped[str] = mapped_column(String(40), default="")
    delimiter: Mapped[str] = mapped_column(String(1), default="")
    columns: Mapped[list[str]] = mapped_column(JSON, default=list)  # the header of the file
    mapping: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)  # column -> contact field
    default_country: Mapped[str] = mapped_column(String(2), default="")
    folder_id: Mapped[int | None] = mapped_column(ForeignKey("folder.id", ondelete="SET NULL"))
    rows_done: Mapped[int] = mapped_column(Integer, default=0)
    bytes_done: Mapped[int] = mapped_column(BigInteger, default=0)
    added: Mapped[int] = mapped_column(Integer, default=0)
    updated: Mapped[int] = mapped_column(Integer, default=0)
    merged: Mapped[int] = mapped_column(Integer, default=0)
    bad: Mapped[int] = mapped_column(Integer, default=0)
    lease_owner: Mapped[str | None] = mapped_column(String(120))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_by: Mapped[str] = mapped_column(String(64), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    folder: Mapped[Folder | None] = relationship()

    def __repr__(self) -> str:
        return self.file_name


class ChunkKind(StrEnum):
    """What a chunk belongs to."""

    SOURCE = "source"
    ERRORS = "errors"


class ImportChunk(Model):
    """A sealed piece (up to 1 MiB) of an import's source file or of its error rows."""

    __tablename__ = "import_chunk"
    import_id: Mapped[int] = mapped_column(ForeignKey("contact_import.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[ChunkKind] = mapped_column(EnumText(ChunkKind, 16), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    sealed: Mapped[bytes] = mapped_column(LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb"))
