"""The campaigns that are not over, by their groups: opened one by one or all at once, with what people do most."""

from dataclasses import replace
from typing import Any

from flask import request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _
from markupsafe import Markup

from app.campaigns import groups
from app.kernel.errors import NotFound
from app.reports import active, recipients
from app.reports.active import NO_GROUP, ActiveCampaign
from app.web import security, words
from app.web.asked import MAX_NUMBER
from app.web.base import AppView, may
from app.web.views import campaign_actions
from app.web.views.campaign_actions import Button
from app.web.views.campaigns import CampaignView
from app.web.views.groups import campaigns_address

FREQUENT = ("publish", "start", "stop", "report", "run_on_folders")
RARE = ("edit", "duplicate", "remove_client", "unpublish", "end", "delete_chosen")


class ActiveView(AppView):
    """Reads; what its buttons do is done by the view of campaigns."""

    route_base = "/active-campaigns"
    resource = "Campaign"
    default_view = "index"

    @expose("/")
    @has_access
    @permission_name("read")
    def index(self) -> Any:
        """The groups; the campaigns of one are asked for when it is opened. open: the id of one that is, for those who
        have no script."""
        found = active.groups()
        opened = {group.group_id for group in found if str(group.group_id) == request.args.get("open")}
        return self.render_template(
            "active.html",
            title=_("Active campaigns"),
            groups=found,
            no_group=NO_GROUP,
            contents={group_id: Markup(self._rendered(group_id)) for group_id in opened},
            may_add_group=may(security.CREATE, "CampaignGroup"),
        )

    @expose("/group/<int:group_id>")
    @has_access
    @permission_name("read")
    def group(self, group_id: int) -> Any:
        """The campaigns of a group; 0: of those without one."""
        if group_id > MAX_NUMBER:
            raise NotFound("There is no such campaign group. It may have been deleted.")
        if group_id != NO_GROUP:
            groups.get(group_id)
        return self._rendered(group_id)

    def _rendered(self, group_id: int) -> str:
        view = next(each for each in self.appbuilder.baseviews if isinstance(each, CampaignView))
        allowed = campaign_actions.may_act(view)
        found = active.campaigns(group_id)
        return self.render_template(
            "_active_group.html",
            group_id=group_id,
            found=[(each, *_buttons(view, each, allowed)) for each in found],
            labels=recipients.labels(),
            is_cut=len(found) == active.MOST_CAMPAIGNS,
            list_address=campaigns_address(None if group_id == NO_GROUP else group_id),
            words=words,
        )


def _buttons(view: Any, found: ActiveCampaign, allowed: Any) -> tuple[list[Button], list[Button]]:
    """What is done often, and what rarely."""
    shown, menu = campaign_actions.buttons(view, found.card, allowed, "")
    named = {each.name: each for each in (*shown, *menu)}
    if "edit" in named:  # nobody came from the wall of cards
        address = url_for("CampaignView.edit", pk=found.card.campaign_id)
        named["edit"] = replace(named["edit"], address=address)
    return [named[each] for each in FREQUENT if each in named], [named[each] for each in RARE if each in named]
