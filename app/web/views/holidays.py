"""Days of our own on which campaigns for working days do not send."""

from flask_appbuilder.forms import DynamicForm
from flask_babel import lazy_gettext as _l
from wtforms.validators import InputRequired

from app.campaigns.models import OwnHoliday
from app.web.base import AppModelView
from app.web.forms.fields import day, line
from app.web.lists import AppInterface


class OwnHolidayForm(DynamicForm):
    """The day and its name."""

    on_date = day(_l("Day"), validators=[InputRequired(_l("Choose a day."))])
    name = line(_l("Name"), maxlength=120)


class OwnHolidayView(AppModelView):
    """The days."""

    route_base = "/own-holidays"
    resource = "OwnHoliday"
    datamodel = AppInterface(OwnHoliday)
    add_form = edit_form = OwnHolidayForm
    add_columns = edit_columns = list_columns = show_columns = ["on_date", "name"]
    search_columns = ["name"]
    order_columns = ["on_date", "name"]
    base_order = ("on_date", "desc")
    label_columns = {"on_date": _l("Day"), "name": _l("Name")}
    list_title, show_title, add_title, edit_title = (
        _l("Own holidays"),
        _l("Own holiday"),
        _l("New own holiday"),
        _l("Edit own holiday"),
    )
    add_row_message = edit_row_message = _l("The day was saved.")
    delete_row_message = _l("The day was deleted.")
