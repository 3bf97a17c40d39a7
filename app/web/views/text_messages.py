"""What a text will cost while it is written, and tests to a number or to devices of one's own."""

from collections.abc import Callable
from functools import partial
from typing import Any

from flask import request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _

from app.campaigns import service as campaigns
from app.channels import gateways
from app.channels.contract import Channel, Outcome, TestReport
from app.channels.segments import MAX_UNITS, size_of
from app.kernel.errors import AppError
from app.sending import service as sending
from app.web.base import AppView, refuse
from app.web.forms.text_campaigns import ContactForm, NumberForm

MAX_COUNTED = 20_000


class TextMessageView(AppView):
    """Counts and tests; nothing is saved here."""

    route_base = "/text-messages"
    resource = "Campaign"
    default_view = "segments"

    @expose("/segments", methods=["POST"])
    @has_access
    @permission_name("read")
    def segments(self) -> Any:
        """How the text of this request travels, in words."""
        text = request.form.get("text", "")[:MAX_COUNTED].replace("\r\n", "\n").strip()
        size = size_of(text)
        return self.render_template("_segments.html", size=size, is_too_long=size.units > MAX_UNITS, limit=MAX_UNITS)

    @expose("/test/<int:pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("send")
    def test(self, pk: int) -> Any:
        """Send the message of a campaign as it stands to one number, or to the devices of one contact."""
        campaign = campaigns.get(pk)
        back = url_for("CampaignView.show", pk=pk)
        form = ContactForm() if campaign.channel is Channel.PUSH else NumberForm()
        title = _("Test send of %(name)s", name=campaign.name)
        return tested(self, partial(sending.send_test, pk), title, back, form)


def tested(view: Any, send: Callable[[str], TestReport], title: str, back: str, form: ContactForm | NumberForm) -> Any:
    """The page that asks to whom, and after it what the provider said."""
    if form.validate_on_submit():
        try:
            report = send(form.to.data or "")
        except AppError as error:
            refuse(form, error, "to")
        else:
            is_sent = report.result.outcome is Outcome.ACCEPTED
            return view.render_template("test_result.html", title=title, report=report, is_sent=is_sent, back=back)
    return view.render_template("form_page.html", form=form, title=title, submit=_("Send the test"), back=back)


def test_gateway(view: Any, gateway_id: int) -> Any:
    """The same for a gateway."""
    name = gateways.get(gateway_id).name
    back = url_for("GatewayView.show", pk=gateway_id)
    return tested(
        view, partial(gateways.send_test_message, gateway_id), _("Test of %(name)s", name=name), back, NumberForm()
    )
