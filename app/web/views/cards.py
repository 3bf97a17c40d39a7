"""The campaigns as a wall of cards: the start page, and the part of it that stays fresh."""

from dataclasses import dataclass
from typing import Any

from flask import redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _

from app.campaigns.lifecycle import CampaignStatus
from app.channels.contract import Channel, Reason
from app.reports import cards
from app.reports.cards import Card
from app.sending.states import Shown
from app.web import channels, formats, security, words
from app.web.asked import row_ids
from app.web.base import AppView, may
from app.web.forms.groups import NO_GROUP, group_rows
from app.web.views import campaign_actions, cards_filter
from app.web.views.campaigns import CampaignView
from app.web.views.cards_filter import SIZES, SORTS, Asked

MOST_IDS = 100


class CardsView(AppView):
    """Reads; what its buttons do is done by the view of campaigns."""

    route_base = "/dashboard"
    resource = "Campaign"
    default_view = "cards"

    @expose("/campaigns")
    @has_access
    @permission_name("read")
    def cards(self) -> Any:
        """A page of cards; their numbers refresh by themselves."""
        asked = cards_filter.read(request.args)
        numbers = cards.numbers(asked.wanted)
        matching = numbers.get(asked.wanted.status, 0) if asked.wanted.status else sum(numbers.values())
        pages = max(1, -(-matching // asked.size))
        if asked.page > pages:
            return redirect(url_for(f"{self.endpoint}.cards", **asked.link(page=pages if pages > 1 else None)))
        self.update_redirect()
        found = cards.page(asked.wanted, (asked.page - 1) * asked.size, asked.size)
        return self.render_template(
            "cards.html",
            title=_("Campaigns"),
            matching=matching,
            pages=pages,
            sizes=SIZES,
            sorts=SORTS,
            choices=choices(),
            steps=None if numbers or asked.is_filtered else _steps(),
            may_create=may(security.CREATE, self.resource),
            may_see_limits=may(security.READ, "SmtpAccount"),
            may_add_status=may(security.CREATE, "InternalStatus"),
            **self._live(asked, found, numbers),
        )

    @expose("/campaigns/live")
    @has_access
    @permission_name("read")
    def live(self) -> Any:
        """The part of the page that stays fresh: the cards that are on it, wherever they would stand now."""
        asked = cards_filter.read(request.args)
        ids = row_ids(request.args.get("ids", "").split(","))
        found = cards.of_ids(ids[:MOST_IDS])
        return self.render_template("_cards.html", **self._live(asked, found, cards.numbers(asked.wanted)))

    def _live(self, asked: Asked, found: list[Card], numbers: dict[CampaignStatus, int]) -> dict[str, Any]:
        view = next(each for each in self.appbuilder.baseviews if isinstance(each, CampaignView))
        allowed, wanted = campaign_actions.may_act(view), asked.wanted
        return {
            "asked": asked,
            "found": [(card, *campaign_actions.buttons(view, card, allowed, asked.query)) for card in found],
            "ids": ",".join(str(card.campaign_id) for card in found),
            "pills": {
                each: numbers.get(each, 0) for each in CampaignStatus if each in numbers or each is wanted.status
            },
            "everything": sum(numbers.values()),
            "status_of": formats.campaign_status,
            "channel_icons": channels.ICONS,
            "people_words": campaign_actions.people_words,
            "said_of": _said,
            "sent_of": lambda card: card.counts[Shown.SENT],
            "failed_of": lambda card: card.counts[Shown.FAILED],
            "keys": campaign_actions.key_words(allowed),
            "words": words,
        }


def _said(card: Card) -> str:
    """Why nothing leaves, or what became of it, as a sentence; nothing when it says so itself."""
    if card.status_detail:
        return words.sentence(card.status_detail)
    if card.status in (CampaignStatus.SCHEDULED, CampaignStatus.SENDING):
        return words.sentence(card.waiting_for)
    if card.hold_reason is Reason.CAMPAIGN_UNPUBLISHED:
        return words.explained(Reason.CAMPAIGN_UNPUBLISHED)
    return {
        CampaignStatus.DRAFT: _("not published yet"),
        CampaignStatus.PAUSED: _("stopped; those who wait keep waiting"),
        CampaignStatus.EXPIRED: words.explained(Reason.VALIDITY_PERIOD_EXPIRED),
    }.get(card.status, "")


def choices() -> list[tuple[str, str, list[tuple[str, str]]]]:
    """The filters of the head as (name, words, choices); one that leaves no choice is left out."""
    groups = [(str(pk), name) for pk, name in group_rows()]
    creators = [(name, name) for name in cards.creators()]
    channels = [(each.value, words.of(each)) for each in Channel]
    found = [
        ("group", _("Group"), [(NO_GROUP, _("no group")), *groups] if groups else []),
        ("creator", _("Created by"), creators if len(creators) > 1 else []),
        ("channel", _("Channel"), channels if len(channels) > 1 else []),
    ]
    return [each for each in found if each[2]]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a first campaign needs. address: where it is made, "" when somebody else makes it."""

    what: str
    why: str
    address: str
    is_done: bool


def _steps() -> list[Step]:
    have = cards.first_steps()
    account = url_for("SmtpAccountView.add") if may(security.CREATE, "SmtpAccount") else ""
    contacts = url_for("ImportView.add") if may(security.CREATE, "Import") else ""
    campaign = url_for("WizardView.new") if may(security.CREATE, "Campaign") else ""
    sender = str(channels.ADD_SENDER[have.channel or Channel.EMAIL])
    why = _("The mail server that your messages leave through.")
    if have.channel not in (None, Channel.EMAIL):
        why = _("The account that your messages leave through.")
    return [
        Step(sender, why, account, have.channel is not None),
        Step(_("Import your contacts"), _("From a CSV file, into a folder."), contacts, have.has_contacts),
        Step(_("Write the first campaign"), _("Choose its folders, write the message, publish it."), campaign, False),
    ]
