"""The fields of a WhatsApp campaign: its template, and what stands in the template's variables."""

from typing import Any

from flask import url_for
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from wtforms import SelectField, TextAreaField
from wtforms.widgets import TextArea

from app.channels import whatsapp_templates
from app.web.forms.fields import row_choice


class FilledTemplate(TextArea):
    """A text area that shows the template with these values while somebody types or chooses another one."""

    def __call__(self, field: Any, **kwargs: Any) -> Markup:
        """The text area with the bubble below it."""
        asks = {
            "hx-post": url_for("WhatsAppTemplateView.filled"),
            "hx-trigger": "load, input delay:250ms, change from:#whatsapp_template_id",
            "hx-target": "#filled-template",
            "hx-include": "#whatsapp_template_id",
            "hx-params": f"{field.name},whatsapp_template_id,csrf_token",
            "hx-sync": "this:replace",
        }
        return super().__call__(field, **kwargs, **asks) + Markup('<div id="filled-template" role="status"></div>')


def _rows() -> list[tuple[int, str]]:
    return [(each.id, str(each)) for each in whatsapp_templates.usable()]


def template_choice(label: Any, words: Any) -> SelectField:
    """One of the approved templates, or none."""
    return row_choice(label, _rows, _l("no template"), words)


def template_values(label: Any, words: Any) -> TextAreaField:
    """The values of the template's variables, with the message that they make below."""
    return TextAreaField(
        label,
        description=words,
        filters=[lambda value: (value or "").replace("\r\n", "\n")],
        widget=FilledTemplate(),
        render_kw={"class": "form-control", "rows": 4},
    )
