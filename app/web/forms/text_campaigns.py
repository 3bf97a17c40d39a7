"""The field of a text message, and where a test goes."""

from typing import Any

from flask import url_for
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from wtforms import TextAreaField
from wtforms.widgets import TextArea

from app.web.forms.fields import PanelForm, line


class CountedText(TextArea):
    """A text area that asks the server for its segments while somebody types."""

    def __call__(self, field: Any, **kwargs: Any) -> Markup:
        """The text area with the bubble below it."""
        asks = {
            "hx-post": url_for("TextMessageView.segments"),
            "hx-trigger": "load, input delay:250ms",
            "hx-target": "#segments",
            "hx-params": f"{field.name},csrf_token",
            "hx-sync": "this:replace",
        }
        return super().__call__(field, **kwargs, **asks) + Markup(
            '<p class="segments" id="segments" role="status"></p>'
        )


def _lines(value: str | None) -> str:
    return (value or "").replace("\r\n", "\n")


def counted_text(label: Any, description: Any) -> TextAreaField:
    """A text message, with its segments below it."""
    return TextAreaField(
        label,
        description=description,
        filters=[_lines],
        widget=CountedText(),
        render_kw={"class": "form-control is-prose", "rows": 6},
    )


class ContactForm(PanelForm):
    """Whose devices a test goes to."""

    to = line(
        _l("Your e-mail address"),
        _l("That of a contact who has subscribed a browser; all their devices get the test."),
        type="email",
        autocomplete="email",
    )


class NumberForm(PanelForm):
    """To which number a test goes."""

    to = line(
        _l("Your mobile number"), _l("With its country, such as +44 7700 900123."), type="tel", autocomplete="tel"
    )
