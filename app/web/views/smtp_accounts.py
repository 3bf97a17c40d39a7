"""SMTP accounts: where campaigns are sent from, with a test that shows the server's own words."""

from typing import Any

from flask import flash, redirect, url_for
from flask_appbuilder import expose
from flask_appbuilder.actions import action
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from sqlalchemy import select

from app.campaigns.models import Campaign
from app.channels import bounce_mailboxes, domain_pace, service, stand_ins
from app.channels.contract import Outcome, Security
from app.channels.models import SmtpAccount
from app.channels.service import LIMITS, WARM_UP
from app.extensions import db
from app.kernel import audit
from app.kernel.audit import What
from app.kernel.db import db_now
from app.kernel.errors import AppError, Conflict
from app.reports import stand_ins as detours
from app.sending import sender_limits, usage
from app.web import domain_paces, security, warm_up, words
from app.web import stand_ins as stand_in_words
from app.web.base import AppModelView, may
from app.web.formats import day, moment
from app.web.forms.accounts import AUTH, SECTIONS, SECURITY, AccountForm
from app.web.lists import AppInterface
from app.web.views import senders

FIELDS = (
    "name",
    "host",
    "port",
    "security",
    "username",
    "auth",
    "from_name",
    "from_email",
    "reply_to",
    "bounce_address",
    "max_connections",
    "messages_per_connection",
    *LIMITS,
    *WARM_UP,
    "dkim_domain",
    "dkim_selector",
    "stand_in_id",
    "is_enabled",
)


def delete_account(account: SmtpAccount) -> None:
    """Delete an account that neither a campaign nor another account uses. Raises Conflict naming them."""
    used_by = db.session.scalar(select(Campaign.name).where(Campaign.smtp_account_id == account.id).limit(1))
    if used_by is not None:
        raise Conflict("The campaign %(name)s uses this account. Choose another account there first.", name=used_by)
    stand_ins.check_unused(account)
    audit.note(What.ACCOUNT_DELETE, account.id, account.name)
    db.session.delete(account)


