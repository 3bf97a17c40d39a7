"""Words for what the inner rings name in English: values of enums, errors, and sentences that stand in the database."""

import re
from enum import StrEnum
from functools import lru_cache
from typing import Any

from flask_babel import get_translations
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext as _lp

from app.audience.fields import ContactField
from app.audience.models import ImportStatus, SuppressionSource
from app.campaigns.lifecycle import CampaignEvent, CampaignStatus
from app.campaigns.schedule import Closed
from app.channels.contract import Channel, Reason
from app.kernel.audit import Subject, What
from app.kernel.errors import AppError
from app.kernel.texts import Phrase
from app.missions.states import MissionPriority, MissionStatus
from app.notices.mail import TITLES
from app.notices.models import NoticeKind, Scope
from app.sending.standing import Standing
from app.sending.states import RecipientState, Shown

SENTENCES = frozenset({"why", "problem", "answer"})  # places that are filled with sentences, not with names
LEAST_TEXT = 7  # characters that a message has beside its places, to be told by them
PLACE = re.compile(r"%\((\w+)\)[sd]")
CONTEXT = "\x04"  # stands between context and message in a catalogue

# By type and value, because equal values of different enums are one key. The context keeps one English word apart
# where Polish has several: a failed campaign, recipient and import.
OF_VALUES: dict[type[StrEnum], dict[Any, Any]] = {
    CampaignStatus: {
        CampaignStatus.DRAFT: _lp("campaign", "draft"),
        CampaignStatus.SCHEDULED: _lp("campaign", "scheduled"),
        CampaignStatus.SENDING: _lp("campaign", "sending"),
        CampaignStatus.PAUSED: _lp("campaign", "paused"),
        CampaignStatus.EXPIRED: _lp("campaign", "expired"),
        CampaignStatus.FAILED: _lp("campaign", "failed"),
        CampaignStatus.FINISHED: _lp("campaign", "finished"),
        CampaignStatus.ENDED: _lp("campaign", "ended"),
    },
    CampaignEvent: {
        CampaignEvent.PUBLISH: _lp("campaign event", "publish"),
        CampaignEvent.BEGIN: _lp("campaign event", "begin"),
        CampaignEvent.WAIT: _lp("campaign event", "wait"),
        CampaignEvent.STOP: _lp("campaign event", "stop"),
        CampaignEvent.UNPUBLISH: _lp("campaign event", "unpublish"),
        CampaignEvent.START: _lp("campaign event", "start"),
        CampaignEvent.EXPIRE: _lp("campaign event", "expire"),
        CampaignEvent.EXTEND: _lp("campaign event", "extend"),
        CampaignEvent.FINISH: _lp("campaign event", "finish"),
        CampaignEvent.FAIL: _lp("campaign event", "fail"),
        CampaignEvent.RUN: _lp("campaign event", "run"),
        CampaignEvent.END: _lp("campaign event", "end"),
    },
    Closed: {
        Closed.NOT_STARTED: _l("waiting for the start time"),
        Closed.NOT_VALID_YET: _l("waiting for the validity period"),
        Closed.OVER: _l("the validity period is over"),
        Closed.NON_WORKING_DAY: _l("waiting for the next working day"),
        Closed.OUTSIDE_HOURS: _l("waiting for the daily hours"),
    },
    NoticeKind: {
        NoticeKind.UPCOMING: _l("A campaign starts soon"),
        NoticeKind.STARTED: _l("A campaign has started"),
        NoticeKind.FINISHED: _l("A campaign is finished"),
        NoticeKind.FAILED: _l("A campaign has failed"),
        NoticeKind.PAUSED: _l("A campaign or a sender was stopped by itself"),
    },
    Scope: {
        Scope.NONE: _l("nothing"),
        Scope.OWN: _l("my own campaigns"),
        Scope.ALL: _l("all campaigns"),
    },
    RecipientState: {
        RecipientState.AWAITING: _lp("recipient", "awaiting"),
        RecipientState.SENDING: _lp("recipient", "sending"),
        RecipientState.SENT: _lp("recipient", "sent"),
        RecipientState.DELIVERED: _lp("recipient", "delivered"),
        RecipientState.BOUNCED: _lp("recipient", "bounced"),
        RecipientState.UNDELIVERED: _lp("recipient", "undelivered"),
        RecipientState.UNCONFIRMED: _lp("recipient", "unconfirmed"),
        RecipientState.FAILED: _lp("recipient", "failed"),
        RecipientState.SKIPPED: _lp("recipient", "skipped"),
        RecipientState.STOPPED: _lp("recipient", "stopped"),
        RecipientState.CANCELLED: _lp("recipient", "cancelled"),
    },
    Shown: {
        Shown.AWAITING: _lp("recipients", "Awaiting"),
        Shown.PROCESSING: _lp("recipients", "Processing"),
        Shown.SENT: _lp("recipients", "Sent"),
        Shown.FAILED: _lp("recipients", "Failed"),
        Shown.UNCONFIRMED: _lp("recipients", "Unconfirmed"),
        Shown.SKIPPED: _lp("recipients", "Skipped"),
    },
    Reason: {
        Reason.INVALID_RECIPIENT: _lp("reason", "address does not exist"),
        Reason.MAILBOX_FULL: _lp("reason", "mailbox full"),
        Reason.NEEDS_SMTPUTF8: _lp("reason", "address not supported by the server"),
        Reason.REJECTED: _lp("reason", "refused by the server"),
        Reason.REJECTED_CONTENT: _lp("reason", "content refused by the server"),
        Reason.TOO_LARGE: _lp("reason", "message too large"),
        Reason.REPLY_LOST: _lp("reason", "answer of the server lost"),
        Reason.RENDER_ERROR: _lp("reason", "message could not be made"),
        Reason.RETRIES_EXHAUSTED: _lp("reason", "all tries used up"),
        Reason.POISON: _lp("reason", "workers failed on it"),
        Reason.WORKER_LOST: _lp("reason", "worker lost on the way"),
        Reason.NO_ADDRESS: _lp("reason", "no address"),
        Reason.DUPLICATE_ADDRESS: _lp("reason", "same address twice"),
        Reason.SUPPRESSED: _lp("reason", "on the suppression list"),
        Reason.VALIDITY_PERIOD_EXPIRED: _lp("reason", "validity period over"),
        Reason.CAMPAIGN_UNPUBLISHED: _lp("reason", "campaign unpublished"),
        Reason.CAMPAIGN_ENDED: _lp("reason", "campaign ended"),
        Reason.REMOVED_BY_USER: _lp("reason", "removed by a person"),
        Reason.MISSION_CLOSED: _lp("reason", "mission closed"),
    },
    Standing: {
        Standing.JOINS: _lp("standing", "joins"),
        Standing.ALREADY: _lp("standing", "already"),
        Standing.REMOVED: _lp("standing", "removed"),
        Standing.NO_ADDRESS: _lp("standing", "no address"),
        Standing.SUPPRESSED: _lp("standing", "suppressed"),
    },
    MissionStatus: {
        MissionStatus.OPEN: _lp("mission", "open"),
        MissionStatus.IN_PROGRESS: _lp("mission", "in progress"),
        MissionStatus.WAITING: _lp("mission", "waiting"),
        MissionStatus.DONE: _lp("mission", "done"),
        MissionStatus.CANCELLED: _lp("mission", "cancelled"),
    },
    MissionPriority: {
        MissionPriority.LOW: _lp("priority", "low"),
        MissionPriority.NORMAL: _lp("priority", "normal"),
        MissionPriority.HIGH: _lp("priority", "high"),
        MissionPriority.URGENT: _lp("priority", "urgent"),
    },
    ImportStatus: {
        ImportStatus.UPLOADED: _lp("import", "uploaded"),
        ImportStatus.QUEUED: _lp("import", "queued"),
        ImportStatus.RUNNING: _lp("import", "running"),
        ImportStatus.DONE: _lp("import", "done"),
        ImportStatus.FAILED: _lp("import", "failed"),
        ImportStatus.CANCELLED: _lp("import", "cancelled"),
    },
    ContactField: {
        ContactField.EMAIL: _lp("contact", "email"),
        ContactField.SECOND_EMAIL: _lp("contact", "second email"),
        ContactField.PHONE: _lp("contact", "phone"),
        ContactField.WHATSAPP: _lp("contact", "whatsapp"),
        ContactField.FIRST_NAME: _lp("contact", "first name"),
        ContactField.LAST_NAME: _lp("contact", "last name"),
        ContactField.COMPANY: _lp("contact", "company"),
        ContactField.COUNTRY: _lp("contact", "country"),
        ContactField.LANGUAGE: _lp("contact", "language"),
        ContactField.TIME_ZONE: _lp("contact", "time zone"),
    },
    SuppressionSource: {
        SuppressionSource.UNSUBSCRIBED: _lp("suppression", "unsubscribed"),
        SuppressionSource.INVALID: _lp("suppression", "invalid"),
        SuppressionSource.BY_HAND: _lp("suppression", "by hand"),
    },
    Subject: {
        Subject.CAMPAIGN: _lp("subject", "Campaigns"),
        Subject.GROUP: _lp("subject", "Campaign groups"),
        Subject.MISSION: _lp("subject", "Missions"),
        Subject.ACCOUNT: _lp("subject", "SMTP accounts"),
        Subject.GATEWAY: _lp("subject", "Gateways"),
        Subject.STATUS: _lp("subject", "Internal statuses"),
        Subject.TEMPLATE: _lp("subject", "Templates"),
        Subject.IMPORT: _lp("subject", "Imports"),
        Subject.CONTACT: _lp("subject", "Contacts"),
        Subject.PERSON: _lp("subject", "People"),
        Subject.AUDIT: _lp("subject", "Audit log"),
    },
    What: {
        What.CAMPAIGN_CREATE: _lp("event", "Campaign created"),
        What.CAMPAIGN_CHANGE: _lp("event", "Campaign edited"),
        What.CAMPAIGN_PUBLISH: _lp("event", "Campaign published"),
        What.CAMPAIGN_BEGIN: _lp("event", "Sending began"),
        What.CAMPAIGN_STOP: _lp("event", "Sending stopped"),
        What.CAMPAIGN_START: _lp("event", "Sending started again"),
        What.CAMPAIGN_UNPUBLISH: _lp("event", "Campaign unpublished"),
        What.CAMPAIGN_EXPIRE: _lp("event", "Validity period over"),
        What.CAMPAIGN_EXTEND: _lp("event", "Validity period extended"),
        What.CAMPAIGN_FAIL: _lp("event", "Campaign failed"),
        What.CAMPAIGN_FINISH: _lp("event", "Campaign finished"),
        What.CAMPAIGN_END: _lp("event", "Campaign ended for ever"),
        What.CAMPAIGN_RUN: _lp("event", "Run on folders"),
        What.CAMPAIGN_MISSIONS: _lp("event", "Clients of missions added"),
        What.CAMPAIGN_REMOVE_CLIENT: _lp("event", "Client removed"),
        What.CAMPAIGN_RESTORE_CLIENT: _lp("event", "Client put back"),
        What.CAMPAIGN_RETRY: _lp("event", "Failed recipients tried again"),
        What.CAMPAIGN_ATTACH: _lp("event", "Document attached"),
        What.CAMPAIGN_DETACH: _lp("event", "Document taken off"),
        What.CAMPAIGN_EXPORT: _lp("event", "Report exported"),
        What.CAMPAIGN_DUPLICATE: _lp("event", "Campaign duplicated"),
        What.CAMPAIGN_DELETE: _lp("event", "Campaign deleted"),
        What.GROUP_CREATE: _lp("event", "Group created"),
        What.GROUP_CHANGE: _lp("event", "Group edited"),
        What.GROUP_DELETE: _lp("event", "Group deleted"),
        What.MISSION_CREATE: _lp("event", "Mission created"),
        What.MISSION_CLOSE: _lp("event", "Mission closed"),
        What.MISSION_DELETE: _lp("event", "Mission deleted"),
        What.ACCOUNT_CREATE: _lp("event", "SMTP account created"),
        What.ACCOUNT_CHANGE: _lp("event", "SMTP account edited"),
        What.ACCOUNT_PAUSE: _lp("event", "SMTP account paused"),
        What.ACCOUNT_DELETE: _lp("event", "SMTP account deleted"),
        What.GATEWAY_CREATE: _lp("event", "Gateway created"),
        What.GATEWAY_CHANGE: _lp("event", "Gateway edited"),
        What.GATEWAY_PAUSE: _lp("event", "Gateway paused"),
        What.GATEWAY_DELETE: _lp("event", "Gateway deleted"),
        What.STATUS_CREATE: _lp("event", "Internal status created"),
        What.STATUS_CHANGE: _lp("event", "Internal status edited"),
        What.STATUS_DELETE: _lp("event", "Internal status deleted"),
        What.TEMPLATE_CREATE: _lp("event", "Template created"),
        What.TEMPLATE_CHANGE: _lp("event", "Template edited"),
        What.TEMPLATE_DELETE: _lp("event", "Template deleted"),
        What.IMPORT_START: _lp("event", "Import started"),
        What.IMPORT_FINISH: _lp("event", "Import finished"),
        What.IMPORT_FAIL: _lp("event", "Import failed"),
        What.IMPORT_CANCEL: _lp("event", "Import cancelled"),
        What.CONTACT_DELETE: _lp("event", "Contact deleted"),
        What.PERSON_SIGN_IN: _lp("event", "Signed in"),
        What.AUDIT_EXPORT: _lp("event", "Audit log exported"),
    },
    Channel: {
        Channel.EMAIL: _lp("channel", "email"),
        Channel.SMS: _lp("channel", "text message"),
    },
}

