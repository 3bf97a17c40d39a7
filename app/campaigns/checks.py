"""What a campaign must fulfil to be saved and to be published: every refusal names the field and says what to do."""

import re
import unicodedata
from collections.abc import Collection, Iterator
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from sqlalchemy import func, inspect, select

from app.audience.models import contact_folder
from app.campaigns import content, custom_fields, days_off, fields, images, push_checks, sender_checks, text_checks
from app.campaigns.fields import Kind
from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import Campaign, CampaignContact, CampaignDocument, CampaignGroup
from app.campaigns.schedule import Window, next_opening
from app.channels import whatsapp_message
from app.channels.contract import TO_PHONES, Channel
from app.channels.merge import Part, parse
from app.channels.models import WhatsAppTemplate
from app.channels.plain_text import from_html
from app.extensions import db
from app.kernel.errors import InvalidInput
from app.kernel.texts import N_, Phrase

MAX_DELAY_SECONDS = 7 * 86400
MAX_BATCH_SIZE = 1_000_000
BLOCKED_TYPES = re.compile(
    r"\.(exe|com|bat|cmd|scr|pif|msi|js|jse|vbs|vbe|wsf|hta|ps1|jar|lnk|iso|img|svg|html?|xhtml)$", re.I
)
NOT_IN_A_LINE = frozenset({"Cc", "Cs", "Zl", "Zp"})  # control characters, halves of characters, line separators
NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")
NAMES: dict[str, Phrase] = {
    name: name for name in (N_("name"), N_("description"), N_("subject"), N_("html"), N_("text"))
} | {"template_values": N_("variables")}
MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,60}")


def known_values(values: dict[str, Any]) -> dict[str, Any]:
    """The values a person may set; anything else is refused by name."""
    unknown = sorted(set(values) - set(fields.COLUMNS))
    if unknown:
        raise InvalidInput("%(name)s cannot be set on a campaign.", unknown[0], name=unknown[0])
    return values


def check_campaign(campaign: Campaign, now: datetime) -> None:
    """Check everything that can be wrong with a saved campaign. Raises InvalidInput naming the field."""
    campaign.name = _line(campaign.name, "name", 150)
    if not any(unicodedata.category(character)[0] in "LNPS" for character in campaign.name):
        raise InvalidInput("Give the campaign a name.", "name")
    check_free_name(campaign)
    campaign.description = (campaign.description or "").strip()
    _check_length(campaign.description, "description", 500)
    _check_storable(campaign.description, "description")
    _check_group(campaign)
    _check_channel(campaign)
    sender_checks.check(campaign)
    _check_content(campaign)
    _check_dates(campaign, now)
    _check_days_and_hours(campaign)
    _check_pacing(campaign)


def _line(value: str | None, field: str, limit: int) -> str:
    text = (value or "").strip()
    if any(unicodedata.category(character) in NOT_IN_A_LINE for character in text):
        raise InvalidInput("The %(name)s must be one line without control characters.", field, name=NAMES[field])
    _check_length(text, field, limit)
    return text


def _check_length(text: str, field: str, limit: int) -> None:
    if len(text) > limit:
        raise InvalidInput(
            "The %(name)s has %(length)s characters; %(limit)s are allowed.",
            field,
            name=NAMES[field],
            length=len(text),
            limit=limit,
        )


def _check_storable(text: str, field: str) -> None:
    if NOT_STORABLE.search(text):
        raise InvalidInput(
            "The %(name)s holds characters that cannot be stored. Type it anew.", field, name=NAMES[field]
        )


def check_free_name(campaign: Campaign) -> None:
    """Refuse a name that another campaign has. Raises InvalidInput."""
    with db.session.no_autoflush:
        other = db.session.scalar(
            select(Campaign.id).where(Campaign.name == campaign.name, Campaign.id != (campaign.id or 0))
        )
    if other is not None:
        raise InvalidInput("Another campaign has this name. Choose a different one.", "name")


def _check_group(campaign: Campaign) -> None:
    with db.session.no_autoflush:
        if campaign.group_id is not None and db.session.get(CampaignGroup, campaign.group_id) is None:
            raise InvalidInput("There is no such campaign group. It may have been deleted.", "group_id")


def _check_channel(campaign: Campaign) -> None:
    """Only a draft may change its channel: its people were planned for their addresses there.

    What only other channels have is forgotten.
    """
    try:
        campaign.channel = Channel(campaign.channel or Channel.EMAIL)  # a form gives its text
    except ValueError:
        raise InvalidInput("Choose one of %(values)s.", "channel", values=", ".join(Channel)) from None
    is_new = campaign.id is None or campaign.status in (None, CampaignStatus.DRAFT)
    if not is_new and inspect(campaign).attrs.channel.history.has_changes():
        raise InvalidInput("The channel cannot change once a campaign was published. Duplicate it.", "channel")
    for field in fields.foreign(campaign.channel):
        if field.kind is Kind.SENDER:
            setattr(campaign, field.name.removesuffix("_id"), None)
        setattr(campaign, field.name, field.kind.empty if field.default is None else field.default)


