"""The form of a campaign, made for its channel from the one list of fields: whole, or one step of it."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, ClassVar
from zoneinfo import available_timezones

import holidays
from babel import Locale
from flask import request
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, SelectField, SelectMultipleField, StringField, ValidationError
from wtforms.fields import SelectChoice

from app.audience.fields import plain
from app.campaigns import custom_fields, fields
from app.campaigns.fields import CampaignField, Kind, Step
from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import Campaign, CustomField, CustomKind
from app.channels.contract import Channel
from app.web import dates, place
from app.web.forms import seen, senders
from app.web.forms.documents import DocumentsField
from app.web.forms.editor import message
from app.web.forms.fields import (
    PanelForm,
    RememberingSelect,
    check_box,
    choice,
    duration,
    folder_rows,
    hour,
    in_utc,
    in_zone,
    line,
    moment,
    number,
    picked,
    row_choice,
    row_choices,
    text_area,
)
from app.web.forms.groups import group_rows
from app.web.forms.push_campaigns import notification
from app.web.forms.senders import SenderCards
from app.web.forms.text_campaigns import counted_text
from app.web.forms.whatsapp import template_choice, template_values

STEP_TITLES = {
    Step.SETUP: _l("Setup"),
    Step.CONTENT: _l("Content"),
    Step.AUDIENCE: _l("Audience"),
    Step.SCHEDULE: _l("Schedule and pacing"),
}
SENDER = "sender"  # one field for the channel and what sends


@cache
def _zones() -> list[tuple[str, str]]:
    return [(zone, zone) for zone in sorted(available_timezones())]


def _countries() -> list[SelectChoice]:
    names = (get_locale() or Locale("en")).territories
    codes = holidays.list_supported_countries(include_aliases=False)
    found = sorted(((names.get(code, code), code) for code in codes), key=lambda each: plain(each[0]))
    return [SelectChoice("", _("none")), *(SelectChoice(code, name) for name, code in found)]


def _here() -> str:
    """The zone of the person who writes the campaign."""
    return place.zone().key


def _asked_start() -> datetime | None:
    """The start that the address asks for, as an empty place of the calendar does, by the clocks of the person."""
    found = dates.moment_of(request.args.get("start_at", ""))
    return found.astimezone(place.zone()).replace(tzinfo=None) if found else None


def _country(label: Any, words: Any) -> SelectField:
    control = {"class": "form-control"}
    return SelectField(
        label, description=words, choices=_countries, default="", render_kw=control, widget=RememberingSelect()
    )


def _sender(field: CampaignField, label: Any) -> SelectField:
    (channel,) = field.channels
    return row_choice(label, lambda: senders.rows(channel), _l("choose one"), default=lambda: senders.only(channel))


MAKERS: dict[Kind, Callable[[CampaignField, Any, Any], Any]] = {
    Kind.LINE: lambda _field, label, words: line(label, words),
    Kind.CHANNEL: lambda _field, _label, _words: HiddenField(),
    Kind.SENDER: lambda field, label, _words: _sender(field, label),
    Kind.GROUP: lambda _field, label, _words: row_choice(label, group_rows, _l("no group")),
    Kind.MERGED_LINE: lambda _field, label, words: line(label, words),
    Kind.HTML: lambda _field, label, _words: message(label),
    Kind.PLAIN_PART: lambda _field, label, words: text_area(label, words, rows=8),
    Kind.TEXT_MESSAGE: lambda _field, label, words: counted_text(label, words),
    Kind.DOCUMENTS: lambda _field, label, words: DocumentsField(label, description=words),
    Kind.FOLDERS: lambda _field, label, words: row_choices(label, folder_rows, words),
    Kind.FLAG: lambda field, label, words: check_box(label, words, default=bool(field.default)),
    Kind.ZONE: lambda _field, label, words: choice(label, _zones(), words, default=_here),
    Kind.MOMENT: lambda field, label, words: moment(
        label, words, default=_asked_start if field.name == "start_at" else None
    ),
    Kind.HOUR: lambda _field, label, words: hour(label, words),
    Kind.COUNTRY: lambda _field, label, words: _country(label, words),
    Kind.DURATION: lambda _field, label, words: duration(label, words),
    Kind.COUNT: lambda _field, label, words: number(label, words, 0),
    Kind.WHATSAPP_TEMPLATE: lambda _field, label, words: template_choice(label, words),
    Kind.TEMPLATE_VALUES: lambda _field, label, words: template_values(label, words),
    Kind.NOTIFICATION: lambda _field, label, words: notification(label, words),
    Kind.FREE_TEXT: lambda _field, label, words: text_area(label, words, rows=5),
}


def _custom(field: CustomField) -> Any:
    match field.kind:
        case CustomKind.FLAG:
            return check_box(field.name, field.help)
        case CustomKind.CHOICE:
            return choice(field.name, [("", "–"), *((each, each) for each in field.choices)], field.help)
        case CustomKind.DATE:
            return line(field.name, field.help, **picked("data-date"))
        case _:
            return line(field.name, field.help)


class CampaignForm(PanelForm):
    """What a person writes about a campaign; its fields are added by form_for. seen: what the person was shown."""

    written: ClassVar[tuple[CampaignField, ...]] = ()
    custom: ClassVar[Sequence[CustomField]] = ()
    seen = HiddenField()

    def validate_name(self, field: StringField) -> None:
        """There is one: said together with what else is wrong, where the service would say it afterwards."""
        if not field.data:
            raise ValidationError(_("Give the campaign a name."))

    @classmethod
    def sections(cls) -> list[tuple[Any, dict[str, list[str]]]]:
        """The fields by the step in which they are written, as FAB wants them."""
        found = []
        for step, title in STEP_TITLES.items():
            names = [field.name for field in cls.written if field.step is step and field.kind is not Kind.CHANNEL]
            if step is Step.SETUP:
                names[1:1] = [SENDER] if hasattr(cls, SENDER) else []
                names += [custom_fields.form_name(field.id) for field in cls.custom]
            if names:
                found.append((title, {"fields": names}))
        return found

    @property
    def compared(self) -> list[str]:
        """The fields that somebody else may have changed meanwhile."""
        left = {"documents", "removed_documents", "csrf_token", "seen"}
        return [field.name for field in self if field.name not in left and field.name != "channel"]

    def values_of(self, names: Iterable[str]) -> dict[str, Any]:
        """The values of these fields as columns of Campaign: times in UTC, counts never empty."""
        chosen, values = set(names), {}
        moments = [field.name for field in self.written if field.kind is Kind.MOMENT]
        if "zone" in chosen:
            chosen.update(moments)  # the same hours on other clocks are other times
        for field in self.written:
            if field.name not in chosen or not field.kind.is_column:
                continue
            data = self[field.name].data
            if field.kind is Kind.MOMENT:
                data = in_utc(data, self.zone.data)
            elif field.kind in (Kind.DURATION, Kind.COUNT):
                data = data or 0
            values[field.name] = data
        if SENDER in chosen:
            values |= self[SENDER].columns() or {}
        return values

    def custom_values(self, names: Iterable[str]) -> dict[int, Any]:
        """What was written into these fields of our own, by their ids."""
        chosen = set(names)
        found = ((field.id, custom_fields.form_name(field.id)) for field in self.custom)
        return {field_id: self[name].data for field_id, name in found if name in chosen}

    def uploads(self) -> list[Any]:
        """The files that were chosen; a browser sends one empty part when there are none."""
        files = self["documents"].data if "documents" in self else ()
        return [file for file in files or () if getattr(file, "filename", "")]

    def show(self, campaign: Campaign) -> None:
        """Fill in what WTForms cannot know: ids of related rows, times in the campaign's zone, fields of our own."""
        for field in self.written:
            if field.kind is Kind.FOLDERS:
                self[field.name].data = [folder.id for folder in campaign.folders]
            elif field.kind is Kind.MOMENT:
                self[field.name].data = in_zone(getattr(campaign, field.name), campaign.zone)
        values = custom_fields.values_of(campaign) if self.custom else {}
        for own in self.custom:
            value = values.get(own.id, "")
            self[custom_fields.form_name(own.id)].data = value == "yes" if own.kind is CustomKind.FLAG else value
        if SENDER in self:
            sender = campaign.sender
            self[SENDER].data = senders.value_of(campaign.channel, sender.id if sender else None)
        self.keep_channel(campaign)

    def keep_channel(self, campaign: Campaign) -> None:
        """Offer no other channel once there are words: it would forget them."""
        if SENDER in self and (campaign.status is not CampaignStatus.DRAFT or campaign.html or campaign.text):
            self[SENDER].channels = (campaign.channel,)

    def remember(self) -> None:
        """Note what this form shows, for the moment when it comes back."""
        self.seen.data = seen.fingerprints(self, self.compared)

    def of_stored(self, campaign: Campaign) -> "CampaignForm":
        """The same form, filled with what is stored now."""
        stored = type(self)(formdata=None, obj=campaign)
        stored.show(campaign)
        return stored

    def offer_documents(self, campaign: Campaign) -> None:
        """Show the documents that are attached, each with the way to take it off."""
        if "documents" in self:
            self["documents"].campaign = campaign


