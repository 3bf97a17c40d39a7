"""Every view of the panel and its entry in the menu, in the order of the menu."""

from flask import Flask
from flask_appbuilder import AppBuilder

from app.web import monitor
from app.web.views.active import ActiveView
from app.web.views.audit import AuditView
from app.web.views.calendar import CalendarView
from app.web.views.campaigns import CampaignView
from app.web.views.cards import CardsView
from app.web.views.contacts import ContactView
from app.web.views.custom_fields import CustomFieldView
from app.web.views.dashboard import DashboardView
from app.web.views.documents import DocumentView
from app.web.views.editor import EditorView
from app.web.views.filters import FilterView
from app.web.views.folders import FolderView
from app.web.views.gateways import GatewayView
from app.web.views.groups import GroupView
from app.web.views.history import HistoryView
from app.web.views.holidays import OwnHolidayView
from app.web.views.imports import ImportView
from app.web.views.launch import LaunchView
from app.web.views.limits import LimitsView
from app.web.views.mailboxes import MailboxView
from app.web.views.missions import ClientSearchView, MissionView
from app.web.views.notices import NoticeView
from app.web.views.receipts import ReceiptView
from app.web.views.removals import RemovalView
from app.web.views.replies import ReplyView
from app.web.views.reply_words import ReplyWordsView
from app.web.views.report import ReportView
from app.web.views.smtp_accounts import SmtpAccountView
from app.web.views.statuses import StatusView
from app.web.views.suppressions import SuppressionView
from app.web.views.templates import TemplateView
from app.web.views.text_messages import TextMessageView
from app.web.views.web_push import WebPushSenderView
from app.web.views.whatsapp_templates import WhatsAppTemplateView
from app.web.views.wizard import WizardView

# view, name, category, icon
SHOWN = (
    (CardsView, "Campaigns", "Campaigns", "megaphone"),
    (CalendarView, "Calendar", "Campaigns", "calendar-days"),
    (ActiveView, "Active campaigns", "Campaigns", "activity"),
    (GroupView, "Groups", "Campaigns", "layers"),
    (HistoryView, "History", "Campaigns", "history"),
    (RemovalView, "Removals", "Campaigns", "user-minus"),
    (ContactView, "Contacts", "Audience", "contact"),
    (FolderView, "Folders", "Audience", "folder"),
    (ImportView, "Imports", "Audience", "upload"),
    (SuppressionView, "Suppressions", "Audience", "ban"),
    (ReplyView, "Replies", "Audience", "reply"),
    (MissionView, "Missions", "Missions", "list-checks"),
    (TemplateView, "Templates", "Content", "layout-template"),
    (WhatsAppTemplateView, "WhatsApp templates", "Content", "message-circle"),
    (DocumentView, "Documents", "Content", "paperclip"),
    (SmtpAccountView, "SMTP accounts", "Settings", "server"),
    (GatewayView, "Gateways", "Settings", "message-square"),
    (WebPushSenderView, "Web push", "Settings", "bell-ring"),
    (ReceiptView, "Receipts", "Settings", "mail-check"),
    (LimitsView, "Limits", "Settings", "gauge"),
    (ReplyWordsView, "Opt-out words", "Settings", "message-square-off"),
    (StatusView, "Internal statuses", "Settings", "tags"),
    (CustomFieldView, "Campaign fields", "Settings", "square-pen"),
    (OwnHolidayView, "Own holidays", "Settings", "calendar-off"),
)
HIDDEN = (
    CampaignView,
    ReportView,
    LaunchView,
    ClientSearchView,
    FilterView,
    EditorView,
    NoticeView,
    TextMessageView,
    WizardView,
    MailboxView,
)


def register(app: Flask, appbuilder: AppBuilder) -> None:
    """Make them part of this app; what belongs to the administrator stands at the end."""
    appbuilder.add_view(DashboardView, "Dashboard", icon="layout-dashboard")
    for view, name, category, icon in SHOWN:
        appbuilder.add_view(view, name, category=category, icon=icon)
    for hidden in HIDDEN:
        appbuilder.add_view_no_menu(hidden)
    if app.config["DEMO"]:
        from app.web.views.inbox import InboxView

        appbuilder.add_view(InboxView, "Inbox", category="Demo", icon="inbox")
    monitor.register(app, appbuilder)
    appbuilder.add_view(AuditView, "Audit log", category="Operations", icon="shield-check")
    entries = appbuilder.menu.menu
    entries.append(entries.pop(next(at for at, entry in enumerate(entries) if entry.name == "Security")))
