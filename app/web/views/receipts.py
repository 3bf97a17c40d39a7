"""Receipts of e-mails: where bounces and complaints come from, for the administrator."""

from typing import Any

from flask import current_app, flash, redirect, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from werkzeug.wrappers import Response

from app.channels import receipt_hooks
from app.channels.models import SmtpAccount
from app.channels.receipt_models import BounceMailbox, ReceiptHook
from app.channels.receipts import PROVIDERS, ReceiptWay
from app.extensions import db
from app.kernel.errors import InvalidInput, NotFound
from app.web.base import AppView, refuse, unit_of_work
from app.web.forms.receipts import form_for

# What to do at the provider's own page.
STEPS = {
    ReceiptWay.SES: _l(
        "Make a topic in Amazon SNS, write its ARN here and save. Then let the topic send to the address below over "
        "HTTPS; Muster confirms it. Choose the topic for bounces, complaints and deliveries of your identity in Amazon "
        "SES, with the original headers."
    ),
    ReceiptWay.SENDGRID: _l(
        "Under Mail Settings → Event Webhook enter the address below, choose Delivered, Bounced, Dropped and Spam "
        "Reports, switch on the signed event webhook, and copy the verification key here."
    ),
    ReceiptWay.POSTMARK: _l(
        "Under Webhooks enter the address below, with basic auth: the user name muster and a password of your own, "
        "which you write here too. Choose Delivery, Bounce and Spam complaint."
    ),
    ReceiptWay.MAILGUN: _l(
        "Under Webhooks enter the address below for delivered messages, permanent failures and spam complaints, and "
        "copy the HTTP webhook signing key here."
    ),
}


class ReceiptView(AppView):
    """The providers whose reports are taken, and the mailboxes that are read."""

    route_base = "/receipts"
    resource = "ReceiptHook"
    default_view = "index"

    @expose("/")
    @has_access
    @permission_name("read")
    def index(self) -> Any:
        """Every way, with what came by it."""
        hooks = {hook.way: hook for hook in db.session.scalars(select(ReceiptHook))}
        mailboxes = select(SmtpAccount, BounceMailbox).join(BounceMailbox, isouter=True)
        with_address = mailboxes.where(SmtpAccount.bounce_address.is_not(None)).order_by(SmtpAccount.name)
        return self.render_template(
            "receipts.html",
            title=_("Receipts"),
            providers=[(way, name, hooks.get(way), _address(way)) for way, name in PROVIDERS.items()],
            is_on=receipt_hooks.is_on,
            is_public=current_app.config["PUBLIC_URL"].startswith("https://"),
            mailboxes=db.session.execute(with_address).all(),
        )

    @expose("/<way>/stop", methods=["POST"])
    @has_access
    @permission_name("update")
    def stop(self, way: str) -> Response:
        """Take no reports of a provider any more."""
        chosen = _provider(way)
        unit_of_work(lambda: receipt_hooks.stop(chosen))
        flash(_("Reports of %(name)s are not taken any more.", name=PROVIDERS[chosen]), "success")
        return redirect(url_for(f"{self.endpoint}.index"))

    @expose("/<way>", methods=["GET", "POST"])
    @has_access
    @permission_name("update")
    def edit(self, way: str) -> Any:
        """What checks the reports of one provider."""
        chosen = _provider(way)
        form = form_for(chosen, receipt_hooks.find(chosen))
        if form.validate_on_submit():
            value = form["value"].data or ""
            try:
                unit_of_work(lambda: receipt_hooks.save(chosen, value))
            except InvalidInput as error:
                refuse(form, error, "value")
            else:
                flash(_("Saved. Send a test from the provider's page to see whether it arrives."), "success")
                return redirect(url_for(f"{self.endpoint}.index"))
        return self.render_template(
            "receipt_edit.html",
            form=form,
            title=_("Reports of %(name)s", name=PROVIDERS[chosen]),
            hint=STEPS[chosen],
            address=_address(chosen),
            submit=_("Save"),
            back=url_for(f"{self.endpoint}.index"),
        )


def _provider(way: str) -> ReceiptWay:
    if way not in {each.value for each in PROVIDERS}:
        raise NotFound("There is no such provider.")
    return ReceiptWay(way)


def _address(way: ReceiptWay) -> str:
    return f"{current_app.config['PUBLIC_URL']}/hooks/{way.value}"
