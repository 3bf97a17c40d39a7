"""The mailbox into which the bounces of an SMTP account fall: set up, read at once, taken away."""

from typing import Any

from flask import flash, redirect, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from app.channels import bounce_mailboxes, service
from app.channels.bounce_mail import Sort
from app.extensions import db
from app.kernel.errors import AppError, InvalidInput
from app.sending import mailboxes
from app.web import formats, words
from app.web.base import AppView, refuse, unit_of_work
from app.web.forms.mailboxes import MailboxForm


class MailboxView(AppView):
    """Belongs to the accounts: who may change them sets it up, who may try them reads it."""

    route_base = "/bounce-mailboxes"
    resource = "SmtpAccount"
    default_view = "edit"

    @expose("/<int:account_id>", methods=["GET", "POST"])
    @has_access
    @permission_name("update")
    def edit(self, account_id: int) -> Any:
        """Server and sign-in."""
        account = service.get_account(account_id)
        form = MailboxForm.of(bounce_mailboxes.find(account_id))
        if form.validate_on_submit():
            try:
                unit_of_work(lambda: bounce_mailboxes.save(service.get_account(account_id), form.wanted()))
            except InvalidInput as error:
                refuse(form, error, "host")
            else:
                flash(_("The bounce mailbox was saved. Read it now to see whether it works."), "success")
                return _back(account_id)
        return self.render_template(
            "form_page.html",
            form=form,
            title=_("Bounce mailbox of %(name)s", name=account.name),
            hint=_(
                "Mails to %(address)s must arrive here, those with a plus sign and a code before the @ sign too. "
                "What is understood is deleted; over IMAP everything else is moved to the folder Muster.",
                address=account.bounce_address or _("the bounce address"),
            ),
            submit=_("Save"),
            back=url_for("SmtpAccountView.show", pk=account_id),
        )

    @expose("/<int:account_id>/check", methods=["POST"])
    @has_access
    @permission_name("test")
    def check(self, account_id: int) -> Response:
        """Read it at once and say what was found."""
        service.get_account(account_id)
        db.session.rollback()  # no transaction stays open across the network call
        try:
            visit = mailboxes.visit(account_id)
        except AppError as error:
            flash(words.of_error(error), "danger")
            return _back(account_id)
        if visit.problem:
            flash(_("The mailbox could not be read: %(answer)s", answer=words.sentence(visit.problem)), "danger")
        else:
            flash(_found(visit.found), "success")
        return _back(account_id)

    @expose("/<int:account_id>/remove", methods=["POST"])
    @has_access
    @permission_name("update")
    def remove(self, account_id: int) -> Response:
        """Read it no more."""
        unit_of_work(lambda: bounce_mailboxes.remove(service.get_account(account_id)))
        flash(_("The bounce mailbox is not read any more. Its mails stay where they are."), "success")
        return _back(account_id)


def _found(found: dict[Sort, int]) -> str:
    total = sum(found.values())
    if not total:
        return _("The mailbox was read. There was nothing new in it.")
    known = found.get(Sort.RECEIPT, 0)
    mails = ngettext("%(n)s mail was read.", "%(n)s mails were read.", total, n=formats.grouped(total))
    reports = ngettext(
        "%(n)s of them was a report on a message.",
        "%(n)s of them were reports on messages.",
        known,
        n=formats.grouped(known),
    )
    return f"{mails} {reports}"


def _back(account_id: int) -> Response:
    return redirect(url_for("SmtpAccountView.show", pk=account_id))
