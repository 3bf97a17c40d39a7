"""Gateways: what text messages and WhatsApp are sent through, with a test to a number of one's own."""

from typing import Any

from flask import redirect, url_for
from flask_appbuilder import expose
from flask_appbuilder.actions import action
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from werkzeug.wrappers import Response

from app.campaigns.models import Campaign
from app.channels import gateways
from app.channels.models import Gateway
from app.channels.service import LIMITS
from app.extensions import db
from app.kernel import audit
from app.kernel.audit import What
from app.kernel.db import db_now
from app.kernel.errors import Conflict
from app.sending import sender_limits, throttle
from app.web import channels, security
from app.web.base import AppModelView, may
from app.web.forms.gateways import SECTIONS, GatewayForm, from_micros, in_micros
from app.web.lists import AppInterface
from app.web.views import senders
from app.web.views.text_messages import test_gateway

FIELDS = ("name", "account_sid", "key_sid", "channel", "sender", *LIMITS, "max_connections", "currency", "is_enabled")


def delete_gateway(gateway: Gateway) -> None:
    """Delete a gateway that no campaign uses. Raises Conflict naming the campaign."""
    used_by = db.session.scalar(select(Campaign.name).where(Campaign.gateway_id == gateway.id).limit(1))
    if used_by is not None:
        raise Conflict("The campaign %(name)s uses this gateway. Choose another one there first.", name=used_by)
    audit.note(What.GATEWAY_DELETE, gateway.id, gateway.name)
    db.session.delete(gateway)


class GatewayView(AppModelView):
    """The gateways and their test."""

    route_base = "/gateways"
    resource = "Gateway"
    datamodel = AppInterface(Gateway)
    method_permission_name = {"send_test": "test"}
    form_fields = {"segment_price_micros": "segment_price"}
    add_form = edit_form = GatewayForm
    add_fieldsets = edit_fieldsets = SECTIONS
    has_short_form = False
    empty_words = _l(
        "Text messages and WhatsApp go through gateways of Twilio. Create the first one and send yourself a test."
    )
    list_columns = ["name", "channel", "sender", "account_sid", "is_enabled", "paused_reason"]
    search_columns = ["name", "channel", "sender", "account_sid"]
    order_columns = ["name", "sender"]
    base_order = ("name", "asc")
    label_columns = {
        **senders.LABELS,
        "name": _l("Name"),
        "account_sid": _l("Account SID"),
        "key_sid": _l("API key SID"),
        "channel": _l("Sends"),
        "sender": _l("Sender"),
        "max_connections": _l("Requests at once"),
        "segment_price_micros": _l("Price of a segment"),
        "currency": _l("Currency"),
    }
    formatters_columns: dict[str, Any] = {
        **senders.FORMATTERS,
        "segment_price_micros": lambda micros: "" if micros is None else f"{from_micros(micros):f}",
    }
    show_fieldsets = [
        (_l("Twilio account"), {"fields": ["name", "account_sid", "key_sid"]}),
        (_l("Sender"), {"fields": ["channel", "sender", "is_enabled"]}),
        (_l("Limits"), {"fields": [*LIMITS, "max_connections"]}),
        (_l("Costs"), {"fields": ["segment_price_micros", "currency"]}),
        senders.STATE,
    ]
    show_template = "gateway_show.html"
    list_title, show_title = _l("Gateways"), _l("Gateway")
    add_title, edit_title = _l("New gateway"), _l("Edit gateway")
    add_row_message = _l("The gateway was saved. Send a test message to see whether it works.")
    edit_row_message = _l("The gateway was saved.")
    delete_row_message = _l("The gateway was deleted.")

    def create(self, form: GatewayForm) -> Gateway:
        """A new gateway with its token sealed."""
        gateway = Gateway()
        self.change(gateway, form)
        gateways.add(gateway)
        return gateway

    def change(self, item: Gateway, form: GatewayForm) -> None:
        """The form's values, checked; an empty token keeps the old one."""
        with db.session.no_autoflush:
            for name, value in form.values(*FIELDS).items():
                setattr(item, name, value)
            item.segment_price_micros = in_micros(form.segment_price.data)
            gateways.prepare(item, form.secret.data)
            sender_limits.follow(item)

    def prefill_form(self, form: GatewayForm, pk: Any) -> None:
        """The price as people write it."""
        form.segment_price.data = from_micros(self._item(pk).segment_price_micros)

    def remove(self, item: Gateway) -> None:
        """Delete a gateway that no campaign uses."""
        delete_gateway(item)

    @expose("/show/<pk>")
    @has_access
    def show(self, pk: str) -> Any:
        """The gateway, and what it has sent today when a limit counts it."""
        gateway = self._item(pk)
        used = throttle.granted_today(f"{gateway.key}:day", db_now()) if gateway.per_day else None
        widgets = self._show(pk)
        return self.render_template(
            self.show_template,
            pk=pk,
            title=self.show_title,
            widgets=widgets,
            related_views=[],
            used=used,
            gateway=gateway,
            others=gateways.same_account(gateway),
            channels=channels,
            may_add=may(security.CREATE, self.resource),
            inbound_address=gateways.inbound_address(gateway),
            may_read_replies=may(security.READ, "Reply"),
        )

    @action("send_test", _l("Send test message to me"), icon="send", multiple=False)
    def send_test(self, gateway: Gateway) -> Response:
        """Ask for a number on a page of its own."""
        return redirect(url_for(f"{self.endpoint}.test_form", pk=gateway.id))

    @expose("/test/<int:pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("test")
    def test_form(self, pk: int) -> Any:
        """Send a test message to the number of the person who asks and show what the provider said."""
        return test_gateway(self, pk)
