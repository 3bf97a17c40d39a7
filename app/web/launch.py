"""The launch check in words: each item fine, a warning or blocking, with the place to mend it."""

from dataclasses import dataclass
from enum import StrEnum
from zoneinfo import ZoneInfo

from flask import request, url_for
from flask_babel import format_currency, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.audience.fields import ATTRIBUTE_PREFIX, ContactField
from app.campaigns import fields
from app.campaigns.fields import Step
from app.campaigns.lifecycle import EDITABLE
from app.campaigns.models import SENDER_OF, Campaign
from app.channels.contract import Channel
from app.channels.models import Sender as AnySender
from app.channels.segments import Size
from app.kernel import clock
from app.kernel.errors import InvalidInput
from app.reports.launch import LaunchCheck, Message, Missing, Sender
from app.sending.forecast import Forecast
from app.web import domain_paces, forecast, phone_documents, security, stand_ins, warm_up, words
from app.web.base import may
from app.web.formats import grouped, size_words

CLIPPED_BYTES = 100_000  # Gmail shows a button instead of the rest
LARGE_BYTES = 5_000_000  # base64 included; many servers take 10 MB at most
SAFE_DELAY_SECONDS = 360  # of a campaign over WhatsApp; what is faster warns
SENDERS = frozenset(SENDER_OF.values())  # the fields that name what sends


class Level(StrEnum):
    """How an item stands."""

    OK = "ok"
    WARNING = "warning"
    BLOCKING = "blocking"


