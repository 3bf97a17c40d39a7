"""The ledger: one row per recipient, batches to claim, counters kept in the same transactions, throttle state."""

from datetime import datetime
from typing import Any

from flask_appbuilder import Model
from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.channels.contract import Reason
from app.channels.receipts import ReceiptKind, ReceiptWay
from app.kernel.db import NEVER_AGAIN, EnumText, UtcDateTime, bytes_of
from app.sending.states import BatchState, RecipientState, RunKind

MAIN_STEP = 1


class CampaignRecipient(Model):
    """One person in one step of one campaign. Clustered by (campaign_id, seq): a batch is one key range.

    address_index: blind index of the address it goes to (audience), NULL when there is none. attempt counts hand-overs
    that the server answered. not_before: earliest next attempt after a deferral, and of a
    message whose answer was lost the earliest next question for it (enquiries.py). Engagement times are facts beside
    the state. There is no index on state: it would cost two thirds of the write rate, and counters answer "how many".
    internal_status_id: the label that people gave (campaigns.models.InternalStatus). It has no foreign key, so that
    deleting a label locks nothing: an id without a row means no label. Its index is written when a row is planned and
    when a person labels it, never on the way of a message. sender_id: what the message went over: of an account that
    could not send, its stand-in. provider_id: how the provider names the message, where it
    does (text messages).
    """

    __tablename__ = "campaign_recipient"
    __table_args__ = (
        Index("uq_campaign_recipient_contact", "campaign_id", "step_id", "contact_id", unique=True),
        Index("ix_campaign_recipient_contact_id", "contact_id"),
        Index(
            "ix_campaign_recipient_internal_status_id",
            "internal_status_id",
            sqlite_where=text("internal_status_id IS NOT NULL"),
        ),
    )
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    step_id: Mapped[int] = mapped_column(SmallInteger, default=MAIN_STEP)
    contact_id: Mapped[int] = mapped_column(Integer)
    address_index: Mapped[bytes | None] = mapped_column(bytes_of(16))
    state: Mapped[RecipientState] = mapped_column(EnumText(RecipientState, 12))
    reason: Mapped[Reason | None] = mapped_column(EnumText(Reason, 40))
    detail: Mapped[str | None] = mapped_column(String(255))
    attempt: Mapped[int] = mapped_column(SmallInteger, default=0)
    not_before: Mapped[datetime | None] = mapped_column(UtcDateTime)
    content_version: Mapped[int | None] = mapped_column(SmallInteger)
    sender_id: Mapped[int | None] = mapped_column(Integer)
    provider_id: Mapped[str | None] = mapped_column(String(64))
    sending_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    opened_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    clicked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    unsubscribed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    internal_status_id: Mapped[int | None] = mapped_column(Integer)


class RecipientRun(Model):
    """A person's wish for many recipients of a campaign, on its way over all of them (recipient_runs.py).

    internal_status_id, asked: of a LABEL, what is put on those who match (without one it is taken off), and the filter
    as selection.dump() wrote it, empty once the run is over. reason: of a RETRY, why those failed who go back into the
    line. reached: the recipient up to whom it came, of last_seq; changed: how many of them it concerned. moved_at: when
    it did its last step.
    """

    __tablename__ = "recipient_run"
    __table_args__ = NEVER_AGAIN
    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"), index=True)
    kind: Mapped[RunKind] = mapped_column(EnumText(RunKind, 16))
    internal_status_id: Mapped[int | None] = mapped_column(Integer)
    asked: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    reason: Mapped[Reason | None] = mapped_column(EnumText(Reason, 40))
    last_seq: Mapped[int] = mapped_column(Integer)
    reached: Mapped[int] = mapped_column(Integer, default=0)
    changed: Mapped[int] = mapped_column(Integer, default=0)
    created_by: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    moved_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)


