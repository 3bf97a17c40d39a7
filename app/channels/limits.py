"""What whole channels and Twilio accounts may send, whatever the number of their senders."""

from sqlalchemy import select

from app.channels.contract import Channel
from app.channels.models import AccountLimit, ChannelLimit, Gateway
from app.extensions import db


def of(channel: Channel) -> ChannelLimit | None:
    """The limits of a channel; None when it has none."""
    return db.session.get(ChannelLimit, channel)


def of_all() -> dict[Channel, ChannelLimit]:
    """The limits of every channel that has some."""
    return {each.channel: each for each in db.session.scalars(select(ChannelLimit))}


def of_accounts() -> list[tuple[AccountLimit, list[Gateway]]]:
    """The limits of each Twilio account that has several gateways, or a limit, with its gateways; a row that is not
    stored when it has no limit yet."""
    stored = {each.account_sid: each for each in db.session.scalars(select(AccountLimit))}
    found: dict[str, list[Gateway]] = {}
    for gateway in db.session.scalars(select(Gateway).order_by(Gateway.name)):
        found.setdefault(gateway.account_sid, []).append(gateway)
    return [
        (stored.get(account_sid) or AccountLimit(account_sid=account_sid), gateways)
        for account_sid, gateways in found.items()
        if len(gateways) > 1 or account_sid in stored
    ]


def kept(channel: Channel) -> ChannelLimit:
    """The row of a channel to write limits into; a new one, not flushed yet, when it had none."""
    found = of(channel)
    if found is None:
        found = ChannelLimit(channel=channel)
        db.session.add(found)
    return found
