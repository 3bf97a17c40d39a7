"""The removal log: who was taken out of which campaign, by whom and why, and putting them back."""

from functools import partial
from typing import Any

from flask import flash, g, redirect, render_template, url_for
from flask_appbuilder import expose
from flask_appbuilder.actions import action
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import ColumnElement, select
from werkzeug.wrappers import Response

from app.audience import queries as audience
from app.campaigns.models import Campaign, Removal
from app.extensions import db
from app.kernel.errors import AppError
from app.sending import removals
from app.web import formats, security, words
from app.web.asked import row_ids
from app.web.base import AppModelView, actor, may, refuse, unit_of_work
from app.web.choices import ChoiceFilters, Chosen, Named, OfCampaign
from app.web.forms.contacts import FindForm
from app.web.lists import AppInterface
from app.web.results import said_of_return

OUT, BACK = "out", "back"


class RemovedFrom(OfCampaign):
    """The entries of a campaign, also of one that was deleted."""

    log, name_then = Removal, Removal.campaign_name


class IsOut(Chosen):
    """The people who are out now, or who are back."""

    label = _l("Now")

    @classmethod
    def choices(cls) -> list[tuple[str, Any]]:
        """Out, and back."""
        return [(OUT, _("removed")), (BACK, _("back in the campaign"))]

    def condition(self, value: str) -> ColumnElement[bool] | None:
        """In that state."""
        return {OUT: Removal.restored_at.is_(None), BACK: Removal.restored_at.is_not(None)}.get(value)


class OfContacts(Named):
    """The entries of people who were found by an address."""

    label, asks = _l("Client"), "contact_id"

    @classmethod
    def said(cls, value: str) -> str:
        """Not who they are."""
        return _("found by the address")

    def condition(self, value: str) -> ColumnElement[bool] | None:
        """Of one of these contacts, their ids with commas between them."""
        named = value.split(",")
        ids = row_ids(named)
        return Removal.contact_id.in_(ids) if len(ids) == len(named) else None


def way_back(entry: Removal) -> Markup:
    """What a row says of coming back: that they are back, how they can be, or the button."""
    return Markup(render_template("_removal_way_back.html", entry=entry, is_gone=entry.campaign_id not in _living()))


def _living() -> frozenset[int]:
    """The campaigns of the log that were not deleted; asked once for a page."""
    if "living_campaigns" not in g:
        query = select(Campaign.id).where(Campaign.id.in_(select(Removal.campaign_id)))
        g.living_campaigns = frozenset(db.session.scalars(query))
    return g.living_campaigns


class RemovalView(ChoiceFilters, AppModelView):
    """The log, for those who may remove recipients."""

    route_base = "/removals"
    resource = "Campaign"
    datamodel = AppInterface(Removal)
    include_route_methods = {"list", "find", "action", "action_post"}
    method_permission_name = {
        **dict.fromkeys(("list", "restore"), "remove_recipients"),
        # a log is not written by hand: the generated list shows a button to those who hold its permission
        **dict.fromkeys(("add", "edit", "delete", "show"), "nothing"),
    }
    list_columns = ["id", "client_name", "campaign_name", "removed_at", "removed_by", "why", "way_back"]
    search_columns = ["client_name", "campaign_id", "contact_id", "restored_at", "removed_by", "removed_at"]
    choice_filters = {"campaign_id": RemovedFrom, "contact_id": OfContacts, "restored_at": IsOut}
    order_columns = ["id", "client_name", "campaign_name", "removed_at", "removed_by"]
    base_order = ("id", "desc")
    label_columns = {
        "id": _l("Number"),
        "client_name": _l("Client"),
        "campaign_name": _l("Campaign"),
        "campaign_id": _l("Campaign"),
        "contact_id": _l("Address"),
        "removed_at": _l("Removed"),
        "removed_by": _l("By"),
        "why": _l("Reason"),
        "restored_at": _l("Now"),
        "way_back": _l("Put back"),
    }
    formatters_columns = {
        "client_name": lambda name: name or _("deleted client"),
        "removed_at": formats.moment,
        "why": words.sentence,
        "way_back": way_back,
    }
    list_title = _l("Removals")
    list_template = "removal_list.html"
    empty_words = _l("Who is taken out of a campaign stands here, with who did it and why.")

    @expose("/list/")
    @has_access
    def list(self) -> Any:
        """The log, the newest first."""
        return self.render_template(
            self.list_template,
            title=self.list_title,
            widgets=self._list(),
            may_find=may(security.READ, "Contact"),
        )

    @expose("/find", methods=["GET", "POST"])
    @has_access
    @permission_name("remove_recipients")
    def find(self) -> Any:
        """Search by exact address; posted, so that it stands in no link and no log."""
        if not may(security.READ, "Contact"):
            return redirect(url_for(f"{self.endpoint}.list"))
        form = FindForm()
        if form.validate_on_submit():
            try:
                found = audience.find_by_address(form.address.data)
            except AppError as error:
                refuse(form, error, "address")
            else:
                ids = ",".join(str(contact.id) for contact in found)
                if ids:
                    return redirect(url_for(f"{self.endpoint}.list", _flt_0_contact_id=ids))
                form.address.errors = [
                    *form.address.errors,
                    _("No contact has this address. Check it for typing errors."),
                ]
        return self.render_template(
            "form_page.html",
            form=form,
            title=_("Find removals by address"),
            submit=_("Find"),
            back=url_for(f"{self.endpoint}.list"),
        )

    @action(
        "restore",
        _l("Put back"),
        _l("Put these people back into their campaigns? Who has not got the message gets it."),
        "undo-2",
    )
    def restore(self, entries: Any) -> Response:
        """Put people back into their campaigns."""
        for entry_id, name in [(entry.id, entry.client_name or _("deleted client")) for entry in entries]:
            try:
                restored = unit_of_work(partial(removals.restore, entry_id, actor()))
            except AppError as error:
                flash(f"{name}: {words.of_error(error)}", "danger")
            else:
                flash(*said_of_return(restored, name))
        return self.back_to_list()
