"""The forms of a campaign: what it says, to whom, when and how fast; running it on folders; removing a client."""

from functools import cache
from typing import Any
from zoneinfo import available_timezones

import holidays
from wtforms import HiddenField, MultipleFileField, SelectMultipleField
from wtforms.fields import SelectChoice

from app.campaigns.models import Campaign
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

MOMENTS = ("start_at", "valid_from", "valid_until")
PLAIN = (
    "name",
    "description",
    "smtp_account_id",
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
MERGE_HELP = 'Fields such as {{ first_name | default: "there" }} are filled in for each person.'
ZONE_HELP = "By the clocks of the time zone below. Empty: no limit."

SECTIONS = [
    ("Campaign", {"fields": ["name", "description", "smtp_account_id", "folders"]}),
    ("Message", {"fields": ["subject", "html", "text", "documents", "to_second_email", "track_opens", "track_clicks"]}),
    (
        "Schedule",
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
    ("Pacing", {"fields": ["delay_seconds", "customers_delay_seconds", "customers_batch_size"]}),
]
EDIT_SECTIONS = [
    (title, {"fields": [*part["fields"], "removed_documents"] if title == "Message" else part["fields"]})
    for title, part in SECTIONS
]


@cache
def _zones() -> list[tuple[str, str]]:
    return [(zone, zone) for zone in sorted(available_timezones())]


@cache
def _countries() -> list[tuple[str, str]]:
    return [("", "none"), *((code, code) for code in sorted(holidays.list_supported_countries()))]


class CampaignForm(PanelForm):
    """Everything a person writes about an e-mail campaign. revision is the one the person saw."""

    revision = HiddenField()
    name = line("Name")
    description = line("Description", "For yourself; nobody else reads it.")
    smtp_account_id = row_choice("SMTP account", account_rows, "choose one")
    folders = row_choices("Folders", folder_rows, "Everybody in these folders gets the message once.")
    subject = line("Subject", MERGE_HELP)
    html = text_area("Message (HTML)", MERGE_HELP, rows=14)
    text = text_area("Message (plain text)", "Empty: made from the HTML.", rows=8)
    documents = MultipleFileField("Attach documents", description="All together up to 10 MB.")
    to_second_email = check_box("Send to the second e-mail address")
    track_opens = check_box("Count opens", default=True)
    track_clicks = check_box("Count clicks", default=True)
    zone = choice("Time zone", _zones(), "All times of this campaign are in this zone.", default="UTC")
    start_at = moment("Start at", "By the clocks of the time zone above. Empty: as soon as it is published.")
    valid_from = moment("Valid from", ZONE_HELP.replace("below", "above"))
    valid_until = moment("Valid until", "After this nothing more is sent. Empty: no limit.")
    daily_from = hour("Daily from", "Send only between these hours; they may go over midnight. Empty: all day.")
    daily_until = hour("Daily until")
    working_days_only = check_box("Working days only", "Monday to Friday without holidays.")
    holidays_country = choice("Public holidays of", _countries(), "Used with working days only.")
    delay_seconds = number("Delay between messages (seconds)", "3600 is an hour. 0: as fast as the account allows.", 0)
    customers_delay_seconds = number(
        "Customers delay (seconds)", "The pause after each batch of customers: 300 is five minutes.", 0
    )
    customers_batch_size = number("Customers in a batch", "How many get the message before the customers delay.", 0)

    def plain_values(self) -> dict[str, Any]:
        """The values as columns of Campaign: times in UTC, counts never empty."""
        values = self.values(*PLAIN)
        for name in ("delay_seconds", "customers_delay_seconds", "customers_batch_size"):
            values[name] = values[name] or 0
        for name in MOMENTS:
            values[name] = in_utc(self[name].data, self.zone.data)
        return values

    def uploads(self) -> list[Any]:
        """The files that were chosen; a browser sends one empty part when there are none."""
        return [file for file in self.documents.data or () if getattr(file, "filename", "")]


class EditCampaignForm(CampaignForm):
    """The same for a campaign that exists: its documents can be taken off."""

    removed_documents = SelectMultipleField("Take off documents", coerce=int, validate_choice=False)

    def show(self, campaign: Campaign) -> None:
        """Fill in what WTForms cannot know: ids of related rows and times in the campaign's zone."""
        self.folders.data = [folder.id for folder in campaign.folders]
        for name in MOMENTS:
            self[name].data = in_zone(getattr(campaign, name), campaign.zone)

    def offer_documents(self, campaign: Campaign) -> None:
        """List the documents that can be taken off."""
        self.removed_documents.choices = [
            SelectChoice(document.id, document.name) for document in campaign.documents if not document.is_removed
        ]


class RunForm(PanelForm):
    """Which folders a campaign is to be run on."""

    folders = row_choices("Folders", folder_rows, "People who already got the message do not get it again.")


class RemoveClientForm(PanelForm):
    """Whom to take out of a campaign."""

    address = line("E-mail address or phone number", "The exact address of the client.", autocomplete="off")
