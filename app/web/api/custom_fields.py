"""/api/v1/custom_field: fields of our own on campaigns."""

from dataclasses import asdict
from typing import Any

from marshmallow import fields

from app.campaigns import custom_fields
from app.campaigns.custom_fields import Definition
from app.campaigns.models import CustomField, CustomKind
from app.web.api.base import RestApi
from app.web.api.bodies import Body, Choice, Flag, Moment, Text, Whole
from app.web.base import actor
from app.web.lists import AppInterface


class CustomFieldBody(Body):
    """What may be written. choices: for the kind choice only."""

    name = Text(required=True)
    kind = Choice(CustomKind)
    help = Text()
    choices = fields.List(Text())
    is_required = Flag()


class CustomFieldShown(CustomFieldBody):
    """What is shown of a field."""

    id = Whole()
    created_by = Text()
    created_at = Moment()
    changed_by = Text()
    changed_at = Moment()


class CustomFieldApi(RestApi):
    """Campaign fields."""

    resource_name = "custom_field"
    resource = "CustomField"
    openapi_spec_tag = "Campaign fields"
    datamodel = AppInterface(CustomField)
    list_columns = show_columns = list(CustomFieldShown().fields)
    search_columns = ["name"]
    order_columns = ["id", "name", "changed_at"]
    base_order = ("id", "asc")
    add_model_schema = edit_model_schema = CustomFieldBody()
    list_model_schema = show_model_schema = CustomFieldShown()

    def create(self, values: dict[str, Any]) -> CustomField:
        """A new one."""
        return custom_fields.define(_defined(Definition(name=""), values), actor())

    def change(self, item: CustomField, values: dict[str, Any]) -> None:
        """The named values."""
        custom_fields.change(item.id, _defined(custom_fields.definition_of(item), values), actor())

    def remove(self, item: CustomField) -> None:
        """Delete it with what campaigns have in it."""
        custom_fields.delete(item.id, actor())


def _defined(before: Definition, values: dict[str, Any]) -> Definition:
    named: dict[str, Any] = asdict(before) | values
    return Definition(**named | {"choices": tuple(named["choices"])})
