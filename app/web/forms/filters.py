"""The form of a filter that a person keeps."""

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, HiddenField

from app.kernel.saved_filters import NAME_LIMIT
from app.web.forms.fields import PanelForm, line


class FilterForm(PanelForm):
    """Its name, and whether the page opens with it."""

    name = line(_l("Name"), maxlength=NAME_LIMIT, autocomplete="off")
    is_default = BooleanField(
        _l("Open this page with it"), description=_l("“Clear” shows everything again. You alone see your filters.")
    )
    back = HiddenField()
