"""/api/v1/internal_status: labels for recipients."""

from typing import Any

from app.campaigns import statuses
from app.campaigns.models import InternalStatus
from app.web.api.base import RestApi
from app.web.api.bodies import Body, Moment, Text, Whole
from app.web.base import actor
from app.web.lists import AppInterface


class StatusBody(Body):
    """What may be written. color: # and six digits; name and colour are unique."""

    name = Text(required=True)
    color = Text(required=True)


class StatusShown(StatusBody):
    """What is shown of an internal status."""

    id = Whole()
    created_by = Text()
    created_at = Moment()
    changed_by = Text()
    changed_at = Moment()


class StatusApi(RestApi):
    """Internal statuses."""

    resource_name = "internal_status"
    resource = "InternalStatus"
    openapi_spec_tag = "Internal statuses"
    datamodel = AppInterface(InternalStatus)
    list_columns = show_columns = list(StatusShown().fields)
    search_columns = ["name", "color"]
    order_columns = ["id", "name", "changed_at"]
    base_order = ("id", "asc")
    add_model_schema = edit_model_schema = StatusBody()
    list_model_schema = show_model_schema = StatusShown()

    def create(self, values: dict[str, Any]) -> InternalStatus:
        """A new one."""
        return statuses.create(values["name"], values["color"], actor())

    def change(self, item: InternalStatus, values: dict[str, Any]) -> None:
        """Another name or colour."""
        statuses.change(item.id, actor(), **values)

    def remove(self, item: InternalStatus) -> None:
        """Delete it; who carries it has none from then on."""
        statuses.delete(item.id)
