"""The fields of a campaign that people and programs write: the one list behind forms, wizard, REST, copies and checks.

A new field is a column of Campaign and one line here.
"""

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any

from app.channels.contract import Channel
from app.kernel.texts import N_


class Step(StrEnum):
    """The steps in which a campaign is written, in their order; the last look at it has no fields of its own."""

    SETUP = "setup"
    CONTENT = "content"
    AUDIENCE = "audience"
    SCHEDULE = "schedule"


class Kind(Enum):
    """What a field holds, and the value that stands for nothing written: (number, value)."""

    LINE = 1, ""
    CHANNEL = 2, Channel.EMAIL
    SENDER = 3, None
    GROUP = 4, None
    MERGED_LINE = 5, ""
    HTML = 6, ""
    PLAIN_PART = 7, ""
    TEXT_MESSAGE = 8, ""
    DOCUMENTS = 9, ()
    FOLDERS = 10, ()
    FLAG = 11, False
    ZONE = 12, "UTC"
    MOMENT = 13, None
    HOUR = 14, None
    COUNTRY = 15, ""
    DURATION = 16, 0
    COUNT = 17, 0
    WHATSAPP_TEMPLATE = 30, None
    TEMPLATE_VALUES = 31, ""
    FREE_TEXT = 32, ""
    NOTIFICATION = 33, ""

    @property
    def empty(self) -> Any:
        """The value of a field in which nothing was written."""
        return self.value[1]

    @property
    def is_column(self) -> bool:
        """Whether it is a value of the campaign's own row."""
        return self not in (Kind.DOCUMENTS, Kind.FOLDERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignField:
    """One field. name: the column of Campaign, unless its kind has rows of its own.

    channels: those that have it. is_copied: whether a duplicate takes it over. default: what a new campaign begins
    with. Durations are in seconds, moments aware UTC, hours local times in the campaign's zone.
    """

    name: str
    kind: Kind
    step: Step
    label: str
    help: str = ""
    channels: frozenset[Channel] = frozenset(Channel)
    is_copied: bool = True
    default: Any = None


EMAIL = frozenset({Channel.EMAIL})
TEXTS = frozenset({Channel.SMS})
WHATSAPP = frozenset({Channel.WHATSAPP})
PUSH = frozenset({Channel.PUSH})

_MERGE = N_('Fields such as {{ first_name | default: "there" }} are filled in for each person.')
_BY_ZONE = N_("By the clocks of the time zone above. Empty: no limit.")

FIELDS = (
    CampaignField(name="name", kind=Kind.LINE, step=Step.SETUP, label=N_("Name"), is_copied=False),
    CampaignField(
        name="description",
        kind=Kind.LINE,
        step=Step.SETUP,
        label=N_("Description"),
        help=N_("For yourself; nobody else reads it."),
    ),
    CampaignField(name="channel", kind=Kind.CHANNEL, step=Step.SETUP, label=N_("Channel")),
    CampaignField(name="smtp_account_id", kind=Kind.SENDER, step=Step.SETUP, label=N_("SMTP account"), channels=EMAIL),
    CampaignField(name="gateway_id", kind=Kind.SENDER, step=Step.SETUP, label=N_("SMS sender"), channels=TEXTS),
    CampaignField(name="gateway_id", kind=Kind.SENDER, step=Step.SETUP, label=N_("WhatsApp sender"), channels=WHATSAPP),
    CampaignField(
        name="web_push_sender_id", kind=Kind.SENDER, step=Step.SETUP, label=N_("Web push sender"), channels=PUSH
    ),
    CampaignField(name="group_id", kind=Kind.GROUP, step=Step.SETUP, label=N_("Group")),
    CampaignField(
        name="subject", kind=Kind.MERGED_LINE, step=Step.CONTENT, label=N_("Subject"), help=_MERGE, channels=EMAIL
    ),
    CampaignField(name="html", kind=Kind.HTML, step=Step.CONTENT, label=N_("Message (HTML)"), channels=EMAIL),
    CampaignField(
        name="text",
        kind=Kind.PLAIN_PART,
        step=Step.CONTENT,
        label=N_("Message (plain text)"),
        help=N_("Empty: made from the HTML."),
        channels=EMAIL,
    ),
    CampaignField(
        name="text", kind=Kind.TEXT_MESSAGE, step=Step.CONTENT, label=N_("Message"), help=_MERGE, channels=TEXTS
    ),
    CampaignField(
        name="whatsapp_template_id",
        kind=Kind.WHATSAPP_TEMPLATE,
        step=Step.CONTENT,
        label=N_("Template"),
        help=N_("WhatsApp lets nothing else be sent to who has not written within 24 hours."),
        channels=WHATSAPP,
    ),
    CampaignField(
        name="template_values",
        kind=Kind.TEMPLATE_VALUES,
        step=Step.CONTENT,
        label=N_("Variables of the template"),
        help=N_('One in each line, such as: 1 = {{ first_name | default: "there" }}'),
        channels=WHATSAPP,
    ),
    CampaignField(
        name="text",
        kind=Kind.FREE_TEXT,
        step=Step.CONTENT,
        label=N_("Message without a template"),
        help=N_("Reaches only people who wrote to this sender within 24 hours; all others are skipped."),
        channels=WHATSAPP,
    ),
    CampaignField(
        name="subject", kind=Kind.MERGED_LINE, step=Step.CONTENT, label=N_("Title"), help=_MERGE, channels=PUSH
    ),
    CampaignField(
        name="text",
        kind=Kind.NOTIFICATION,
        step=Step.CONTENT,
        label=N_("Text"),
        help=N_("A phone shows about 120 characters of it."),
        channels=PUSH,
    ),
    CampaignField(
        name="target_url",
        kind=Kind.MERGED_LINE,
        step=Step.CONTENT,
        label=N_("Link"),
        help=N_("The page that a tap opens, such as https://example.com/offer."),
        channels=PUSH,
    ),
    CampaignField(
        name="icon_url",
        kind=Kind.LINE,
        step=Step.CONTENT,
        label=N_("Icon"),
        help=N_("The address of a square picture, beginning with https://. Empty: the browser's own."),
        channels=PUSH,
    ),
    CampaignField(
        name="documents",
        kind=Kind.DOCUMENTS,
        step=Step.CONTENT,
        label=N_("Attach documents"),
        help=N_("All together up to 10 MB."),
        channels=EMAIL | TEXTS,
    ),
    CampaignField(
        name="documents",
        kind=Kind.DOCUMENTS,
        step=Step.CONTENT,
        label=N_("Attach documents"),
        help=N_(
            "They go with a message of your own, not with a template: the first JPEG or PNG of up to 5 MB as a picture "
            "above the text, all others as links. All together up to 10 MB."
        ),
        channels=WHATSAPP,
    ),
    CampaignField(
        name="track_opens", kind=Kind.FLAG, step=Step.CONTENT, label=N_("Count opens"), channels=EMAIL, default=True
    ),
    CampaignField(
        name="track_clicks",
        kind=Kind.FLAG,
        step=Step.CONTENT,
        label=N_("Count clicks"),
        channels=EMAIL | PUSH,
        default=True,
    ),
    CampaignField(
        name="folders",
        kind=Kind.FOLDERS,
        step=Step.AUDIENCE,
        label=N_("Folders"),
        help=N_("Everybody in these folders gets the message once."),
    ),
    CampaignField(
        name="to_second_email",
        kind=Kind.FLAG,
        step=Step.AUDIENCE,
        label=N_("Send to the second e-mail address"),
        channels=EMAIL,
    ),
    CampaignField(
        name="zone",
        kind=Kind.ZONE,
        step=Step.SCHEDULE,
        label=N_("Time zone"),
        help=N_("All times of this campaign are in this zone."),
    ),
    CampaignField(
        name="start_at",
        kind=Kind.MOMENT,
        step=Step.SCHEDULE,
        label=N_("Start at"),
        help=N_("By the clocks of the time zone above. Empty: as soon as it is published."),
        is_copied=False,
    ),
    CampaignField(
        name="valid_from",
        kind=Kind.MOMENT,
        step=Step.SCHEDULE,
        label=N_("Valid from"),
        help=_BY_ZONE,
        is_copied=False,
    ),
    CampaignField(
        name="valid_until",
        kind=Kind.MOMENT,
        step=Step.SCHEDULE,
        label=N_("Valid until"),
        help=N_("After this nothing more is sent. Empty: no limit."),
        is_copied=False,
    ),
    CampaignField(
        name="daily_from",
        kind=Kind.HOUR,
        step=Step.SCHEDULE,
        label=N_("Daily from"),
        help=N_("Send only between these hours; they may go over midnight. Empty: all day."),
    ),
    CampaignField(name="daily_until", kind=Kind.HOUR, step=Step.SCHEDULE, label=N_("Daily until")),
    CampaignField(
        name="working_days_only",
        kind=Kind.FLAG,
        step=Step.SCHEDULE,
        label=N_("Working days only"),
        help=N_("Monday to Friday without holidays."),
    ),
    CampaignField(
        name="holidays_country",
        kind=Kind.COUNTRY,
        step=Step.SCHEDULE,
        label=N_("Public holidays of"),
        help=N_("Used with working days only."),
    ),
    CampaignField(
        name="delay_seconds",
        kind=Kind.DURATION,
        step=Step.SCHEDULE,
        label=N_("Delay between messages"),
        help=N_("0: as fast as the sender allows."),
    ),
    CampaignField(
        name="customers_delay_seconds",
        kind=Kind.DURATION,
        step=Step.SCHEDULE,
        label=N_("Customers delay"),
        help=N_("The pause after each batch of customers."),
    ),
    CampaignField(
        name="customers_batch_size",
        kind=Kind.COUNT,
        step=Step.SCHEDULE,
        label=N_("Customers in a batch"),
        help=N_("How many get the message before the customers delay."),
    ),
)

COLUMNS = tuple(dict.fromkeys(field.name for field in FIELDS if field.kind.is_column))
COPIED = tuple(dict.fromkeys(field.name for field in FIELDS if field.kind.is_column and field.is_copied))


def of(channel: Channel, *steps: Step) -> tuple[CampaignField, ...]:
    """The fields of a channel, of these steps or of all, in the order in which they are written."""
    return tuple(field for field in FIELDS if channel in field.channels and (not steps or field.step in steps))


def foreign(channel: Channel) -> tuple[CampaignField, ...]:
    """The columns that only other channels have."""
    own = {field.name for field in of(channel)}
    return tuple(field for field in FIELDS if field.kind.is_column and field.name not in own)
