"""The form of the sender of web push."""

from typing import Any

from flask_babel import lazy_gettext as _l

from app.web.forms.fields import PanelForm, check_box, line, number

SECTIONS: list[tuple[Any, dict[str, list[str]]]] = [
    (_l("Sender"), {"fields": ["name", "is_enabled"]}),
    (_l("Limits"), {"fields": ["per_second", "per_minute", "per_hour", "per_day", "max_connections"]}),
]


class WebPushForm(PanelForm):
    """Name and limits; the keys are made once and stay."""

    name = line(_l("Name"), _l("How you call it in the panel."), required=True)
    per_second = number(_l("At most per second"), _l("Empty: no limit."))
    per_minute = number(_l("At most per minute"), _l("Empty: no limit."))
    per_hour = number(_l("At most per hour"), _l("Empty: no limit."))
    per_day = number(_l("At most in 24 hours"), _l("Empty: no limit."))
    max_connections = number(
        _l("Requests at once"), _l("How many all workers together may make. Up to four of them share these."), 64
    )
    is_enabled = check_box(_l("Enabled"), _l("When it is disabled, no notification is sent."), True)
