"""The audit log for administrators: who did what and when, and the file of it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from flask import Response, request, stream_with_context
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from sqlalchemy import select

from app.extensions import db
from app.kernel import audit
from app.kernel.audit import Subject, What
from app.kernel.db import reading
from app.reports import events, export
from app.reports.events import EventFilter
from app.web import place, words
from app.web.asked import midnight, number, one_of
from app.web.base import AppView, actor, unit_of_work
from app.web.events import line, more

PAGE_SIZE = 50
PORTION = 1000
LONGEST_SEARCH = 150
COLUMNS = ("number", "time", "who", "what", "subject", "subject_number", "name", "detail")


class AuditView(AppView):
    """Reads only, and notes who took a file."""

    route_base = "/operations/audit"
    resource = "AuditLog"
    default_view = "index"

    @expose("/")
    @has_access
    @permission_name("read")
    def index(self) -> Any:
        """The newest events, or those that match."""
        given = _given()
        before = number(request.args["before"], 1) if request.args.get("before") else None
        found = events.page(_filter(given), before, PAGE_SIZE)
        return self.render_template(
            "audit.html",
            title=_("Audit log"),
            lines=[line(event) for event in found.rows],
            found=found,
            given=given,
            before=before,
            people=_people(given.get("by", "")),
            kinds={subject: [each for each in What if each.subject is subject] for subject in Subject},
            zone=place.zone().key,
        )

    @expose("/events.csv")
    @has_access
    @permission_name("read")
    def export(self) -> Response:
        """What the page shows, all pages of it, as a file."""
        given = _given()
        asked, by = _filter(given), actor()
        unit_of_work(lambda: events.note_export(by, bool(given)))
        headers = {"Content-Disposition": 'attachment; filename="audit-log.csv"'}
        return Response(stream_with_context(_csv_of(asked)), mimetype="text/csv", headers=headers)


def _given() -> dict[str, str]:
    named = {name: request.args.get(name, "").strip() for name in ("by", "what", "campaign", "from", "to")}
    return {name: value[:LONGEST_SEARCH] for name, value in named.items() if value}


def _filter(given: dict[str, str]) -> EventFilter:
    return EventFilter(
        done_by=given.get("by", ""),
        what=one_of(What, given.get("what", "")),
        campaign_ids=events.campaigns_named(given["campaign"]) if "campaign" in given else None,
        from_at=midnight(given.get("from", ""), place.zone()),
        until_at=midnight(given.get("to", ""), place.zone(), timedelta(days=1)),
    )


def _people(chosen: str) -> list[str]:
    """Who may have done something: everybody with an account, Muster itself, and who is asked for and has none."""
    names = set(db.session.scalars(select(User.username)))
    return sorted(names | {audit.MUSTER, *([chosen] if chosen else ())}, key=str.casefold)


def _csv_of(asked: EventFilter) -> Iterator[str]:
    yield export.BOM + export.lines([COLUMNS])
    portions = events.every(asked, PORTION)
    while True:
        with reading():
            rows = next(portions, None)
            if rows is None:
                return
            text = export.lines([_cells(event) for event in rows])
        yield text


def _cells(event: audit.AuditEvent) -> tuple[str, ...]:
    said = (event.done_by, words.of(event.what), event.subject.value)
    about = str(event.subject_id or "")
    return (
        str(event.id),
        export.iso(event.happened_at),
        *map(export.harmless, (*said, about, event.name, more(event))),
    )
