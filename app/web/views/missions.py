"""Missions: tasks about clients, and the campaigns that their clients join."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import partial
from typing import Any

from flask import abort, flash, g, jsonify, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.actions import action
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import ColumnElement, asc, case, desc, func, select
from werkzeug.wrappers import Response

from app.audience import queries as audience
from app.extensions import db
from app.kernel import clock
from app.kernel.errors import AppError
from app.missions import queries, service
from app.missions.models import Deadline, Mission
from app.missions.states import CLOSED, MissionPriority, MissionStatus
from app.sending.states import Shown
from app.web import formats, place, security, users, words
from app.web.base import AppModelView, AppView, actor, may, refuse, unit_of_work
from app.web.choices import ChoiceFilters, Chosen, OfId, OfValue
from app.web.forms.missions import AddCampaignForm, MissionForm
from app.web.lists import AppInterface
from app.web.results import said_of_joined, said_of_leaving

STATUS_CHIPS = {
    MissionStatus.OPEN: "info",
    MissionStatus.IN_PROGRESS: "busy",
    MissionStatus.WAITING: "hold",
    MissionStatus.DONE: "ok",
    MissionStatus.CANCELLED: "idle",
}
PRIORITY_CHIPS = {
    MissionPriority.LOW: "idle",
    MissionPriority.NORMAL: "info",
    MissionPriority.HIGH: "busy",
    MissionPriority.URGENT: "bad",
}
SHOWN_CHIPS = {
    Shown.AWAITING: "info",
    Shown.PROCESSING: "busy",
    Shown.SENT: "ok",
    Shown.FAILED: "bad",
    Shown.UNCONFIRMED: "hold",
    Shown.SKIPPED: "idle",
}
NOT_CLOSED, ME, NOBODY = "not-closed", "me", "nobody"
OVERDUE, TODAY, WEEK, NO_DATE = "overdue", "today", "week", "none"
WORK_ORDERS = frozenset({"deadline", "priority"})
MOST_CLIENTS = 20  # that the search for a client offers at once


def _today() -> date:
    """Today by the clocks of the person."""
    return clock.utcnow().astimezone(place.zone()).date()


def _is_open() -> ColumnElement[bool]:
    return Mission.status.not_in(CLOSED)


class StatusIs(OfValue):
    """The missions in a status, or all that are not closed."""

    label, kind = _l("Status"), MissionStatus

    @classmethod
    def choices(cls) -> list[tuple[str, Any]]:
        """Not closed, and every status."""
        return [(NOT_CLOSED, _("not closed")), *super().choices()]

    def condition(self, value: str) -> ColumnElement[bool] | None:
        """In that status."""
        return _is_open() if value == NOT_CLOSED else super().condition(value)


class PriorityIs(OfValue):
    """The missions of a priority."""

    label, kind = _l("Priority"), MissionPriority

    @classmethod
    def choices(cls) -> list[tuple[str, Any]]:
        """Every priority, the most pressing first."""
        return [*reversed(super().choices())]


class AssigneeIs(OfId):
    """The missions of a person."""

    label = _l("Assignee")

    @classmethod
    def choices(cls) -> list[tuple[str, Any]]:
        """The person who asks, nobody, and everybody."""
        return [(ME, _("me")), (NOBODY, _("nobody")), *((str(pk), name) for pk, name in users.people())]

    def condition(self, value: str) -> ColumnElement[bool] | None:
        """Of that person."""
        if value == NOBODY:
            return Mission.assignee_id.is_(None)
        if value == ME:
            return Mission.assignee_id == g.user.id
        return super().condition(value)


class DueIs(Chosen):
    """The missions that are not closed and due at some time, by the clocks of the person."""

    label = _l("Due")

    @classmethod
    def choices(cls) -> list[tuple[str, Any]]:
        """From the most pressing on."""
        return [
            (OVERDUE, _("overdue")),
            (TODAY, _("today")),
            (WEEK, _("in the next 7 days")),
            (NO_DATE, _("without a date")),
        ]

    def condition(self, value: str) -> ColumnElement[bool] | None:
        """Due then."""
        today = _today()
        due = {
            OVERDUE: Mission.due_on < today,
            TODAY: Mission.due_on == today,
            WEEK: Mission.due_on.between(today, today + timedelta(days=7)),
            NO_DATE: Mission.due_on.is_(None),
        }.get(value)
        return None if due is None else due & _is_open()


class MissionInterface(AppInterface):
    """Puts missions in the order in which people work on them."""

    def apply_order_by(self, query: Any, order_column: str, order_direction: str, *args: Any, **kwargs: Any) -> Any:
        """By date: what is closed last, and before it what has no date. By priority: not by its letters."""
        if order_column in WORK_ORDERS:
            return query.order_by(*self._order((), order_column, order_direction))
        return super().apply_order_by(query, order_column, order_direction, *args, **kwargs)

    def _order(self, active: Any, name: str, direction: str) -> list[Any]:
        if name not in WORK_ORDERS:
            return super()._order(active, name, direction)
        way = desc if direction == "desc" else asc
        if name == "priority":
            rank = case({each: number for number, each in enumerate(MissionPriority)}, value=Mission.priority)
            return [way(rank), Mission.id]
        return [Mission.status.in_(CLOSED), Mission.due_on.is_(None), way(Mission.due_on), Mission.id]


def _deadline(deadline: Deadline) -> str:
    if deadline.due_on is None:
        return ""
    words_of_day = formats.day(deadline.due_on)
    if deadline.is_closed or deadline.due_on >= _today():
        return words_of_day
    return Markup('<span class="is-overdue">{} {}</span>').format(words_of_day, formats.chip(_("overdue"), "bad"))


def status_chip(status: MissionStatus) -> Markup:
    """The status of a mission as a chip."""
    return formats.chip(words.of(status), STATUS_CHIPS[status])


def priority_chip(priority: MissionPriority) -> Markup:
    """The priority of a mission as a chip."""
    return formats.chip(words.of(priority), PRIORITY_CHIPS[priority])


def _results(mission: Mission) -> dict[str, Any]:
    """What the table of campaigns on a mission's page needs."""
    return {
        "results": queries.results(mission.id),
        "campaign_chip": formats.campaign_status,
        "shown_chip": lambda shown: formats.chip(words.of(shown), SHOWN_CHIPS[shown]),
        "may_see_campaigns": may(security.READ, "Campaign"),
    }


