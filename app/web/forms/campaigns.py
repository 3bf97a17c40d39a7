"""The forms of a campaign: what it says, to whom, when and how fast; running it on folders; removing a client."""

from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import available_timezones

import holidays
from babel import Locale
from flask import request
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, MultipleFileField, SelectField, SelectMultipleField, StringField
from wtforms.fields import SelectChoice

from app.audience.fields import plain
from app.campaigns.models import Campaign
from app.web import dates, place
from app.web.forms.editor import MERGE_HELP, message
from app.web.forms.fields import (
    PanelForm,
    account_rows,
    check_box,
    choice,
    folder_rows,
    hour,
    in_utc,
    in_zone,
    line,
    moment,
    number,
    row_choice,
    row_choices,
    text_area,
)
from app.web.forms.groups import group_rows

MOMENTS = ("start_at", "valid_from", "valid_until")
PLAIN = (
    "name",
    "description",
    "group_id",
    "channel",
    "smtp_account_id",
    "gateway_id",
    "subject",
    "html",
    "text",
    "to_second_email",
    "track_opens",
    "track_clicks",
    "zone",
    "daily_from",
    "daily_until",
    "working_days_only",
    "holidays_country",
    "delay_seconds",
    "customers_delay_seconds",
    "customers_batch_size",
)
ZONE_HELP = _l("By the clocks of the time zone above. Empty: no limit.")

SECTIONS = [
    (_l("Campaign"), {"fields": ["name", "description", "smtp_account_id", "group_id", "folders"]}),
    (
        _l("Message"),
        {"fields": ["subject", "html", "text", "documents", "to_second_email", "track_opens", "track_clicks"]},
    ),
    (
        _l("Schedule"),
        {
            "fields": [
                "zone",
                *MOMENTS,
                "daily_from",
                "daily_until",
                "working_days_only",
                "holidays_country",
            ]
        },
    ),
    (_l("Pacing"), {"fields": ["delay_seconds", "customers_delay_seconds", "customers_batch_size"]}),
]
EDIT_SECTIONS = [
    (title, {"fields": [*part["fields"], "removed_documents"] if "documents" in part["fields"] else part["fields"]})
    for title, part in SECTIONS
]


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


def _only_account() -> int | None:
    """The account, where there is no choice."""
    rows = account_rows()
    return rows[0][0] if len(rows) == 1 else None


class CampaignForm(PanelForm):
    """Everything a person writes about an e-mail campaign. revision and group_seen are what the person saw."""

    revision = HiddenField()
    group_seen = HiddenField()
    name = line(_l("Name"))
    description = line(_l("Description"), _l("For yourself; nobody else reads it."))
    smtp_account_id = row_choice(_l("SMTP account"), account_rows, _l("choose one"), default=_only_account)
    group_id = row_choice(_l("Group"), group_rows, _l("no group"))
    folders = row_choices(_l("Folders"), folder_rows, _l("Everybody in these folders gets the message once."))
    subject = line(_l("Subject"), MERGE_HELP)
    html = message(_l("Message (HTML)"))
    text = text_area(_l("Message (plain text)"), _l("Empty: made from the HTML."), rows=8)
    documents = MultipleFileField(_l("Attach documents"), description=_l("All together up to 10 MB."))
    to_second_email = check_box(_l("Send to the second e-mail address"))
    track_opens = check_box(_l("Count opens"), default=True)
    track_clicks = check_box(_l("Count clicks"), default=True)
    zone = choice(_l("Time zone"), _zones(), _l("All times of this campaign are in this zone."), default=_here)
    start_at = moment(
        _l("Start at"),
        _l("By the clocks of the time zone above. Empty: as soon as it is published."),
        default=_asked_start,
    )
    valid_from = moment(_l("Valid from"), ZONE_HELP)
    valid_until = moment(_l("Valid until"), _l("After this nothing more is sent. Empty: no limit."))
    daily_from = hour(_l("Daily from"), _l("Send only between these hours; they may go over midnight. Empty: all day."))
    daily_until = hour(_l("Daily until"))
    working_days_only = check_box(_l("Working days only"), _l("Monday to Friday without holidays."))
    holidays_country = SelectField(
        _l("Public holidays of"),
        description=_l("Used with working days only."),
        choices=_countries,
        default="",
        render_kw={"class": "form-control"},
    )
    delay_seconds = number(
        _l("Delay between messages (seconds)"), _l("3600 is an hour. 0: as fast as the account allows."), 0
    )
    customers_delay_seconds = number(
        _l("Customers delay (seconds)"), _l("The pause after each batch of customers: 300 is five minutes."), 0
    )
    customers_batch_size = number(
        _l("Customers in a batch"), _l("How many get the message before the customers delay."), 0
    )

    def plain_values(self) -> dict[str, Any]:
        """The values as columns of Campaign: times in UTC, counts never empty."""
        values = self.values(*(name for name in PLAIN if name in self))
        for name in ("delay_seconds", "customers_delay_seconds", "customers_batch_size"):
            values[name] = values[name] or 0
        for name in MOMENTS:
            values[name] = in_utc(self[name].data, self.zone.data)
        if (self.group_seen.data or "") == str(self.group_id.data or ""):
            del values["group_id"]  # who did not touch it leaves it to others
        return values

    def uploads(self) -> list[Any]:
        """The files that were chosen; a browser sends one empty part when there are none."""
        return [file for file in self.documents.data or () if getattr(file, "filename", "")]


class EditCampaignForm(CampaignForm):
    """The same for a campaign that exists: its documents can be taken off."""

    removed_documents = SelectMultipleField(_l("Take off documents"), coerce=int, validate_choice=False)

    def show(self, campaign: Campaign) -> None:
        """Fill in what WTForms cannot know: ids of related rows and times in the campaign's zone."""
        self.folders.data = [folder.id for folder in campaign.folders]
        self.group_seen.data = str(campaign.group_id or "")
        for name in MOMENTS:
            self[name].data = in_zone(getattr(campaign, name), campaign.zone)

    def offer_documents(self, campaign: Campaign) -> None:
        """List the documents that can be taken off; without any there is nothing to choose."""
        present = [document for document in campaign.documents if not document.is_removed]
        self.removed_documents.choices = [SelectChoice(document.id, document.name) for document in present]
        if not present:
            del self.removed_documents


class RunForm(PanelForm):
    """Which folders a campaign is to be run on."""

    folders = row_choices(_l("Folders"), folder_rows, _l("People who already got the message do not get it again."))

    def count_at(self, address: str) -> None:
        """Let the page ask that address how many people are in the chosen folders, whenever others are chosen."""
        asked = {"hx-get": address, "hx-trigger": "change", "hx-target": "#people-of-run"}
        self.folders.render_kw = {**(self.folders.render_kw or {}), **asked}


def _why() -> StringField:
    return line(_l("Reason"), _l("For the removal log. May stay empty."), maxlength=255)


class RemoveOneForm(PanelForm):
    """Why somebody is taken out of a campaign who is known already."""

    why = _why()


class RemoveClientForm(PanelForm):
    """Whom to take out of a campaign, and why. said: what was done before the rest was asked about again."""

    said = ""
    address = text_area(
        _l("E-mail addresses or phone numbers"), _l("The exact addresses of the clients, one in a line."), rows=3
    )
    why = _why()

    def addresses(self) -> list[str]:
        """What was written, without empty lines, each once."""
        return list(dict.fromkeys(filter(None, (each.strip() for each in (self.address.data or "").splitlines()))))
