"""The report of a campaign: live counts, why it waits, what failed, and its recipients page by page."""

from typing import Any

from flask import jsonify, request
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name

from app.campaigns.lifecycle import OVER
from app.kernel.errors import NotFound
from app.reports import metrics
from app.sending.states import Shown
from app.web import formats, security
from app.web.base import AppView, may

PAGE_SIZE = 50


def live_values(campaign_id: int) -> dict[str, Any]:
    """What the page shows and polls."""
    report = metrics.campaign_report(campaign_id)
    return {
        "name": report.name,
        "status": report.status.value,
        "status_detail": report.status_detail,
        "waiting_for": report.waiting_for,
        "next_send_at": formats.moment(report.next_send_at),
        "total": report.total,
        "counts": {shown.value: number for shown, number in report.counts.items()},
        "opened": report.opened,
        "clicked": report.clicked,
        "unsubscribed": report.unsubscribed,
        "is_over": report.status in OVER,
    }


class ReportView(AppView):
    """Reads only."""

    route_base = "/reports"
    resource = "Campaign"
    default_view = "report"

    @expose("/campaign/<int:campaign_id>")
    @has_access
    @permission_name("read")
    def report(self, campaign_id: int) -> Any:
        """The page; it refreshes its numbers by itself."""
        values = live_values(campaign_id)
        shown = self._shown()
        rows = metrics.recipients_page(campaign_id, shown, self._after(), PAGE_SIZE + 1)
        return self.render_template(
            "report.html",
            title=f"Report of {values['name']}",
            campaign_id=campaign_id,
            values=values,
            reasons=metrics.reasons(campaign_id),
            states=list(Shown),
            shown=shown,
            rows=rows[:PAGE_SIZE],
            next_after=rows[PAGE_SIZE - 1].seq if len(rows) > PAGE_SIZE else None,
            is_first=not self._after(),
            moment=formats.moment,
            words=formats.words,
            may_see_addresses=may(security.READ, "Contact"),
            may_remove=may(security.REMOVE_RECIPIENTS, self.resource),
            removable=(Shown.AWAITING, Shown.FAILED, Shown.SKIPPED),
        )

    @expose("/campaign/<int:campaign_id>/counts")
    @has_access
    @permission_name("read")
    def counts(self, campaign_id: int) -> Any:
        """The numbers for the page's script."""
        return jsonify(live_values(campaign_id))

    @staticmethod
    def _shown() -> Shown | None:
        given = request.args.get("state", "")
        if given and given not in set(Shown):
            raise NotFound("There is no such state. Choose one from the list.")
        return Shown(given) if given else None

    @staticmethod
    def _after() -> int:
        given = request.args.get("after", "0")
        if not given.isdigit() or len(given) > 10:
            raise NotFound("There is no such page. Start at the first one.")
        return int(given)
