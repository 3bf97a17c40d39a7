"""Campaigns, their content versions, documents and audience."""

from datetime import date, datetime, time
from enum import StrEnum

from flask_appbuilder import Model
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    Time,
    UniqueConstraint,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.audience.models import Folder
from app.campaigns.lifecycle import CampaignStatus
from app.channels.contract import Channel, Reason
from app.channels.models import Gateway, Sender, SmtpAccount, WebPushSender, WhatsAppTemplate
from app.kernel.db import NEVER_AGAIN, EnumText, UtcDateTime, bytes_of

# The column of a campaign that names its sender, without "_id", and of which kind that is.
SENDER_OF = {
    Channel.EMAIL: "smtp_account",
    Channel.SMS: "gateway",
    Channel.WHATSAPP: "gateway",
    Channel.PUSH: "web_push_sender",
}
SENDER_KINDS: dict[Channel, type[Sender]] = {
    Channel.EMAIL: SmtpAccount,
    Channel.SMS: Gateway,
    Channel.WHATSAPP: Gateway,
    Channel.PUSH: WebPushSender,
}

LongText = Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")

campaign_folder = Table(
    "campaign_folder",
    Model.metadata,
    Column("campaign_id", ForeignKey("campaign.id", ondelete="CASCADE"), primary_key=True),
    Column("folder_id", ForeignKey("folder.id", ondelete="CASCADE"), primary_key=True),
)


class CampaignGroup(Model):
    """A named set of campaigns; a campaign is in one group or in none."""

    __tablename__ = "campaign_group"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(150), unique=True)
    description: Mapped[str] = mapped_column(String(500), default="")
    created_by: Mapped[str] = mapped_column(String(64), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_by: Mapped[str] = mapped_column(String(64), default="")
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)

    def __repr__(self) -> str:
        return self.name


