"""Events of the audit log in words: what happened, in detail, with its icon and where it leads."""

from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from app.channels.contract import Reason
from app.kernel.audit import AuditEvent, Subject, What
from app.web import formats, security, stand_ins, words
from app.web.base import may

# The icon of an event, and the colour of its mark where the look of it should be met at once.
ICONS = {
    What.CAMPAIGN_CREATE: "plus",
    What.CAMPAIGN_CHANGE: "pencil",
    What.CAMPAIGN_PUBLISH: "send",
    What.CAMPAIGN_BEGIN: "circle-play",
    What.CAMPAIGN_STOP: "pause",
    What.CAMPAIGN_START: "play",
    What.CAMPAIGN_UNPUBLISH: "undo-2",
    What.CAMPAIGN_EXPIRE: "alarm-clock",
    What.CAMPAIGN_EXTEND: "calendar",
    What.CAMPAIGN_FAIL: "circle-x",
    What.CAMPAIGN_FINISH: "circle-check",
    What.CAMPAIGN_END: "circle-stop",
    What.CAMPAIGN_RUN: "folder-input",
    What.CAMPAIGN_MISSIONS: "list-checks",
    What.CAMPAIGN_REMOVE_CLIENT: "user-minus",
    What.CAMPAIGN_RESTORE_CLIENT: "user-plus",
    What.CAMPAIGN_RETRY: "rotate-ccw",
    What.CAMPAIGN_ATTACH: "paperclip",
    What.CAMPAIGN_DETACH: "paperclip",
    What.CAMPAIGN_STAND_IN: "server",
    What.CAMPAIGN_OWN_ACCOUNT: "server",
    What.CAMPAIGN_EXPORT: "download",
    What.CAMPAIGN_DUPLICATE: "copy",
    What.CAMPAIGN_DELETE: "trash-2",
}
KINDS = {
    What.CAMPAIGN_PUBLISH: "info",
    What.CAMPAIGN_BEGIN: "busy",
    What.CAMPAIGN_START: "info",
    What.CAMPAIGN_STOP: "hold",
    What.CAMPAIGN_UNPUBLISH: "hold",
    What.CAMPAIGN_FAIL: "bad",
    What.CAMPAIGN_STAND_IN: "hold",
    What.CAMPAIGN_DELETE: "bad",
    What.CAMPAIGN_FINISH: "ok",
}

