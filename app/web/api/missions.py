"""/api/v1/mission: tasks about clients, and the campaigns that their clients join."""

from typing import Any

from flask_appbuilder import expose
from flask_appbuilder.security.decorators import protect

from app.missions import queries, service
from app.missions.models import Mission
from app.missions.states import MissionPriority, MissionStatus
from app.web import security, users
from app.web.api.base import RestApi
from app.web.api.bodies import Body, Choice, Day, Ids, Moment, Text, Whole, read
from app.web.api.campaign_bodies import WORD_OF
from app.web.api.openapi import described, ref, result_of
from app.web.base import actor, may
from app.web.lists import AppInterface


class MissionBody(Body):
    """What may be written. contact_id: the client. assignee_id: a user of the panel."""

    title = Text(required=True)
    contact_id = Whole(required=True)
    assignee_id = Whole(allow_none=True)
    due_on = Day(allow_none=True)
    status = Choice(MissionStatus)
    priority = Choice(MissionPriority)
    note = Text()


class MissionShown(MissionBody):
    """What is shown of a mission. contact_id is null once the client was deleted."""

    id = Whole()
    assignee_name = Text()
    closed_at = Moment()
    created_by = Text()
    created_at = Moment()
    changed_by = Text()
    changed_at = Moment()


class AddCampaignBody(Body):
    """The missions, and the campaign that their clients join."""

    mission_ids = Ids(required=True)
    campaign_id = Whole(required=True)


class JoinedShown(Body):
    """What came of it, in numbers of clients; the last two in numbers of missions, of which nothing was done."""

    joins = Whole()
    already = Whole()
    removed = Whole()
    no_address = Whole()
    suppressed = Whole()
    without_client = Whole()
    closed = Whole()


class ResultShown(Body):
    """A campaign of a mission. state and reason are those of a recipient; null while the client is not planned."""

    campaign_id = Whole()
    campaign_name = Text()
    campaign_status = Text()
    state = Text(allow_none=True)
    reason = Text(allow_none=True)
    detail = Text()
    done_at = Moment()
    opened_at = Moment()
    clicked_at = Moment()
    unsubscribed_at = Moment()
    added_by = Text()
    added_at = Moment()


class MissionApi(RestApi):
    """Missions."""

    resource_name = "mission"
    resource = "Mission"
    openapi_spec_tag = "Missions"
    openapi_spec_component_schemas = (AddCampaignBody, JoinedShown, ResultShown)
    datamodel = AppInterface(Mission)
    method_permission_name = {"add_campaign": "update", "results": "read"}
    list_columns = show_columns = list(MissionShown().fields)
    search_columns = ["title", "status", "priority", "assignee_id", "contact_id", "due_on"]
    order_columns = ["id", "title", "status", "due_on", "changed_at"]
    base_order = ("id", "asc")
    add_model_schema = edit_model_schema = MissionBody()
    list_model_schema = show_model_schema = MissionShown()

    def create(self, values: dict[str, Any]) -> Mission:
        """A new mission."""
        return service.create(_named(values), actor())

    def change(self, item: Mission, values: dict[str, Any]) -> None:
        """The named values; closing it takes its client out of the campaigns."""
        service.change(item.id, _named(values), actor())

    def remove(self, item: Mission) -> None:
        """Delete it; its client leaves the campaigns."""
        service.delete(item.id, actor())

    @expose("/add_campaign", methods=["POST"])
    @protect()
    @described("post", result_of(ref("JoinedShown")), body=ref("AddCampaignBody"))
    def add_campaign(self) -> Any:
        """Let the clients of missions join a campaign, each once."""
        if not may(security.ADD_RECIPIENTS, "Campaign"):
            return self.response_403()
        values = read(AddCampaignBody())
        joined = self.written(lambda: service.add_campaign(values["mission_ids"], values["campaign_id"], actor()))
        counted = {kind.value.replace("-", "_"): joined.clients.get(kind, 0) for kind in service.Standing}
        return self.response(200, result=counted | {"without_client": joined.without_client, "closed": joined.closed})

    @expose("/<int:pk>/results", methods=["GET"])
    @protect()
    @described("get", result_of({"type": "array", "items": ref("ResultShown")}))
    def results(self, pk: int) -> Any:
        """Its campaigns, and what became of its client there, the latest first."""
        found = queries.results(self.item(pk).id)
        shown = ResultShown().dump(found, many=True)
        for row, each in zip(shown, found, strict=True):
            row["state"] = None if each.shown is None else WORD_OF[each.shown]
        return self.response(200, result=shown)


def _named(values: dict[str, Any]) -> dict[str, Any]:
    """The values with the name of the assignee, if there is one among them."""
    if "assignee_id" not in values:
        return values
    return values | {"assignee_name": users.name_of(values["assignee_id"])}
