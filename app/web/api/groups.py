"""/api/v1/campaign_group: sets of campaigns, and which are in them."""

from typing import Any

from marshmallow import post_dump

from app.campaigns import groups
from app.campaigns.models import CampaignGroup
from app.web.api.base import RestApi
from app.web.api.bodies import Body, Ids, Moment, Text, Whole
from app.web.base import actor
from app.web.lists import AppInterface


class GroupBody(Body):
    """What may be written. campaign_ids: exactly those that are in it from now on; they leave their other groups."""

    name = Text(required=True)
    description = Text()
    campaign_ids = Ids(load_only=True)


class GroupRow(Body):
    """A group in the list. campaigns: how many are in it."""

    id = Whole()
    name = Text()
    description = Text()
    campaigns = Whole(dump_only=True, attribute="campaigns_counted")
    created_by = Text()
    created_at = Moment()
    changed_by = Text()
    changed_at = Moment()

    @post_dump(pass_many=True)
    def count(self, rows: Any, many: bool, **_kwargs: Any) -> Any:
        """Count the campaigns of all groups shown with one question."""
        sizes = groups.sizes()
        for row in rows if many else [rows]:
            row["campaigns"] = sizes.get(row["id"], 0)
        return rows


class GroupShown(GroupRow):
    """A group with its campaigns."""

    campaign_ids = Ids(dump_only=True, attribute="campaigns_listed")

    @post_dump(pass_original=True)
    def add_campaigns(self, shown: dict[str, Any], group: CampaignGroup, **_kwargs: Any) -> dict[str, Any]:
        """Add the ids of its campaigns."""
        shown["campaign_ids"] = sorted(groups.members(group.id))
        return shown


class GroupApi(RestApi):
    """Campaign groups."""

    resource_name = "campaign_group"
    resource = "CampaignGroup"
    openapi_spec_tag = "Campaign groups"
    datamodel = AppInterface(CampaignGroup)
    own_names = {"campaigns": "campaign_ids"}
    list_columns = show_columns = list(set(GroupRow().fields) - {"campaigns"})
    search_columns = ["name", "description"]
    order_columns = ["id", "name", "changed_at"]
    base_order = ("id", "asc")
    add_model_schema = edit_model_schema = GroupBody()
    list_model_schema, show_model_schema = GroupRow(), GroupShown()

    def create(self, values: dict[str, Any]) -> CampaignGroup:
        """A new group."""
        return groups.create(values["name"], values.get("description", ""), values.get("campaign_ids", ()), actor())

    def change(self, item: CampaignGroup, values: dict[str, Any]) -> None:
        """Another name or description; with campaign_ids exactly these campaigns."""
        wanted = values.pop("campaign_ids", None)
        groups.change(item.id, actor(), **values)
        if wanted is not None:
            members = groups.members(item.id)
            groups.move(item.id, actor(), into=set(wanted) - members, out=members - set(wanted))

    def remove(self, item: CampaignGroup) -> None:
        """Delete the group and keep its campaigns."""
        groups.delete(item.id)