# What a role may do and with what; FAB's own views and permissions keep their names.
OF_ROLES = {
    "can_read": _lp("permission", "view"),
    "can_create": _lp("permission", "create"),
    "can_update": _lp("permission", "edit"),
    "can_delete": _lp("permission", "delete"),
    "can_send": _lp("permission", "send"),
    "can_add_recipients": _lp("permission", "add recipients"),
    "can_remove_recipients": _lp("permission", "remove recipients"),
    "can_test": _lp("permission", "test"),
    "can_manage": _lp("permission", "manage"),
    "menu_access": _lp("permission", "entry in the menu"),
    "Campaign": _l("Campaigns"),
    "Contact": _l("Contacts"),
    "Folder": _l("Folders"),
    "Import": _l("Imports"),
    "Suppression": _l("Suppressions"),
    "SmtpAccount": _l("SMTP accounts"),
    "Gateway": _l("Gateways"),
    "OwnHoliday": _l("Own holidays"),
    "CampaignGroup": _l("Campaign groups"),
    "InternalStatus": _l("Internal statuses"),
    "Mission": _l("Missions"),
    "SavedFilter": _l("Saved filters"),
    "MessageTemplate": _l("Templates"),
    "QueueMonitor": _l("Queues"),
    "AuditLog": _l("Audit log"),
    "DemoInbox": _l("Inbox"),
}

