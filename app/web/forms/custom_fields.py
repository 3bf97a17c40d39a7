"""The form of a field of our own: what it is called and what it holds."""

from flask_babel import lazy_gettext as _l

from app.campaigns import custom_fields
from app.campaigns.custom_fields import Definition
from app.campaigns.models import CustomKind
from app.web.forms.fields import PanelForm, check_box, enum_choice, line, lines
from app.web.vocabulary import OF_VALUES


class CustomFieldForm(PanelForm):
    """What an administrator says about a field of campaigns."""

    name = line(_l("Name"), maxlength=custom_fields.NAME_LIMIT)
    kind = enum_choice(_l("Kind"), CustomKind, OF_VALUES[CustomKind], CustomKind.TEXT)
    help = line(_l("Help"), _l("Stands under the field."), maxlength=custom_fields.HELP_LIMIT)
    choices = lines(_l("Choices"), _l("One in each line; for a field with choices only."))
    is_required = check_box(_l("Required"), _l("A campaign starts only when it is filled in."))

    def definition(self) -> Definition:
        """What was written."""
        return Definition(
            name=self.name.data or "",
            kind=CustomKind(self.kind.data),
            help=self.help.data or "",
            choices=tuple(self.choices.data or ()),
            is_required=bool(self.is_required.data),
        )
