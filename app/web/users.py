"""People who may sign in: made outside the panel's own pages, and chosen from on others."""

from flask import current_app
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import or_, select

from app.extensions import db
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
        raise InvalidInput(
            "The admin's password needs at least %(least)s characters.", "password", least=LEAST_PASSWORD_LENGTH
        )
    if not security.add_user(name, "Muster", "Admin", email, role, password):
        raise Conflict("The user %(name)s could not be made; the name or the e-mail address may be taken.", name=name)
    return True


def people(beside: int | None = None) -> list[tuple[int, str]]:
    """Everybody who may sign in, as (id, full name) by name; beside: one more, whether they may or not."""
    query = select(User.id, User.first_name, User.last_name).where(or_(User.active.is_(True), User.id == beside))
    found = db.session.execute(query.order_by(User.first_name, User.last_name, User.id))
    return [(pk, f"{first or ''} {last or ''}".strip()) for pk, first, last in found]


def name_of(user_id: int | None) -> str:
    """The full name of a user, "" for nobody. Raises InvalidInput when there is no such user."""
    if user_id is None:
        return ""
    user = db.session.get(User, user_id)
    if user is None:
        raise InvalidInput("There is no such user. Choose an assignee from the list.", "assignee_id")
    return f"{user.first_name or ''} {user.last_name or ''}".strip()