# What a reason means for the person who reads a report, and what to do.
EXPLAINED: dict[Reason, Any] = {
    Reason.INVALID_RECIPIENT: _l(
        "The server says that there is no such mailbox. The address was put on the suppression list."
    ),
    Reason.MAILBOX_FULL: _l("The mailbox has no room left. It may work another day."),
    Reason.NEEDS_SMTPUTF8: _l("The address has letters that a server on the way cannot read. Use another address."),
    Reason.REJECTED: _l("The server refused this message for good; its own words say why."),
    Reason.REJECTED_CONTENT: _l("The server takes the content for unwanted mail. Change the message."),
    Reason.TOO_LARGE: _l("The message with its documents is larger than the server takes. Make it smaller."),
    Reason.REPLY_LOST: _l(
        "It was handed over, but the server's answer was lost. It may have arrived, so it is not sent again by itself."
    ),
    Reason.RENDER_ERROR: _l("The message could not be filled for this person. Look at their contact and the message."),
    Reason.RETRIES_EXHAUSTED: _l("The server refused it for now again and again, for more than a day."),
    Reason.POISON: _l("Three workers died while preparing this message. Tell your administrator."),
    Reason.WORKER_LOST: _l(
        "The worker died while it was on its way. It may have arrived, so it is not sent again by itself."
    ),
    Reason.NO_ADDRESS: _l("The contact has no address or number that this campaign writes to."),
    Reason.DUPLICATE_ADDRESS: _l("Another recipient of this campaign has the same address."),
    Reason.SUPPRESSED: _l("Nothing is sent to an address on the suppression list."),
    Reason.VALIDITY_PERIOD_EXPIRED: _l("The validity period ended before their turn. Extend it, and they go on."),
    Reason.CAMPAIGN_UNPUBLISHED: _l("The campaign was unpublished before their turn. Publish it, and they go on."),
    Reason.CAMPAIGN_ENDED: _l("The campaign was ended before their turn."),
    Reason.REMOVED_BY_USER: _l("Somebody took this person out of the campaign. They are not taken in again."),
    Reason.MISSION_CLOSED: _l("The mission that brought them in was closed before their turn."),
}