def _check_content(campaign: Campaign) -> None:
    campaign.subject = _line(campaign.subject, "subject", 500)
    campaign.html, campaign.text = campaign.html or "", campaign.text or ""
    for part in Part:
        source: str = getattr(campaign, part.value)
        parse(source, part)
        _check_storable(source, part.value)
    _check_template(campaign)
    push_checks.check_addresses(campaign)


def _check_template(campaign: Campaign) -> None:
    """A template that is there, with values that can be read; whether they fit it is asked before a start."""
    campaign.template_values = campaign.template_values or ""
    _check_length(campaign.template_values, "template_values", 4000)
    _check_storable(campaign.template_values, "template_values")
    whatsapp_message.parse_values(campaign.template_values)
    with db.session.no_autoflush:
        if inspect(campaign).attrs.whatsapp_template.history.has_changes():
            return
        chosen = campaign.whatsapp_template_id
        campaign.whatsapp_template = db.session.get(WhatsAppTemplate, chosen) if chosen is not None else None
    if chosen is not None and campaign.whatsapp_template is None:
        raise InvalidInput("There is no such template of WhatsApp.", "whatsapp_template_id")


def _check_dates(campaign: Campaign, now: datetime) -> None:
    for field in ("start_at", "valid_from", "valid_until"):
        moment: datetime | None = getattr(campaign, field)
        if moment is None:
            continue
        if moment.tzinfo is None:
            raise InvalidInput("Give the time with its zone or offset, as 2026-05-04T09:00:00+02:00.", field)
        if not 2000 <= moment.year <= 2100:
            raise InvalidInput("Choose a date between 2000 and 2100.", field)
    starts = [moment for moment in (campaign.start_at, campaign.valid_from) if moment is not None]
    ends = campaign.valid_until
    if ends is None:
        return
    if starts and ends <= max(starts):
        raise InvalidInput(
            "The end of the validity period must be after its start and after the start time.", "valid_until"
        )
    # An end that has passed meanwhile may stay: somebody mends the text of an expired campaign.
    if ends <= now and inspect(campaign).attrs.valid_until.history.has_changes():
        raise InvalidInput("The validity period is already over. Choose a later end.", "valid_until")


def _check_days_and_hours(campaign: Campaign) -> None:
    campaign.zone = campaign.zone or "UTC"
    if campaign.zone not in zones():
        raise InvalidInput(
            "“%(zone)s” is not a time zone. Choose one such as Europe/Warsaw.", "zone", zone=campaign.zone[:64]
        )
    if (campaign.daily_from is None) != (campaign.daily_until is None):
        raise InvalidInput("Give both daily hours, from and until, or none.", "daily_until")
    if campaign.daily_from is not None and campaign.daily_from == campaign.daily_until:
        raise InvalidInput("The daily hours are empty: from and until are the same.", "daily_until")
    country = campaign.holidays_country = (campaign.holidays_country or "").strip().upper()
    if country and country not in days_off.countries():
        raise InvalidInput(
            "No holidays are known for “%(country)s”. Use a code such as PL.", "holidays_country", country=country[:40]
        )


def _check_pacing(campaign: Campaign) -> None:
    for field, limit in (
        ("delay_seconds", MAX_DELAY_SECONDS),
        ("customers_delay_seconds", MAX_DELAY_SECONDS),
        ("customers_batch_size", MAX_BATCH_SIZE),
    ):
        value: object = getattr(campaign, field)
        if value is None:
            setattr(campaign, field, 0)
        elif not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= limit:
            raise InvalidInput("Choose a whole number from 0 to %(limit)s.", field, limit=limit)
    if bool(campaign.customers_delay_seconds) != bool(campaign.customers_batch_size):
        raise InvalidInput(
            "The customers delay needs both: the delay and the number of customers in a batch.", "customers_batch_size"
        )


def check_launch(campaign: Campaign, now: datetime) -> None:
    """Check what a campaign needs before it may send: sender, content, audience, a time. Raises InvalidInput."""
    for problem in launch_problems(campaign, now):
        raise problem


