"""The text of a notification, with the notification as a browser shows it below the form."""

from typing import Any
from urllib.parse import urlsplit

from flask import current_app, render_template
from markupsafe import Markup
from wtforms import TextAreaField
from wtforms.widgets import TextArea


class SeenNotification(TextArea):
    """A text area with the notification beside it, which follows what somebody types (front/push-preview.js)."""

    def __call__(self, field: Any, **kwargs: Any) -> Markup:
        """The text area, and the notification below it."""
        site = urlsplit(current_app.config["PUBLIC_URL"]).netloc
        return super().__call__(field, **kwargs) + Markup(render_template("_push_preview.html", site=site))


def notification(label: Any, description: Any) -> TextAreaField:
    """The text of a notification."""
    return TextAreaField(
        label,
        description=description,
        widget=SeenNotification(),
        render_kw={"class": "form-control is-prose", "rows": 4},
    )
