"""Frozen versions of a campaign's content, and compiling them."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask import current_app
from sqlalchemy import select

from app.campaigns import push_content, text_content
from app.campaigns.models import Campaign, CampaignContent, CampaignDocument
from app.channels.contract import TO_PHONES, Channel
from app.channels.email_html import Taken, ready
from app.channels.email_message import Attachment, CompiledEmail, EmailSource, compile_email
from app.channels.merge import URL_FIELDS, Part, Slot, parse, with_defaults
from app.extensions import db
from app.kernel import clock
from app.kernel.signing import TokenPurpose, key_for, signer

WRITTEN = ("subject", "html", "text", "track_opens", "track_clicks")
SENDER = ("from_name", "from_email", "reply_to")
UNTRACKED = {"track_opens": False, "track_clicks": False}
BARE: dict[str, Any] = UNTRACKED | {
    "from_name": "",
    "from_email": "news@example.com",
    "reply_to": None,
    "document_ids": [],
}


def values_of(campaign: Campaign) -> dict[str, Any]:
    """What makes the content of a campaign: what was written, its sender and its documents."""
    documents = sorted(document.id for document in campaign.documents if not document.is_removed)
    return {
        **{name: getattr(campaign, name) for name in WRITTEN},
        **_sender_values(campaign),
        **_channel_values(campaign),
        "document_ids": documents,
    }


def _channel_values(campaign: Campaign) -> dict[str, Any]:
    if campaign.channel is Channel.PUSH:
        return {"icon_url": campaign.icon_url, "target_url": campaign.target_url}
    if campaign.channel is not Channel.WHATSAPP:
        return {}
    return {"content_sid": campaign.content_sid, "template_values": campaign.template_values}


def _sender_values(campaign: Campaign) -> dict[str, Any]:
    if campaign.channel in TO_PHONES:
        assert campaign.gateway is not None
        return {"from_name": "", "from_email": campaign.gateway.address, "reply_to": None}
    if campaign.channel is Channel.PUSH:
        assert campaign.web_push_sender is not None
        return {"from_name": "", "from_email": campaign.web_push_sender.address, "reply_to": None}
    return {name: getattr(campaign.smtp_account, name) for name in SENDER}


def freeze(campaign: Campaign) -> int:
    """The number of the version that holds what the campaign says now; a new one if that changed since the last.

    Raises InvalidInput naming the part that does not compile.
    """
    values = values_of(campaign)
    fingerprint = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
    last = db.session.get(CampaignContent, (campaign.id, campaign.content_version))
    if last is None or last.fingerprint != fingerprint:
        version = campaign.content_version + 1
        values = _sendable(values)
        links = _checked(campaign, version, values)
        now = clock.utcnow()
        db.session.add(
            CampaignContent(
                campaign_id=campaign.id, version=version, fingerprint=fingerprint, links=links, created_at=now, **values
            )
        )
        campaign.content_version = version
        db.session.flush()
    return campaign.content_version


def check(campaign: Campaign) -> None:
    """Compile what the campaign says now. Raises InvalidInput naming the part that does not compile."""
    _checked(campaign, campaign.content_version, _sendable(values_of(campaign)))


def _checked(campaign: Campaign, version: int, values: dict[str, Any]) -> list[str]:
    """Compile the values for the campaign's channel; returns the targets of tracked links."""
    if campaign.channel in TO_PHONES:
        text_content.make(campaign, campaign.channel, values["document_ids"])
        return []
    if campaign.channel is Channel.PUSH:
        return list(push_content.compiled_draft(campaign, track_clicks=campaign.track_clicks).links)
    return list(_compile(campaign.id, version, values).links)


def left_out(campaign: Campaign) -> tuple[Taken, ...]:
    """What is written in the campaign's HTML and is not sent. Raises MergeError as email_html.ready does."""
    return ready(campaign.html).taken


def _sendable(values: dict[str, Any]) -> dict[str, Any]:
    """The values with the HTML as it is sent; a frozen version holds it so, and is not made ready again."""
    return values | {"html": ready(values["html"]).html}


def compiled(campaign_id: int, version: int) -> CompiledEmail:
    """A frozen version, compiled."""
    content = db.session.get_one(CampaignContent, (campaign_id, version))
    return _compile(
        campaign_id, version, {name: getattr(content, name) for name in (*WRITTEN, *SENDER, "document_ids")}
    )


def compiled_draft(campaign: Campaign) -> CompiledEmail:
    """What the campaign says now, compiled without tracking: for a test message."""
    return _compile(campaign.id, campaign.content_version, _sendable(values_of(campaign) | UNTRACKED))


def compiled_example(campaign: Campaign, mark: Callable[[str], str]) -> CompiledEmail:
    """What the campaign says now, to be looked at: without tracking and documents, and where a value is missing and
    has no default stands mark(field)."""
    values = _sendable(values_of(campaign) | UNTRACKED | {"document_ids": []})
    return _compile(campaign.id, campaign.content_version, _with_marks(values, mark))


def compiled_words(words: Mapping[Part, str], mark: Callable[[str], str]) -> CompiledEmail:
    """The same for words of which no campaign is made yet: without a sender of its own."""
    values = _sendable(BARE | {part.value: words[part] for part in Part})
    return _compile(0, 0, _with_marks(values, mark))


def _with_marks(values: dict[str, Any], mark: Callable[[str], str]) -> dict[str, Any]:
    marked = {part.value: with_defaults(values[part], part, mark) for part in Part if values[part].strip()}
    return values | marked


def words_of(written: Any) -> dict[Part, str]:
    """What a campaign or a template says, by the parts of a message."""
    if getattr(written, "whatsapp_template", None) is not None:
        return dict.fromkeys(Part, "") | {Part.TEXT: written.template_values}
    words = {part: getattr(written, part.value) for part in Part}
    if target := getattr(written, "target_url", ""):  # its fields are filled as those of the text are
        words[Part.TEXT] = f"{words[Part.TEXT]}\n{target}"
    return words


def fields_without_default(words: Mapping[Part, str]) -> frozenset[str]:
    """The contact's values that the message uses somewhere without saying what stands there when they are missing.

    Raises MergeError as merge.parse does.
    """
    slots = [piece for part in Part for piece in parse(words[part], part) if isinstance(piece, Slot)]
    return frozenset(slot.field for slot in slots if not slot.default and slot.field not in URL_FIELDS)


def _compile(campaign_id: int, version: int, values: dict[str, Any]) -> CompiledEmail:
    source = EmailSource(
        campaign_id=campaign_id,
        content_version=version,
        public_url=current_app.config["PUBLIC_URL"],
        attachments=_attachments(values["document_ids"]),
        **{name: values[name] for name in (*WRITTEN, *SENDER)},
    )
    return compile_email(source, signer(key_for(TokenPurpose.TRACK)), signer(key_for(TokenPurpose.UNSUBSCRIBE)))


def _attachments(document_ids: Sequence[int]) -> tuple[Attachment, ...]:
    if not document_ids:
        return ()
    rows = select(CampaignDocument.name, CampaignDocument.media_type, CampaignDocument.data)
    found = db.session.execute(rows.where(CampaignDocument.id.in_(document_ids)).order_by(CampaignDocument.id))
    return tuple(Attachment(name, media_type, data) for name, media_type, data in found)
