"""What people wrote back: who, about which campaign, and whether somebody has dealt with it."""

from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from flask import g, redirect, render_template, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.actions import action
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import ColumnElement, func, select
from werkzeug.wrappers import Response

from app.audience import replies as stored
from app.audience.addresses import phone_index
from app.audience.models import Reply, ReplyMeaning, ReplyState
from app.campaigns.models import Campaign
from app.channels.phone import normalise_phone
from app.extensions import db
from app.kernel.crypto import CannotOpen
from app.kernel.errors import AppError
from app.sending import replies
from app.web import formats, security, words
from app.web.base import AppModelView, actor, may, refuse
from app.web.choices import ChoiceFilters, Named, OfCampaign, OfId, OfValue
from app.web.forms.replies import NumberForm
from app.web.lists import AppInterface

IN_A_PAGE = 10  # of a contact or a campaign, shown with it
CHIPS = {
    ReplyState.NEEDS_LOOK: "hold",
    ReplyState.OPEN: "info",
    ReplyState.ANSWERED: "ok",
    ReplyState.DISMISSED: "idle",
    ReplyState.SETTLED: "idle",
}


class OfState(OfValue):
    """The replies in one state."""

    label, kind = _l("State"), ReplyState


class OfMeaning(OfValue):
    """The replies that ask for one thing."""

    label, kind = _l("Says"), ReplyMeaning


class RepliedTo(OfCampaign):
    """The replies to one campaign that is still there."""

    log = Reply


class OfNumber(Named):
    """The replies from one number, which a link names by its fingerprint."""

    label, asks = _l("Number"), "address_index"

    @classmethod
    def said(cls, value: str) -> str:
        """Not the number: it stands in no address and no log."""
        return _("the number that was searched for")

    def condition(self, value: str) -> ColumnElement[bool] | None:
        """From that number."""
        try:
            return Reply.address_index == bytes.fromhex(value)
        except ValueError:
            return None


class OfContact(Named, OfId):
    """The replies of one contact."""

    label, asks = _l("Contact"), "contact_id"

    @classmethod
    def said(cls, value: str) -> str:
        """Their number."""
        return _("contact number %(n)s", n=value)


def person(reply: Reply) -> Markup | str:
    """Who wrote: the name of the contact with a link, else the number."""
    if reply.contact is None:
        return said(reply).number
    return formats.link(url_for("ContactView.show", pk=reply.contact.id), str(reply.contact))


def said(reply: Reply) -> stored.Said:
    """The number and the words of a reply; what was sealed with a lost key says so."""
    try:
        return stored.opened(reply)
    except CannotOpen as error:
        return stored.Said("–", words.of_error(error))


def text(reply: Reply) -> Markup:
    """The words of a reply, and what came with them."""
    return Markup(render_template("_reply_text.html", text=said(reply).text, media=reply.media))


def state(reply: Reply) -> Markup:
    """How it stands, and the buttons that settle it."""
    may_change = may(security.UPDATE, ReplyView.resource)
    return Markup(render_template("_reply_state.html", reply=reply, chip=CHIPS[reply.state], may_change=may_change))


def campaign(campaign_id: int | None) -> Markup | str:
    """The campaign that a reply answers, with its report; nothing when it was deleted."""
    name = _campaign_names().get(campaign_id or 0)
    if name is None or campaign_id is None:
        return ""
    return formats.report_link(campaign_id, name) if may(security.READ, "Campaign") else name


def _campaign_names() -> dict[int, str]:
    """The campaigns that somebody replied to; asked once for a page."""
    if "answered_campaigns" not in g:
        query = select(Campaign.id, Campaign.name).where(Campaign.id.in_(select(Reply.campaign_id).distinct()))
        g.answered_campaigns = dict(db.session.execute(query).all())
    found: dict[int, str] = g.answered_campaigns
    return found


