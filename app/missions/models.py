"""Missions and the campaigns that their clients joined."""

from dataclasses import dataclass
from datetime import date, datetime

from flask_appbuilder import Model
from sqlalchemy import Date, ForeignKey, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.audience.models import Contact
from app.campaigns.models import Campaign
from app.kernel.db import NEVER_AGAIN, EnumText, UtcDateTime
from app.missions.states import CLOSED, MissionPriority, MissionStatus


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a mission is due, and whether that still matters."""

    due_on: date | None
    is_closed: bool


class Mission(Model):
    """A task about one client.

    contact_id is NULL once the client was deleted: the mission stays as what was done. assignee_id: a user of the
    panel, without a key because domains know no users; assignee_name: how that user was called when chosen. An id is
    never used again: campaign_contact names it as a source.
    """

    __tablename__ = "mission"
    __table_args__ = NEVER_AGAIN
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id", ondelete="SET NULL"), index=True)
    assignee_id: Mapped[int | None] = mapped_column(Integer, index=True)
    assignee_name: Mapped[str] = mapped_column(String(130), default="")
    due_on: Mapped[date | None] = mapped_column(Date, index=True)
    status: Mapped[MissionStatus] = mapped_column(EnumText(MissionStatus, 16), default=MissionStatus.OPEN, index=True)
    priority: Mapped[MissionPriority] = mapped_column(EnumText(MissionPriority, 16), default=MissionPriority.NORMAL)
    note: Mapped[str] = mapped_column(Text, default="")
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_by: Mapped[str] = mapped_column(String(64), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_by: Mapped[str] = mapped_column(String(64), default="")
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    contact: Mapped[Contact | None] = relationship(lazy="selectin")

    @property
    def deadline(self) -> Deadline:
        """When it is due, for a list."""
        return Deadline(self.due_on, self.status in CLOSED)

    def __repr__(self) -> str:
        return self.title


class MissionCampaign(Model):
    """A campaign that the client of a mission was added to. contact_id: that client, also after they were deleted."""

    __tablename__ = "mission_campaign"
    mission_id: Mapped[int] = mapped_column(ForeignKey("mission.id", ondelete="CASCADE"), primary_key=True)
    campaign_id: Mapped[int] = mapped_column(
        ForeignKey("campaign.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    contact_id: Mapped[int] = mapped_column(Integer)
    added_by: Mapped[str] = mapped_column(String(64), default="")
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)
    campaign: Mapped[Campaign] = relationship()
