"""What one person would get, to be looked at: the message as the send path makes it, with missing fields marked."""

import email
import email.policy
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import EmailMessage

from sqlalchemy import func, select

from app.audience import push_devices
from app.audience.addresses import Addresses, opener
from app.audience.models import Contact, contact_folder
from app.campaigns import content, push_content, text_content
from app.campaigns.models import Campaign, CampaignContact
from app.channels.contract import TO_PHONES, Channel
from app.channels.email_message import CompiledEmail
from app.channels.merge import PUSH_LINK, Part
from app.extensions import db
from app.kernel import clock
from app.kernel.errors import InvalidInput
from app.sending.writers import date_header, values_of

MARK = re.compile("\u27e6([^\u27e6\u27e7]*)\u27e7")  # around the name of a missing field: ⟦first_name⟧
NOBODY = "nobody@example.com"  # the address where a contact has none
SEQ = 0  # the recipient number in the links: nobody's


@dataclass(frozen=True, slots=True)
class Preview:
    """A message as one person would get it. html: "" when the message is plain text.

    Where a value is missing that the message gives no default for, its name stands between the brackets of MARK.
    missing: those names. size_bytes: of the message without documents. picture: the id of the document that is shown
    above the text, None for none.
    """

    subject: str
    html: str
    text: str
    missing: tuple[str, ...]
    size_bytes: int
    picture: int | None = None


def of(campaign: Campaign, contact: Contact | None) -> Preview:
    """The message for this contact; None: for nobody yet, so that every field without a default is marked.

    Raises InvalidInput when there is no message, or it does not compile.
    """
    if campaign.channel in TO_PHONES:
        return _text_as_got(campaign, contact)
    if campaign.channel is Channel.PUSH:
        return _push_as_got(campaign, contact)
    if campaign.smtp_account is None:
        raise InvalidInput("Choose the SMTP account that sends this campaign.", "smtp_account")
    compiled = content.compiled_example(campaign, _mark)
    return _as_got(compiled, content.words_of(campaign), contact, to_second_email=campaign.to_second_email)


def of_words(words: Mapping[Part, str], contact: Contact | None) -> Preview:
    """The same for words of which no campaign is made yet, as in an editor or a template."""
    return _as_got(content.compiled_words(words, _mark), words, contact)


def _mark(field: str) -> str:
    return f"\u27e6{field}\u27e7"


def _as_got(
    compiled: CompiledEmail, words: Mapping[Part, str], contact: Contact | None, *, to_second_email: bool = False
) -> Preview:
    addresses = opener()(contact.sealed, contact.uid) if contact is not None else Addresses()
    values = values_for(contact)
    to = (addresses.second_email if to_second_email else addresses.email) or NOBODY
    made = compiled.render(values, to, SEQ, date_header(clock.utcnow()))
    message = email.message_from_bytes(made, policy=email.policy.default)
    return Preview(
        subject=str(message["Subject"]),
        html=_part(message, "html"),
        text=_part(message, "plain"),
        missing=tuple(sorted(name for name in content.fields_without_default(words) if not values.get(name))),
        size_bytes=len(made),
    )


def _text_as_got(campaign: Campaign, contact: Contact | None) -> Preview:
    compiled = text_content.compiled_example(campaign, _mark)
    values = values_for(contact)
    text = compiled.render(values)
    picture = text_content.picture_of(campaign)
    return Preview("", "", text, _missing(campaign, values), len(text.encode()), picture)


def _push_as_got(campaign: Campaign, contact: Contact | None) -> Preview:
    compiled = push_content.compiled_example(campaign, _mark)
    values = values_for(contact)
    payload = compiled.render(values, SEQ)
    shown = json.loads(payload)
    return Preview(shown["title"], "", shown.get("body", ""), _missing(campaign, values), len(payload))


def _missing(campaign: Campaign, values: Mapping[str, str]) -> tuple[str, ...]:
    without = content.fields_without_default(content.words_of(campaign))
    return tuple(sorted(name for name in without if not values.get(name)))


def values_for(contact: Contact | None) -> dict[str, str]:
    """The merge values of this contact to be looked at or tested, nothing for nobody; links subscribe nobody."""
    values = values_of(contact, opener()(contact.sealed, contact.uid)) if contact is not None else {}
    return {**values, PUSH_LINK: push_devices.link(push_devices.NOBODY)}


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()) if part is not None else ""


def marked(text: str, mark: Callable[[str], str]) -> str:
    """The text with mark(field) where a field is missing."""
    return MARK.sub(lambda found: mark(found[1]), text)


def first_of(campaign: Campaign) -> Contact | None:
    """The first contact in the campaign's folders, else the first that was put in beside them."""
    ids = [folder.id for folder in campaign.folders]
    held = (CampaignContact.campaign_id == campaign.id, CampaignContact.released_at.is_(None))
    member = contact_folder.c
    firsts = select(func.min(member.contact_id)).where(member.folder_id.in_(ids)).group_by(member.folder_id)
    found = db.session.scalars(firsts).all() if ids else []
    first = min(found) if found else db.session.scalar(select(func.min(CampaignContact.contact_id)).where(*held))
    return db.session.get(Contact, first) if first is not None else None
