"""Fields of our own on campaigns, defined by an administrator."""

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from app.campaigns import custom_fields
from app.campaigns.models import CustomField
from app.web import formats, words
from app.web.base import AppModelView, actor
from app.web.forms.custom_fields import CustomFieldForm
from app.web.lists import AppInterface


class CustomFieldView(AppModelView):
    """The fields."""

    route_base = "/campaign-fields"
    resource = "CustomField"
    datamodel = AppInterface(CustomField)
    add_form = edit_form = CustomFieldForm
    add_columns = edit_columns = ["name", "kind", "help", "choices", "is_required"]
    list_columns = ["name", "kind", "is_required", "id", "changed_at"]
    show_columns = ["name", "kind", "help", "choices", "is_required", "id", "created_by", "created_at", "changed_at"]
    search_columns = ["name"]
    order_columns = ["name", "changed_at"]
    base_order = ("id", "asc")
    label_columns = {
        "name": _l("Name"),
        "kind": _l("Kind"),
        "help": _l("Help"),
        "choices": _l("Choices"),
        "is_required": _l("Required"),
        "id": _l("Campaigns"),
        "created_by": _l("Created by"),
        "created_at": _l("Created"),
        "changed_at": _l("Changed"),
    }
    formatters_columns: dict[str, Any] = {
        "kind": words.of,
        "choices": lambda choices: ", ".join(choices),
        "is_required": formats.yes_no,
        "id": lambda field_id: formats.grouped(custom_fields.used_by(field_id)),
        "created_at": formats.moment,
        "changed_at": formats.ago,
    }
    list_title, show_title = _l("Campaign fields"), _l("Campaign field")
    add_title, edit_title = _l("New campaign field"), _l("Edit campaign field")
    empty_words = _l("Fields that every campaign gets beside ours, such as a cost centre or who ordered it.")
    add_row_message = edit_row_message = _l("The campaign field was saved.")
    delete_row_message = _l("The campaign field was deleted.")

    def words_before_delete(self, pk: Any) -> str:
        """How many campaigns lose something."""
        number = custom_fields.used_by(int(pk))
        if not number:
            return _("No campaign has anything in it.")
        return ngettext(
            "%(n)s campaign has something in it, which is deleted too.",
            "%(n)s campaigns have something in it, which is deleted too.",
            number,
            n=formats.grouped(number),
        )

    def create(self, form: CustomFieldForm) -> CustomField:
        """A new one."""
        return custom_fields.define(form.definition(), actor())

    def change(self, item: CustomField, form: CustomFieldForm) -> None:
        """Another definition."""
        custom_fields.change(item.id, form.definition(), actor())

    def remove(self, item: CustomField) -> None:
        """Delete it with what campaigns have in it."""
        custom_fields.delete(item.id, actor())