class MissionView(ChoiceFilters, AppModelView):
    """The missions."""

    route_base = "/missions"
    resource = "Mission"
    datamodel = MissionInterface(Mission)
    method_permission_name = dict.fromkeys(("add_campaign", "finish", "cancel"), "update")
    add_form = edit_form = MissionForm
    add_columns = edit_columns = ["title", "contact_id", "assignee_id", "due_on", "status", "priority", "note"]
    list_columns = ["title", "contact", "assignee_name", "deadline", "status", "priority"]
    show_columns = ["title"]
    search_columns = ["title", "status", "assignee_id", "due_on", "priority"]
    choice_filters = {"status": StatusIs, "assignee_id": AssigneeIs, "due_on": DueIs, "priority": PriorityIs}
    order_columns = ["title", "assignee_name", "deadline", "status", "priority"]
    base_order = ("deadline", "asc")
    label_columns = {
        "title": _l("Title"),
        "contact": _l("Client"),
        "assignee_name": _l("Assignee"),
        "deadline": _l("Due"),
        "status": _l("Status"),
        "priority": _l("Priority"),
    }
    formatters_columns = {
        "contact": lambda contact: contact or _("deleted client"),
        "deadline": _deadline,
        "status": status_chip,
        "priority": priority_chip,
    }
    list_template, show_template = "mission_list.html", "mission_show.html"
    list_title, show_title, add_title, edit_title = _l("Missions"), _l("Mission"), _l("New mission"), _l("Edit mission")
    empty_words = _l("A mission is a task about one client. Its client can join campaigns.")
    delete_words = _l("Its client leaves the campaigns whose message has not left yet.")
    add_row_message = edit_row_message = _l("The mission was saved.")
    delete_row_message = _l("The mission was deleted.")

    @expose("/list/")
    @has_access
    def list(self) -> Any:
        """The missions, with the questions that are asked most as buttons."""
        widgets = self._list()
        if not self._may_add_campaign():
            chosen = widgets["list"].template_args
            chosen["actions"] = {name: each for name, each in chosen["actions"].items() if name != "add_campaign"}
        return self.render_template(self.list_template, title=self.list_title, widgets=widgets, pills=_pills())

    @expose("/show/<pk>")
    @has_access
    def show(self, pk: str) -> Any:
        """The mission, its campaigns, and what became of its client there."""
        mission = self._item(pk)
        is_open = mission.status not in CLOSED
        return self.render_template(
            self.show_template,
            title=mission.title,
            mission=mission,
            status=status_chip(mission.status),
            priority=priority_chip(mission.priority),
            due=_deadline(mission.deadline),
            **_results(mission),
            may_edit=may(security.UPDATE, self.resource),
            may_close=is_open and may(security.UPDATE, self.resource),
            may_add_campaign=is_open and mission.contact_id is not None and self._may_add_campaign(),
            may_see_client=may(security.READ, "Contact"),
            actions=self.actions,
        )

    @expose("/results/<pk>")
    @has_access
    @permission_name("read")
    def results(self, pk: str) -> Any:
        """The part of the page that changes by itself."""
        mission = self._item(pk)
        return self.render_template("_mission_results.html", mission=mission, **_results(mission))

    @expose("/add-campaign", methods=["GET", "POST"])
    @has_access
    @permission_name("update")
    def add_campaign_form(self) -> Any:
        """Let the clients of the chosen missions join a campaign."""
        if not self._may_add_campaign():
            abort(403)
        form = AddCampaignForm()
        ids = form.mission_ids()
        if form.validate_on_submit() and self._add_campaign(form, ids):
            return redirect(url_for(f"{self.endpoint}.show", pk=ids[0])) if len(ids) == 1 else self.back_to_list()
        return self.render_template(
            "mission_add_campaign.html",
            form=form,
            title=_("Add campaign"),
            number=len(ids),
            back=url_for(f"{self.endpoint}.list"),
        )

    def _add_campaign(self, form: AddCampaignForm, ids: Any) -> bool:
        if form.campaign_id.data is None:
            form.campaign_id.errors = [*form.campaign_id.errors, _("Choose a campaign.")]
            return False
        try:
            joined = unit_of_work(lambda: service.add_campaign(ids, form.campaign_id.data, actor()))
        except AppError as error:
            refuse(form, error, "campaign_id")
            return False
        flash(*said_of_joined(joined))
        return True

    def _may_add_campaign(self) -> bool:
        return may(security.UPDATE, self.resource) and may(security.ADD_RECIPIENTS, "Campaign")

    def create(self, form: MissionForm) -> Mission:
        """A new mission."""
        return service.create(form.plain_values(), actor())

    def change(self, item: Mission, form: MissionForm) -> None:
        """The form's values; when it is closed by them, its client leaves the campaigns."""
        self._tell(service.change(item.id, form.plain_values(), actor()))

    def remove(self, item: Mission) -> None:
        """Delete it; its client leaves the campaigns."""
        service.delete(item.id, actor())

    def _tell(self, left: Mapping[Any, int]) -> None:
        said = said_of_leaving(left)
        if said:
            flash(said, "info")

    @action("add_campaign", _l("Add campaign"), icon="megaphone", single=False)
    def add_campaign(self, missions: Any) -> Response:
        """Choose the campaign in a window of its own."""
        return redirect(url_for(f"{self.endpoint}.add_campaign_form", ids=",".join(str(each.id) for each in missions)))

    @action(
        "finish",
        _l("Mark as done"),
        _l("Mark this as done? Clients whose message has not left yet leave the campaigns."),
        "circle-check",
    )
    def finish(self, missions: Any) -> Response:
        """Close them: what was to be done is done."""
        return self._close(missions, MissionStatus.DONE)

    @action(
        "cancel",
        _l("Mark as cancelled"),
        _l("Mark this as cancelled? Clients whose message has not left yet leave the campaigns."),
        "circle-x",
    )
    def cancel(self, missions: Any) -> Response:
        """Close them: it will not be done."""
        return self._close(missions, MissionStatus.CANCELLED)

    def _close(self, missions: Any, status: MissionStatus) -> Response:
        chosen = [(mission.id, mission.title) for mission in missions]
        for mission_id, title in chosen:
            self.attempt(self._closing(mission_id, status), _("%(title)s was closed.", title=title))
        if (request.view_args or {}).get("pk"):
            return redirect(url_for(f"{self.endpoint}.show", pk=chosen[0][0]))
        return self.back_to_list()

    def _closing(self, mission_id: int, status: MissionStatus) -> Callable[[], None]:
        change = partial(service.change, mission_id, {"status": status}, actor())
        return lambda: self._tell(change())


