"""What the charts of a report need: their points with labels in the person's language and zone."""

from datetime import datetime
from typing import Any

from flask_babel import format_date, format_datetime
from flask_babel import gettext as _

from app.kernel.patience import TookTooLong
from app.reports import charts, metrics
from app.web import place, words


def drawn(campaign_id: int) -> dict[str, Any]:
    """The values of the template; problem says why messages could not be counted."""
    names = {"audience": _("Audience"), "sent": _("Sent"), "opened": _("Opened"), "clicked": _("Clicked")}
    funnel = charts.funnel(metrics.campaign_report(campaign_id))
    values: dict[str, Any] = {
        "funnel": funnel,
        "stages": [(names[stage.name], stage.number, stage.share) for stage in funnel],
        "problem": "",
        "sends": None,
        "series": charts.Series(False, []),
        "points": [],
    }
    try:
        sends = charts.sends(campaign_id)
    except TookTooLong as error:
        return values | {"problem": words.of_error(error)}
    series = charts.series(sends.by_hour, place.zone())
    points = [(_label(moment, series.is_by_day), number) for moment, number in series.points]
    return values | {"sends": sends, "series": series, "points": points}


def _label(moment: datetime, is_by_day: bool) -> str:
    return str(format_date(moment.date(), "d MMM")) if is_by_day else str(format_datetime(moment, "d MMM, HH:mm"))
