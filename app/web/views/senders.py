"""What the pages of every sender share, whatever its channel: words and looks of its limits and of how it stands."""

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.channels.service import LIMITS
from app.web import words
from app.web.formats import ago, grouped, moment, yes_no


def limit(value: int | None) -> str:
    """A limit in words."""
    return grouped(value) if value else _("no limit")


LABELS: dict[str, Any] = {
    "per_second": _l("At most per second"),
    "per_minute": _l("At most per minute"),
    "per_hour": _l("At most per hour"),
    "per_day": _l("At most in 24 hours"),
    "is_enabled": _l("Enabled"),
    "paused_reason": _l("Paused because"),
    "breaker_open_until": _l("Waits after errors until"),
    "last_error": _l("Last error"),
    "last_error_at": _l("Last error at"),
    "changed_at": _l("Changed"),
}
FORMATTERS: dict[str, Any] = {
    "is_enabled": yes_no,
    "breaker_open_until": moment,
    "last_error_at": moment,
    "changed_at": ago,
    **dict.fromkeys(("paused_reason", "last_error"), words.sentence),
    **dict.fromkeys(LIMITS, limit),
}
STATE = (
    _l("State"),
    {"fields": ["paused_reason", "breaker_open_until", "last_error", "last_error_at", "changed_at"]},
)
