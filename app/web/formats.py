"""How values look in lists and pages."""

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

from flask import Flask, url_for
from flask_babel import format_date, format_datetime, format_decimal, format_number, ngettext
from flask_babel import gettext as _
from markupsafe import Markup

from app.campaigns.lifecycle import CampaignStatus
from app.web import place
from app.web.words import of as words
from app.web.words import sentence

CAMPAIGN_CHIPS = {
    CampaignStatus.DRAFT: "idle",
    CampaignStatus.SCHEDULED: "info",
    CampaignStatus.SENDING: "busy is-live",
    CampaignStatus.PAUSED: "hold",
    CampaignStatus.FINISHED: "ok",
    CampaignStatus.FAILED: "bad",
    CampaignStatus.EXPIRED: "idle",
    CampaignStatus.ENDED: "idle",
}


def init_app(app: Flask) -> None:
    """Give templates the filters of this module."""
    app.jinja_env.filters.update(
        moment=moment,
        ago=ago,
        duration=duration,
        day=day,
        grouped=grouped,
        share=share,
        size_words=size_words,
        words=words,
        sentence=sentence,
        plain=plain,
    )


def moment(value: datetime | None) -> str:
    """A time by the clocks of the person's zone, with the exact one in UTC in its title; nothing for None."""
    return _time(value, is_relative=False)


def ago(value: datetime | None) -> str:
    """The same, shown as "2 minutes ago" while it is near."""
    return _time(value, is_relative=True)


def _time(value: datetime | None, is_relative: bool) -> str:
    if value is None:
        return ""
    exact = value.astimezone(UTC)
    mark = Markup(" data-relative") if is_relative else ""
    return Markup('<time datetime="{}" title="{:%Y-%m-%d %H:%M:%S} UTC ({})"{}>{}</time>').format(
        exact.isoformat(), exact, place.zone().key, mark, format_datetime(exact, "d MMM y, HH:mm")
    )


def day(value: date | None) -> str:
    """A date as the person's language writes it."""
    return "" if value is None else str(format_date(value, "d MMM y"))


def grouped(value: int | None) -> str:
    """A whole number with its thousands apart, as the person's language does it."""
    return "" if value is None else str(format_number(value))


def share(number: float, whole: float) -> str:
    """How much of the whole it is, in percent with one decimal; a dash of nothing."""
    return f"{format_decimal(100 * number / whole, '0.0')} %" if whole else "–"


def duration(seconds: int) -> str:
    """A time to wait, in the largest unit that leaves no rest."""
    if seconds and seconds % 3600 == 0:
        return ngettext("%(n)s hour", "%(n)s hours", seconds // 3600, n=grouped(seconds // 3600))
    if seconds and seconds % 60 == 0:
        return ngettext("%(n)s minute", "%(n)s minutes", seconds // 60, n=grouped(seconds // 60))
    return ngettext("%(n)s second", "%(n)s seconds", seconds, n=grouped(seconds))


def size_words(size_bytes: int) -> str:
    """A size as people say it."""
    if size_bytes < 1_000_000:
        return f"{grouped(max(size_bytes // 1000, 1))} KB"
    return f"{grouped(round(size_bytes / 1_000_000))} MB"


def plain(value: Any) -> Any:
    """How a value looks for which a view names no format of its own: times of FAB are the server's, without a zone."""
    if isinstance(value, datetime):
        return moment(value.astimezone(UTC))
    if isinstance(value, bool):
        return yes_no(value)
    if isinstance(value, list | tuple | set):
        return names(value)
    if isinstance(value, StrEnum):
        return words(value)
    return value


def yes_no(value: Any) -> str:
    """A mark for a truth value, with its word."""
    return chip(_("yes"), "ok") if value else Markup('<span class="quiet">{}</span>').format(_("no"))


def names(rows: Any) -> str:
    """The names of related rows."""
    return ", ".join(str(row) for row in rows or ())


def link(address: str, text: str) -> Markup:
    """A link with its words escaped."""
    return Markup('<a href="{}">{}</a>').format(address, text)


def report_link(campaign_id: int, text: str) -> Markup:
    """A link to the report of a campaign, which opens over the page."""
    address = url_for("ReportView.report", campaign_id=campaign_id)
    return Markup('<a id="report-of-{}" href="{}" data-report>{}</a>').format(campaign_id, address, text)


def campaign_status(status: CampaignStatus) -> Markup:
    """The status of a campaign as a chip."""
    return chip(words(status), CAMPAIGN_CHIPS[status])


def own_chip(name: str, color: str) -> Markup:
    """A label in a colour that people chose."""
    return Markup('<span class="chip chip-own" data-color="{}">{}</span>').format(color, name)


def chip(text: str, kind: str) -> Markup:
    """A small coloured label. kind: one or more of the classes ok, info, busy, hold, bad, idle of parts.css."""
    return Markup('<span class="chip chip-{}">{}</span>').format(kind, text)