def of(value: StrEnum | None) -> str:
    """The words of an enum's value; nothing for nothing."""
    if value is None:
        return ""
    table = OF_VALUES.get(type(value))
    return str(table[value]) if table else str(value).replace("-", " ")


def of_notice(kind: NoticeKind, name: str) -> str:
    """What a notice says, as its e-mail says it."""
    return _(TITLES[kind].message, name=name or "Muster")


def of_role(name: str) -> str:
    """The words of a permission, or of what it is for."""
    return str(OF_ROLES.get(name, name))


def explained(reason: Reason | None) -> str:
    """What a reason means and what to do, as a sentence; nothing for nothing."""
    return str(EXPLAINED[reason]) if reason else ""


def of_error(error: AppError) -> str:
    """The sentence of an error, in the language of the person."""
    return said(error.phrase)


def said(phrase: Phrase) -> str:
    """A phrase of an inner ring, in the language of the person."""
    if not phrase.values:
        return sentence(phrase.message)
    return _(phrase.message, **{name: _filled(name, value) for name, value in phrase.values.items()})


def _filled(name: str, value: object) -> object:
    if isinstance(value, Phrase):
        return said(value)
    if isinstance(value, StrEnum) and type(value) in OF_VALUES:
        return of(value)
    return sentence(value) if name in SENTENCES and isinstance(value, str) else value


