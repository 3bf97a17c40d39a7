"""The form of a field of our own: what it is called and what it holds."""

from typing import Any

from flask_babel import lazy_gettext as _l

from app.campaigns import custom_fields
from app.campaigns.custom_fields import Definition
from app.campaigns.models import CustomField, CustomKind
from app.web.forms.fields import PanelForm, check_box, enum_choice, line, text_area
from app.web.vocabulary import OF_VALUES


class CustomFieldForm(PanelForm):
    """What an administrator says about a field of campaigns."""

    name = line(_l("Name"), maxlength=custom_fields.NAME_LIMIT)
    kind = enum_choice(_l("Kind"), CustomKind, OF_VALUES[CustomKind], CustomKind.TEXT)
    help = line(_l("Help"), _l("Stands under the field."), maxlength=custom_fields.HELP_LIMIT)
    choices = text_area(_l("Choices"), _l("One in each line; for a field with choices only."), rows=5)
    is_required = check_box(_l("Required"), _l("A campaign starts only when it is filled in."))

    def process(self, formdata: Any = None, obj: Any = None, *args: Any, **kwargs: Any) -> None:
        """The choices of a stored field, one in each line."""
        super().process(formdata, obj, *args, **kwargs)
        if isinstance(obj, CustomField) and isinstance(self.choices.data, list):
            self.choices.data = "\n".join(self.choices.data)

    def definition(self) -> Definition:
        """What was written."""
        return Definition(
            name=self.name.data or "",
            kind=CustomKind(self.kind.data),
            help=self.help.data or "",
            choices=tuple((self.choices.data or "").splitlines()),
            is_required=bool(self.is_required.data),
        )
