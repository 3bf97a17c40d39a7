"""The field of a message in HTML: a plain text area that the page's script makes an editor of."""

import json
from typing import Any

from flask import current_app, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from wtforms import StringField, TextAreaField
from wtforms.widgets import TextArea

from app.audience.queries import own_fields
from app.channels.merge import CONTACT_FIELDS, PUSH_LINK, UNSUBSCRIBE_URL
from app.web import launch, policy, security
from app.web.base import may
from app.web.forms.fields import PanelForm, line, text_area

MERGE_HELP = _l('Fields such as {{ first_name | default: "there" }} are filled in for each person.')


def _kept(value: str | None) -> str:
    return value or ""


class Editor(TextArea):
    """The text area with what the script needs to know: addresses, fields and words. Without a script it stays one."""

    def __call__(self, field: Any, **kwargs: Any) -> Markup:
        """The text area; the page may show the pictures of the message from now on."""
        policy.show_pictures()
        return super().__call__(field, **kwargs, **{"data-editor": json.dumps(_told(), ensure_ascii=False)})


class MessageField(TextAreaField):
    """A message in HTML, kept as it is written."""

    widget = Editor()


def message(label: Any) -> MessageField:
    """The message in HTML with its editor; the plain text beside it is the field `text`, the subject `subject`."""
    return MessageField(
        label, description=MERGE_HELP, filters=[_kept], render_kw={"class": "form-control is-code", "rows": 14}
    )


class TemplateForm(PanelForm):
    """A message to begin with."""

    name = line(_l("Name"), maxlength=150)
    description = line(_l("Description"), _l("For yourself; nobody else reads it."), maxlength=500)
    subject = line(_l("Subject"), MERGE_HELP, maxlength=500)
    html = message(_l("Message (HTML)"))
    text = text_area(_l("Message (plain text)"), _l("Empty: made from the HTML."), rows=8)


class SaveAsTemplateForm(PanelForm):
    """What a message that is kept as a template is called."""

    name: StringField = line(_l("Name"), maxlength=150)
    description: StringField = line(_l("Description"), _l("For yourself; nobody else reads it."), maxlength=500)


def merge_fields() -> list[tuple[str, str]]:
    """Every field of a contact that is known, own ones too, as (its name in a message, what people call it)."""
    fields = [(name, launch.field_name(name)) for name in CONTACT_FIELDS]
    fields += [(name, launch.field_name(name)) for name in own_fields()]
    return [*fields, (UNSUBSCRIBE_URL, _("the unsubscribe link")), (PUSH_LINK, _("the link to subscribe a browser"))]


def _told() -> dict[str, Any]:
    """What app/web/front/pages/editor.js reads."""
    asset = current_app.jinja_env.globals["asset"]
    has_templates = may(security.READ, "MessageTemplate")
    return {
        "script": asset("editor.js"),  # type: ignore[operator]
        "style": asset("editor.css"),  # type: ignore[operator]
        "image": url_for("EditorView.image") if may(security.UPDATE, "Campaign") else "",
        "look": url_for("EditorView.look"),
        "preview": url_for("EditorView.preview"),
        "clients": url_for("ClientSearchView.search") if may(security.READ, "Contact") else "",
        "templates": url_for("TemplateView.gallery") if has_templates else "",
        "template": url_for("TemplateView.words", key=""),
        "fields": merge_fields(),
        "words": _words(),
    }


def _words() -> dict[str, str]:
    return {
        "editor": _("Editor"),
        "html": _("HTML"),
        "plain": _("Plain text"),
        "preview": _("Preview"),
        "insert": _("Insert field"),
        "insert_in_subject": _("Insert field into the subject"),
        "field": _("Field"),
        "fallback": _("When it is missing"),
        "fallback_hint": _("Stands there for people of whom it is not known."),
        "add": _("Insert"),
        "templates": _("Start from a template"),
        "kept_as_html": _(
            "This message is written in HTML that the editor would change, so it stays exactly as it is, under HTML."
        ),
        "open_anyway": _("Edit it in the editor anyway"),
        "loses": _("The editor keeps the words and may change the layout of this message. Go on?"),
        "go_on": _("Go on"),
        "made": _("Made from the message"),
        "own": _("Written by myself"),
        "made_hint": _("People whose program shows no HTML read this."),
        "drop_own": _("What you wrote yourself is replaced by what is made from the message. Go on?"),
        "taken": _("Not sent, because mail programs do not allow it:"),
        "desktop": _("Desktop"),
        "phone": _("Phone"),
        "dark": _("Dark"),
        "seen_as": _("Seen as"),
        "type_name": _("Type a name or a company"),
        "width": _("Width of the screen"),
        "subject": _("Subject"),
        "message": _("The message"),
        "views": _("How to write the message"),
        "no_answer": _("No answer came. Check the connection and try again."),
        "picture_failed": _("The picture could not be uploaded."),
        "replaces": _("What is written is replaced by the template. Go on?"),
        "close": _("Close"),
        "nothing": _("Nothing is written yet."),
    }
