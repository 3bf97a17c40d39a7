"""The pages of people and what they may do: FAB's own as pages of tables of ours, with words where FAB has none.

Named as FAB's, because the names are parts of permissions.
"""

from flask_appbuilder.security import views
from flask_babel import lazy_gettext as _l

from app.web.lists import TableView


class UserDBModelView(TableView, views.UserDBModelView):
    """People who may sign in."""


class UserGroupModelView(TableView, views.UserGroupModelView):
    """Groups of users, with words for their columns."""

    label_columns = {
        "name": _l("Name"),
        "label": _l("Label"),
        "description": _l("Description"),
        "users": _l("Users"),
        "roles": _l("Roles"),
    }


class RoleModelView(TableView, views.RoleModelView):
    """Roles, with words for what their search asks about."""

    label_columns = {**views.RoleModelView.label_columns, "user": _l("Users"), "groups": _l("Groups of users")}
