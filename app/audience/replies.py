"""What people wrote back: sealing it, reading it, and letting go of it. Flushes, never commits."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple

import msgpack
from sqlalchemy import and_, delete, func, or_, select

from app.audience.models import Contact, Reply
from app.channels.contract import Channel
from app.extensions import db
from app.kernel.crypto import CannotOpen, sealer
from app.kernel.db import db_now
from app.kernel.errors import NotFound

PURPOSE = "reply"
LONGEST_TEXT = 1600  # characters; providers cut there too
KEPT = timedelta(days=90)  # of somebody who is no contact
FORGOTTEN_AT_ONCE = 1000


class Said(NamedTuple):
    """What is sealed of a reply. The order is the order they are sealed in."""

    number: str
    text: str


def seal(said: Said, uid: bytes) -> bytes:
    """The sealed form of a reply's number and text; what is too long is cut."""
    return sealer(PURPOSE).seal(msgpack.packb((said.number, said.text[:LONGEST_TEXT])), uid)


def opened(reply: Reply) -> Said:
    """The number and the text of a reply. Raises CannotOpen."""
    plain = sealer(PURPOSE).open(reply.sealed, reply.uid)
    try:
        return Said._make(msgpack.unpackb(plain))
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise CannotOpen("A stored reply is damaged.") from error


def get(reply_id: int) -> Reply:
    """The reply. Raises NotFound."""
    reply = db.session.get(Reply, reply_id)
    if reply is None:
        raise NotFound("There is no such reply. It may have been deleted with its contact.")
    return reply


def of_contact(contact: Contact, limit: int) -> list[Reply]:
    """The last replies of a person, the newest first: those that were theirs, and those from a number they have now."""
    numbers = [index for index in (contact.phone_index, contact.whatsapp_index) if index is not None]
    theirs = or_(Reply.contact_id == contact.id, Reply.address_index.in_(numbers))
    return list(db.session.scalars(select(Reply).where(theirs).order_by(Reply.id.desc()).limit(limit)))


def of_campaign(campaign_id: int, limit: int) -> list[Reply]:
    """The last replies to a campaign, the newest first."""
    query = select(Reply).where(Reply.campaign_id == campaign_id)
    return list(db.session.scalars(query.order_by(Reply.id.desc()).limit(limit)))


def number_of_campaign(campaign_id: int) -> int:
    """How many replies a campaign has."""
    return db.session.scalar(select(func.count()).where(Reply.campaign_id == campaign_id)) or 0


def of_recipient(campaign_id: int, seq: int) -> list[Reply]:
    """The replies of one recipient of a campaign, the oldest first."""
    query = select(Reply).where(Reply.campaign_id == campaign_id, Reply.seq == seq)
    return list(db.session.scalars(query.order_by(Reply.id)))


def who_wrote(channel: Channel, gateway_id: int, indexes: Collection[bytes], since: datetime) -> set[bytes]:
    """Those of these numbers from which a message came to a gateway since then (aware UTC)."""
    here = (Reply.address_index.in_(indexes), Reply.received_at >= since)
    query = select(Reply.address_index).where(*here, Reply.channel == channel, Reply.gateway_id == gateway_id)
    return set(db.session.scalars(query))


def last_from(channel: Channel, gateway_id: int, index: bytes) -> datetime | None:
    """When the last message came to a gateway from this number (aware UTC); None when none came."""
    here = (Reply.address_index == index, Reply.channel == channel, Reply.gateway_id == gateway_id)
    return db.session.scalar(select(func.max(Reply.received_at)).where(*here))


def erase(contact: Contact) -> None:
    """Delete what was written from the numbers of a contact who is about to be deleted; nobody else's."""
    numbers = [index for index in (contact.phone_index, contact.whatsapp_index) if index is not None]
    theirs = or_(Reply.contact_id == contact.id, and_(Reply.contact_id.is_(None), Reply.address_index.in_(numbers)))
    db.session.execute(delete(Reply).where(theirs).execution_options(synchronize_session=False))


def forget() -> int:
    """Let go of some replies older than KEPT of people who are no contacts; returns how many. Those of a contact are
    deleted with it."""
    old = select(Reply.id).where(Reply.received_at < db_now() - KEPT, Reply.contact_id.is_(None))
    ids = db.session.scalars(old.order_by(Reply.received_at).limit(FORGOTTEN_AT_ONCE)).all()
    if ids:
        statement = delete(Reply).where(Reply.id.in_(ids))
        db.session.execute(statement.execution_options(synchronize_session=False))
    return len(ids)
