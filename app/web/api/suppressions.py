"""/api/v1/suppression: addresses that must not be written to, of which only a fingerprint is kept."""

from typing import Any

from sqlalchemy import select

from app.audience import suppressions as service
from app.audience.addresses import email_index
from app.audience.models import Suppression, SuppressionSource
from app.channels.address import normalise_email
from app.channels.contract import Channel
from app.extensions import db
from app.kernel.errors import InvalidInput
from app.web.api.base import RestApi
from app.web.api.bodies import Body, Choice, Moment, Text, Whole
from app.web.lists import AppInterface


class SuppressionBody(Body):
    """What may be written."""

    address = Text(required=True)


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
        """Suppress an address; one that is on the list already gives its entry."""
        try:
            index = email_index(normalise_email(values["address"]))
        except InvalidInput as error:
            raise error.about("address") from error
        service.suppress(Channel.EMAIL, index, SuppressionSource.BY_HAND)
        here = (Suppression.channel == Channel.EMAIL, Suppression.address_index == index)
        return db.session.scalars(select(Suppression).where(*here)).one()

    def remove(self, item: Suppression) -> None:
        """Take an entry off the list."""
        service.unsuppress(item.id)
