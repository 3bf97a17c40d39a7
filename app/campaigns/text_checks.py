"""What a campaign of text messages must fulfil beside what every campaign must."""

from collections.abc import Iterator

from sqlalchemy import inspect, select

from app.campaigns import content
from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import Campaign
from app.channels.contract import Channel
from app.channels.models import Gateway
from app.extensions import db
from app.kernel.errors import InvalidInput


def check_channel(campaign: Campaign) -> None:
    """Only a draft may change its channel: its people were planned for their addresses there. Raises InvalidInput.

    What only other channels have is forgotten.
    """
    try:
        campaign.channel = Channel(campaign.channel or Channel.EMAIL)  # a form gives its text
    except ValueError:
        raise InvalidInput("Choose one of %(values)s.", "channel", values=", ".join(Channel)) from None
    is_new = campaign.id is None or campaign.status in (None, CampaignStatus.DRAFT)
    if not is_new and inspect(campaign).attrs.channel.history.has_changes():
        raise InvalidInput("The channel cannot change once a campaign was published. Duplicate it.", "channel")
    if campaign.channel is Channel.EMAIL:
        campaign.gateway = None
        campaign.gateway_id = None
    else:
        campaign.smtp_account = None
        campaign.smtp_account_id = None
        campaign.subject = campaign.html = ""
        campaign.to_second_email = False


def check_gateway(campaign: Campaign) -> None:
    """The gateway that was set last, by itself or by its id, counts. Raises InvalidInput without one."""
    with db.session.no_autoflush:
        if not inspect(campaign).attrs.gateway.history.has_changes():
            gateway_id = campaign.gateway_id
            campaign.gateway = db.session.get(Gateway, gateway_id) if gateway_id is not None else None
        if campaign.gateway is not None:
            return
        if db.session.scalar(select(Gateway.id).limit(1)) is None:
            raise InvalidInput(
                "A campaign of text messages needs a gateway, and there is none yet. Create one first.", "gateway"
            )
    raise InvalidInput("Choose the gateway that sends this campaign.", "gateway")


def launch_problems(campaign: Campaign) -> Iterator[InvalidInput]:
    """What keeps it from sending: its gateway, its text."""
    gateway = campaign.gateway
    if gateway is None:
        yield InvalidInput("Choose the gateway that sends this campaign.", "gateway")
    elif not gateway.is_enabled:
        yield InvalidInput(
            "The gateway %(name)s is switched off. Switch it on or choose another.", "gateway", name=gateway.name
        )
    elif gateway.paused_reason:
        yield InvalidInput(
            "The gateway %(name)s is paused: %(why)s Mend it and send a test message.",
            "gateway",
            name=gateway.name,
            why=gateway.paused_reason,
        )
    if not campaign.text.strip():
        yield InvalidInput("Write the message.", "text")
    elif gateway is not None:
        try:
            content.check(campaign)
        except InvalidInput as error:
            yield error
