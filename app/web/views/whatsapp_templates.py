"""The templates of WhatsApp: what Twilio has, with its state of approval, read anew by a button."""

from functools import partial
from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import ColumnElement, select
from werkzeug.wrappers import Response

from app.channels import gateways, whatsapp_message, whatsapp_templates
from app.channels.merge import Template
from app.channels.models import ApprovalState, WhatsAppTemplate
from app.channels.whatsapp_message import PLACE
from app.extensions import db
from app.kernel import audit
from app.kernel.audit import What
from app.kernel.errors import AppError, InvalidInput
from app.web import formats, security, words
from app.web.asked import row_id
from app.web.base import AppModelView, may, unit_of_work
from app.web.choices import ChoiceFilters, Chosen, OfValue
from app.web.lists import AppInterface

MOST_TEXT = 20_000
CHIPS = {
    ApprovalState.APPROVED: "ok",
    ApprovalState.PENDING: "busy",
    ApprovalState.PAUSED: "hold",
    ApprovalState.REJECTED: "bad",
    ApprovalState.DISABLED: "bad",
}


class OfState(OfValue):
    """The templates in one state of approval."""

    label, kind = _l("State"), ApprovalState


class OfWord(Chosen):
    """The templates with one word in a column, named where; those that are there are offered."""

    where = ""

    @classmethod
    def choices(cls) -> list[tuple[str, Any]]:
        """The words that stand in the column."""
        words_of_it = WhatsAppTemplate.__table__.c[cls.where]
        return [
            (word, word) for word in db.session.scalars(select(words_of_it).distinct().order_by(words_of_it)) if word
        ]

    def condition(self, value: str) -> ColumnElement[bool]:
        """With that word."""
        return self.column == value


class OfLanguage(OfWord):
    """In one language."""

    label, where = _l("Language"), "language"


class OfCategory(OfWord):
    """Of one category."""

    label, where = _l("Category"), "category"


class WhatsAppTemplateView(ChoiceFilters, AppModelView):
    """Reads what was read from Twilio; nothing is written here."""

    route_base = "/whatsapp-templates"
    resource = "WhatsAppTemplate"
    datamodel = AppInterface(WhatsAppTemplate)
    include_route_methods = {"list", "show", "sync", "filled"}
    method_permission_name = dict.fromkeys(("add", "edit", "delete"), "nothing")
    list_columns = ["name", "language", "category", "status", "body", "synced_at"]
    show_columns = ["name", "language", "category", "status", "why", "body", "variables", "content_sid", "synced_at"]
    search_columns = ["name", "language", "category", "status"]
    choice_filters = {"status": OfState, "language": OfLanguage, "category": OfCategory}
    order_columns = ["name", "language"]
    base_order = ("name", "asc")
    label_columns = {
        "name": _l("Name"),
        "language": _l("Language"),
        "category": _l("Category"),
        "status": _l("State"),
        "why": _l("Why it was rejected"),
        "body": _l("Message"),
        "variables": _l("Variables"),
        "content_sid": _l("Content SID"),
        "synced_at": _l("Read from Twilio"),
    }
    formatters_columns = {
        "status": lambda status: formats.chip(words.of(status), CHIPS.get(status, "idle")),
        "variables": ", ".join,
        "synced_at": formats.ago,
    }
    list_template = "whatsapp_template_list.html"
    list_title, show_title = _l("WhatsApp templates"), _l("WhatsApp template")
    empty_words = _l("Write templates in Twilio's console, let WhatsApp approve them, and read them here.")

    @expose("/list/")
    @has_access
    def list(self) -> Any:
        """What was read the last time."""
        return self.render_template(
            self.list_template,
            title=self.list_title,
            widgets=self._list(),
            may_sync=may(security.UPDATE, self.resource),
            has_gateway=bool(whatsapp_templates.accounts()),
        )

    @expose("/sync", methods=["POST"])
    @has_access
    @permission_name("update")
    def sync(self) -> Response:
        """Read the templates of every account anew."""
        found = whatsapp_templates.accounts()
        for account_sid, gateway_id in found.items():
            name = gateways.get(gateway_id).name
            try:
                read = whatsapp_templates.fetch(gateway_id)
                usable = unit_of_work(partial(_store, account_sid, gateway_id, name, read))
            except AppError as error:
                flash(words.of_error(error), "danger")
                continue
            number = len(read)
            said = ngettext("%(n)s template was read", "%(n)s templates were read", number, n=formats.grouped(number))
            flash(_("%(name)s: %(said)s, %(usable)s approved.", name=name, said=said, usable=usable), "success")
        if not found:
            flash(_("Create a gateway for WhatsApp first: it signs in to Twilio."), "warning")
        return redirect(url_for(f"{self.endpoint}.list"))

    @expose("/filled", methods=["POST"])
    @has_access
    @permission_name("read")
    def filled(self) -> Any:
        """The template of this request with its values, in words; fields stand there by their names."""
        chosen = row_id(request.form.get("whatsapp_template_id", ""))
        source = request.form.get("template_values", "")[:MOST_TEXT].replace("\r\n", "\n")
        if chosen is None:
            return self.render_template("_filled_template.html", chosen=None, body="", problem="")
        try:
            template = whatsapp_templates.get(chosen)
            body, problem = template.body, ""
            whatsapp_message.check_values(source, template.variables)
            values = {name: _as_written(value) for name, value in whatsapp_message.parse_values(source).items()}
            body = PLACE.sub(lambda place: values.get(place[1], place[0]), body)
        except InvalidInput as error:
            problem = words.of_error(error)
        return self.render_template("_filled_template.html", chosen=template, body=body, problem=problem)


def _as_written(value: Template) -> str:
    return "".join(piece if isinstance(piece, str) else f"⟨{piece.field}⟩" for piece in value)


def _store(account_sid: str, gateway_id: int, name: str, read: Any) -> int:
    usable = whatsapp_templates.store(account_sid, read)
    audit.note(What.GATEWAY_SYNC, gateway_id, name, templates=len(read), approved=usable)
    return usable
