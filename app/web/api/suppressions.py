"""/api/v1/suppression: addresses that must not be written to, of which only a fingerprint is kept."""

from typing import Any

from sqlalchemy import select

from app.audience import suppressions as service
from app.audience.models import Suppression, SuppressionSource
from app.channels.contract import Channel
from app.extensions import db
from app.kernel.errors import InvalidInput
from app.web.api.base import RestApi
from app.web.api.bodies import Body, Choice, Moment, Text, Whole
from app.web.lists import AppInterface


class SuppressionBody(Body):
    """What may be written."""

    address = Text(required=True)
    channel = Choice(Channel)


class SuppressionShown(Body):
    """What is shown of an entry: where it came from, never the address."""

    id = Whole()
    channel = Choice(Channel)
    source = Text()
    campaign_id = Whole()
    created_at = Moment()


class SuppressionApi(RestApi):
    """The suppression list."""

    resource_name = "suppression"
    resource = "Suppression"
    openapi_spec_tag = "Suppressions"
    exclude_route_methods = {"info", "put"}
    datamodel = AppInterface(Suppression)
    list_columns = show_columns = list(SuppressionShown().fields)
    search_columns = ["source", "channel"]
    order_columns = ["id", "created_at", "source"]
    base_order = ("id", "desc")
    add_model_schema = edit_model_schema = SuppressionBody()
    list_model_schema = show_model_schema = SuppressionShown()

    def create(self, values: dict[str, Any]) -> Suppression:
        """Suppress an address; one that is on the list already gives its entry, a number its first one."""
        try:
            places = service.places(values["address"])
        except InvalidInput as error:
            raise error.about("address") from error
        if "channel" in values:
            places = [place for place in places if place[0] is values["channel"]]
        if not places:
            raise InvalidInput("Nothing is sent to this address over this channel. Choose another one.", "channel")
        for channel, index in places:
            service.suppress(channel, index, SuppressionSource.BY_HAND)
        channel, index = places[0]
        here = (Suppression.channel == channel, Suppression.address_index == index)
        return db.session.scalars(select(Suppression).where(*here)).one()

    def remove(self, item: Suppression) -> None:
        """Take an entry off the list."""
        service.unsuppress(item.id)
