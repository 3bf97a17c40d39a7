"""Whether a campaign has something to send through, and whether that may send."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import inspect, select

from app.campaigns.models import SENDER_KINDS, SENDER_OF, Campaign
from app.channels import stand_ins
from app.channels.contract import Channel
from app.extensions import db
from app.kernel.errors import InvalidInput
from app.kernel.texts import N_, Phrase


@dataclass(frozen=True, slots=True)
class _Words:
    none_yet: Phrase
    choose: Phrase
    switched_off: Phrase
    paused: Phrase


WORDS = {
    Channel.EMAIL: _Words(
        N_("An e-mail campaign needs an SMTP account, and there is none yet. Create one first."),
        N_("Choose the SMTP account that sends this campaign."),
        N_("The SMTP account %(name)s is switched off. Switch it on or choose another."),
        N_("The SMTP account %(name)s is paused: %(why)s Mend it and send a test e-mail."),
    ),
    Channel.SMS: _Words(
        N_("A campaign of text messages needs a gateway, and there is none yet. Create one first."),
        N_("Choose the gateway that sends this campaign."),
        N_("The gateway %(name)s is switched off. Switch it on or choose another."),
        N_("The gateway %(name)s is paused: %(why)s Mend it and send a test message."),
    ),
    Channel.WHATSAPP: _Words(
        N_("A WhatsApp campaign needs a gateway for WhatsApp, and there is none yet. Create one first."),
        N_("Choose the gateway that sends this campaign."),
        N_("The gateway %(name)s is switched off. Switch it on or choose another."),
        N_("The gateway %(name)s is paused: %(why)s Mend it and send a test message."),
    ),
    Channel.PUSH: _Words(
        N_("Web push has no keys yet. Start Muster with run.py once."),
        N_("Choose what sends this campaign."),
        N_("%(name)s is switched off. Switch it on in the settings of web push."),
        N_("%(name)s is paused: %(why)s Mend it and save the settings of web push."),
    ),
}


def check(campaign: Campaign) -> None:
    """Give a campaign the sender that was set last, by itself or by its id. Raises InvalidInput without one.

    Of web push there is only one, so it need not be named.
    """
    name, kind, words = SENDER_OF[campaign.channel], SENDER_KINDS[campaign.channel], WORDS[campaign.channel]
    with db.session.no_autoflush:
        # A form sets the sender, a program its id; whichever was set last counts, and both agree afterwards.
        if not inspect(campaign).attrs[name].history.has_changes():
            sender_id = getattr(campaign, f"{name}_id")
            if sender_id is None and campaign.channel is Channel.PUSH:
                sender_id = db.session.scalar(select(kind.id))
            setattr(campaign, name, db.session.get(kind, sender_id) if sender_id is not None else None)
        sender = campaign.sender
        if sender is not None and sender.channel is campaign.channel:
            return
        if db.session.scalar(select(kind.id).where(kind.carries(campaign.channel)).limit(1)) is None:
            raise InvalidInput(words.none_yet, name)
    raise InvalidInput(words.choose, name)


def problems(campaign: Campaign) -> Iterator[InvalidInput]:
    """What keeps its sender from sending."""
    name, words, sender = SENDER_OF[campaign.channel], WORDS[campaign.channel], campaign.sender
    if sender is None:
        yield InvalidInput(words.choose, name)
    elif not sender.is_enabled:
        yield InvalidInput(words.switched_off.message, name, name=sender.name)
    elif sender.paused_reason and not stand_ins.ways(sender):
        yield InvalidInput(words.paused.message, name, name=sender.name, why=sender.paused_reason)