def _pills() -> Any:
    """The usual questions as (words, number, address, whether this is the one)."""
    is_mine, is_late = Mission.assignee_id == g.user.id, Mission.due_on < _today()
    counted = select(
        func.count(),
        func.count(case((is_mine, 1))),
        func.count(case((is_late, 1))),
    ).where(_is_open())
    still_open, mine, late = db.session.execute(counted).one()
    asked: dict[str, Any] = {name: value for name, value in request.args.items() if name.startswith("_flt_")}
    usual: tuple[tuple[str, int | None, dict[str, Any]], ...] = (
        (_("All"), None, {}),
        (_("Not closed"), still_open, {"_flt_0_status": NOT_CLOSED}),
        (_("Mine"), mine, {"_flt_0_assignee_id": ME, "_flt_0_status": NOT_CLOSED}),
        (_("Overdue"), late, {"_flt_0_due_on": OVERDUE}),
    )
    return [(text, number, url_for("MissionView.list", **flt), asked == flt) for text, number, flt in usual]


class ClientSearchView(AppView):
    """The search behind selects of a client."""

    route_base = "/clients"
    resource = "Contact"
    default_view = "search"

    @expose("/search")
    @has_access
    @permission_name("read")
    def search(self) -> Response:
        """Contacts whose names or company begin with the words in q."""
        found = audience.search_names(request.args.get("q", "")[:200], MOST_CLIENTS)
        return jsonify(result=[{"id": each.id, "text": _named(each)} for each in found])


def _named(contact: Any) -> str:
    return f"{contact} · {contact.company}" if contact.company else str(contact)