LEVEL_WORDS = {Level.OK: _l("Fine"), Level.WARNING: _l("Warning"), Level.BLOCKING: _l("Blocks the start")}


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the check. fix: the address where it is mended and its words; "" without the permission for it.

    example: the id of a contact who shows it.
    """

    key: str
    level: Level
    text: str
    fix: str = ""
    fix_words: str = ""
    example: int | None = None


def items(check: LaunchCheck) -> list[Item]:
    """Every line of the check: what blocks first, then what warns, then what is fine."""
    campaign = check.campaign
    found = [_problem(campaign, problem) for problem in check.problems]
    blocked = {item.key for item in found}
    found += [_people(check)] if not blocked & {"folders"} else []
    found += [_hole(campaign, hole) for hole in check.missing]
    found += _sender(campaign, check.sender) if check.sender is not None and not blocked & SENDERS else []
    if check.message is not None:
        found += _of_message(check, check.message)
    found += _missed(campaign, check.outlook) if check.outlook is not None and "valid_until" not in blocked else []
    order = list(reversed(Level))
    return sorted(found, key=lambda item: order.index(item.level))


def is_blocked(check: LaunchCheck) -> bool:
    """Whether the campaign would be refused if somebody started it now."""
    return bool(check.problems)


def _problem(campaign: Campaign, problem: InvalidInput) -> Item:
    field, account = problem.field or "", campaign.sender
    text = words.of_error(problem)
    if field in SENDERS and account is not None and may(security.UPDATE, type(account).__name__):
        return Item(field, Level.BLOCKING, text, _account(account), _("Open the account"))
    return Item(field, Level.BLOCKING, text, *_edit(campaign, f"{field}_id" if field in SENDERS else field))


def _edit(campaign: Campaign, field: str, label: str = "") -> tuple[str, str]:
    """The form at that field, for those who may change it."""
    if campaign.status not in EDITABLE or not may(security.UPDATE, "Campaign"):
        return "", ""
    if "steps" in request.args:  # asked by the last step of writing it
        step = next((each.step for each in fields.of(campaign.channel) if each.name == field), Step.SETUP)
        return url_for("WizardView.step", pk=campaign.id, name=step.value, _anchor=field), label or _("Fix")
    return url_for("CampaignView.edit", pk=campaign.id, _anchor=field), label or _("Fix")


def _account(account: AnySender) -> str:
    kind = type(account).__name__
    return url_for(f"{kind}View.show", pk=account.id) if may(security.READ, kind) else ""


def _people(check: LaunchCheck) -> Item:
    waiting, left_out = check.people.waiting, check.people.left_out
    text = ngettext("%(n)s person gets it.", "%(n)s people get it.", waiting, n=grouped(waiting))
    if not waiting:
        text = _("Nobody would get it.")
    if left_out:
        number = sum(left_out.values())
        said = [(words.of(reason), grouped(count)) for reason, count in left_out.items()]
        why = ", ".join(f"{reason} ({count})" for reason, count in said) if len(said) > 1 else said[0][0]
        text = " ".join(
            (
                text,
                ngettext(
                    "%(n)s is left out: %(why)s.", "%(n)s are left out: %(why)s.", number, n=grouped(number), why=why
                ),
            )
        )
    fix = _edit(check.campaign, "folders", _("Choose folders")) if not waiting else ("", "")
    return Item("people", Level.OK if waiting else Level.WARNING, text, *fix)


def field_name(name: str) -> str:
    """A field of a message as people call it."""
    if name.startswith(ATTRIBUTE_PREFIX):
        return name.removeprefix(ATTRIBUTE_PREFIX)
    if name == "full_name":
        return _("full name")
    return words.of(ContactField(name)) if name in set(ContactField) else name


def _hole(campaign: Campaign, hole: Missing) -> Item:
    text = ngettext(
        "%(n)s person has no “%(field)s”: the message leaves a gap there.",
        "%(n)s people have no “%(field)s”: the message leaves a gap there.",
        hole.people,
        n=grouped(hole.people),
        field=field_name(hole.name),
    )
    place = "template_values" if campaign.whatsapp_template_id else "html" if campaign.html.strip() else "text"
    fix = _edit(campaign, place, _("Give it a default"))
    return Item(f"missing:{hole.name}", Level.WARNING, text, *fix, example=hole.example_id)


def _sender(campaign: Campaign, sender: Sender) -> list[Item]:
    account, found = sender.carrier, list[Item]()
    name = account.name
    open_it = (_account(account), _("Open the account")) if _account(account) else ("", "")
    if said := stand_ins.of_sender(sender):
        found.append(Item("stand-in", Level.OK if account is sender.account else Level.WARNING, said))
    if sender.is_resting:
        answer = words.sentence(account.last_error) or _("no answer")
        text = _("%(name)s does not answer (%(answer)s). It is tried again by itself.", name=name, answer=answer)
        found.append(Item("sender", Level.WARNING, text, *open_it))
    if sender.is_used_up:
        text = _("%(name)s has used up its limit of the day. It goes on when messages are older than a day.", name=name)
        found.append(Item("day-limit", Level.WARNING, text, *open_it))
    if sender.is_account_used_up:
        text = _("The limit per day of the Twilio account is used up. It goes on when messages are older than a day.")
        found.append(Item("account-limit", Level.WARNING, text, *open_it))
    if sender.is_channel_used_up:
        text = _("The limit per day of the whole channel is used up. It goes on when messages are older than a day.")
        found.append(Item("channel-limit", Level.WARNING, text))
    if sender.others:
        text = ngettext(
            "%(n)s other campaign sends through %(name)s too. Together they take longer.",
            "%(n)s other campaigns send through %(name)s too. Together they take longer.",
            sender.others,
            n=grouped(sender.others),
            name=name,
        )
        found.append(Item("shared", Level.WARNING, text))
    if slow := account.slow_per_hour:
        text = _(
            "The server of %(name)s asked to slow down: at most %(n)s an hour for now. It speeds up again by itself.",
            name=name,
            n=grouped(slow),
        )
        found.append(Item("slow", Level.WARNING, text, *open_it))
    if stands := warm_up.words_of(account.warm_up, clock.utcnow().date()):
        found.append(Item("warm-up", Level.OK, f"{name}: {stands}.", *open_it))
    if account.paces:
        found.append(Item("domain-paces", Level.OK, domain_paces.warning(account.paces), *open_it))
    if not any(item.level is Level.WARNING for item in found):
        text = _("%(name)s is ready and writes as %(address)s.", name=name, address=account.address)
        found.append(Item("sender", Level.OK, text))
    return found


def _of_message(check: LaunchCheck, message: Message) -> list[Item]:
    if message.text is not None:
        return _to_phones(check, message.text)
    if check.campaign.channel is Channel.PUSH:
        return _notification(check.campaign, message)
    return _message(check.campaign, message)


def _notification(campaign: Campaign, message: Message) -> list[Item]:
    size = _("The notification has %(size)s.", size=size_words(message.size_bytes))
    found = [Item("size", Level.OK, size)]
    if not campaign.target_url:
        text = _("It has no link: a tap opens nothing.")
        found.append(Item("link", Level.WARNING, text, *_edit(campaign, "target_url")))
    return found


def _to_phones(check: LaunchCheck, size: Size) -> list[Item]:
    """What is to be known of a message to phones, and what everybody's would cost."""
    is_text = check.campaign.channel is Channel.SMS
    found = _text(check, size) if is_text else _whatsapp(check.campaign)
    for told in phone_documents.told(check.campaign):
        fix = _edit(check.campaign, "documents") if told.is_mended_there else ()
        found.append(Item("documents", Level.WARNING if told.warns else Level.OK, told.text, *fix))
    gateway, people = check.campaign.gateway, check.people.waiting
    if gateway is not None and gateway.segment_price_micros and people:
        number = people * (size.segments if is_text else 1)
        cost = format_currency(gateway.segment_price_micros * number / 1_000_000, gateway.currency)
        said = (
            _("About %(cost)s, if everybody's is as long.", cost=cost) if is_text else _("About %(cost)s.", cost=cost)
        )
        found.append(Item("cost", Level.OK, said))
    return found


