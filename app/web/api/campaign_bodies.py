"""The JSON of campaigns, their reports and their recipients."""

from collections.abc import Callable
from typing import Any

from marshmallow import fields, post_dump

from app.campaigns import custom_fields
from app.campaigns.checks import current_documents
from app.campaigns.fields import FIELDS, Kind
from app.campaigns.lifecycle import OVER
from app.campaigns.models import Campaign
from app.channels.contract import Channel
from app.sending.states import Shown
from app.web.api.bodies import Body, Choice, Flag, Hour, Ids, Moment, Text, Texts, Whole

# The words of the screen as a program writes them.
WORD_OF = {shown: shown.value.lower() for shown in Shown}


# What a program writes for each kind of field.
WRITTEN: dict[Kind, Callable[[], fields.Field]] = {
    **dict.fromkeys((Kind.LINE, Kind.MERGED_LINE, Kind.HTML, Kind.PLAIN_PART, Kind.TEXT_MESSAGE), Text),
    **dict.fromkeys((Kind.ZONE, Kind.COUNTRY, Kind.TEMPLATE_VALUES, Kind.FREE_TEXT, Kind.NOTIFICATION), Text),
    **dict.fromkeys((Kind.SENDER, Kind.GROUP, Kind.WHATSAPP_TEMPLATE), lambda: Whole(allow_none=True)),
    **dict.fromkeys((Kind.DURATION, Kind.COUNT), Whole),
    Kind.CHANNEL: lambda: Choice(Channel),
    Kind.FLAG: Flag,
    Kind.MOMENT: lambda: Moment(allow_none=True),
    Kind.HOUR: lambda: Hour(allow_none=True),
}


class CampaignBody(Body):
    """What may be written: the columns of the one list of fields, folders, and fields of our own by their names."""

    name = Text(required=True)
    folder_ids = Ids(load_only=True)
    custom_fields = Texts(load_only=True)

    class Meta:
        """The fields that stand in the list."""

        include = {
            field.name: WRITTEN[field.kind]() for field in FIELDS if field.kind in WRITTEN and field.name != "name"
        }


class CampaignChange(CampaignBody):
    """The same for a change. revision: the one that was read, so that nothing is written over somebody else's."""

    revision = Whole()


class CampaignRow(Body):
    """A campaign in the list."""

    id = Whole()
    name = Text()
    description = Text()
    channel = Choice(Channel)
    status = Text()
    status_detail = Text()
    waiting_for = Text()
    next_send_at = Moment()
    group_id = Whole()
    smtp_account_id = Whole()
    gateway_id = Whole()
    subject = Text()
    start_at = Moment()
    valid_from = Moment()
    valid_until = Moment()
    created_by = Text()
    created_at = Moment()
    changed_by = Text()
    changed_at = Moment()
    started_at = Moment()
    finished_at = Moment()


class DocumentShown(Body):
    """A file that goes with the messages."""

    id = Whole()
    name = Text()
    media_type = Text()
    size_bytes = Whole()


class CampaignShown(CampaignRow, CampaignChange):
    """A campaign with everything that was written and what became of it."""

    documents = fields.List(fields.Nested(DocumentShown), dump_only=True, attribute="documents_now")

    @post_dump(pass_original=True)
    def add_rows(self, shown: dict[str, Any], campaign: Campaign, **_kwargs: Any) -> dict[str, Any]:
        """Add its folders, its documents and its fields of our own."""
        shown["folder_ids"] = sorted(folder.id for folder in campaign.folders)
        shown["custom_fields"] = custom_fields.named_values(campaign)
        shown["documents"] = DocumentShown().dump(current_documents(campaign), many=True)
        return shown


class RunBody(Body):
    """Folders whose people are added."""

    folder_ids = Ids(required=True)


class CountsShown(Body):
    """How many recipients people are shown as what."""

    awaiting = Whole()
    processing = Whole()
    sent = Whole()
    failed = Whole()
    unconfirmed = Whole()
    skipped = Whole()


class ReportShown(Body):
    """A campaign in numbers; the counts add up to total. stand_in: the account over which it sends now in place of its
    own, null for its own."""

    campaign_id = Whole()
    name = Text()
    status = Text()
    is_over = fields.Function(lambda report: report.status in OVER)
    status_detail = Text()
    waiting_for = Text()
    next_send_at = Moment()
    total = Whole()
    counts = fields.Function(lambda report: {WORD_OF[shown]: number for shown, number in report.counts.items()})
    opened = Whole()
    clicked = Whole()
    unsubscribed = Whole()
    stand_in = fields.Function(lambda report: report.detour.stand_in if report.detour else None)


class RecipientShown(Body):
    """One recipient. shown: the word people read for its state. address: null for those who may not read contacts.
    sender_id: the account or gateway that the message really went over, null when none was tried."""

    seq = Whole()
    contact_id = Whole()
    name = Text()
    address = Text(allow_none=True)
    state = Text()
    shown = fields.Function(lambda row: WORD_OF[row.shown])
    reason = Text()
    detail = Text()
    attempt = Whole()
    sender_id = Whole(allow_none=True)
    not_before = Moment()
    sending_at = Moment()
    done_at = Moment()
    opened_at = Moment()
    clicked_at = Moment()
    unsubscribed_at = Moment()
