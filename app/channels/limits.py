"""What whole channels may send, whatever the number of their senders."""

from sqlalchemy import select

from app.channels.contract import Channel
from app.channels.models import ChannelLimit
from app.extensions import db


def of(channel: Channel) -> ChannelLimit | None:
    """The limits of a channel; None when it has none."""
    return db.session.get(ChannelLimit, channel)


def of_all() -> dict[Channel, ChannelLimit]:
    """The limits of every channel that has some."""
    return {each.channel: each for each in db.session.scalars(select(ChannelLimit))}


def kept(channel: Channel) -> ChannelLimit:
    """The row of a channel to write limits into; a new one, not flushed yet, when it had none."""
    found = of(channel)
    if found is None:
        found = ChannelLimit(channel=channel)
        db.session.add(found)
    return found
