"""The forecast of a campaign in one sentence: how many messages leave, how fast, and from when to when."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from flask_babel import format_datetime, ngettext
from flask_babel import gettext as _

from app.campaigns.models import Campaign
from app.channels.contract import Channel
from app.reports.launch import LaunchCheck
from app.sending.throttle import SECOND_US, Limit, to_us
from app.web.formats import grouped

SOON = timedelta(minutes=1)
DAY, TIME = "EEE d MMM", "HH:mm"


def sentence(check: LaunchCheck, now: datetime) -> str:
    """What will happen, in one sentence; "" when the account is missing."""
    outlook = check.outlook
    if outlook is None:
        return ""
    if not outlook.people:
        return _("Nobody waits for this message.")
    reached = outlook.people - outlook.missed
    if outlook.first_at is None or outlook.last_at is None:
        return _("No message can leave: the calendar has no time for it.")
    if check.campaign.channel is Channel.SMS:
        what = ngettext("%(n)s text message", "%(n)s text messages", reached, n=grouped(reached))
    elif check.campaign.channel is Channel.WHATSAPP:
        what = ngettext("%(n)s WhatsApp message", "%(n)s WhatsApp messages", reached, n=grouped(reached))
    elif check.campaign.channel is Channel.PUSH:
        what = ngettext("%(n)s notification", "%(n)s notifications", reached, n=grouped(reached))
    else:
        what = ngettext("%(n)s e-mail", "%(n)s e-mails", reached, n=grouped(reached))
    if reached > 1:
        what = ", ".join((what, *_pace(check, now)))
    what = f"{what}, {_hours(check.campaign)}"
    zone = ZoneInfo(check.campaign.zone)
    first, last = outlook.first_at.astimezone(zone), outlook.last_at.astimezone(zone)
    begins = _("now") if outlook.first_at <= now + SOON else f"{_day(first, now)} {moment(first, zone, TIME)}"
    if reached == 1:
        return _("%(what)s: %(when)s.", what=what, when=begins)
    if not outlook.is_paced:
        return _("%(what)s: from %(first)s on.", what=what, first=begins)
    time = moment(last, zone, TIME)
    ends = _("about %(time)s", time=time)
    if last.date() != first.date():
        ends = _("%(day)s about %(time)s", day=_day(last, now), time=time)
    if check.is_earliest:
        return _("%(what)s: from %(first)s to %(last)s at the earliest.", what=what, first=begins, last=ends)
    return _("%(what)s: from %(first)s to %(last)s.", what=what, first=begins, last=ends)


def _pace(check: LaunchCheck, now: datetime) -> list[str]:
    limits = check.limits
    assert limits is not None
    said = []
    slowest = max(limits.smooth, key=lambda limit: limit.interval_us, default=None)
    if slowest is not None:
        said.append(_rate(slowest))
    if limits.batch is not None:
        pause = _length(limits.batch.pause_us // SECOND_US)
        said.append(_("a pause of %(time)s after each %(n)s", time=pause, n=grouped(limits.batch.size)))
    days = {day.at(to_us(now)): day for day in limits.days}
    cap = min(days, default=check.people.waiting)
    if cap < check.people.waiting and days[cap].grows_us(to_us(now)) is not None:
        said.append(_("at most %(n)s in the first 24 hours and more from day to day", n=grouped(cap)))
    elif cap < check.people.waiting:
        said.append(_("at most %(n)s in 24 hours", n=grouped(cap)))
    return said or [_("as fast as the server takes them")]


def _rate(limit: Limit) -> str:
    kind, count = limit.key.rpartition(":")[2], grouped(limit.count)
    if kind == "second":
        return _("%(n)s a second", n=count)
    if kind == "minute":
        return _("%(n)s a minute", n=count)
    if kind == "hour":
        return _("%(n)s an hour", n=count)
    return _("one each %(time)s", time=_length(limit.interval_us // SECOND_US))


def _length(seconds: int) -> str:
    """A length in the largest unit that needs no fraction; the units are the same in all languages."""
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{grouped(seconds // size)} {unit}"
    return f"{grouped(seconds)} s"


def _hours(campaign: Campaign) -> str:
    begin, end = campaign.daily_from, campaign.daily_until
    has_hours = begin is not None and end is not None and begin != end
    days = _("Mon–Fri") if campaign.working_days_only else _("daily") if has_hours else _("day and night")
    return f"{days} {begin:%H:%M}–{end:%H:%M} {campaign.zone}" if has_hours else f"{days} {campaign.zone}"


def _day(at: datetime, now: datetime) -> str:
    here = now.astimezone(at.tzinfo)
    return str(format_datetime(at, DAY if at.year == here.year else f"{DAY} y", rebase=False))


def moment(at: datetime, zone: ZoneInfo, pattern: str) -> str:
    """A moment by the clocks of a zone."""
    return str(format_datetime(at.astimezone(zone), pattern, rebase=False))
