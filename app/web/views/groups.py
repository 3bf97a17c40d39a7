"""Campaign groups: their campaigns, and those without a group."""

from typing import Any

from flask import g, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_appbuilder.urltools import get_order_args, get_page_args, get_page_size_args
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from app.campaigns import groups
from app.campaigns.models import CampaignGroup
from app.web import formats, security
from app.web.base import AppModelView, actor, may
from app.web.forms.groups import NO_GROUP, GroupForm, InGroup
from app.web.lists import AppInterface
from app.web.views.campaigns import CampaignView


def _sizes() -> dict[int | None, int]:
    if "group_sizes" not in g:
        g.group_sizes = groups.sizes()
    found: dict[int | None, int] = g.group_sizes
    return found


def _size(group_id: int) -> Markup:
    return formats.link(campaigns_address(group_id), formats.grouped(_sizes().get(group_id, 0)))


def campaigns_address(group_id: int | None) -> str:
    """The list of campaigns, filtered by a group or by the lack of one."""
    return url_for("CampaignView.list", _flt_0_group_id=NO_GROUP if group_id is None else group_id)


class GroupView(AppModelView):
    """The groups."""

    route_base = "/campaign-groups"
    resource = "CampaignGroup"
    datamodel = AppInterface(CampaignGroup)
    add_form = edit_form = GroupForm
    add_columns = edit_columns = ["name", "description", "campaigns"]
    has_short_form = False  # the list with two sides needs the room of a page
    list_columns = ["name", "description", "id", "changed_at"]
    show_columns = ["name", "description"]
    search_columns = ["name", "description"]
    order_columns = ["name", "changed_at"]
    base_order = ("name", "asc")
    label_columns = {
        "name": _l("Name"),
        "description": _l("Description"),
        "id": _l("Campaigns"),
        "changed_at": _l("Changed"),
    }
    formatters_columns = {"id": _size, "changed_at": formats.ago}
    list_template, show_template = "group_list.html", "group_show.html"
    list_title, show_title = _l("Campaign groups"), _l("Campaign group")
    add_title, edit_title = _l("New campaign group"), _l("Edit campaign group")
    empty_words = _l("Put campaigns of one brand or product together. A campaign is in one group only.")
    delete_words = _l("Its campaigns stay, without a group.")
    add_row_message = edit_row_message = _l("The campaign group was saved.")
    delete_row_message = _l("The campaign group was deleted. Its campaigns were kept.")

    @expose("/list/")
    @has_access
    def list(self) -> Any:
        """The groups, and how many campaigns have none."""
        widgets = self._list()
        return self.render_template(
            self.list_template,
            title=self.list_title,
            widgets=widgets,
            loose=_sizes().get(None, 0),
            loose_address=campaigns_address(None) if may(security.READ, "Campaign") else "",
        )

    @expose("/show/<pk>")
    @has_access
    def show(self, pk: str) -> Any:
        """The group with its campaigns."""
        group = self._item(pk)
        return self.render_template(
            self.show_template,
            title=group.name,
            group=group,
            campaigns=self._campaigns(group) if may(security.READ, "Campaign") else None,
            may_edit=may(security.UPDATE, self.resource),
        )

    def _campaigns(self, group: CampaignGroup) -> Any:
        """The list of campaigns as their own page shows it, with those of the group only."""
        view = next(each for each in self.appbuilder.baseviews if isinstance(each, CampaignView))
        order, direction = get_order_args().get(view.endpoint) or ("", "")
        widgets = view._get_list_widget(
            filters=view.datamodel.get_filters().add_filter("group_id", InGroup, str(group.id)),
            order_column=order,
            order_direction=direction,
            page=get_page_args().get(view.endpoint),
            page_size=get_page_size_args().get(view.endpoint),
        )
        widgets["list"].template = "_group_campaigns.html"
        return widgets["list"]

    def create(self, form: GroupForm) -> CampaignGroup:
        """A new group; its campaigns leave the groups they were in."""
        return groups.create(form.name.data, form.description.data, form.campaigns.data or (), actor())

    def change(self, item: CampaignGroup, form: GroupForm) -> None:
        """Its name, and the campaigns that the person put in or took out."""
        into, out = form.changes()
        groups.change(item.id, actor(), name=form.name.data, description=form.description.data)
        if into or out:
            groups.move(item.id, actor(), into=into, out=out)

    def remove(self, item: CampaignGroup) -> None:
        """Delete the group and keep its campaigns."""
        groups.delete(item.id)

    def _get_add_widget(self, form: Any, **kwargs: Any) -> Any:
        form.offer(None)
        return super()._get_add_widget(form=form, **kwargs)

    def _get_edit_widget(self, form: Any, **kwargs: Any) -> Any:
        form.offer(self._item((request.view_args or {}).get("pk")))
        return super()._get_edit_widget(form=form, **kwargs)
