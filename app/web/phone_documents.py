"""What the launch check says of the documents of a campaign to phones."""

import ipaddress
import mimetypes
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import current_app
from flask_babel import gettext as _
from flask_babel import ngettext

from app.campaigns import checks, text_content
from app.campaigns.models import Campaign, CampaignDocument
from app.channels.contract import Channel
from app.web.formats import grouped


@dataclass(frozen=True, slots=True)
class Told:
    """A sentence. is_mended_there: at the documents of the campaign."""

    text: str
    warns: bool = False
    is_mended_there: bool = False


def told(campaign: Campaign) -> Iterator[Told]:
    """What is to be known of them; nothing for a campaign without documents."""
    documents = checks.current_documents(campaign)
    if not documents:
        return
    if campaign.whatsapp_template is not None:
        text = _("Its documents are not sent: what an approved template shows beside its words is kept at Twilio.")
        yield Told(text, warns=True, is_mended_there=True)
        return
    picture = text_content.picture_of(campaign)
    for document in documents:
        if document.id == picture:
            yield Told(_("%(name)s is shown as a picture above the text.", name=document.name))
        elif campaign.channel is Channel.WHATSAPP and _is_refused_picture(document):
            text = _("%(name)s goes as a link: WhatsApp shows JPEG and PNG pictures of up to 5 MB.", name=document.name)
            yield Told(text, warns=True, is_mended_there=True)
    if links := len(documents) - (picture is not None):
        n = grouped(links)
        yield Told(ngettext("%(n)s document follows as a link.", "%(n)s documents follow as links.", links, n=n))
    if not is_reachable(host := urlsplit(current_app.config["PUBLIC_URL"]).hostname or ""):
        text = _(
            "Neither Twilio nor the phones reach %(host)s, where the documents are. Ask your administrator to set the "
            "public address (MUSTER_PUBLIC_URL).",
            host=host,
        )
        yield Told(text, warns=True)


def _is_refused_picture(document: CampaignDocument) -> bool:
    """Whether it looks like a picture to people and is none to WhatsApp."""
    is_taken = document.media_type in text_content.PICTURES and document.size_bytes <= text_content.MAX_PICTURE_BYTES
    looks = (document.media_type, mimetypes.guess_type(document.name)[0] or "")
    return not is_taken and any(each.startswith("image/") for each in looks)


def is_reachable(host: str) -> bool:
    """Whether others than this machine or its own network may find it."""
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return host != "localhost" and not host.endswith((".localhost", ".local", ".internal"))
