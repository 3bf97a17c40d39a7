"""Compiling what a campaign of text messages says; its documents go as links that end."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from flask import current_app

from app.campaigns.models import Campaign, CampaignContent
from app.channels.merge import Part, with_defaults
from app.channels.text_message import CompiledText, compile_text
from app.extensions import db
from app.kernel import clock
from app.kernel.signing import TokenPurpose, key_for, signer

LINKS_LAST = timedelta(days=30)


def compiled(campaign_id: int, version: int) -> CompiledText:
    """A frozen version, compiled."""
    content = db.session.get_one(CampaignContent, (campaign_id, version))
    return make(content.text, content.document_ids)


def compiled_draft(campaign: Campaign) -> CompiledText:
    """What the campaign says now."""
    return make(campaign.text, _document_ids(campaign))


def compiled_example(campaign: Campaign, mark: Callable[[str], str]) -> CompiledText:
    """The same, and where a value is missing and has no default stands mark(field)."""
    return make(with_defaults(campaign.text, Part.TEXT, mark), _document_ids(campaign))


def make(text: str, document_ids: Sequence[int]) -> CompiledText:
    """The text with the links of its documents. Raises InvalidInput (MergeError for fields)."""
    return compile_text(text, [document_link(each) for each in document_ids])


def document_link(document_id: int) -> str:
    """The address of a document for whoever gets the message; it ends some weeks after the day it is made."""
    day = clock.utcnow().replace(hour=0, minute=0, second=0, microsecond=0)
    ends = int((day + LINKS_LAST).timestamp())
    token = signer(key_for(TokenPurpose.DOCUMENT))(document_id, ends).decode()
    return f"{current_app.config['PUBLIC_URL']}/d/{token}"


def _document_ids(campaign: Campaign) -> list[int]:
    return sorted(document.id for document in campaign.documents if not document.is_removed)
