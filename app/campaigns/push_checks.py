"""What the notification of a campaign must fulfil to be saved, and before it starts."""

from collections.abc import Iterator

from flask import current_app

from app.campaigns import content
from app.campaigns.models import Campaign
from app.channels import push_message
from app.kernel.errors import InvalidInput

LENGTHS = ((push_message.ICON, 500), (push_message.TARGET, 1000))


def check_addresses(campaign: Campaign) -> None:
    """Refuse an icon or a link that no browser would follow. Raises InvalidInput naming the field."""
    for field, limit in LENGTHS:
        url = (getattr(campaign, field) or "").strip()
        if len(url) > limit or not url.isprintable():
            raise InvalidInput("Use one line of at most %(limit)s characters.", field, limit=limit)
        setattr(campaign, field, url)
    push_message.check_target(campaign.target_url)
    push_message.check_icon(campaign.icon_url, current_app.config["PUBLIC_URL"])


def problems(campaign: Campaign) -> Iterator[InvalidInput]:
    """What is wrong with its title, its text and its addresses."""
    if not campaign.subject.strip():
        yield InvalidInput("Write a title.", "subject")
    elif campaign.web_push_sender is not None:
        try:
            content.check(campaign)
        except InvalidInput as error:
            yield error
