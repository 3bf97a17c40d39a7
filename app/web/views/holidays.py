"""Days of our own on which campaigns for working days do not send."""

from flask_appbuilder.forms import DynamicForm
from wtforms import DateField
from wtforms.validators import InputRequired

from app.campaigns.models import OwnHoliday
from app.web.base import AppInterface, AppModelView
from app.web.forms.fields import line


class OwnHolidayForm(DynamicForm):
    """The day and its name."""

    on_date = DateField("Day", validators=[InputRequired("Choose a day.")], render_kw={"class": "form-control"})
    name = line("Name", maxlength=120)


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
    label_columns = {"on_date": "Day"}
    list_title, show_title, add_title, edit_title = "Own holidays", "Own holiday", "New own holiday", "Edit own holiday"
    add_row_message = edit_row_message = "The day was saved."
    delete_row_message = "The day was deleted."