class ReplyView(ChoiceFilters, AppModelView):
    """The replies, for those who may read contacts."""

    route_base = "/replies"
    resource = "Reply"
    datamodel = AppInterface(Reply)
    include_route_methods = {"list", "show", "find", "action", "action_post"}
    method_permission_name = {
        **dict.fromkeys(("unsubscribe", "dismiss", "answered"), "update"),
        # nobody writes a reply here: the generated list shows a button to those who hold its permission
        **dict.fromkeys(("add", "edit", "delete"), "nothing"),
    }
    list_columns = ["received_at", "person", "message", "campaign_id", "state_of_it"]
    show_columns = ["person", "message", "campaign_id", "received_at", "meaning", "state", "settled_by", "settled_at"]
    search_columns = ["state", "meaning", "campaign_id", "contact_id", "address_index", "received_at"]
    choice_filters = {
        "state": OfState,
        "meaning": OfMeaning,
        "campaign_id": RepliedTo,
        "contact_id": OfContact,
        "address_index": OfNumber,
    }
    order_columns = ["received_at"]
    base_order = ("id", "desc")
    label_columns = {
        "received_at": _l("Received"),
        "person": _l("From"),
        "message": _l("Message"),
        "campaign_id": _l("Campaign"),
        "meaning": _l("Says"),
        "state": _l("State"),
        "state_of_it": _l("State"),
        "settled_by": _l("By"),
        "settled_at": _l("Since"),
        "contact_id": _l("Contact"),
        "address_index": _l("Number"),
    }
    formatters_columns = {
        "received_at": formats.moment,
        "person": person,
        "message": text,
        "campaign_id": campaign,
        "state_of_it": state,
        "state": lambda value: formats.chip(words.of(value), CHIPS[value]),
        "settled_at": formats.moment,
    }
    list_title, show_title = _l("Replies"), _l("Reply")
    list_template, show_template = "reply_list.html", "reply_show.html"
    empty_words = _l("What people answer to your text messages stands here. The page of a gateway says how to get it.")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.datamodel.shown_columns = [*self.list_columns, "sealed", "uid"]  # else read row by row

    @expose("/list/")
    @has_access
    def list(self) -> Any:
        """All replies, the newest first."""
        waiting = select(func.count()).where(Reply.state == ReplyState.NEEDS_LOOK)
        return self.render_template(
            self.list_template,
            title=self.list_title,
            widgets=self._list(),
            waiting=db.session.scalar(waiting),
            needs_look=ReplyState.NEEDS_LOOK.value,
        )

    @expose("/show/<pk>")
    @has_access
    def show(self, pk: str) -> Any:
        """One reply with what else came from its number."""
        reply = self._item(pk)
        others = select(Reply).where(Reply.address_index == reply.address_index, Reply.id != reply.id)
        return self.render_template(
            self.show_template,
            pk=pk,
            title=self.show_title,
            widgets=self._show(pk),
            related_views=[],
            reply=reply,
            may_change=may(security.UPDATE, self.resource),
            others=db.session.scalars(others.order_by(Reply.id.desc()).limit(IN_A_PAGE)).all(),
            **looks(),
        )

    @expose("/find", methods=["GET", "POST"])
    @has_access
    @permission_name("read")
    def find(self) -> Any:
        """Search by exact number; posted, so that it stands in no link and no log."""
        form = NumberForm()
        if form.validate_on_submit():
            try:
                index = phone_index(normalise_phone(form.number.data, None))
            except AppError as error:
                refuse(form, error, "number")
            else:
                return redirect(url_for(f"{self.endpoint}.list", _flt_0_address_index=index.hex()))
        return self.render_template(
            "form_page.html",
            form=form,
            title=_("Find replies by number"),
            submit=_("Find"),
            back=url_for(f"{self.endpoint}.list"),
        )

    @action(
        "unsubscribe",
        _l("Unsubscribe them"),
        _l("Put these numbers on the suppression list? Nothing is sent to them any more."),
        "ban",
    )
    def unsubscribe(self, chosen: Any) -> Response:
        """Take them for opt-outs."""
        return self._each(chosen, replies.unsubscribe, _("The number was put on the suppression list."))

    @action("dismiss", _l("No opt-out"), None, "check")
    def dismiss(self, chosen: Any) -> Response:
        """Say that they are none."""
        return self._each(chosen, replies.dismiss, _("The reply was taken for no opt-out."))

    @action("answered", _l("Answered"), None, "mail-check")
    def answered(self, chosen: Any) -> Response:
        """Say that somebody has answered."""
        return self._each(chosen, replies.mark_answered, _("The reply was marked as answered."))

    def _each(self, chosen: Any, step: Callable[[int, str], None], done: str) -> Response:
        for reply_id in [reply.id for reply in chosen]:
            self.attempt(partial(step, reply_id, actor()), done)
        return redirect(_where_it_was() or url_for(f"{self.endpoint}.list"))


def _where_it_was() -> str:
    """The page that the button stood on, whatever its filter; "" when the browser does not say, or it is not ours."""
    page = urlsplit(request.referrer or "")
    return urlunsplit(("", "", page.path, page.query, "")) if page.netloc == request.host else ""


def looks() -> dict[str, Any]:
    """What a page needs to show some replies in a card of its own."""
    return {"reply_person": person, "reply_text": text, "reply_campaign": campaign, "reply_state": state}
