"""The panel and the public pages: registers every view, API and menu entry, in menu order."""

from importlib.util import find_spec

from flask import Flask, redirect, request, url_for
from flask_appbuilder import AppBuilder, IndexView, expose
from flask_login import current_user
from werkzeug.wrappers import Response

from app.extensions import db
from app.kernel.db import expect_only_reads


class HomeView(IndexView):
    """The front door."""

    @expose("/")
    def index(self) -> Response:
        """The campaigns for those who are signed in, the sign-in page for others."""
        if current_user.is_authenticated:
            return redirect(url_for("CampaignView.list"))
        return redirect(url_for(f"{self.appbuilder.sm.auth_view.endpoint}.login"))

    @expose("/dashboard/campaigns")
    def campaigns(self) -> Response:
        """The address that people know the campaigns by."""
        return self.index()


def init_app(app: Flask) -> None:
    """Build the AppBuilder of this app and register everything people and programs can reach."""
    from app.web import errors, security

    security.configure(app)
    errors.init_app(app)
    app.before_request(_expect)
    app.teardown_request(lambda _error: expect_only_reads(False))
    appbuilder = AppBuilder(app, db.session, indexview=HomeView, security_manager_class=security.PanelSecurityManager)
    _add_views(app, appbuilder)
    for ring in ("api", "public", "health"):
        if find_spec(f"app.web.{ring}") is None:
            continue
    appbuilder.sm.security_cleanup(appbuilder.baseviews, appbuilder.menu)


def _expect() -> None:
    """On SQLite a page must not wait for the one writer; a form must be the writer from its first read on."""
    expect_only_reads(request.method in ("GET", "HEAD"))


def _add_views(app: Flask, appbuilder: AppBuilder) -> None:
    from app.web import monitor

    monitor.register(app, appbuilder)
