"""What the message of a campaign to phones must fulfil before it starts."""

from collections.abc import Iterator

from app.campaigns import content
from app.campaigns.models import Campaign
from app.channels import whatsapp_message
from app.channels.models import ApprovalState
from app.kernel.errors import InvalidInput


def problems(campaign: Campaign) -> Iterator[InvalidInput]:
    """What is wrong with its text or its template; whether a gateway carries it is only known with one."""
    if campaign.whatsapp_template is not None:
        yield from _template_problems(campaign)
    elif not campaign.text.strip():
        yield InvalidInput("Write the message.", "text")
    elif campaign.gateway is not None:
        try:
            content.check(campaign)
        except InvalidInput as error:
            yield error


def _template_problems(campaign: Campaign) -> Iterator[InvalidInput]:
    template, field = campaign.whatsapp_template, "whatsapp_template_id"
    assert template is not None
    if campaign.gateway is not None and campaign.gateway.account_sid != template.account_sid:
        yield InvalidInput("This template belongs to another account than the gateway. Choose one of its own.", field)
    elif template.status is not ApprovalState.APPROVED:
        yield InvalidInput("WhatsApp has not approved this template. Choose another one, or look again later.", field)
    try:
        whatsapp_message.check_values(campaign.template_values, template.variables)
    except InvalidInput as error:
        yield error