class Receipt(Model):
    """A bounce or a complaint about one message, of each kind once (mail_receipts.py). That a message was delivered is
    in its state alone.

    address_index: of the address that the message went to, so that what comes back from it over several campaigns is
    counted together.
    """

    __tablename__ = "receipt"
    __table_args__ = (Index("ix_receipt_address_index", "address_index", "happened_at"),)
    campaign_id: Mapped[int] = mapped_column(
        ForeignKey("campaign.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    seq: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    kind: Mapped[ReceiptKind] = mapped_column(EnumText(ReceiptKind, 16), primary_key=True)
    address_index: Mapped[bytes] = mapped_column(bytes_of(16))
    came_by: Mapped[ReceiptWay] = mapped_column(EnumText(ReceiptWay, 16))
    detail: Mapped[str] = mapped_column(String(255), default="")
    happened_at: Mapped[datetime] = mapped_column(UtcDateTime)


class FormerRecipient(Model):
    """Who got a message of a campaign that was deleted since (former.py)."""

    __tablename__ = "former_recipient"
    campaign_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    address_index: Mapped[bytes] = mapped_column(bytes_of(16))
    deleted_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class SendBatch(Model):
    """A key range of recipients that is claimed as a whole. fence grows with every claim; every later write names it.

    journal_host: the host that holds the journal of the running claim. deaths: workers that died holding it.
    """

    __tablename__ = "send_batch"
    __table_args__ = (Index("ix_send_batch_due", "campaign_id", "state", "not_before"),)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), primary_key=True, autoincrement=False)
    batch_no: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    lo: Mapped[int] = mapped_column(Integer)
    hi: Mapped[int] = mapped_column(Integer)
    state: Mapped[BatchState] = mapped_column(EnumText(BatchState, 12), default=BatchState.WAITING)
    not_before: Mapped[datetime] = mapped_column(UtcDateTime)
    fence: Mapped[int] = mapped_column(Integer, default=0)
    deaths: Mapped[int] = mapped_column(SmallInteger, default=0)
    lease_owner: Mapped[str | None] = mapped_column(String(120))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    journal_host: Mapped[str | None] = mapped_column(String(120))


class CampaignProgress(Model):
    """How many recipients of a campaign are in each state, kept in the transaction that moves them.

    moved_at: when they last did, or when one of them last opened, clicked or left; empty before the first time.
    """

    __tablename__ = "campaign_progress"
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), primary_key=True, autoincrement=False)
    awaiting: Mapped[int] = mapped_column(Integer, default=0)
    sending: Mapped[int] = mapped_column(Integer, default=0)
    sent: Mapped[int] = mapped_column(Integer, default=0)
    delivered: Mapped[int] = mapped_column(Integer, default=0)
    bounced: Mapped[int] = mapped_column(Integer, default=0)
    undelivered: Mapped[int] = mapped_column(Integer, default=0)
    unconfirmed: Mapped[int] = mapped_column(Integer, default=0)
    failed: Mapped[int] = mapped_column(Integer, default=0)
    skipped: Mapped[int] = mapped_column(Integer, default=0)
    stopped: Mapped[int] = mapped_column(Integer, default=0)
    cancelled: Mapped[int] = mapped_column(Integer, default=0)
    opened: Mapped[int] = mapped_column(Integer, default=0)
    clicked: Mapped[int] = mapped_column(Integer, default=0)
    unsubscribed: Mapped[int] = mapped_column(Integer, default=0)
    moved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # the last hundred answers of the content brake, newest last: "." accepted, "x" refused for its content
    recent: Mapped[str] = mapped_column(String(100), default="")


class ThrottleBucket(Model):
    """State of one limit. next_us: the earliest moment of its next slot, microseconds since 1970 UTC.
    left_in_batch: customers left before the customers delay."""

    __tablename__ = "throttle_bucket"
    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    next_us: Mapped[int] = mapped_column(BigInteger, default=0)
    left_in_batch: Mapped[int] = mapped_column(Integer, default=0)


class ThrottleCell(Model):
    """How many slots of a daily cap were granted in one cell of time; the cap is the sum over a sliding day."""

    __tablename__ = "throttle_cell"
    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    cell: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    granted: Mapped[int] = mapped_column(Integer, default=0)


class SenderLane(Model):
    """One of the parallel lanes of a sender: a lease, so that all workers together keep to its connections.

    sender: its key (channels.models.Sender.key).
    """

    __tablename__ = "sender_lane"
    sender: Mapped[str] = mapped_column(String(40), primary_key=True)
    lane: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    owner: Mapped[str | None] = mapped_column(String(120))
    until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    job_id: Mapped[str | None] = mapped_column(String(80))
