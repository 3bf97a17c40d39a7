"""The history of the campaigns: every one that was ever made, and everything that happened to one."""

from typing import Any

from flask import request
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _

from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import Campaign
from app.extensions import db
from app.kernel.errors import NotFound
from app.reports import events, history, metrics
from app.reports.history import HistoryFilter
from app.sending.states import Shown
from app.web import formats, words
from app.web.asked import MAX_NUMBER, number, one_of
from app.web.base import AppView
from app.web.events import line
from app.web.views import cards_filter

PAGE_SIZE = 25
SHOWN_AT_ONCE = 8  # events on the page of a campaign
LONGEST_SEARCH = 150
GONE = "deleted"
FORMER_ORDERS = {"oldest": "created"}  # as filters say that were kept before there were more orders than two


class HistoryView(AppView):
    """Reads only."""

    route_base = "/history"
    resource = "Campaign"
    default_view = "index"

    @expose("/")
    @has_access
    @permission_name("read")
    def index(self) -> Any:
        """Every campaign, those that were deleted too."""
        given = {name: request.args.get(name, "").strip() for name in ("q", "status", "by", "sort")}
        given["sort"] = FORMER_ORDERS.get(given["sort"], given["sort"])
        found = history.page(_filter(given), number(request.args.get("after") or "0", 0) or None, PAGE_SIZE)
        return self.render_template(
            "history.html",
            title=_("History of the campaigns"),
            found=found,
            given={name: value for name, value in given.items() if value},
            is_first="after" not in request.args,
            statuses=[*((each.value, words.of(each)) for each in CampaignStatus), (GONE, _("deleted"))],
            creators=history.creators(),
            sorts=cards_filter.SORTS,
            usual_sort=cards_filter.USUAL_SORT,
            chip=formats.campaign_status,
        )

    @expose("/campaign/<int:campaign_id>")
    @has_access
    @permission_name("read")
    def campaign(self, campaign_id: int) -> Any:
        """Everything that happened to a campaign, whether it is still there or not."""
        campaign = db.session.get(Campaign, campaign_id) if campaign_id <= MAX_NUMBER else None
        name = campaign.name if campaign else history.gone_name(min(campaign_id, MAX_NUMBER))
        if name is None:
            raise NotFound("There is no such campaign. It may have been deleted.")
        before = number(request.args["before"], 1) if request.args.get("before") else None
        found = events.of_campaign(campaign_id, before, PAGE_SIZE)
        return self.render_template(
            "history_campaign.html",
            title=name or f"#{campaign_id}",
            campaign=campaign,
            campaign_id=campaign_id,
            lines=[line(event) for event in found.rows],
            found=found,
            before=before,
            status=formats.campaign_status(campaign.status) if campaign else formats.chip(_("deleted"), "bad"),
        )


def latest(campaign_id: int) -> dict[str, Any]:
    """What the page of a campaign shows of its events and its numbers."""
    found, report = events.of_campaign(campaign_id, None, SHOWN_AT_ONCE), metrics.campaign_report(campaign_id)
    reactions = ((_("Opened"), report.opened), (_("Clicked"), report.clicked), (_("Unsubscribed"), report.unsubscribed))
    return {
        "lines": [line(event) for event in found.rows],
        "has_more_events": found.has_more,
        "numbers": [*((words.of(shown), report.counts[shown]) for shown in Shown), *reactions] if report.total else [],
        "total": report.total,
    }


def _filter(given: dict[str, str]) -> HistoryFilter:
    is_gone = given["status"] == GONE
    sort, is_down = cards_filter.order_of(given["sort"])
    return HistoryFilter(
        text=given["q"][:LONGEST_SEARCH],
        status=None if is_gone else one_of(CampaignStatus, given["status"]),
        is_gone=is_gone or None,
        created_by=given["by"],
        sort=sort,
        is_down=is_down,
    )
