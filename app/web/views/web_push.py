"""Web push: the installation's public key, how many browsers are subscribed, and the limits of sending."""

from typing import Any

from flask import redirect, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from app.audience import push_devices
from app.channels import web_push
from app.channels.merge import PUSH_LINK
from app.channels.models import WebPushSender
from app.channels.service import LIMITS
from app.extensions import db
from app.kernel.db import db_now
from app.sending import sender_limits, throttle
from app.web.base import AppModelView
from app.web.forms.web_push import SECTIONS, WebPushForm
from app.web.lists import AppInterface
from app.web.views import senders

FIELDS = ("name", *LIMITS, "max_connections", "is_enabled")


class WebPushSenderView(AppModelView):
    """The one sender: shown and edited, never added or deleted, because every subscription hangs on its key."""

    route_base = "/web-push"
    resource = "WebPushSender"
    datamodel = AppInterface(WebPushSender)
    include_route_methods = {"list", "show", "edit"}
    edit_form = WebPushForm
    edit_fieldsets = SECTIONS
    label_columns = {**senders.LABELS, "name": _l("Name"), "max_connections": _l("Requests at once")}
    formatters_columns: dict[str, Any] = dict(senders.FORMATTERS)
    show_fieldsets = [
        (_l("Sender"), {"fields": ["name", "is_enabled"]}),
        (_l("Limits"), {"fields": [*LIMITS, "max_connections"]}),
        senders.STATE,
    ]
    show_template = "web_push.html"
    list_title = show_title = _l("Web push")
    edit_title = _l("Edit web push")
    edit_row_message = _l("The settings of web push were saved.")

    @expose("/list/")
    @has_access
    def list(self) -> Response:
        """There is one."""
        return redirect(url_for(f"{self.endpoint}.show", pk=web_push.get().id))

    def change(self, item: WebPushSender, form: WebPushForm) -> None:
        """The form's values, checked."""
        with db.session.no_autoflush:
            for name, value in form.values(*FIELDS).items():
                setattr(item, name, value)
            web_push.prepare(item)
            sender_limits.follow(item)

    @expose("/show/<pk>")
    @has_access
    def show(self, pk: str) -> Any:
        """The sender, its public key, and how many browsers are subscribed."""
        sender = self._item(pk)
        devices, people = push_devices.count()
        return self.render_template(
            self.show_template,
            pk=pk,
            title=self.show_title,
            widgets=self._show(pk),
            related_views=[],
            sender=sender,
            devices=devices,
            people=people,
            field=f"{{{{ {PUSH_LINK} }}}}",
            used=throttle.granted_today(f"{sender.key}:day", db_now()) if sender.per_day else None,
        )
