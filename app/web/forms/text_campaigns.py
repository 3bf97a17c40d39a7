"""The forms of a campaign of text messages, without what only e-mails have, and the number of a test."""

from typing import Any

from flask import url_for
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import select
from wtforms import HiddenField, TextAreaField
from wtforms.widgets import TextArea

from app.channels.contract import Channel
from app.channels.models import Gateway
from app.extensions import db
from app.web.forms.campaigns import EDIT_SECTIONS, SECTIONS, CampaignForm, EditCampaignForm
from app.web.forms.editor import MERGE_HELP
from app.web.forms.fields import PanelForm, line, row_choice

NOT_OF_TEXTS = frozenset({"subject", "html", "to_second_email", "track_opens", "track_clicks"})


def gateway_rows() -> list[tuple[int, str]]:
    """Every gateway as (id, its name and what people see)."""
    found = db.session.execute(select(Gateway.id, Gateway.name, Gateway.sender).order_by(Gateway.name))
    return [(pk, f"{name} ({sender})") for pk, name, sender in found]


def _only_gateway() -> int | None:
    """The gateway, where there is no choice."""
    rows = gateway_rows()
    return rows[0][0] if len(rows) == 1 else None


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


def _message() -> TextAreaField:
    return TextAreaField(
        _l("Message"),
        description=MERGE_HELP,
        filters=[_lines],
        widget=CountedText(),
        render_kw={"class": "form-control is-prose", "rows": 6},
    )


def _gateway() -> Any:
    return row_choice(_l("SMS sender"), gateway_rows, _l("choose one"), default=_only_gateway)


class TextCampaignForm(CampaignForm):
    """Everything a person writes about a campaign of text messages."""

    smtp_account_id = subject = html = to_second_email = track_opens = track_clicks = None  # type: ignore[assignment]
    channel = HiddenField(default=Channel.SMS.value)
    gateway_id = _gateway()
    text = _message()


class EditTextCampaignForm(EditCampaignForm):
    """The same for a campaign that exists."""

    smtp_account_id = subject = html = to_second_email = track_opens = track_clicks = None  # type: ignore[assignment]
    channel = HiddenField(default=Channel.SMS.value)
    gateway_id = _gateway()
    text = _message()


def sections(of: list[tuple[Any, dict[str, Any]]]) -> list[tuple[Any, dict[str, Any]]]:
    """The sections of the campaign's form with the fields that text messages have."""
    named = {"smtp_account_id": "gateway_id"}
    return [
        (title, {"fields": [named.get(name, name) for name in part["fields"] if name not in NOT_OF_TEXTS]})
        for title, part in of
    ]


TEXT_SECTIONS, EDIT_TEXT_SECTIONS = sections(SECTIONS), sections(EDIT_SECTIONS)


class NumberForm(PanelForm):
    """To which number a test goes."""

    to = line(
        _l("Your mobile number"), _l("With its country, such as +44 7700 900123."), type="tel", autocomplete="tel"
    )