# What the columns of a changed thing are called on its form.
FIELDS = {
    "name": _l("Name"),
    "description": _l("Description"),
    "group_id": _l("Group"),
    "smtp_account_id": _l("SMTP account"),
    "gateway_id": _l("Gateway"),
    "web_push_sender_id": _l("Web push sender"),
    "icon_url": _l("Icon"),
    "target_url": _l("Link"),
    "whatsapp_template_id": _l("Template"),
    "template_values": _l("Variables of the template"),
    "channel": _l("Type"),
    "account_sid": _l("Account SID"),
    "key_sid": _l("API key SID"),
    "sender": _l("Sender"),
    "segment_price_micros": _l("Price of a segment"),
    "currency": _l("Currency"),
    "folders": _l("Folders"),
    "subject": _l("Subject"),
    "html": _l("Message (HTML)"),
    "text": _l("Message (plain text)"),
    "to_second_email": _l("Send to the second e-mail address"),
    "track_opens": _l("Count opens"),
    "track_clicks": _l("Count clicks"),
    "zone": _l("Time zone"),
    "start_at": _l("Start at"),
    "valid_from": _l("Valid from"),
    "valid_until": _l("Valid until"),
    "daily_from": _l("Daily from"),
    "daily_until": _l("Daily until"),
    "working_days_only": _l("Working days only"),
    "holidays_country": _l("Public holidays of"),
    "delay_seconds": _l("Delay between messages"),
    "customers_delay_seconds": _l("Customers delay"),
    "customers_batch_size": _l("Customers in a batch"),
    "color": _l("Colour"),
    "host": _l("Server"),
    "port": _l("Port"),
    "security": _l("Connection security"),
    "auth": _l("Sign-in method"),
    "username": _l("User name"),
    "secret": _l("Password"),
    "from_name": _l("Sender name"),
    "from_email": _l("Sender address"),
    "reply_to": _l("Reply-to address"),
    "bounce_address": _l("Bounce address"),
    "bounce_mailbox": _l("Bounce mailbox"),
    "is_enabled": _l("Enabled"),
    "max_connections": _l("Connections at once"),
    "messages_per_connection": _l("Messages per connection"),
    "per_second": _l("At most per second"),
    "per_minute": _l("At most per minute"),
    "per_hour": _l("At most per hour"),
    "per_day": _l("At most in 24 hours"),
    "stand_in_id": _l("Stand-in"),
    "warm_up_begins_on": _l("Warm-up begins on"),
    "warm_up_first_day": _l("Messages on the first day"),
    "warm_up_growth_percent": _l("More each day, in percent"),
    "domain_paces": _l("Pace to single domains"),
    "dkim_domain": _l("DKIM domain"),
    "dkim_selector": _l("DKIM selector"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """An event as a page shows it. about: what its subject is called, address: where that is, "" for nowhere."""

    event: AuditEvent
    title: str
    more: str
    icon: str
    kind: str
    about: str
    address: str


def line(event: AuditEvent) -> Line:
    """The line of an event."""
    return Line(
        event,
        words.of(event.what),
        more(event),
        ICONS.get(event.what, "info"),
        KINDS.get(event.what, "idle"),
        event.name or (f"#{event.subject_id}" if event.subject_id else ""),
        _address(event),
    )


def more(event: AuditEvent) -> str:
    """What else is known of an event, in a sentence; "" when its title says it all."""
    detail = event.detail
    match event.what:
        case What.CAMPAIGN_CHANGE | What.GROUP_CHANGE | What.ACCOUNT_CHANGE | What.GATEWAY_CHANGE | What.STATUS_CHANGE:
            return _changes(detail)
        case What.CAMPAIGN_FAIL | What.ACCOUNT_PAUSE | What.GATEWAY_PAUSE | What.IMPORT_FAIL:
            return words.sentence(detail.get("reason"))
        case What.CAMPAIGN_STAND_IN:
            return stand_ins.detour(detail.get("account", ""), detail.get("stand_in", ""), detail.get("reason", ""))
        case What.ACCOUNT_STAND_IN:
            return stand_ins.detour(event.name, detail.get("stand_in", ""), detail.get("reason", ""))
        case What.CAMPAIGN_OWN_ACCOUNT:
            return str(detail.get("account", ""))
        case What.CAMPAIGN_RUN:
            number = len(detail.get("folders", ()))
            return ngettext("%(n)s folder", "%(n)s folders", number, n=number)
        case What.CAMPAIGN_MISSIONS:
            number = len(detail.get("missions", ()))
            return ngettext("%(n)s mission", "%(n)s missions", number, n=number)
        case What.CAMPAIGN_REMOVE_CLIENT | What.CAMPAIGN_RESTORE_CLIENT:
            return _("Contact number %(n)s", n=formats.grouped(detail.get("contact_id")))
        case What.CAMPAIGN_RETRY if detail.get("reason") in set(Reason):
            return words.of(Reason(detail["reason"]))
        case What.CAMPAIGN_ATTACH | What.CAMPAIGN_DETACH:
            return str(detail.get("document", ""))
        case What.CAMPAIGN_DUPLICATE:
            return _("The copy has the number %(n)s.", n=detail.get("copy_id"))
        case What.CAMPAIGN_CREATE if "copy_of" in detail:
            return _("A copy of campaign number %(n)s.", n=detail["copy_of"])
        case What.CAMPAIGN_EXPORT | What.AUDIT_EXPORT:
            return _("What a filter showed") if detail.get("is_filtered") else _("Everything")
    return ""


def _changes(detail: dict[str, Any]) -> str:
    said = []
    if fields := detail.get("fields"):
        said.append(", ".join(str(FIELDS.get(each, each.replace("_", " "))) for each in fields))
    if into := len(detail.get("into", ())):
        said.append(ngettext("%(n)s campaign put in", "%(n)s campaigns put in", into, n=into))
    if out := len(detail.get("out", ())):
        said.append(ngettext("%(n)s campaign taken out", "%(n)s campaigns taken out", out, n=out))
    if revision := detail.get("revision"):
        said.append(_("version %(n)s", n=revision))
    return " · ".join(said)


# Where what an event is about is shown: the resource a person must be able to read, and the page.
_PLACES = {
    Subject.GROUP: ("CampaignGroup", "GroupView.show", What.GROUP_DELETE),
    Subject.MISSION: ("Mission", "MissionView.show", What.MISSION_DELETE),
    Subject.TEMPLATE: ("MessageTemplate", "TemplateView.show", What.TEMPLATE_DELETE),
    Subject.ACCOUNT: ("SmtpAccount", "SmtpAccountView.show", What.ACCOUNT_DELETE),
    Subject.GATEWAY: ("Gateway", "GatewayView.show", What.GATEWAY_DELETE),
    Subject.WEB_PUSH: ("WebPushSender", "WebPushSenderView.show", None),
}


def _address(event: AuditEvent) -> str:
    if event.subject is Subject.CAMPAIGN:
        return url_for("HistoryView.campaign", campaign_id=event.subject_id)
    resource, page, end = _PLACES.get(event.subject, ("", "", None))
    if not resource or event.subject_id is None or event.what is end or not may(security.READ, resource):
        return ""
    return url_for(page, pk=event.subject_id)
