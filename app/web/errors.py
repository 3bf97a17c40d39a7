"""What a person or a program sees when a request fails, and the headers that every answer carries."""

import logging
from typing import Any

from flask import Flask, jsonify, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from app.extensions import db
from app.kernel import db as kernel_db
from app.kernel.errors import AppError

log = logging.getLogger(__name__)

WORDS = {
    400: "This address or form cannot be read. Go back and try again.",
    403: "Your role does not allow this. Ask an administrator.",
    404: "There is nothing here. It may have been deleted.",
    405: "This page cannot be opened like this. Go back and use the button.",
    413: "This file is too large.",
    429: "Too many tries. Wait a minute and try again.",
    500: "Something went wrong on our side. It was written to the log.",
    503: "The database is busy or not reachable. Try again in a moment.",
}


def init_app(app: Flask) -> None:
    """Register the error answers and the headers."""
    app.register_error_handler(AppError, _app_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(DBAPIError, _database_error)
    app.register_error_handler(Exception, _unexpected)
    app.after_request(_headers)


def _answer(status: int, message: str, field: str | None = None) -> Any:
    if request.path.startswith("/api/") or request.accept_mimetypes.best == "application/json":
        return jsonify({"message": message} | ({"field": field} if field else {})), status
    return render_template("error.html", status=status, message=message), status


def _app_error(error: AppError) -> Any:
    db.session.rollback()
    return _answer(error.status, str(error), error.field)


def _http_error(error: HTTPException) -> Any:
    if error.code is None or error.code < 400:
        return error
    if isinstance(error, CSRFError):
        return _answer(400, "This form is too old. Go back, load the page again and repeat your change.")
    made_here = error.description and error.description != type(error).description
    headers = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
    message = str(error.description) if made_here else WORDS.get(error.code, error.name)
    return *_answer(error.code, message), headers


def _database_error(error: DBAPIError) -> Any:
    db.session.rollback()
    if kernel_db.is_retriable(error):
        log.warning("database busy", extra={"endpoint": request.endpoint, "error": type(error.orig).__name__})
        return _answer(503, WORDS[503])
    return _unexpected(error)


def _unexpected(error: Exception) -> Any:
    """The edge: everything nobody foresaw is logged with where it happened and answered with a sentence."""
    log.error("request failed", exc_info=error, extra={"endpoint": request.endpoint, "method": request.method})
    db.session.rollback()
    return _answer(500, WORDS[500])


def _headers(response: Response) -> Response:
    headers = response.headers
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("X-Frame-Options", "SAMEORIGIN")
    headers.setdefault("Content-Security-Policy", "frame-ancestors 'self'; base-uri 'self'; object-src 'none'")
    if request.endpoint not in ("static", "appbuilder.static"):
        headers.setdefault("Cache-Control", "no-store")
    return response
