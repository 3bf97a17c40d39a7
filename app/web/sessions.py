"""Signing in and out. A cookie and a token each name a sign-in in the database, so a copy dies with the original:
at sign-out, when the password changes, when the person is deactivated, and at its end in any case."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Flask, current_app, g, has_request_context, redirect, request, session, url_for
from flask_appbuilder import expose
from flask_appbuilder.security import views
from flask_appbuilder.security.sqla.models import Group, User
from flask_appbuilder.utils.limit import Limit
from flask_limiter.util import get_remote_address
from flask_login import current_user, user_logged_in, user_logged_out
from sqlalchemy import Connection, event, inspect, select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from app.extensions import db
from app.kernel import clock, sign_ins
from app.kernel.db import in_transaction

KEY, SEEN = "sign_in", "seen"  # in the session cookie: the row, and when the person was last here
CLAIM = "sid"  # in a token: the row
LONGEST = timedelta(days=7)  # then the password is asked for, however busy the person is
SEEN_SECONDS = 300  # the cookie is written that often, not at every answer
KEPT = ("locale",)  # all that a browser keeps when somebody else signs in
TRIES = "5 per 40 second"  # to sign in, from one address, at the page and at the API each
FLASK_LOGIN = ("_user_id", "_fresh", "_id")


def init_app(app: Flask) -> None:
    """Listen to the signs-in and signs-out of this app, whichever page they happen on."""
    user_logged_in.connect(_signed_in, app)
    user_logged_out.connect(_signed_out, app)
    app.after_request(_lead_fragments_to_the_sign_in)


def limit_of_tries(exempt_when: Callable[[], bool] | None = None) -> Limit:
    """The limit on guessing passwords."""
    return Limit(TRIES, key_func=get_remote_address, methods=("POST",), exempt_when=exempt_when)


class AuthDBView(views.AuthDBView):  # the name is FAB's, for it is in the addresses that FAB makes
    """The sign-in page, and a way out that no other site can send a person on."""

    # Not FAB's AUTH_RATE_LIMIT, which would keep people from signing out.
    limits = [limit_of_tries(lambda: request.endpoint == "AuthDBView.logout")]

    @expose("/logout/", methods=["GET", "POST"])
    def logout(self) -> Any:
        """The button signs out; its address alone shows the button."""
        if request.method == "POST":
            return super().logout()
        if not current_user.is_authenticated:
            return redirect(self.appbuilder.get_url_for_index)
        return self.render_template("sign_out.html")


def person_of_cookie(pk: str) -> User | None:
    """The person of this browser's session; None when the sign-in has ended or nobody was here for long."""
    now = clock.utcnow().timestamp()
    away = now - session.get(SEEN, 0)
    if away > current_app.permanent_session_lifetime.total_seconds():
        return None
    # A page that asks for news by itself is no sign of a person.
    if away > SEEN_SECONDS and not (request.method == "GET" and "HX-Request" in request.headers):
        session[SEEN] = int(now)
    return _person(int(pk), session.get(KEY, ""))


def person_of_token(claims: dict[str, Any]) -> User | None:
    """The person of a token; None when its sign-in has ended."""
    g.token_sign_in = str(claims.get(CLAIM, ""))  # a refreshed token belongs to the same one
    return _person(int(claims["sub"]), g.token_sign_in)


def claims_of_token(identity: str) -> dict[str, str]:
    """What a new token says beside whom it is for: the sign-in of the token it comes from, else a new one."""
    if "token_sign_in" not in g:
        ends_at = clock.utcnow() + current_app.config["JWT_REFRESH_TOKEN_EXPIRES"]
        g.token_sign_in = in_transaction(sign_ins.begin, int(identity), ends_at)
    return {CLAIM: g.token_sign_in}


def _person(pk: int, key: str) -> User | None:
    # With the roles, which every page asks for: one question instead of three.
    roles = (joinedload(User.roles), joinedload(User.groups).joinedload(Group.roles))
    query = select(User).where(User.id == pk, User.active.is_(True), sign_ins.lasts(key, pk)).options(*roles)
    return db.session.scalars(query).unique().one_or_none()


def _signed_in(_app: Flask, user: User) -> None:
    """Nothing of an earlier session stays in the browser, for it may have been planted there."""
    earlier, kept = session.get(KEY, ""), {name: session[name] for name in (*FLASK_LOGIN, *KEPT) if name in session}
    now = clock.utcnow()
    in_transaction(sign_ins.end, earlier)
    key = in_transaction(sign_ins.begin, user.id, now + LONGEST)
    session.clear()
    session.update(kept, **{KEY: key, SEEN: int(now.timestamp())})


def _signed_out(_app: Flask, **_user: Any) -> None:
    key, kept = session.get(KEY, ""), {name: session[name] for name in KEPT if name in session}
    in_transaction(sign_ins.end, key)
    session.clear()
    session.update(kept)


@event.listens_for(User, "after_update")
def _end_others(_mapper: Any, connection: Connection, user: User) -> None:
    """A new password or a deactivation ends what was begun before; the person who changes their own stays."""
    changed = inspect(user).attrs
    if changed.active.history.has_changes() and not user.active:
        connection.execute(sign_ins.all_of(user.id))
    elif changed.password.history.has_changes():
        is_own = has_request_context() and session.get("_user_id") == user.get_id()
        connection.execute(sign_ins.all_of(user.id, session.get(KEY, "") if is_own else ""))


def _lead_fragments_to_the_sign_in(response: Response) -> Response:
    """The sign-in page has no place in the middle of another page: the whole page goes there."""
    if response.status_code == 302 and "HX-Request" in request.headers:
        sign_in = url_for(f"{AuthDBView.__name__}.login")
        if (response.location or "").startswith(sign_in):
            response = Response(status=401, headers={"HX-Redirect": sign_in})
    return response
