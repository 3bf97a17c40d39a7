"""Compiling what a campaign of notifications says."""

from collections.abc import Callable

from flask import current_app

from app.campaigns.models import Campaign, CampaignContent
from app.channels.merge import Part, with_defaults
from app.channels.push_message import CompiledPush, PushSource, compile_push
from app.extensions import db
from app.kernel.signing import TokenPurpose, key_for, signer


def compiled(campaign_id: int, version: int) -> CompiledPush:
    """A frozen version, compiled."""
    content = db.session.get_one(CampaignContent, (campaign_id, version))
    return _make(content, campaign_id, content.subject, content.text, track_clicks=content.track_clicks)


def compiled_draft(campaign: Campaign, *, track_clicks: bool = False) -> CompiledPush:
    """What the campaign says now; for a test message clicks are not counted."""
    return _make(campaign, campaign.id, campaign.subject, campaign.text, track_clicks=track_clicks)


def compiled_example(campaign: Campaign, mark: Callable[[str], str]) -> CompiledPush:
    """The same, and where a value is missing and has no default stands mark(field)."""
    title = with_defaults(campaign.subject, Part.SUBJECT, mark)
    text = with_defaults(campaign.text, Part.TEXT, mark)
    return _make(campaign, campaign.id, title, text, track_clicks=False)


def _make(
    written: Campaign | CampaignContent, campaign_id: int, title: str, text: str, *, track_clicks: bool
) -> CompiledPush:
    source = PushSource(
        campaign_id=campaign_id,
        title=title,
        text=text,
        icon_url=written.icon_url,
        target_url=written.target_url,
        public_url=current_app.config["PUBLIC_URL"],
        track_clicks=track_clicks,
    )
    return compile_push(source, signer(key_for(TokenPurpose.TRACK)))
