"""The browsers that people let us show notifications in."""

from datetime import datetime
from uuid import uuid4

from flask_appbuilder import Model
from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import NEVER_AGAIN, UtcDateTime, bytes_of


class PushDevice(Model):
    """A subscription of a contact: several devices, or several browsers of one, are several rows.

    sealed: msgpack of [endpoint, p256dh, auth], sealed for purpose "push" with uid as identity. endpoint_index: blind
    index of the endpoint, so that a browser is in one row. name: browser and system, for people.
    """

    __tablename__ = "push_device"
    __table_args__ = NEVER_AGAIN
    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[bytes] = mapped_column(bytes_of(16), default=lambda: uuid4().bytes)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), index=True)
    endpoint_index: Mapped[bytes] = mapped_column(bytes_of(16), unique=True)
    sealed: Mapped[bytes] = mapped_column(bytes_of(1200))
    name: Mapped[str] = mapped_column(String(60), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
