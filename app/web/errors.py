"""What a person or a program sees when a request fails."""

import logging
from typing import Any

from flask import Flask, current_app, jsonify, render_template, request
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_limiter import RateLimitExceeded
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from werkzeug.exceptions import HTTPException

from app.extensions import db
from app.kernel import clock
from app.kernel import db as kernel_db
from app.kernel.errors import AppError
from app.web import words

log = logging.getLogger(__name__)

TITLES = {
    400: _l("This cannot be read"),
    401: _l("Not signed in"),
    403: _l("Not allowed"),
    404: _l("Not found"),
    405: _l("Not in this way"),
    409: _l("Not possible now"),
    413: _l("Too large"),
    422: _l("Not valid"),
    429: _l("Too many tries"),
    500: _l("Something went wrong"),
    503: _l("Not available at the moment"),
}
WORDS = {
    400: _l("This address or form cannot be read. Go back and try again."),
    401: _l("Sign in, then open this page again."),
    403: _l("Your role does not allow this. Ask an administrator."),
    404: _l("There is nothing here. It may have been deleted."),
    405: _l("This page cannot be opened like this. Go back and use the button."),
    413: _l("This file is too large."),
    500: _l("Something went wrong on our side. It was written to the log."),
    503: _l("The database is busy or not reachable. Try again in a moment."),
}


def init_app(app: Flask) -> None:
    """Register the error answers."""
    app.register_error_handler(AppError, _app_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(DBAPIError, _database_error)
    app.register_error_handler(Exception, _unexpected)


def _answer(status: int, message: str, field: str | None = None) -> Any:
    if request.path.startswith("/api/") or request.accept_mimetypes.best == "application/json":
        return jsonify({"message": message} | ({"field": field} if field else {})), status
    title = str(TITLES.get(status, ""))
    try:
        return render_template("error.html", status=status, title=title, message=message), status
    except SQLAlchemyError:  # the menu asks who is signed in, and the database may be what is away
        db.session.rollback()
        bare = current_app.jinja_env.get_template("public/page.html")  # not render_template, which asks too
        return bare.render(title=title, sentence=message, language=get_locale()), status


def _app_error(error: AppError) -> Any:
    db.session.rollback()
    return _answer(error.status, words.of_error(error), error.field)


def _http_error(error: HTTPException) -> Any:
    if error.code is None or error.code < 400:
        return error
    if isinstance(error, CSRFError):
        return _answer(400, _("This form is too old. Go back, load the page again and repeat your change."))
    if isinstance(error, RateLimitExceeded):
        return _too_often()
    made_here = error.description and error.description != type(error).description
    headers = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
    message = str(error.description) if made_here else str(WORDS.get(error.code, error.name))
    return *_answer(error.code, message), headers


def _too_often() -> Any:
    limit = current_app.appbuilder.sm.limiter.current_limit  # type: ignore[attr-defined]  # flask-appbuilder's
    seconds = max(1, round(limit.reset_at - clock.utcnow().timestamp()))
    words = ngettext(
        "Too many tries. Wait %(n)s second and try again.",
        "Too many tries. Wait %(n)s seconds and try again.",
        seconds,
        n=seconds,
    )
    return *_answer(429, words), {"Retry-After": str(seconds)}


def _database_error(error: DBAPIError) -> Any:
    db.session.rollback()
    if kernel_db.is_retriable(error):
        log.warning("database busy", extra={"endpoint": request.endpoint, "error": type(error.orig).__name__})
        return _answer(503, str(WORDS[503]))
    return _unexpected(error)


def _unexpected(error: Exception) -> Any:
    """The edge: everything nobody foresaw is logged with where it happened and answered with a sentence."""
    log.error("request failed", exc_info=error, extra={"endpoint": request.endpoint, "method": request.method})
    db.session.rollback()
    return _answer(500, str(WORDS[500]))
