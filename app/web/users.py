"""People who may sign in, made outside the panel's own pages."""

from flask import current_app

from app.kernel.errors import Conflict, InvalidInput

FIRST_ADMIN = "admin"
LEAST_PASSWORD_LENGTH = 12


def make_admin(password: str, name: str = FIRST_ADMIN, email: str = "admin@example.com") -> bool:
    """Make a user with the role Admin, if there is none with that role yet; returns whether one was made.

    Raises InvalidInput for a short password, Conflict when the name is taken.
    """
    security = current_app.appbuilder.sm  # type: ignore[attr-defined]  # flask-appbuilder puts it there
    role = security.find_role(security.auth_role_admin)
    if any(role in user.roles for user in security.get_all_users()):
        return False
    if len(password) < LEAST_PASSWORD_LENGTH:
        raise InvalidInput(f"The admin's password needs at least {LEAST_PASSWORD_LENGTH} characters.", "password")
    if not security.add_user(name, "Muster", "Admin", email, role, password):
        raise Conflict(f"The user {name} could not be made; the name or the e-mail address may be taken.")
    return True
