"""Choosing what sends: one sender of a channel from a list, or channel and sender in one by its card."""

from collections.abc import Sequence
from typing import Any

from flask import render_template, url_for
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import select
from wtforms import StringField
from wtforms.validators import ValidationError

from app.campaigns.models import SENDER_KINDS, SENDER_OF
from app.channels.contract import Channel
from app.channels.models import Sender
from app.extensions import db
from app.web import channels, security
from app.web.asked import row_id
from app.web.base import may


def of(channel: Channel) -> list[Sender]:
    """Every sender of a channel by name."""
    kind: Any = SENDER_KINDS[channel]
    return list(db.session.scalars(select(kind).where(kind.carries(channel)).order_by(kind.name)))


def rows(channel: Channel) -> list[tuple[int, str]]:
    """Every sender of a channel as (id, its name and what people see)."""
    return [(sender.id, f"{sender.name} ({sender.address})") for sender in of(channel)]


def only(channel: Channel) -> int | None:
    """The sender, where there is no choice."""
    found = rows(channel)
    return found[0][0] if len(found) == 1 else None


def value_of(channel: Channel, sender_id: int | None) -> str:
    """A channel and its sender as the cards name them: "email:3"."""
    return f"{channel}:{sender_id}" if sender_id is not None else ""


class SenderCards(StringField):
    """A channel with its sender: one card for each sender there is, and for a channel without any the way to one.

    channels: those that can be chosen.
    """

    channels: Sequence[Channel] = tuple(Channel)

    def pre_validate(self, form: Any) -> None:
        """Only a sender that is there."""
        if self.columns() is None:
            raise ValidationError(_("Choose what sends this campaign."))

    def columns(self) -> dict[str, Any] | None:
        """The columns of Campaign that were chosen; None for what is no sender."""
        channel, _colon, number = (self.data or "").partition(":")
        sender_id = row_id(number)
        if channel not in self.channels or sender_id is None:
            return None
        chosen = Channel(channel)
        sender = db.session.get(SENDER_KINDS[chosen], sender_id)
        if sender is None or sender.channel is not chosen:
            return None
        return {"channel": chosen, f"{SENDER_OF[chosen]}_id": sender_id}

    def __call__(self, **kwargs: Any) -> Markup:
        """The cards, each a round button with its label."""
        senders = {channel: of(channel) for channel in self.channels}
        first = next((found for found in senders.values() if found), [])  # web push is there always: it is no choice
        usual = value_of(first[0].channel, first[0].id) if len(first) == 1 else ""
        page = render_template(
            "_sender_cards.html",
            field=self,
            senders=senders,
            value_of=value_of,
            chosen=self.data or usual,
            icons=channels.ICONS,
            names=channels.NAMES,
            ways={channel: _way(channel) for channel, found in senders.items() if not found},
            described=kwargs.get("aria-describedby", ""),
        )
        return Markup(page)


def _way(channel: Channel) -> tuple[str, str]:
    """Where the first sender of a channel is made, and its words; "" for those who may not."""
    kind = SENDER_KINDS[channel].__name__
    return (url_for(f"{kind}View.add") if may(security.CREATE, kind) else "", channels.ADD_SENDER[channel])