class SmtpAccountView(AppModelView):
    """The accounts and their test."""

    route_base = "/smtp-accounts"
    resource = "SmtpAccount"
    datamodel = AppInterface(SmtpAccount)
    method_permission_name = {"send_test": "test", "dns": "test"}
    add_form = edit_form = AccountForm
    add_fieldsets = edit_fieldsets = SECTIONS
    has_short_form = False
    empty_words = _l(
        "An e-mail campaign is sent through an SMTP account. Create the first one and send yourself a test."
    )
    list_columns = ["name", "from_email", "is_enabled", "stand_in", "stood_in_since", "paused_reason"]
    search_columns = ["name", "host", "from_email"]
    order_columns = ["name", "host", "from_email"]
    base_order = ("name", "asc")
    label_columns = {
        **senders.LABELS,
        "name": _l("Name"),
        "host": _l("Server"),
        "port": _l("Port"),
        "security": _l("Connection security"),
        "username": _l("User name"),
        "auth": _l("Sign-in method"),
        "stand_in": _l("Stand-in"),
        "failing_since": _l("Cannot send since"),
        "stood_in_since": _l("Stand-in sends since"),
        "from_name": _l("Sender name"),
        "from_email": _l("Sender address"),
        "reply_to": _l("Reply-to address"),
        "bounce_address": _l("Bounce address"),
        "max_connections": _l("Connections at once"),
        "messages_per_connection": _l("Messages per connection"),
        "warm_up_begins_on": _l("Warm-up begins on"),
        "warm_up_first_day": _l("Messages on the first day"),
        "warm_up_growth_percent": _l("More each day, in percent"),
        "domain_paces": _l("Pace to single domains"),
        "dkim_domain": _l("DKIM domain"),
        "dkim_selector": _l("DKIM selector"),
    }
    formatters_columns: dict[str, Any] = {
        **senders.FORMATTERS,
        "failing_since": moment,
        "stood_in_since": moment,
        "warm_up_begins_on": lambda value: day(value) or _("no warm-up"),
        "domain_paces": lambda value: domain_paces.words_of(value) or _("none"),
        "security": lambda value: SECURITY[value],
        "auth": lambda value: dict(AUTH).get(value, value),
    }
    show_fieldsets = [
        (_l("Server"), {"fields": ["name", "host", "port", "security", "auth", "username", "stand_in"]}),
        (_l("Sender"), {"fields": ["from_name", "from_email", "reply_to", "bounce_address", "is_enabled"]}),
        (_l("Limits"), {"fields": [*LIMITS, *WARM_UP, "domain_paces", "max_connections", "messages_per_connection"]}),
        (_l("Signature (DKIM)"), {"fields": ["dkim_domain", "dkim_selector"]}),
        (senders.STATE[0], {"fields": ["failing_since", "stood_in_since", *senders.STATE[1]["fields"]]}),
    ]
    show_template = "account_show.html"
    list_title, show_title = _l("SMTP accounts"), _l("SMTP account")
    add_title, edit_title = _l("New SMTP account"), _l("Edit SMTP account")
    add_row_message = _l("The SMTP account was saved. Send a test e-mail to see whether it works.")
    edit_row_message = _l("The SMTP account was saved.")
    delete_row_message = _l("The SMTP account was deleted.")

    def create(self, form: AccountForm) -> SmtpAccount:
        """A new account with its password sealed."""
        account = SmtpAccount()
        self.change(account, form)
        service.add_account(account)
        return account

    def change(self, item: SmtpAccount, form: AccountForm) -> None:
        """The form's values, checked; an empty password keeps the old one."""
        with db.session.no_autoflush:
            for name, value in form.values(*FIELDS).items():
                setattr(item, name, value)
            item.security = Security(form.security.data)
            item.domain_paces = domain_pace.read(form.domain_paces.data or ())
            service.prepare_account(item, form.secret.data)
            sender_limits.follow(item)
            service.prepare_dkim(item, (form.dkim_key.data or "").strip())

    def prefill_form(self, form: AccountForm, pk: str) -> None:
        """An account is no stand-in of its own."""
        form.stand_in_id.choices = [each for each in form.stand_in_id.choices if each.value != str(pk)]

    def remove(self, item: SmtpAccount) -> None:
        """Delete an account that nothing uses."""
        delete_account(item)

    @expose("/show/<pk>")
    @has_access
    def show(self, pk: str) -> Any:
        """The account with who stands in for whom, its use, the record for the DNS, when it signs, and its mailbox."""
        account, now = self._item(pk), db_now()
        uses = usage.of([account], now)[0].uses
        return self.render_template(
            self.show_template,
            pk=pk,
            title=self.show_title,
            widgets=self._show(pk),
            related_views=[],
            dkim=service.dkim_record(account),
            account=account,
            detour=stand_in_words.of_detour(detours.of_account(account)),
            stands_in_for=[(each, detours.of_account(each)) for each in stand_ins.counting_on(account)],
            day_use=next((use for use in uses if use.name == "per_day"), None),
            warm_up=warm_up.words_of(account.warm_up, now.date()),
            mailbox=bounce_mailboxes.find(account.id),
            may_change=may(security.UPDATE, self.resource),
            may_test=may(security.TEST, self.resource),
        )

    @expose("/dns/<pk>")
    @has_access
    def dns(self, pk: str) -> Any:
        """The part of the account's page that says what receivers find in the DNS."""
        findings, problem = [], ""
        try:
            findings = service.dns_findings(self._item(pk))
        except AppError as error:
            problem = words.of_error(error)
        return self.render_template("_mail_dns.html", findings=findings, problem=problem, words=words)

    @action("send_test", _l("Send test e-mail to me"), icon="send", multiple=False)
    def send_test(self, account: SmtpAccount) -> Any:
        """Send the test e-mail to the address of the person who asks and show what the server said."""
        account_id = account.id
        try:
            report = service.send_test_message(account_id, current_user.email)
        except AppError as error:
            flash(words.of_error(error), "danger")
            return redirect(url_for(f"{self.endpoint}.show", pk=account_id))
        return self.render_template(
            "test_result.html",
            title=_("Test e-mail"),
            report=report,
            is_sent=report.result.outcome is Outcome.ACCEPTED,
            back=url_for(f"{self.endpoint}.show", pk=account_id),
        )
