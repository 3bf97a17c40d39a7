"""Compiling what a campaign of text messages or of WhatsApp says; its documents go as links that end."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from flask import current_app

from app.campaigns.models import Campaign, CampaignContent
from app.channels import whatsapp_message, whatsapp_templates
from app.channels.merge import Part, with_defaults
from app.channels.text_message import CompiledText, compile_text
from app.extensions import db
from app.kernel import clock
from app.kernel.signing import TokenPurpose, key_for, signer

LINKS_LAST = timedelta(days=30)


def compiled(campaign_id: int, version: int) -> CompiledText:
    """A frozen version, compiled."""
    content = db.session.get_one(CampaignContent, (campaign_id, version))
    return make(content, content.document_ids)


def compiled_words(campaign_id: int, version: int) -> CompiledText:
    """The same as the phone shows it: of a template its words. Raises NotFound when the template was deleted."""
    content = db.session.get_one(CampaignContent, (campaign_id, version))
    if not content.content_sid:
        return make(content, content.document_ids)
    body = whatsapp_templates.body_of(content.content_sid)
    return whatsapp_message.compile_example(body, content.template_values)


def compiled_draft(campaign: Campaign) -> CompiledText:
    """What the campaign says now."""
    return make(campaign, _document_ids(campaign))


def compiled_example(campaign: Campaign, mark: Callable[[str], str]) -> CompiledText:
    """The same in words, and where a value is missing and has no default stands mark(field)."""
    if campaign.whatsapp_template is not None:
        values = with_defaults(campaign.template_values, Part.TEXT, mark)
        return whatsapp_message.compile_example(campaign.whatsapp_template.body, values)
    text = with_defaults(campaign.text, Part.TEXT, mark)
    return compile_text(text, _links(_document_ids(campaign)))


def make(written: Campaign | CampaignContent, document_ids: Sequence[int]) -> CompiledText:
    """The text with the links of its documents, or the template with its values. Raises InvalidInput (MergeError for
    fields)."""
    if written.content_sid:
        return whatsapp_message.compile_template(written.content_sid, written.template_values)
    return compile_text(written.text, _links(document_ids))


def _links(document_ids: Sequence[int]) -> list[str]:
    return [document_link(each) for each in document_ids]


def document_link(document_id: int) -> str:
    """The address of a document for whoever gets the message; it ends some weeks after the day it is made."""
    day = clock.utcnow().replace(hour=0, minute=0, second=0, microsecond=0)
    ends = int((day + LINKS_LAST).timestamp())
    token = signer(key_for(TokenPurpose.DOCUMENT))(document_id, ends).decode()
    return f"{current_app.config['PUBLIC_URL']}/d/{token}"


def _document_ids(campaign: Campaign) -> list[int]:
    return sorted(document.id for document in campaign.documents if not document.is_removed)
