"""What can be done with a campaign in its state and by a role: asked by its page and by its card."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from markupsafe import Markup

from app.campaigns.lifecycle import EDITABLE, MOVES, CampaignEvent, CampaignStatus
from app.campaigns.models import SENDER_KINDS
from app.channels.contract import Channel
from app.reports.audiences import People
from app.reports.cards import Card
from app.sending.states import Shown
from app.web import channels, formats, security
from app.web.base import may
from app.web.generated import DANGER_ACTIONS

# What each action moves, and the one that is offered first in a state.
EVENTS = {
    "publish": CampaignEvent.PUBLISH,
    "start": CampaignEvent.START,
    "stop": CampaignEvent.STOP,
    "unpublish": CampaignEvent.UNPUBLISH,
    "end": CampaignEvent.END,
}
FIRST = {
    CampaignStatus.DRAFT: "publish",
    CampaignStatus.SCHEDULED: "stop",
    CampaignStatus.SENDING: "stop",
    CampaignStatus.PAUSED: "start",
    CampaignStatus.FAILED: "start",
}
ASKED_ON_A_PAGE = {"run_on_folders": "run_form", "remove_client": "remove_form"}

# What a card can do by a letter: the name of an action -> its key; HAND is the action that is offered first.
KEYS = {
    "report": "r",
    "remove_client": "c",
    "run_on_folders": "f",
    "edit": "e",
    "duplicate": "d",
    "delete_chosen": "Delete",
}
HAND = "s"
KEY_WORDS: dict[str, Any] = {  # by the action whose permission it needs
    "report": _l("Report"),
    "publish": _l("Publish, start or stop"),
    "edit": _l("Edit"),
    "run_on_folders": _l("Run on folders"),
    "remove_client": _l("Remove client"),
    "duplicate": _l("Duplicate"),
    "delete_chosen": _l("Delete"),
}
IN_MENU = ("unpublish", "end")


@dataclass(frozen=True, slots=True)
class Button:
    """Something to press on a card. kind: "link", "modal" (a form that opens in a modal) or "post".

    more: where the question is explained; number: of people, beside the icon.
    """

    name: str
    text: str
    icon: str
    kind: str
    address: str
    key: str = ""
    question: str = ""
    is_danger: bool = False
    more: str = ""
    number: int = 0


def may_act(view: Any) -> frozenset[str]:
    """The actions of the view of campaigns that the person of this request may start, and "edit"."""
    names = {name for name in view.actions if may(view.get_action_permission_name(name), view.resource)}
    return frozenset(names | ({"edit"} if may(security.UPDATE, view.resource) else set()))


def key_words(allowed: Collection[str]) -> list[tuple[str, Any]]:
    """The keys of a card with what they do, for somebody who may start these actions."""
    return [(KEYS.get(name, HAND), text) for name, text in KEY_WORDS.items() if name in allowed or name == "report"]


def possible(actions: Iterable[Any], status: CampaignStatus, allowed: Collection[str]) -> list[Any]:
    """Those of these actions that the state has and the person may start."""
    return [
        action
        for action in actions
        if action.name in allowed and (action.name not in EVENTS or (status, EVENTS[action.name]) in MOVES)
    ]


def question(action: Any, card: Card) -> str:
    """What is asked before an action, with the number of people it is about; nothing for one that does not ask."""
    if not action.confirmation:
        return ""
    return " ".join(filter(None, (str(action.confirmation), _about(action.name, card))))


def people_words(people: People) -> str:
    """A number of people in words."""
    if people.has_more:
        return _("more than %(n)s people", n=formats.grouped(people.number))
    return ngettext("%(n)s person", "%(n)s people", people.number, n=formats.grouped(people.number))


def _about(name: str, card: Card) -> str:
    if name in ("publish", "start"):
        return _audience(card)
    if name in ("stop", "unpublish", "end"):
        waiting = card.waiting
        return ngettext("%(n)s person waits.", "%(n)s people wait.", waiting, n=formats.grouped(waiting))
    if name == "delete_chosen":
        total = card.total
        return ngettext("It has %(n)s recipient.", "It has %(n)s recipients.", total, n=formats.grouped(total))
    return ""


def _audience(card: Card) -> str:
    if card.status is CampaignStatus.DRAFT:
        return _("In its audience: %(people)s.", people=people_words(card.people))
    sent = formats.grouped(card.counts[Shown.SENT])
    return _("In its audience: %(people)s. Sent: %(sent)s.", people=people_words(card.people), sent=sent)


def buttons(view: Any, card: Card, allowed: Collection[str], cards: str) -> tuple[list[Button], list[Button]]:
    """The buttons of a card, and those of its menu. cards: the wall's filters, to which a change leads back."""
    offered = {action.name: action for action in possible(view.actions.values(), card.status, allowed)}
    first = FIRST.get(card.status, "")
    # in the order of a card: whom it reaches, how it goes, what it is
    names = ("remove_client", "report", "run_on_folders", first, "edit", "duplicate", "delete_chosen")
    shown = []
    for name in names:
        if name == "report":
            shown.append(_link(name, _("Report"), "chart-column", _report(card)))
        elif name == "edit" and name in allowed and card.status in EDITABLE:
            address = url_for("CampaignView.edit", pk=card.campaign_id, cards=cards)
            shown.append(_link(name, _("Edit"), "pencil", address))
        elif name in offered:
            shown.append(_button(view, offered[name], card, HAND if name == first else KEYS[name]))
    return shown, [_button(view, offered[name], card) for name in IN_MENU if name in offered]


def _report(card: Card) -> str:
    return url_for("ReportView.report", campaign_id=card.campaign_id)


def _link(name: str, text: str, icon: str, address: str) -> Button:
    return Button(name, text, icon, "link", address, KEYS[name])


def _button(view: Any, action: Any, card: Card, key: str = "") -> Button:
    text, pk = str(action.text), card.campaign_id
    if action.name in ASKED_ON_A_PAGE:
        address = url_for(f"{view.endpoint}.{ASKED_ON_A_PAGE[action.name]}", pk=pk)
        number = card.removed if action.name == "remove_client" else 0
        return Button(action.name, text, action.icon, "modal", address, key, number=number)
    address = url_for(f"{view.endpoint}.action", name=action.name, pk=pk)
    danger = action.name in DANGER_ACTIONS
    more = url_for("LaunchView.check", pk=pk) if action.name in ("publish", "start") else ""
    return Button(action.name, text, action.icon, "post", address, key, question(action, card), danger, more)


def no_sender(channel: Channel) -> str:
    """That there is nothing to send through, with the way to mend it."""
    kind, sentence = SENDER_KINDS[channel].__name__, channels.NO_SENDER[channel]
    if not may(security.CREATE, kind):
        return " ".join((str(sentence), _("Ask an administrator to create one.")))
    words = Markup('{} <a class="alert-link" href="{}">{}</a>')
    return words.format(sentence, url_for(f"{kind}View.add"), channels.ADD_SENDER[channel])
