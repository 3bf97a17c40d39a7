"""Operations, for those who run the machine: our page of queues and workers, and the RQ dashboard behind our
permission, read by GET and changed by POST only."""

from typing import Any

import rq_dashboard.web
from flask import Flask, abort, current_app, redirect, request, url_for
from flask_appbuilder import AppBuilder, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _
from flask_login import current_user
from rq.serializers import JSONSerializer
from rq_dashboard.web import blueprint, setup_rq_connection
from werkzeug.wrappers import Response

from app.extensions import csrf
from app.kernel import engine_room
from app.kernel.errors import Unavailable
from app.web import security, words
from app.web.base import AppView, may
from app.web.security import SAFE_METHODS

RESOURCE = "QueueMonitor"

# Its pages carry their scripts inside; nothing from elsewhere.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; frame-ancestors 'self'"
)


class QueueMonitor(AppView):
    """Whether jobs get done: queues, workers, and the scheduler that leads."""

    route_base = "/operations/queues"
    default_view = "index"
    resource = RESOURCE

    @expose("/")
    @has_access
    @permission_name("read")
    def index(self) -> Any:
        """The page, which stays fresh by itself."""
        return self.render_template("queues.html", title=_("Queues and workers"), **_room())

    @expose("/state")
    @has_access
    @permission_name("read")
    def state(self) -> Any:
        """The part of the page that stays fresh."""
        return self.render_template("_queues.html", **_room())


def _room() -> dict[str, Any]:
    try:
        return {"room": engine_room.look(), "problem": ""}
    except Unavailable as error:
        return {"room": None, "problem": words.of_error(error)}


class RqDashboard(AppView):
    """The menu entry that leads to the dashboard of RQ."""

    route_base = "/operations/rq"
    default_view = "index"
    resource = RESOURCE

    @expose("/")
    @has_access
    @permission_name("read")
    def index(self) -> Response:
        """Go to the dashboard."""
        return redirect(url_for("rq_dashboard.queues_overview"))


def _guard() -> Any:
    """Before each request to the dashboard, which checks nothing by itself and changes queues on a GET."""
    if request.blueprint != blueprint.name:
        return None
    if not current_user.is_authenticated:
        login = f"{current_app.appbuilder.sm.auth_view.endpoint}.login"  # type: ignore[attr-defined]
        return redirect(url_for(login, next=request.url))
    if not may(security.READ, RESOURCE):
        abort(403)
    is_changing = request.method not in SAFE_METHODS or request.endpoint == "rq_dashboard.requeue_all"
    # Its scripts send no CSRF token, so the origin stands in for it.
    is_ours = request.method == "POST" and request.headers.get("Origin") == request.host_url.rstrip("/")
    if is_changing and not (is_ours and may(security.MANAGE, RESOURCE)):
        abort(403)
    return None


def _policy(response: Response) -> Response:
    if request.blueprint == blueprint.name:
        response.headers["Content-Security-Policy"] = POLICY
    return response


def register(app: Flask, appbuilder: AppBuilder) -> None:
    """Put the dashboard under /rq and into the menu."""
    app.config["RQ_DASHBOARD_REDIS_URL"] = app.config["REDIS_URL"]
    app.config.setdefault("RQ_DASHBOARD_POLL_INTERVAL", 2500)
    rq_dashboard.web.config.serializer = JSONSerializer  # its default unpickles what it finds in Redis
    setup_rq_connection(app)
    app.before_request(_guard)
    app.after_request(_policy)
    app.register_blueprint(blueprint, url_prefix="/rq")
    csrf.exempt(blueprint)
    appbuilder.add_view(QueueMonitor, "Queues and workers", category="Operations", icon="activity")
    appbuilder.add_view(RqDashboard, "RQ dashboard", category="Operations", icon="gauge")
