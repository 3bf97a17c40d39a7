"""What a person may do with the recipients of a campaign: test, delete, and check the counters."""

from sqlalchemy import delete, func, select

from app.audience import push_devices
from app.campaigns import content, push_content, text_content
from app.campaigns import service as campaigns
from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import Campaign, CampaignContent, CampaignDocument, campaign_folder
from app.channels import gateways, web_push
from app.channels import service as channels
from app.channels.address import needs_smtputf8, normalise_email, wire_address
from app.channels.contract import TO_PHONES, Channel, Outgoing, OutgoingPush, OutgoingText, TestReport
from app.channels.gateways import PREFIXES
from app.channels.phone import normalise_phone
from app.channels.push_message import topic_of
from app.channels.registry import transport_for
from app.extensions import db
from app.kernel import audit, clock
from app.kernel.audit import What
from app.kernel.errors import Conflict, InvalidInput, NotFound
from app.sending import former, preview, progress
from app.sending.models import CampaignProgress, CampaignRecipient, SendBatch, ThrottleBucket
from app.sending.states import OPEN, RecipientState
from app.sending.writers import date_header

TEST_TTL_SECONDS = 300
TEST_SEQ = 0  # the recipient number in the links of a test message: nobody's

_R = CampaignRecipient.__table__.c


def delete_campaign(campaign_id: int) -> None:
    """Delete a campaign with its recipients. Raises Conflict while it is sending or messages are on their way.

    Opt-out links in messages that have left work on (former.py).
    """
    campaign = db.session.get(Campaign, campaign_id, with_for_update=True, populate_existing=True)
    if campaign is None:
        raise NotFound("There is no such campaign. It may have been deleted.")
    if campaign.status is CampaignStatus.SENDING or progress.of(campaign_id)[RecipientState.SENDING]:
        raise Conflict("This campaign is sending. Stop it first, then delete it.")
    _note_deletion(campaign)
    former.keep(campaign_id)
    for table in (CampaignRecipient, SendBatch, CampaignProgress, CampaignContent, CampaignDocument):
        db.session.execute(delete(table).where(table.campaign_id == campaign_id))
    db.session.execute(delete(campaign_folder).where(campaign_folder.c.campaign_id == campaign_id))
    db.session.execute(delete(ThrottleBucket).where(ThrottleBucket.key.startswith(f"campaign:{campaign_id}:")))
    db.session.expire(campaign)
    db.session.execute(delete(Campaign).where(Campaign.id == campaign_id))
    db.session.expunge(campaign)


def _note_deletion(campaign: Campaign) -> None:
    """What the history of campaigns shows of one that is gone."""
    audit.note(
        What.CAMPAIGN_DELETE,
        campaign.id,
        campaign.name,
        created_by=campaign.created_by,
        created_at=campaign.created_at.isoformat(),
        channel=campaign.channel.value,
        status=campaign.status.value,
        audience=sum(progress.of(campaign.id).values()),
        **{
            name: moment.isoformat()
            for name in ("start_at", "started_at", "finished_at")
            if (moment := getattr(campaign, name)) is not None
        },
    )


def send_test(campaign_id: int, to: str) -> TestReport:
    """Send the message as it stands now to one address, filled with the first person of the audience.

    to: an e-mail address; a number for a message to phones; for a notification the address of a contact whose devices
    get it. Talks to the network: call it outside a
    transaction. Opens and clicks of it are not counted.
    """
    campaign = campaigns.get(campaign_id)
    if campaign.channel in TO_PHONES:
        return _send_text(campaign, to)
    if campaign.channel is Channel.PUSH:
        return _send_push(campaign, to)
    account = campaign.smtp_account
    if account is None:
        raise InvalidInput("Choose the SMTP account that sends this campaign.", "smtp_account")
    if not campaign.subject or not (campaign.html.strip() or campaign.text.strip()):
        raise InvalidInput("Write a subject and a message first.", "subject")
    address = normalise_email(to)
    message = content.compiled_draft(campaign)
    rendered = message.render(_sample_values(campaign), address, TEST_SEQ, date_header(clock.utcnow()))
    signer = channels.signer_of(account)
    if signer is not None:
        rendered = signer.sign(rendered) + rendered
    outgoing = Outgoing(
        0,
        wire_address(account.bounce_address or account.from_email),
        wire_address(address),
        rendered,
        needs_smtputf8(address),
    )
    settings = channels.settings_of(account)
    db.session.rollback()  # no transaction stays open across the network call
    return transport_for(Channel.EMAIL)(settings).send_one(outgoing)


def _send_text(campaign: Campaign, to: str) -> TestReport:
    if campaign.gateway is None:
        raise InvalidInput("Choose the gateway that sends this campaign.", "gateway")
    channel, text = campaign.channel, text_content.compiled_draft(campaign)
    body = text.render(_sample_values(campaign))
    try:
        recipient = PREFIXES[channel] + normalise_phone(to, None)
    except InvalidInput as error:
        raise error.about("to") from error
    message = OutgoingText(0, recipient, body, content_sid=text.content_sid, media_url=text.picture_url)
    settings = gateways.settings_of(campaign.gateway)
    db.session.rollback()  # no transaction stays open across the network call
    return transport_for(channel)(settings).send_one(message)


def _send_push(campaign: Campaign, to: str) -> TestReport:
    if campaign.web_push_sender is None:
        raise InvalidInput("Choose what sends this campaign.", "web_push_sender")
    message = push_content.compiled_draft(campaign)
    devices = push_devices.of_address(to)
    if not devices:
        raise InvalidInput("No contact with this address has subscribed a browser.", "to")
    payload = message.render(_sample_values(campaign), TEST_SEQ)
    outgoing = OutgoingPush(0, devices, payload, topic_of(campaign.id), TEST_TTL_SECONDS)
    settings = web_push.settings_of(campaign.web_push_sender)
    db.session.rollback()  # no transaction stays open across the network call
    return transport_for(Channel.PUSH)(settings).send_one(outgoing)


def _sample_values(campaign: Campaign) -> dict[str, str]:
    return preview.values_for(preview.first_of(campaign))


def reconcile() -> list[str]:
    """Compare the counters with the rows; returns one sentence for every difference, so an empty list is good news."""
    counted: dict[int, dict[RecipientState, int]] = {}
    rows = select(_R.campaign_id, _R.state, func.count()).group_by(_R.campaign_id, _R.state)
    for campaign_id, state, number in db.session.execute(rows):
        counted.setdefault(campaign_id, {})[state] = number
    known = set(db.session.scalars(select(CampaignProgress.campaign_id)))
    return [
        f"campaign {campaign_id}: {state.value} is {is_} by the counters and {should} by the rows"
        for campaign_id in sorted(known | set(counted))
        for state, is_ in progress.of(campaign_id).items()
        if is_ != (should := counted.get(campaign_id, {}).get(state, 0))
    ]


def is_settled(campaign_id: int) -> bool:
    """Whether nobody of the campaign waits or is on the way."""
    counts = progress.of(campaign_id)
    return not any(counts[state] for state in OPEN)
