"""Where a person is: the language of the panel and the time zone of the times on it."""

from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flask import Flask, current_app, has_request_context, request, session

ZONE_COOKIE = "zone"  # written by the browser, which alone knows it
UTC = ZoneInfo("UTC")


def init_app(app: Flask) -> None:
    """Let Flask-Babel ask here, once FAB has made it."""
    babel = app.extensions["babel"]
    babel.locale_selector, babel.timezone_selector = language, lambda: zone().key


def language() -> str:
    """The language that the person chose, else the best of those the browser asks for: a key of LANGUAGES.

    The API answers a program: in English, unless its Accept-Language asks for another, whatever a person chose.
    """
    default = str(current_app.config["BABEL_DEFAULT_LOCALE"])
    if not has_request_context():
        return default
    languages = current_app.config["LANGUAGES"]
    asked = request.args.get("_l_") or (None if request.path.startswith("/api/") else session.get("locale"))
    if asked in languages:
        return str(asked)
    wanted = (each.partition("-")[0].lower() for each, quality in request.accept_languages if quality > 0)
    return next((each for each in wanted if each in languages), default)


def zone() -> ZoneInfo:
    """The zone of the person's browser; UTC outside of a request and when it is not known."""
    name = request.cookies.get(ZONE_COOKIE, "") if has_request_context() else ""
    return (_zone(name) if name else None) or UTC


@lru_cache(maxsize=600)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
