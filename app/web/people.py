"""The pages of people and what they may do: FAB's own as pages of tables of ours, with words where FAB has none.

Named as FAB's, because the names are parts of permissions.
"""

from typing import Any

from flask import flash, g, request
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


class ResetMyPasswordView(views.ResetMyPasswordView):
    """One's own password; that it was changed is a success, not a note."""

    def form_post(self, form: Any) -> None:
        """Change it."""
        self.appbuilder.sm.reset_password(g.user.id, form.password.data)
        flash(str(self.message), "success")


class ResetPasswordView(views.ResetPasswordView):
    """Somebody else's password."""

    def form_post(self, form: Any) -> None:
        """Change it."""
        self.appbuilder.sm.reset_password(request.args.get("pk"), form.password.data)
        flash(str(self.message), "success")


class UserInfoEditView(views.UserInfoEditView):
    """One's own name."""

    def form_post(self, _form: Any) -> None:
        """Change it."""
        user = self.appbuilder.sm.get_user_by_id(g.user.id)
        self.form.refresh(request.form).populate_obj(user)
        self.appbuilder.sm.update_user(user)
        flash(str(self.message), "success")