def _whatsapp(campaign: Campaign) -> list[Item]:
    """What WhatsApp thinks of a campaign: its template, and how fast it writes."""
    if campaign.whatsapp_template is not None:
        text = _("It follows the approved template %(name)s.", name=campaign.whatsapp_template)
        found = [Item("template", Level.OK, text)]
    else:
        text = _("Without a template it reaches only people who wrote within 24 hours; all others are skipped.")
        found = [Item("template", Level.WARNING, text, *_edit(campaign, "whatsapp_template_id"))]
    if campaign.delay_seconds < SAFE_DELAY_SECONDS:
        text = _("WhatsApp blocks senders who write fast. Leave at least 6 minutes between messages.")
        found.append(Item("delay", Level.WARNING, text, *_edit(campaign, "delay_seconds")))
    return found


def _text(check: LaunchCheck, size: Size) -> list[Item]:
    """How the text of the example travels."""
    edit, n = _edit(check.campaign, "text"), grouped(size.segments)
    text = ngettext(
        "The message takes %(n)s segment (%(encoding)s).",
        "The message takes %(n)s segments (%(encoding)s).",
        size.segments,
        n=n,
        encoding=size.encoding,
    )
    found = [Item("segments", Level.OK, text)]
    if size.odd:
        odd = _("%(odd)s takes a segment down from 160 to 70 characters.", odd=size.odd[:12])
        found.append(Item("encoding", Level.WARNING, odd, *edit))
    if "STOP" not in check.campaign.text.upper():
        hint = _("The message does not say how to opt out. Add “Reply STOP to opt out”.")
        found.append(Item("stop", Level.WARNING, hint, *edit))
    return found


def _message(campaign: Campaign, message: Message) -> list[Item]:
    edit = _edit(campaign, "html")
    if message.html_bytes > CLIPPED_BYTES:
        size = size_words(message.html_bytes)
        text = _("The HTML has %(size)s. Gmail cuts a message off at about 100 KB: shorten it.", size=size)
        found = [Item("size", Level.WARNING, text, *edit)]
    elif message.size_bytes > LARGE_BYTES:
        text = _(
            "With its documents the message has %(size)s. Many servers refuse that.",
            size=size_words(message.size_bytes),
        )
        found = [Item("size", Level.WARNING, text, *_edit(campaign, "documents"))]
    else:
        found = [Item("size", Level.OK, _("The message has %(size)s.", size=size_words(message.size_bytes)))]
    if message.left_out:
        what = ", ".join(map(str, message.left_out))
        text = _("Mail programs do not allow %(what)s: the message is sent without it.", what=what)
        found.append(Item("left-out", Level.WARNING, text, *edit))
    if message.has_own_link:
        text = _("The message has its unsubscribe link.")
    else:
        text = _("An unsubscribe link is added below the message.")
    found.append(Item("unsubscribe", Level.OK, text))
    if number := message.documents:
        text = ngettext("%(n)s document goes with it.", "%(n)s documents go with it.", number, n=grouped(number))
        found.append(Item("documents", Level.OK, text))
    return found


def _missed(campaign: Campaign, outlook: Forecast) -> list[Item]:
    if not outlook.missed:
        return []
    n = grouped(outlook.missed)
    if campaign.valid_until is None:
        text = ngettext(
            "%(n)s person is not reached within ten years. Make the delay shorter.",
            "%(n)s people are not reached within ten years. Make the delay shorter.",
            outlook.missed,
            n=n,
        )
        return [Item("missed", Level.WARNING, text, *_edit(campaign, "delay_seconds"))]
    text = ngettext(
        "%(n)s person is not reached before the validity period ends on %(end)s.",
        "%(n)s people are not reached before the validity period ends on %(end)s.",
        outlook.missed,
        n=n,
        end=forecast.moment(campaign.valid_until, ZoneInfo(campaign.zone), f"{forecast.DAY} y, {forecast.TIME}"),
    )
    return [Item("missed", Level.WARNING, text, *_edit(campaign, "valid_until"))]
