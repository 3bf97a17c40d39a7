"""SMTP accounts: where campaigns are sent from, with a test that shows the server's own words."""

from typing import Any

from flask import flash, redirect, url_for
from flask_appbuilder import expose
from flask_appbuilder.actions import action
from flask_appbuilder.security.decorators import has_access
from flask_login import current_user
from sqlalchemy import select

from app.campaigns.models import Campaign
from app.channels import service
from app.channels.contract import Outcome, Security
from app.channels.models import SmtpAccount
from app.extensions import db
from app.kernel.errors import AppError, Conflict
from app.web.base import AppInterface, AppModelView
from app.web.formats import moment, yes_no
from app.web.forms.accounts import AccountForm

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
    "max_connections",
    "messages_per_connection",
    "per_second",
    "per_minute",
    "per_hour",
    "per_day",
    "dkim_domain",
    "dkim_selector",
    "is_enabled",
)


def delete_account(account: SmtpAccount) -> None:
    """Delete an account that no campaign uses. Raises Conflict naming the campaign."""
    used_by = db.session.scalar(select(Campaign.name).where(Campaign.smtp_account_id == account.id).limit(1))
    if used_by is not None:
        raise Conflict(f"The campaign {used_by} uses this account. Choose another account there first.")
    db.session.delete(account)


class SmtpAccountView(AppModelView):
    """The accounts and their test."""

    route_base = "/smtp-accounts"
    resource = "SmtpAccount"
    datamodel = AppInterface(SmtpAccount)
    method_permission_name = {"send_test": "test"}
    add_form = edit_form = AccountForm
    add_columns = edit_columns = [*FIELDS[:5], "secret", *FIELDS[5:-1], "dkim_key", "is_enabled"]
    list_columns = ["name", "host", "port", "from_email", "is_enabled", "paused_reason"]
    show_columns = [*FIELDS, "paused_reason", "breaker_open_until", "last_error", "last_error_at", "changed_at"]
    search_columns = ["name", "host", "from_email"]
    order_columns = ["name", "host", "from_email"]
    base_order = ("name", "asc")
    label_columns = {
        "from_email": "Sender address",
        "host": "Server",
        "is_enabled": "Enabled",
        "paused_reason": "Paused because",
        "breaker_open_until": "Waits after errors until",
        "per_day": "At most in 24 hours",
        "dkim_domain": "DKIM domain",
        "dkim_selector": "DKIM selector",
    }
    formatters_columns = {
        "is_enabled": yes_no,
        "breaker_open_until": moment,
        "last_error_at": moment,
        "changed_at": moment,
        "paused_reason": lambda value: value or "",
    }
    show_template = "account_show.html"
    list_title, show_title = "SMTP accounts", "SMTP account"
    add_title, edit_title = "New SMTP account", "Edit SMTP account"
    add_row_message = "The SMTP account was saved. Send a test e-mail to see whether it works."
    edit_row_message = "The SMTP account was saved."
    delete_row_message = "The SMTP account was deleted."

    def create(self, form: AccountForm) -> SmtpAccount:
        """A new account with its password sealed."""
        account = SmtpAccount()
        self.change(account, form)
        db.session.add(account)
        return account

    def change(self, item: SmtpAccount, form: AccountForm) -> None:
        """The form's values, checked; an empty password keeps the old one."""
        with db.session.no_autoflush:
            for name, value in form.values(*FIELDS).items():
                setattr(item, name, value)
            item.security = Security(form.security.data)
            service.prepare_account(item, form.secret.data)
            service.prepare_dkim(item, (form.dkim_key.data or "").strip())

    def remove(self, item: SmtpAccount) -> None:
        """Delete an account that no campaign uses."""
        delete_account(item)

    @expose("/show/<pk>")
    @has_access
    def show(self, pk: str) -> Any:
        """The account with the record for the DNS, when it signs."""
        return self.render_template(
            self.show_template,
            pk=pk,
            title=self.show_title,
            widgets=self._show(pk),
            related_views=[],
            dkim=service.dkim_record(self._item(pk)),
        )

    @action("send_test", "Send test e-mail to me", icon="fa-paper-plane", multiple=False)
    def send_test(self, accounts: list[SmtpAccount]) -> Any:
        """Send the test e-mail to the address of the person who asks and show what the server said."""
        account_id = accounts[0].id
        try:
            report = service.send_test_message(account_id, current_user.email)
        except AppError as error:
            flash(str(error), "danger")
            return redirect(url_for(f"{self.endpoint}.show", pk=account_id))
        return self.render_template(
            "test_result.html",
            title="Test e-mail",
            report=report,
            is_sent=report.result.outcome is Outcome.ACCEPTED,
            back=url_for(f"{self.endpoint}.show", pk=account_id),
        )
