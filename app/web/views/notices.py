"""The notifications of a person: the bell, the page of all of them, and what they want to hear of."""

from typing import Any

from flask import redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from app.kernel import clock
from app.kernel.audit import Subject
from app.notices import choices, inbox
from app.notices.models import Notice, NoticeKind
from app.web import security, words
from app.web.asked import number
from app.web.base import AppView, may, unit_of_work
from app.web.forms.notices import ChoicesForm

PAGE_SIZE = 50
IN_THE_BELL = 8

ICONS = {
    NoticeKind.UPCOMING: "alarm-clock",
    NoticeKind.STARTED: "circle-play",
    NoticeKind.FINISHED: "circle-check",
    NoticeKind.FAILED: "circle-x",
    NoticeKind.PAUSED: "pause",
    NoticeKind.STAND_IN: "server",
}
COLOURS = {
    NoticeKind.FAILED: "bad",
    NoticeKind.PAUSED: "hold",
    NoticeKind.FINISHED: "ok",
    NoticeKind.STAND_IN: "hold",
}
_LOOKS: dict[str, Any] = {"icons": ICONS, "colours": COLOURS, "words": words}


class NoticeView(AppView):
    """Everybody sees their own only."""

    route_base = "/notifications"
    resource = "Notice"
    default_view = "index"

    @expose("/")
    @has_access
    @permission_name("read")
    def index(self) -> Any:
        """All of them, the newest first."""
        before = number(request.args["before"], 1) if request.args.get("before") else None
        found = inbox.latest(current_user.id, PAGE_SIZE + 1, before)
        return self.render_template(
            "notices.html",
            title=_("Notifications"),
            notices=found[:PAGE_SIZE],
            older=found[PAGE_SIZE - 1].id if len(found) > PAGE_SIZE else None,
            is_newest=before is None,
            unread=inbox.unread(current_user.id),
            **_LOOKS,
        )

    @expose("/bell")
    @has_access
    @permission_name("read")
    def bell(self) -> str:
        """The number at the bell, which stays fresh."""
        return self.render_template("_bell.html", unread=inbox.unread(current_user.id))

    @expose("/latest")
    @has_access
    @permission_name("read")
    def latest(self) -> str:
        """What opens under the bell."""
        found = inbox.latest(current_user.id, IN_THE_BELL)
        return self.render_template("_notices.html", notices=found, **_LOOKS)

    @expose("/<int:notice_id>/open", methods=["POST"])
    @has_access
    @permission_name("read")
    def follow(self, notice_id: int) -> Response:
        """Read one, and go where what it is about is shown."""
        now = clock.utcnow()
        notice = unit_of_work(lambda: inbox.read(current_user.id, notice_id, now))
        return redirect(_place(notice))

    @expose("/read", methods=["POST"])
    @has_access
    @permission_name("read")
    def read(self) -> Response:
        """Read all that the page has shown."""
        until_id, now = number(request.form.get("until", ""), 1), clock.utcnow()
        unit_of_work(lambda: inbox.read_all(current_user.id, until_id or 0, now))
        return redirect(url_for("NoticeView.index"))

    @expose("/settings", methods=["GET", "POST"])
    @has_access
    @permission_name("update")
    def settings(self) -> Any:
        """What the person wants to hear of, and how."""
        person = choices.of(current_user.id)
        form = ChoicesForm.of(person)
        if form.validate_on_submit():
            language = str(get_locale() or "en")
            saved = form.scopes(), form.lead_minutes.data, language
            unit_of_work(lambda: choices.save(current_user.id, *saved))
            return redirect(url_for("NoticeView.index"))
        return self.render_template(
            "notice_settings.html",
            title=_("What you are told"),
            form=form,
            kinds=list(NoticeKind),
            email=person.email,
            words=words,
        )


def _place(notice: Notice) -> str:
    if notice.about is Subject.CAMPAIGN and may(security.READ, "Campaign"):
        return url_for("HistoryView.campaign", campaign_id=notice.about_id)
    if notice.about is Subject.ACCOUNT and may(security.READ, "SmtpAccount"):
        return url_for("SmtpAccountView.show", pk=notice.about_id)
    if notice.about is Subject.GATEWAY and may(security.READ, "Gateway"):
        return url_for("GatewayView.show", pk=notice.about_id)
    return url_for("NoticeView.index")
