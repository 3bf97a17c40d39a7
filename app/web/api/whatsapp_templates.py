"""/api/v1/whatsapp_template: the templates of WhatsApp as they were read from Twilio, for campaigns to name."""

from marshmallow import fields

from app.channels.models import ApprovalState, WhatsAppTemplate
from app.web.api.base import RestApi
from app.web.api.bodies import Body, Choice, Moment, Text, Whole
from app.web.lists import AppInterface


class WhatsAppTemplateShown(Body):
    """A template and its state of approval. variables: what a campaign gives a value to in template_values."""

    id = Whole()
    account_sid = Text()
    content_sid = Text()
    name = Text()
    language = Text()
    category = Text()
    status = Choice(ApprovalState)
    why = Text()
    body = Text()
    variables = fields.List(Text())
    synced_at = Moment()


class WhatsAppTemplateApi(RestApi):
    """Reads only."""

    resource_name = "whatsapp_template"
    resource = "WhatsAppTemplate"
    openapi_spec_tag = "WhatsApp templates"
    exclude_route_methods = {"info", "post", "put", "delete"}
    datamodel = AppInterface(WhatsAppTemplate)
    list_columns = show_columns = list(WhatsAppTemplateShown().fields)
    search_columns = ["name", "status"]
    order_columns = ["id", "name", "language"]
    base_order = ("name", "asc")
    add_model_schema = edit_model_schema = list_model_schema = show_model_schema = WhatsAppTemplateShown()