def launch_problems(campaign: Campaign, now: datetime) -> Iterator[InvalidInput]:
    """Everything that keeps a campaign from sending, the first to mend first."""
    if campaign.status is CampaignStatus.DRAFT:  # a field made since then must not hold up what is under way
        yield from custom_fields.problems(campaign)
    yield from sender_checks.problems(campaign)
    if campaign.channel in TO_PHONES:
        yield from text_checks.problems(campaign)
    elif campaign.channel is Channel.PUSH:
        yield from push_checks.problems(campaign)
    else:
        yield from _content_problems(campaign)
    if next_opening(now, window_of(campaign, now)).at is None:
        yield InvalidInput(
            "There is no moment left to send: the validity period, the daily hours and the days exclude each other.",
            "valid_until",
        )
    if campaign.status is CampaignStatus.DRAFT and not _has_audience(campaign):
        yield InvalidInput("Nobody is in the audience. Choose folders that have contacts.", "folders")


def _content_problems(campaign: Campaign) -> Iterator[InvalidInput]:
    if not campaign.subject:
        yield InvalidInput("Write a subject.", "subject")
    try:
        is_empty = not campaign.text.strip() and not from_html(campaign.html).strip()
        if not is_empty and campaign.smtp_account is not None:
            content.check(campaign)
    except InvalidInput as error:
        yield error
        return
    if is_empty:
        yield InvalidInput("Write the message, in words: pictures alone are taken for spam.", "html")


def _has_audience(campaign: Campaign) -> bool:
    """Whether a contact stands in the campaign's folders now, or was put in beside them."""
    ids = [folder.id for folder in campaign.folders]
    in_folders = select(contact_folder.c.contact_id).where(contact_folder.c.folder_id.in_(ids))
    held = (CampaignContact.campaign_id == campaign.id, CampaignContact.released_at.is_(None))
    beside = select(CampaignContact.contact_id).where(*held)
    return any(db.session.scalar(people.limit(1)) is not None for people in (in_folders, beside))


def audience_size(campaign: Campaign) -> int:
    """How many contacts stand in the campaign's folders now, and beside them how many were put in by missions."""
    ids = [folder.id for folder in campaign.folders]
    in_folders = select(contact_folder.c.contact_id).where(contact_folder.c.folder_id.in_(ids))
    picked = (
        select(CampaignContact.contact_id)
        .where(CampaignContact.campaign_id == campaign.id, CampaignContact.released_at.is_(None))
        .where(CampaignContact.contact_id.not_in(in_folders))
        .distinct()
    )
    beside = db.session.scalar(select(func.count()).select_from(picked.subquery())) or 0
    if not ids:
        return beside
    member = contact_folder.c.contact_id
    count = func.count(member.distinct()) if len(ids) > 1 else func.count()  # of one folder twice as fast
    return beside + (db.session.scalar(select(count).where(contact_folder.c.folder_id.in_(ids))) or 0)


def window_of(campaign: Campaign, now: datetime, own: Collection[date] | None = None) -> Window:
    """The campaign's schedule as a value for the pure functions of campaigns.schedule.

    own: the own days without work where they are known already, for many campaigns at once.
    """
    days = frozenset[date]()
    if campaign.working_days_only:
        own = days_off.own(now.date() - timedelta(days=2)) if own is None else own
        days = frozenset(own) | frozenset(days_off.public(campaign.holidays_country, now.year))
    return Window(
        zone=ZoneInfo(campaign.zone),
        start_at=campaign.start_at,
        valid_from=campaign.valid_from,
        valid_until=campaign.valid_until,
        daily_from=campaign.daily_from,
        daily_until=campaign.daily_until,
        working_days_only=campaign.working_days_only,
        holidays=days,
    )


@cache
def zones() -> tuple[str, ...]:
    """The time zones to choose from, by name: places and UTC, no abbreviations and nothing of this machine's own."""
    return ("UTC", *sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/")))


def document_name(name: str) -> str:
    """A safe name for an attached file: the last part of the path, one line. Raises InvalidInput for risky types."""
    safe = re.sub(
        r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", "", name.replace("\\", "/").rsplit("/", 1)[-1]
    ).strip(" .")
    if not safe:
        raise InvalidInput("The file has no name.", "document")
    if BLOCKED_TYPES.search(safe):
        raise InvalidInput(
            "Mail servers refuse files like %(name)s. Send a PDF, a picture or an office file.", "document", name=safe
        )
    return safe[-200:]


def media_type(given: str, data: bytes) -> str:
    """The media type of an upload, or the general one when it makes no sense. Of pictures the bytes tell, not the name:
    who fetches one refuses it when the two differ."""
    if picture := images.media_type_of(data):
        return picture
    text = given.split(";", 1)[0].strip().lower()
    return text if MEDIA_TYPE.fullmatch(text) and text not in images.ENDINGS else "application/octet-stream"


def current_documents(campaign: Campaign) -> list[CampaignDocument]:
    """The documents that go with the campaign now, in the order in which they were attached."""
    there = (document for document in campaign.documents if not document.is_removed)
    return sorted(there, key=lambda document: document.id)
