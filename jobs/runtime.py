"""What every job runs in: an app context, ids in the log, and the one place that catches everything."""

import functools
import logging
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from flask import Flask, has_app_context

from app import create_app
from app.extensions import db
from config import ConfigError

log = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")

_app: Flask | None = None


def use_app(app: Flask) -> None:
    """The app that jobs of this process run in."""
    global _app
    _app = app


def the_app() -> Flask:
    """The app of this process, made on first use."""
    global _app
    if _app is None:
        try:
            _app = create_app(with_panel=False, with_migrations=False)
        except ConfigError as error:
            raise SystemExit(f"Muster cannot start. {error}") from None
    return _app


def job(function: Callable[P, R]) -> Callable[P, R]:
    """Give a function an app context and a session of its own; log what it raises with its arguments (ids only)."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if has_app_context():  # a test that works a queue inside its own context
            return function(*args, **kwargs)
        with the_app().app_context():
            try:
                return function(*args, **kwargs)
            except Exception:
                log.exception("job failed", extra={"job": function.__name__, "arguments": args})
                raise
            finally:
                db.session.remove()

    return run