def sentence(text: str | None) -> str:
    """A sentence that was stored in English, in the language of the person; as it is when the catalogue has it not.

    What was filled in is told by the text around it.
    """
    catalogue = get_translations()
    if not text or text in catalogue._catalog:
        return _(text) if text else ""
    for message, pattern in _patterns(catalogue):
        if found := pattern.fullmatch(text):
            return _(message, **{name: _filled(name, value) for name, value in found.groupdict().items()})
    before, colon, after = text.partition(": ")  # a column of a file and what is wrong in it
    return f"{before}{colon}{sentence(after)}"


@lru_cache(maxsize=8)
def _patterns(catalogue: Any) -> list[tuple[str, re.Pattern[str]]]:
    """The messages with places as patterns, those with most text of their own first."""
    found = []
    for message in catalogue._catalog:
        if isinstance(message, str) and CONTEXT not in message:
            texts = PLACE.split(message)[::2]
            length = sum(map(len, texts))
            if len(texts) > 1 and length >= LEAST_TEXT:
                found.append((-length, message))
    return [(message, _pattern(message)) for _length, message in sorted(found)]


def _pattern(message: str) -> re.Pattern[str]:
    written, seen = [], set()
    for at, part in enumerate(PLACE.split(message)):
        if at % 2 == 0:
            written.append(re.escape(part))
        else:
            written.append(f"(?P={part})" if part in seen else f"(?P<{part}>.+)")
            seen.add(part)
    return re.compile("".join(written), re.DOTALL)
