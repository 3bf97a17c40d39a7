"""The campaigns in a calendar: the page, what lies in a stretch of time, and moving a start to another moment."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import flash, jsonify, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _

from app.campaigns import rescheduling, service
from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import Campaign
from app.campaigns.schedule import resolve
from app.kernel.db import db_now
from app.kernel.errors import AppError, InvalidInput
from app.reports import calendar, cards
from app.web import place, security, words
from app.web.asked import MAX_NUMBER, row_id
from app.web.base import AppView, actor, may, refuse, unit_of_work
from app.web.forms.calendar import MoveForm
from app.web.views import calendar_parts, cards_filter
from app.web.views.cards import choices

MOST_DAYS = 400
ONE_DAY, ONE_HOUR = timedelta(days=1), timedelta(hours=1)
SHORT, HOUR = "EEE d MMM", "HH:mm"


class CalendarView(AppView):
    """Everybody who sees campaigns sees them here; who may edit them moves them."""

    route_base = "/calendar"
    resource = "Campaign"
    default_view = "calendar"

    @expose("/")
    @has_access
    @permission_name("read")
    def calendar(self) -> Any:
        """The page; what lies in the days that it shows comes from events()."""
        asked = cards_filter.read(request.args)
        numbers, bare = cards.numbers(asked.wanted), calendar.undated(asked.wanted)
        self.update_redirect()
        return self.render_template(
            "calendar.html",
            title=_("Calendar"),
            asked=asked,
            given=asked.calendar(),
            choices=choices(),
            pills={
                each: numbers.get(each, 0) for each in CampaignStatus if each in numbers or each is asked.wanted.status
            },
            everything=sum(numbers.values()),
            undated=bare[: calendar.MOST_UNDATED],
            has_more_undated=len(bare) > calendar.MOST_UNDATED,
            all_drafts=url_for("CardsView.cards", **asked.calendar() | {"status": CampaignStatus.DRAFT}),
            may_create=may(security.CREATE, self.resource),
            may_move=may(security.UPDATE, self.resource),
            icons=calendar_parts.ICONS,
            words=words,
            zone=place.zone().key,
        )

    @expose("/events")
    @has_access
    @permission_name("read")
    def events(self) -> Any:
        """What lies between two moments, for the script of the page: campaigns, days off, and the load of senders."""
        asked = cards_filter.read(request.args)
        from_at, until_at = _moment("from"), _moment("until")
        if not from_at < until_at <= from_at + MOST_DAYS * ONE_DAY:
            raise InvalidInput("A calendar shows from one to %(most)s days. Choose fewer.", most=MOST_DAYS)
        is_day = until_at - from_at <= ONE_DAY + ONE_HOUR  # an autumn night makes it an hour longer
        edges = _hours(from_at, until_at) if is_day else _days(from_at, until_at)
        now, may_move = db_now(), may(security.UPDATE, self.resource)
        found = calendar.look(asked.wanted, edges, now)
        return jsonify(
            events=[calendar_parts.event(span, may_move) for span in found.spans],
            days_off=[{"day": day.isoformat(), "name": name} for day, name in found.days_off.items()],
            are_weekends_off=found.are_weekends_off,
            note=calendar_parts.more_words(found.has_more),
            loads=calendar_parts.loads(found.loads, edges, HOUR if is_day else SHORT),
        )

    @expose("/move/<int:campaign_id>", methods=["GET", "POST"])
    @has_access
    @permission_name("update")
    def move_form(self, campaign_id: int) -> Any:
        """Another start, written instead of dragged."""
        campaign, zone = _campaign(campaign_id), place.zone()
        form = MoveForm()
        if form.validate_on_submit():
            try:
                moved = self._move(campaign_id, resolve_local(form.start_at.data, zone), form.revision.data or "")
            except AppError as error:
                refuse(form, error, "start_at")
            else:
                flash(moved, "success")
                return redirect(url_for(f"{self.endpoint}.calendar"))
        elif request.method == "GET":
            form.revision.data = str(campaign.revision)
            form.start_at.data = campaign.start_at and campaign.start_at.astimezone(zone).replace(tzinfo=None)
        return self.render_template(
            "form_page.html",
            form=form,
            title=_("Move %(name)s", name=campaign.name),
            hint=calendar_parts.hint(campaign, zone),
            submit=calendar_parts.verb(campaign),
            back=url_for(f"{self.endpoint}.calendar"),
        )

    @expose("/question/<int:campaign_id>")
    @has_access
    @permission_name("update")
    def question(self, campaign_id: int) -> Any:
        """What is asked before a campaign is moved there; "" when nothing needs to be. Refuses as drop() does."""
        campaign, start_at = _campaign(campaign_id), _moment("start")
        rescheduling.check_move(campaign, start_at)
        return jsonify(question=calendar_parts.question(campaign, start_at), verb=_("Move"))

    @expose("/drop/<int:campaign_id>", methods=["POST"])
    @has_access
    @permission_name("update")
    def drop(self, campaign_id: int) -> Any:
        """Move it to where it was dropped."""
        return jsonify(said=self._move(campaign_id, _moment("start"), request.form.get("revision", "")))

    def _move(self, campaign_id: int, start_at: datetime, revision: str) -> str:
        """Move it and say so. revision: the one that the person saw."""
        seen = row_id(revision)
        if seen is None:
            raise InvalidInput("This form is not complete. Open the calendar again.")
        number = min(campaign_id, MAX_NUMBER)
        moved: Campaign = unit_of_work(lambda: rescheduling.move(number, start_at, seen, actor()))
        return _("%(name)s begins on %(time)s.", name=moved.name, time=calendar_parts.said(start_at, place.zone()))


def resolve_local(wall: datetime | None, zone: ZoneInfo) -> datetime:
    """The moment (aware UTC) of a time as people write it; in a spring gap the first after it. Raises InvalidInput."""
    if wall is None:
        raise InvalidInput("Choose the day and the time.", "start_at")
    return resolve(wall.date(), wall.time(), zone)


def _campaign(campaign_id: int) -> Campaign:
    return service.get(min(campaign_id, MAX_NUMBER))


def _moment(name: str) -> datetime:
    """An aware time of the address or the form, which the script of the page wrote."""
    try:
        found = datetime.fromisoformat(request.values.get(name, ""))
        is_time = found.tzinfo is not None and 2000 <= found.year <= 2100
    except ValueError:
        is_time = False
    if not is_time:
        raise InvalidInput("This is not a time. Open the calendar again.", name)
    return found.astimezone(UTC)


def _days(from_at: datetime, until_at: datetime) -> list[datetime]:
    """The midnights of the person's zone between two of them; a day of a clock change has 23 or 25 hours."""
    zone = place.zone()
    first: date = from_at.astimezone(zone).date()
    edges = [from_at]
    while edges[-1] < until_at:
        first += ONE_DAY
        edges.append(min(resolve(first, time(), zone), until_at))
    return edges


def _hours(from_at: datetime, until_at: datetime) -> list[datetime]:
    edges = [from_at]
    while edges[-1] < until_at:
        edges.append(min(edges[-1] + ONE_HOUR, until_at))
    return edges
