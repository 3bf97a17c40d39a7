"""What the calendar says: campaigns and their times in words, the question before a move, the load of the senders."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import render_template, url_for
from flask_babel import format_datetime, ngettext
from flask_babel import gettext as _

from app.campaigns import rescheduling
from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import Campaign
from app.reports import calendar, cards
from app.reports.calendar import Load, Span
from app.web import channels, formats, place, words
from app.web.views.campaign_actions import people_words

MOMENT = "EEE d MMM y, HH:mm"
NEARLY_FULL = 0.8
ICONS = {
    CampaignStatus.DRAFT: "pencil",
    CampaignStatus.SCHEDULED: "clock",
    CampaignStatus.SENDING: "send",
    CampaignStatus.PAUSED: "hand",
    CampaignStatus.EXPIRED: "calendar-off",
    CampaignStatus.FAILED: "triangle-alert",
    CampaignStatus.FINISHED: "circle-check",
    CampaignStatus.ENDED: "circle-stop",
}


def event(span: Span, may_move: bool) -> dict[str, Any]:
    """A campaign as the script shows it."""
    why = rescheduling.why_fixed(span.status, span.started_at)
    return {
        "id": str(span.campaign_id),
        "title": span.name,
        "start": span.begins_at.isoformat(),
        "end": span.ends_at.isoformat() if span.ends_at and span.ends_at > span.begins_at else None,
        "startEditable": may_move and why is None,
        "classNames": [f"is-{formats.CAMPAIGN_CHIPS[span.status].split()[0]}", *(["goes-on"] if span.goes_on else [])],
        "icon": ICONS[span.status],
        "rank": list(ICONS).index(span.status),  # what is to come stands above what is over
        "status": words.of(span.status),
        "chip": formats.campaign_status(span.status),
        "channel": channels.ICONS[span.channel],
        "times": _times(span),
        "facts": [people_words(span.people), *([span.sender] if span.sender else [])],
        "why": words.sentence(why) if why is not None and may_move else "",
        "revision": span.revision,
        "is_dated": span.start_at is not None and span.begins_at == span.start_at,
        "address": url_for("CampaignView.show", pk=span.campaign_id),
        "report": url_for("ReportView.report", campaign_id=span.campaign_id),
        "move": url_for("CalendarView.move_form", campaign_id=span.campaign_id) if may_move and why is None else "",
        "question": url_for("CalendarView.question", campaign_id=span.campaign_id),
        "drop": url_for("CalendarView.drop", campaign_id=span.campaign_id),
    }


def _times(span: Span) -> list[str]:
    """From when to when, by the clocks of the person, and by those of the campaign where they differ."""
    mine, theirs = place.zone(), ZoneInfo(span.zone)
    zones = [mine] if mine.key == theirs.key else [mine, theirs]
    return [f"{_from_to(span, zone)} ({zone.key})" for zone in zones]


def _from_to(span: Span, zone: ZoneInfo) -> str:
    begin = said(span.begins_at, zone)
    if span.goes_on:
        return _("%(begin)s, longer than this page shows", begin=begin)
    if span.ends_at is None or span.ends_at == span.begins_at:
        return begin
    is_over = span.status in (CampaignStatus.FINISHED, CampaignStatus.ENDED)
    end = said(span.ends_at, zone)
    return f"{begin} – {end}" if is_over else _("%(begin)s – about %(end)s", begin=begin, end=end)


def said(moment: datetime, zone: ZoneInfo) -> str:
    """A time by the clocks of a zone, with its day."""
    return str(format_datetime(moment.astimezone(zone), MOMENT, rebase=False))


def hint(campaign: Campaign, zone: ZoneInfo) -> str:
    """What somebody should know who writes a new start: the old one, and by whose clocks."""
    sentences = [_("By the clocks of %(zone)s.", zone=zone.key)]
    if campaign.zone != zone.key:
        sentences.append(_("The hours of this campaign are those of %(zone)s.", zone=campaign.zone))
    if campaign.start_at is not None:
        sentences.insert(0, _("It begins on %(time)s.", time=said(campaign.start_at, zone)))
    return " ".join(sentences)


def _people(campaign: Campaign) -> int:
    (card,) = cards.of_ids([campaign.id])
    return card.people.number


def verb(campaign: Campaign) -> str:
    """What the button of the form says: whom it concerns, unless nobody knows of the campaign yet."""
    if campaign.status is CampaignStatus.DRAFT:
        return _("Move")
    number = _people(campaign)
    return ngettext(
        "Move the message of %(n)s person", "Move the messages of %(n)s people", number, n=formats.grouped(number)
    )


def question(campaign: Campaign, start_at: datetime) -> str:
    """What is asked before a published campaign is moved, with the number of people; a draft is moved without."""
    if campaign.status is CampaignStatus.DRAFT:
        return ""
    number = _people(campaign)
    return ngettext(
        "Move the message of %(n)s person to %(time)s?",
        "Move the messages of %(n)s people to %(time)s?",
        number,
        n=formats.grouped(number),
        time=said(start_at, place.zone()),
    )


def more_words(has_more: bool) -> str:
    """That there are more campaigns than are shown; nothing when all are."""
    if not has_more:
        return ""
    return _("More than %(most)s campaigns lie here: filter them to see all.", most=formats.grouped(calendar.MOST))


def loads(loads: list[Load], edges: list[datetime], pattern: str) -> str:
    """The load of the senders as a table, from the first part in which something is planned to the last."""
    used = [at for at, counts in enumerate(zip(*(load.counts for load in loads), strict=True)) if any(counts)]
    shown = slice(used[0], used[-1] + 1) if used else slice(0)
    labels = [format_datetime(edge, pattern) for edge in edges[:-1]]
    rows = [_load(each, shown) for each in loads]
    return render_template("_calendar_loads.html", loads=rows, labels=labels[shown])


def _load(load: Load, shown: slice) -> dict[str, Any]:
    """A row of the load: each part with its share of the limit in per cent, and how it looks."""
    pairs = list(zip(load.counts, load.limits, strict=True))[shown]
    highest = max(load.counts)
    return {
        "name": load.name,
        "total": sum(load.counts),
        "is_over": any(limit is not None and count > limit for count, limit in pairs),
        "parts": [
            {
                "count": count,
                "limit": limit,
                "height": round(min(100 * count / (limit or highest), 100)),
                "look": _look(count, limit),
            }
            for count, limit in pairs
        ],
    }


def _look(count: int, limit: int | None) -> str:
    if limit is None or count <= NEARLY_FULL * limit:
        return ""
    return "is-over" if count > limit else "is-full"