class Campaign(Model):
    """A message to many people, with its schedule and pacing.

    status moves only through campaigns.service. hold_reason says why a paused, expired or ended campaign stops its
    people; waiting_for says in a sentence why a live one does not send now. revision counts edits (optimistic lock);
    lifecycle_serial counts moves that the recipients' rows must follow, settled_serial how far they did. stand_in_id:
    the SMTP account that its last messages went over in place of its own, None for its own; it has no foreign key.
    Times are aware UTC; daily hours are local times in `zone`; delays are in seconds.
    """

    __tablename__ = "campaign"
    __table_args__ = NEVER_AGAIN
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(150), unique=True)
    description: Mapped[str] = mapped_column(String(500), default="")
    group_id: Mapped[int | None] = mapped_column(ForeignKey("campaign_group.id", ondelete="SET NULL"), index=True)
    channel: Mapped[Channel] = mapped_column(EnumText(Channel, 16), default=Channel.EMAIL)
    status: Mapped[CampaignStatus] = mapped_column(
        EnumText(CampaignStatus, 16), default=CampaignStatus.DRAFT, index=True
    )
    hold_reason: Mapped[Reason | None] = mapped_column(EnumText(Reason, 40))
    status_detail: Mapped[str] = mapped_column(String(500), default="")  # what failed, in words
    waiting_for: Mapped[str] = mapped_column(String(200), default="")
    next_send_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # content
    smtp_account_id: Mapped[int | None] = mapped_column(ForeignKey("smtp_account.id"))
    gateway_id: Mapped[int | None] = mapped_column(ForeignKey("gateway.id"))
    web_push_sender_id: Mapped[int | None] = mapped_column(ForeignKey("web_push_sender.id"))
    subject: Mapped[str] = mapped_column(String(500), default="")  # of a notification its title
    html: Mapped[str] = mapped_column(LongText, default="")
    text: Mapped[str] = mapped_column(LongText, default="")
    whatsapp_template_id: Mapped[int | None] = mapped_column(ForeignKey("whatsapp_template.id"))
    template_values: Mapped[str] = mapped_column(String(4000), default="")
    icon_url: Mapped[str] = mapped_column(String(500), default="")
    target_url: Mapped[str] = mapped_column(String(1000), default="")  # what a notification opens
    to_second_email: Mapped[bool] = mapped_column(Boolean, default=False)
    track_opens: Mapped[bool] = mapped_column(Boolean, default=True)
    track_clicks: Mapped[bool] = mapped_column(Boolean, default=True)
    content_version: Mapped[int] = mapped_column(SmallInteger, default=0)
    # schedule and pacing
    zone: Mapped[str] = mapped_column(String(64), default="UTC")
    start_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    valid_from: Mapped[datetime | None] = mapped_column(UtcDateTime)
    valid_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    daily_from: Mapped[time | None] = mapped_column(Time)
    daily_until: Mapped[time | None] = mapped_column(Time)
    working_days_only: Mapped[bool] = mapped_column(Boolean, default=False)
    holidays_country: Mapped[str] = mapped_column(String(2), default="")
    delay_seconds: Mapped[int] = mapped_column(Integer, default=0)
    customers_delay_seconds: Mapped[int] = mapped_column(Integer, default=0)
    customers_batch_size: Mapped[int] = mapped_column(Integer, default=0)
    # bookkeeping
    revision: Mapped[int] = mapped_column(Integer, default=1)
    lifecycle_serial: Mapped[int] = mapped_column(Integer, default=0)
    settled_serial: Mapped[int] = mapped_column(Integer, default=0)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    stand_in_id: Mapped[int | None] = mapped_column(Integer)
    created_by: Mapped[str] = mapped_column(String(64), default="", index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    changed_by: Mapped[str] = mapped_column(String(64), default="")
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    group: Mapped[CampaignGroup | None] = relationship()
    smtp_account: Mapped[SmtpAccount | None] = relationship()
    gateway: Mapped[Gateway | None] = relationship()
    web_push_sender: Mapped[WebPushSender | None] = relationship()
    whatsapp_template: Mapped[WhatsAppTemplate | None] = relationship()
    folders: Mapped[list[Folder]] = relationship(secondary=campaign_folder)
    documents: Mapped[list["CampaignDocument"]] = relationship(back_populates="campaign", passive_deletes=True)
    custom_values: Mapped[list["CustomValue"]] = relationship(cascade="all, delete-orphan", passive_deletes=True)

    @property
    def is_written(self) -> bool:
        """Whether there is a message, however good."""
        has_title = self.channel is Channel.PUSH and self.subject
        return bool(has_title or self.html.strip() or self.text.strip() or self.whatsapp_template_id)

    @property
    def content_sid(self) -> str:
        """The template of WhatsApp that it sends, as its provider names it; "" for none."""
        return self.whatsapp_template.content_sid if self.whatsapp_template is not None else ""

    @property
    def sender(self) -> Sender | None:
        """What sends it: of the kind that its channel needs."""
        sender: Sender | None = getattr(self, SENDER_OF[self.channel])
        return sender

    def __repr__(self) -> str:
        return self.name


class CustomKind(StrEnum):
    """What a field of our own holds."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    CHOICE = "choice"
    FLAG = "flag"


class CustomField(Model):
    """A field of our own that every campaign has, defined by an administrator.

    choices: what there is to choose from, for that kind. is_required: a campaign starts only with it.
    """

    __tablename__ = "custom_field"
    __table_args__ = NEVER_AGAIN
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    kind: Mapped[CustomKind] = mapped_column(EnumText(CustomKind, 16), default=CustomKind.TEXT)
    help: Mapped[str] = mapped_column(String(200), default="")
    choices: Mapped[list[str]] = mapped_column(JSON, default=list)
    is_required: Mapped[bool] = mapped_column(Boolean, default=False)
    created_by: Mapped[str] = mapped_column(String(64), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_by: Mapped[str] = mapped_column(String(64), default="")
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)

    def __repr__(self) -> str:
        return self.name


class CustomValue(Model):
    """What a campaign has in a field of our own; nothing written is no row. value: see campaigns.custom_fields."""

    __tablename__ = "custom_value"
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"), primary_key=True)
    field_id: Mapped[int] = mapped_column(
        ForeignKey("custom_field.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    value: Mapped[str] = mapped_column(String(500))


class CampaignContent(Model):
    """One frozen version of a campaign's content; a recipient's row says which version it got. Never changed."""

    __tablename__ = "campaign_content"
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"), primary_key=True)
    version: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    fingerprint: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(500))
    html: Mapped[str] = mapped_column(LongText)
    text: Mapped[str] = mapped_column(LongText)
    content_sid: Mapped[str] = mapped_column(String(34), default="")  # the template of WhatsApp, "" for none
    template_values: Mapped[str] = mapped_column(String(4000), default="")
    icon_url: Mapped[str] = mapped_column(String(500), default="")
    target_url: Mapped[str] = mapped_column(String(1000), default="")
    from_name: Mapped[str] = mapped_column(String(120))
    from_email: Mapped[str] = mapped_column(String(254))
    reply_to: Mapped[str | None] = mapped_column(String(254))
    track_opens: Mapped[bool] = mapped_column(Boolean)
    track_clicks: Mapped[bool] = mapped_column(Boolean)
    links: Mapped[list[str]] = mapped_column(JSON)  # targets of the tracked links by number
    document_ids: Mapped[list[int]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class CampaignDocument(Model):
    """A file attached to a campaign. The bytes live in the database, so that every worker machine has them."""

    __tablename__ = "campaign_document"
    __table_args__ = NEVER_AGAIN
    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    media_type: Mapped[str] = mapped_column(String(120))
    size_bytes: Mapped[int] = mapped_column(Integer)
    data: Mapped[bytes] = mapped_column(
        LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb"), deferred=True
    )
    is_removed: Mapped[bool] = mapped_column(Boolean, default=False)  # kept for the versions that were sent with it
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    campaign: Mapped[Campaign] = relationship(back_populates="documents")

    def __repr__(self) -> str:
        return self.name


class MessageTemplate(Model):
    """A message to begin with, in the words of the team. What is made from it is a copy."""

    __tablename__ = "message_template"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(150), unique=True)
    description: Mapped[str] = mapped_column(String(500), default="")
    channel: Mapped[Channel] = mapped_column(EnumText(Channel, 16), default=Channel.EMAIL)
    subject: Mapped[str] = mapped_column(String(500), default="")
    html: Mapped[str] = mapped_column(LongText, default="")
    text: Mapped[str] = mapped_column(LongText, default="")
    created_by: Mapped[str] = mapped_column(String(64), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_by: Mapped[str] = mapped_column(String(64), default="")
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)

    def __repr__(self) -> str:
        return self.name


class MessageImage(Model):
    """A picture in messages, shown to whoever has its address. The bytes live in the database, so that every machine
    has them. token stands in the address and cannot be guessed; sha256: of the bytes, which are kept once."""

    __tablename__ = "message_image"
    id: Mapped[int] = mapped_column(primary_key=True)
    token: Mapped[str] = mapped_column(String(32), unique=True)
    sha256: Mapped[bytes] = mapped_column(bytes_of(32), unique=True)
    media_type: Mapped[str] = mapped_column(String(20))
    data: Mapped[bytes] = mapped_column(
        LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb"), deferred=True
    )
    created_by: Mapped[str] = mapped_column(String(64), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class OwnHoliday(Model):
    """A day of our own on which campaigns for working days do not send."""

    __tablename__ = "own_holiday"
    __table_args__ = (UniqueConstraint("on_date", name="uq_own_holiday_on_date"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    on_date: Mapped[date] = mapped_column(Date)
    name: Mapped[str] = mapped_column(String(120), default="")

    def __repr__(self) -> str:
        return f"{self.on_date} {self.name}"


class PickSource(StrEnum):
    """What put a person into a campaign beside its folders."""

    MISSION = "mission"


class CampaignContact(Model):
    """A person who is in the audience of a campaign beside its folders, once for each source that holds them there.

    source_id: the id of the mission. released_at: when the source let go; the person stays only if another one or a
    folder holds them.
    """

    __tablename__ = "campaign_contact"
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"), primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True, index=True)
    source: Mapped[PickSource] = mapped_column(EnumText(PickSource, 16), primary_key=True)
    source_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    added_by: Mapped[str] = mapped_column(String(64), default="")
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)
    released_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class InternalStatus(Model):
    """A label of our own for recipients, beside the states of the ledger. color: "#rrggbb" in small letters.

    An id is never used again: recipients may carry it for a while after its status was deleted.
    """

    __tablename__ = "internal_status"
    __table_args__ = NEVER_AGAIN
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    color: Mapped[str] = mapped_column(String(7), unique=True)
    created_by: Mapped[str] = mapped_column(String(64), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_by: Mapped[str] = mapped_column(String(64), default="")
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)

    def __repr__(self) -> str:
        return self.name


class RetiredStatus(Model):
    """The id of a deleted internal status that recipients still carry; a job takes it off them."""

    __tablename__ = "retired_status"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class Removal(Model):
    """One entry of the removal log: somebody was taken out of a campaign, and perhaps put back.

    Names are those of that time, and the entry outlives the campaign. Of somebody whose contact was deleted only the
    blind index of the address stays (removal_log.forget_deleted), by which they are known when they are imported again.
    reason: removed-by-user, which keeps them out until restored_at, or mission-closed. why: in the words of a person.
    state_before, reason_before: what the ledger said of them; NULL when they had no row yet.
    """

    __tablename__ = "removal"
    __table_args__ = (Index("ix_removal_campaign_id", "campaign_id", "contact_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(Integer)
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id", ondelete="SET NULL"), index=True)
    address_index: Mapped[bytes | None] = mapped_column(bytes_of(16))
    client_name: Mapped[str] = mapped_column(String(250), default="")
    campaign_name: Mapped[str] = mapped_column(String(150))
    reason: Mapped[Reason] = mapped_column(EnumText(Reason, 40))
    why: Mapped[str] = mapped_column(String(255), default="")
    state_before: Mapped[str | None] = mapped_column(String(12))
    reason_before: Mapped[Reason | None] = mapped_column(EnumText(Reason, 40))
    removed_by: Mapped[str] = mapped_column(String(64), default="")
    removed_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    restored_by: Mapped[str] = mapped_column(String(64), default="")
    restored_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @property
    def way_back(self) -> "Removal":
        """Itself, for the column of a list that says how somebody comes back."""
        return self

    def __repr__(self) -> str:
        return self.client_name or f"Removal {self.id}"
