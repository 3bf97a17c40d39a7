"""Before a campaign starts: its launch check, and its message as one person would get it. Nothing is sent from here."""

from typing import Any

from flask import request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _
from markupsafe import Markup, escape
from werkzeug.wrappers import Response

from app.audience import service as audience
from app.audience.models import Contact
from app.campaigns import service as campaigns
from app.campaigns.lifecycle import EDITABLE, LIVE, OVER
from app.campaigns.models import Campaign
from app.channels import service
from app.kernel.db import db_now
from app.kernel.errors import AppError, NotFound, Unavailable
from app.reports import launch as reports
from app.sending import preview, standing
from app.sending.standing import Standing
from app.web import forecast, frames, launch, security, words
from app.web.asked import row_id
from app.web.base import AppView, may

BIGGEST_ID = 2**31 - 1
BULK_PEOPLE = 5_000  # from so many a day on Google and Yahoo ask for SPF, DKIM and DMARC
OUT = frozenset({Standing.NO_ADDRESS, Standing.SUPPRESSED, Standing.REMOVED})


class LaunchView(AppView):
    """Reads only."""

    route_base = "/launch"
    resource = "Campaign"
    default_view = "message"

    @expose("/check/<int:pk>")
    @has_access
    @permission_name("read")
    def check(self, pk: int) -> Any:
        """The part of the page and of the question before a start that counts people: asked for after it is shown."""
        campaign, now = of_request(pk), db_now()
        found = reports.check(campaign, now)
        return self.render_template(
            "_launch_check.html",
            items=launch.items(found),
            sentence=forecast.sentence(found, now),
            is_blocked=launch.is_blocked(found),
            is_live=campaign.status in LIVE,
            campaign=campaign,
            level_words=launch.LEVEL_WORDS,
            may_see_contacts=may(security.READ, "Contact"),
            asks_for_trust=campaign.smtp_account is not None and found.people.waiting >= BULK_PEOPLE,
        )

    @expose("/trust/<int:pk>")
    @has_access
    @permission_name("read")
    def trust(self, pk: int) -> Any:
        """The lines of the check that ask the network: whether receivers can trust the e-mails of the account. None
        when no name server answers, which is no fault of the campaign."""
        account = of_request(pk).smtp_account
        try:
            findings = service.dns_findings(account) if account is not None else []
        except Unavailable:
            findings = []
        fix = url_for("SmtpAccountView.show", pk=account.id) if account and may(security.READ, "SmtpAccount") else ""
        return self.render_template("_launch_trust.html", findings=findings, account=account, fix=fix, words=words)

    @expose("/message/<int:pk>")
    @has_access
    @permission_name("read")
    def message(self, pk: int) -> Any:
        """The message as somebody would get it, on a page of its own."""
        campaign = of_request(pk)
        return self.render_template("preview.html", title=_("Preview"), campaign=campaign, **shown(campaign))

    @expose("/preview/<int:pk>")
    @has_access
    @permission_name("read")
    def preview(self, pk: int) -> Response:
        """Its HTML for a frame."""
        campaign = of_request(pk)
        try:
            made = preview.of(campaign, _chosen(campaign))
        except AppError as error:
            return frames.framed(str(escape(words.of_error(error))))
        html = frames.marked(made.html, lambda field: str(_missing(field)))
        return frames.framed(frames.darkened(html) if "dark" in request.args else html)


def shown(campaign: Campaign) -> dict[str, Any]:
    """What the part of a page with the preview of this request needs."""
    problem, made, contact, stands = "", None, None, None
    try:
        contact = _chosen(campaign)
        made = preview.of(campaign, contact)
        stands = standing.of(campaign, [contact.id]).get(contact.id) if contact is not None else None
    except AppError as error:
        problem = words.of_error(error)
    return {
        "problem": problem,
        "made": made,
        "contact": contact,
        "keeps_out": stands if stands in OUT else None,
        "missing": [launch.field_name(name) for name in made.missing] if made is not None else [],
        "marked": _marked,
        "is_dark": "dark" in request.args,
        "is_narrow": request.args.get("width") == "phone",
        "may_see_contacts": may(security.READ, "Contact"),
        "may_keep": may(security.CREATE, "MessageTemplate"),
        "may_write": campaign.status in EDITABLE and may(security.UPDATE, "Campaign"),
        "is_live": campaign.status in LIVE,
        "is_over": campaign.status in OVER,
        "words": words,
    }


def _chosen(campaign: Campaign) -> Contact | None:
    """The contact of this request, else the first of the audience; nobody for those who may not read contacts."""
    if not may(security.READ, "Contact"):
        return None
    given = request.args.get("contact", "")
    if not given:
        return preview.first_of(campaign)
    return audience.get_contact(row_id(given) or 0)


def of_request(pk: int) -> Campaign:
    """The campaign that an address names. Raises NotFound."""
    if pk > BIGGEST_ID:
        raise NotFound(campaigns.GONE)
    return campaigns.get(pk)


def _missing(field: str) -> Markup:
    return Markup("<mark>[{}]</mark>").format(launch.field_name(field))


def _marked(text: str) -> Markup:
    return Markup(preview.marked(str(escape(text)), _missing))
