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
    from app.web import assets, dates, errors, formats, generated, place, policy, security

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
    from app.web import monitor
    from app.web.views.active import ActiveView
    from app.web.views.audit import AuditView
    from app.web.views.campaigns import CampaignView
    from app.web.views.cards import CardsView
    from app.web.views.contacts import ContactView
    from app.web.views.dashboard import DashboardView
    from app.web.views.folders import FolderView
    from app.web.views.groups import GroupView
    from app.web.views.history import HistoryView
    from app.web.views.holidays import OwnHolidayView
    from app.web.views.imports import ImportView
    from app.web.views.launch import LaunchView
    from app.web.views.missions import ClientSearchView, MissionView
    from app.web.views.removals import RemovalView
    from app.web.views.report import ReportView
    from app.web.views.smtp_accounts import SmtpAccountView
    from app.web.views.statuses import StatusView
    from app.web.views.suppressions import SuppressionView

    appbuilder.add_view(DashboardView, "Dashboard", icon="layout-dashboard")
    for view, name, category, icon in (
        (CardsView, "Campaigns", "Campaigns", "megaphone"),
        (ActiveView, "Active campaigns", "Campaigns", "activity"),
        (GroupView, "Groups", "Campaigns", "layers"),
        (HistoryView, "History", "Campaigns", "history"),
        (RemovalView, "Removals", "Campaigns", "user-minus"),
        (ContactView, "Contacts", "Audience", "contact"),
        (FolderView, "Folders", "Audience", "folder"),
        (ImportView, "Imports", "Audience", "upload"),
        (SuppressionView, "Suppressions", "Audience", "ban"),
        (MissionView, "Missions", "Missions", "list-checks"),
        (SmtpAccountView, "SMTP accounts", "Settings", "server"),
        (StatusView, "Internal statuses", "Settings", "tags"),
        (OwnHolidayView, "Own holidays", "Settings", "calendar-off"),
    ):
        appbuilder.add_view(view, name, category=category, icon=icon)
    for hidden in (CampaignView, ReportView, LaunchView, ClientSearchView):
        appbuilder.add_view_no_menu(hidden)
    if app.config["DEMO"]:
        from app.web.views.inbox import InboxView

        appbuilder.add_view(InboxView, "Inbox", category="Demo", icon="inbox")
    monitor.register(app, appbuilder)
    appbuilder.add_view(AuditView, "Audit log", category="Operations", icon="shield-check")
    entries = appbuilder.menu.menu
    entries.append(entries.pop(next(at for at, entry in enumerate(entries) if entry.name == "Security")))


def _add_programs(app: Flask, appbuilder: AppBuilder) -> None:
    from app.web import api, health, public

    api.register(appbuilder)
    public.register(app)
    health.register(app)
