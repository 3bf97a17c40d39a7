"""Compiling what a campaign of text messages or of WhatsApp says. Its documents go as links that end; over WhatsApp one
picture is shown above the text, fetched from the link that it would have been."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from flask import current_app
from sqlalchemy import func, select

from app.campaigns.models import Campaign, CampaignContent, CampaignDocument
from app.channels import whatsapp_message, whatsapp_templates
from app.channels.contract import Channel
from app.channels.merge import Part, with_defaults
from app.channels.text_message import CompiledText, compile_text
from app.extensions import db
from app.kernel import clock
from app.kernel.signing import TokenPurpose, key_for, signer

LINKS_LAST = timedelta(days=30)

# What WhatsApp shows together with a text. Beside audio, video, PDF and office files it drops the text, and a WebP
# picture is a sticker to it (twilio.com/docs/whatsapp): all these go as links.
PICTURES = frozenset({"image/jpeg", "image/png"})
MAX_PICTURE_BYTES = 5_000_000


def compiled(campaign: Campaign, version: int) -> CompiledText:
    """A frozen version, compiled."""
    content = db.session.get_one(CampaignContent, (campaign.id, version))
    return make(content, campaign.channel, content.document_ids)


def compiled_words(campaign: Campaign, version: int) -> CompiledText:
    """The same as the phone shows it: of a template its words. Raises NotFound when the template was deleted."""
    content = db.session.get_one(CampaignContent, (campaign.id, version))
    if not content.content_sid:
        return make(content, campaign.channel, content.document_ids)
    body = whatsapp_templates.body_of(content.content_sid)
    return whatsapp_message.compile_example(body, content.template_values)


def compiled_draft(campaign: Campaign) -> CompiledText:
    """What the campaign says now."""
    return make(campaign, campaign.channel, _document_ids(campaign))


def compiled_example(campaign: Campaign, mark: Callable[[str], str]) -> CompiledText:
    """The same in words, and where a value is missing and has no default stands mark(field)."""
    if campaign.whatsapp_template is not None:
        values = with_defaults(campaign.template_values, Part.TEXT, mark)
        return whatsapp_message.compile_example(campaign.whatsapp_template.body, values)
    text = with_defaults(campaign.text, Part.TEXT, mark)
    return _with_documents(text, campaign.channel, _document_ids(campaign))


def make(written: Campaign | CampaignContent, channel: Channel, document_ids: Sequence[int]) -> CompiledText:
    """The text with its picture and the links of its documents, or the template with its values.

    Raises InvalidInput (MergeError for fields).
    """
    if written.content_sid:
        return whatsapp_message.compile_template(written.content_sid, written.template_values)
    return _with_documents(written.text, channel, document_ids)


def picture_of(campaign: Campaign) -> int | None:
    """The id of the document that the campaign shows as a picture above its text, None when it shows none."""
    has_one = campaign.channel is Channel.WHATSAPP and campaign.whatsapp_template is None
    return _picture_among(_document_ids(campaign)) if has_one else None


def _with_documents(text: str, channel: Channel, document_ids: Sequence[int]) -> CompiledText:
    picture = _picture_among(document_ids) if channel is Channel.WHATSAPP else None
    links = [document_link(each) for each in document_ids if each != picture]
    return compile_text(text, links, document_link(picture) if picture is not None else "")


def _picture_among(document_ids: Sequence[int]) -> int | None:
    """The first that WhatsApp shows: it takes one a message."""
    shown = (CampaignDocument.media_type.in_(PICTURES), CampaignDocument.size_bytes <= MAX_PICTURE_BYTES)
    query = select(func.min(CampaignDocument.id)).where(CampaignDocument.id.in_(document_ids), *shown)
    return db.session.scalar(query) if document_ids else None


def document_link(document_id: int) -> str:
    """The address of a document for whoever gets the message; it ends some weeks after the day it is made."""
    day = clock.utcnow().replace(hour=0, minute=0, second=0, microsecond=0)
    ends = int((day + LINKS_LAST).timestamp())
    token = signer(key_for(TokenPurpose.DOCUMENT))(document_id, ends).decode()
    return f"{current_app.config['PUBLIC_URL']}/d/{token}"


def _document_ids(campaign: Campaign) -> list[int]:
    return sorted(document.id for document in campaign.documents if not document.is_removed)
