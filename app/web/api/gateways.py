"""/api/v1/gateway: what text messages and WhatsApp are sent through."""

from typing import Any

from flask_appbuilder import expose
from flask_appbuilder.security.decorators import protect

from app.channels import gateways as service
from app.channels.contract import Channel
from app.channels.models import Gateway
from app.extensions import db
from app.sending import sender_limits
from app.web.api.accounts import shown_report
from app.web.api.base import RestApi
from app.web.api.bodies import Body, Choice, Text, Whole, read
from app.web.api.openapi import described, ref, result_of
from app.web.api.senders import LimitsBody, StandingBody
from app.web.lists import AppInterface
from app.web.views.gateways import delete_gateway


class GatewayBody(LimitsBody):
    """What may be written. segment_price_micros: in millionths of the currency."""

    name = Text(required=True)
    account_sid = Text(required=True)
    key_sid = Text()
    secret = Text(load_only=True)
    channel = Choice(Channel)
    sender = Text(required=True)
    segment_price_micros = Whole(allow_none=True)
    currency = Text()


class GatewayRow(GatewayBody, StandingBody):
    """A gateway as it is shown."""


class NumberBody(Body):
    """To which number a test goes."""

    to = Text(required=True)


class GatewayApi(RestApi):
    """Gateways of text messages."""

    resource_name = "gateway"
    resource = "Gateway"
    openapi_spec_tag = "Gateways"
    openapi_spec_component_schemas = (NumberBody,)
    datamodel = AppInterface(Gateway)
    method_permission_name = {"test": "test"}
    own_names = {"segment_price": "segment_price_micros"}
    list_columns = show_columns = list(GatewayRow().dump_fields)
    search_columns = ["name", "sender"]
    order_columns = ["id", "name", "sender"]
    base_order = ("id", "asc")
    add_model_schema = edit_model_schema = GatewayBody()
    list_model_schema = show_model_schema = GatewayRow()

    def create(self, values: dict[str, Any]) -> Gateway:
        """A new gateway with its token sealed."""
        gateway = Gateway()
        self.change(gateway, values)
        service.add(gateway)
        return gateway

    def change(self, item: Gateway, values: dict[str, Any]) -> None:
        """The given values, checked."""
        secret = values.pop("secret", None)
        with db.session.no_autoflush:
            for name, value in values.items():
                setattr(item, name, value)
            service.prepare(item, secret)
            sender_limits.follow(item)

    def remove(self, item: Gateway) -> None:
        """Delete a gateway that no campaign uses."""
        delete_gateway(item)

    @expose("/<int:pk>/test", methods=["POST"])
    @protect()
    @described("post", result_of(ref("TestResult")), body=ref("NumberBody"))
    def test(self, pk: int) -> Any:
        """Send a test message to one number and tell what the provider said."""
        to = read(NumberBody())["to"]
        return self.response(200, result=shown_report(service.send_test_message(self.item(pk).id, to)))
