"""The panel and the public pages: registers every view, API and menu entry, in menu order."""

import logging

from flask import Flask, redirect, request, url_for
from flask_appbuilder import AppBuilder, IndexView, expose
from flask_login import current_user
from werkzeug.wrappers import Response

from app.extensions import db
from app.kernel import audit
from app.kernel.db import expect_only_reads
from app.web.base import actor


class HomeView(IndexView):
    """The front door."""

    @expose("/")
    def index(self) -> Response:
        """The campaigns for those who are signed in, the sign-in page for others."""
        if current_user.is_authenticated:
            return redirect(url_for("CardsView.cards"))
        return redirect(url_for(f"{self.appbuilder.sm.auth_view.endpoint}.login"))


def init_app(app: Flask) -> None:
    """Build the AppBuilder of this app and register everything people and programs can reach."""
    from app.web import assets, dates, errors, formats, generated, kept, place, policy, security

    # FAB warns of each column that its filters do not know, at every start of every process.
    logging.getLogger("flask_appbuilder.models.filters").setLevel(logging.ERROR)
    security.configure(app)
    errors.init_app(app)
    policy.init_app(app)
    app.before_request(_expect)
    app.teardown_request(_forget)
    assets.init_app(app)
    formats.init_app(app)
    dates.use_pickers()
    appbuilder = AppBuilder(app, db.session, indexview=HomeView, security_manager_class=security.PanelSecurityManager)
    place.init_app(app)
    generated.init_app(app, appbuilder)
    kept.init_app(app)
    _add_views(app, appbuilder)
    generated.name_people_views(appbuilder)
    _add_programs(app, appbuilder)


def _expect() -> None:
    # On SQLite a page must not wait for the one writer; a form must be the writer from its first read on.
    expect_only_reads(request.method in ("GET", "HEAD"))
    audit.act_as(actor)


def _forget(_error: BaseException | None) -> None:
    expect_only_reads(False)
    audit.act_as(None)


def _add_views(app: Flask, appbuilder: AppBuilder) -> None:
    from app.web import menu  # views are made when they are imported: after the pickers are set

    menu.register(app, appbuilder)


def _add_programs(app: Flask, appbuilder: AppBuilder) -> None:
    from app.web import api, health, hooks, public

    api.register(appbuilder)
    public.register(app)
    hooks.register(app)
    health.register(app)
