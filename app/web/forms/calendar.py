"""The form that moves the start of a campaign."""

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField

from app.web.forms.fields import PanelForm, moment


class MoveForm(PanelForm):
    """Its new start. revision: the one that the person saw."""

    start_at = moment(_l("Start at"))
    revision = HiddenField()
