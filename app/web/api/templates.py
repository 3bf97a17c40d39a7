"""/api/v1/template: messages to begin with."""

from typing import Any

from app.campaigns import templates
from app.campaigns.models import MessageTemplate
from app.channels.contract import Channel
from app.web.api.base import RestApi
from app.web.api.bodies import Body, Choice, Moment, Text, Whole
from app.web.base import actor
from app.web.lists import AppInterface


class TemplateBody(Body):
    """What may be written. The name is unique."""

    name = Text(required=True)
    description = Text()
    channel = Choice(Channel)
    subject = Text()
    html = Text()
    text = Text()


class TemplateRow(Body):
    """A template in the list."""

    id = Whole()
    name = Text()
    description = Text()
    channel = Choice(Channel)
    subject = Text()
    created_by = Text()
    created_at = Moment()
    changed_by = Text()
    changed_at = Moment()


class TemplateShown(TemplateRow, TemplateBody):
    """A template with its message."""


class TemplateApi(RestApi):
    """Templates."""

    resource_name = "template"
    resource = "MessageTemplate"
    openapi_spec_tag = "Templates"
    datamodel = AppInterface(MessageTemplate)
    list_columns = list(TemplateRow().fields)
    show_columns = list(TemplateShown().fields)
    search_columns = ["name", "description", "subject", "channel", "created_by"]
    order_columns = ["id", "name", "changed_at"]
    base_order = ("id", "asc")
    add_model_schema = edit_model_schema = TemplateBody()
    list_model_schema, show_model_schema = TemplateRow(), TemplateShown()

    def create(self, values: dict[str, Any]) -> MessageTemplate:
        """A new one."""
        return templates.create(values, actor())

    def change(self, item: MessageTemplate, values: dict[str, Any]) -> None:
        """Other words; campaigns made from it stay as they are."""
        templates.change(item.id, actor(), values)

    def remove(self, item: MessageTemplate) -> None:
        """Delete it."""
        templates.delete(item.id)