def form_for(
    channel: Channel, *steps: Step, is_edit: bool = False, has_cards: bool = False, is_quick: bool = False
) -> type[CampaignForm]:
    """The form of a channel with the fields of these steps, or all.

    is_edit: for a campaign that exists: documents can be taken off. has_cards: channel and sender are chosen in one.
    is_quick: only what a draft cannot be without.
    """
    custom = custom_fields.in_order() if not is_quick and (not steps or Step.SETUP in steps) else ()
    chosen = [field for field in fields.of(channel, *steps) if not (has_cards and _is_of_cards(field))]
    if is_quick:
        chosen = [field for field in chosen if field.name == "name"]
    members: dict[str, Any] = {"written": tuple(chosen), "custom": custom}
    for field in chosen:
        members[field.name] = MAKERS[field.kind](field, _l(field.label), _l(field.help) if field.help else "")
    if "channel" in members:
        members["channel"] = HiddenField(default=channel.value)
    if has_cards and any(_is_of_cards(field) for field in fields.of(channel, *steps)):
        members[SENDER] = SenderCards(_l("Send by"))
    for own in custom:
        members[custom_fields.form_name(own.id)] = _custom(own)
    if is_edit and "documents" in members:
        members["removed_documents"] = SelectMultipleField(coerce=int, validate_choice=False)
    return type("CampaignForm", (CampaignForm,), members)


def _is_of_cards(field: CampaignField) -> bool:
    return field.kind in (Kind.CHANNEL, Kind.SENDER)
