"""The form of what checks the reports of one provider; a secret is written only."""

from flask_babel import lazy_gettext as _l
from wtforms import PasswordField

from app.channels.receipt_models import ReceiptHook
from app.channels.receipts import ReceiptWay
from app.web.forms.fields import PanelForm, line, secret, text_area

KEPT = _l("Stored encrypted and never shown. Leave it empty to keep the stored one.")


class TopicForm(PanelForm):
    """Amazon's topic."""

    value = line(_l("ARN of the topic"), _l("Such as arn:aws:sns:eu-central-1:123456789012:receipts."))


class KeyForm(PanelForm):
    """SendGrid's public key."""

    value = text_area(_l("Verification key"), _l("From SendGrid's page of the event webhook."), rows=4)


class PasswordForm(PanelForm):
    """A password that Postmark shows with each report."""

    value = secret(_l("Password"), KEPT)


class SigningKeyForm(PanelForm):
    """The key that Mailgun signs with."""

    value = secret(_l("HTTP webhook signing key"), KEPT)


FORMS: dict[ReceiptWay, type[PanelForm]] = {
    ReceiptWay.SES: TopicForm,
    ReceiptWay.SENDGRID: KeyForm,
    ReceiptWay.POSTMARK: PasswordForm,
    ReceiptWay.MAILGUN: SigningKeyForm,
}


def form_for(way: ReceiptWay, hook: ReceiptHook | None) -> PanelForm:
    """The form of this provider with what is stored, if that is no secret."""
    form = FORMS[way]()
    if not form.is_submitted() and hook is not None and not isinstance(form["value"], PasswordField):
        form["value"].data = hook.setting
    return form
