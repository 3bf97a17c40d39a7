"""The entries of a server and of the flask command: `gunicorn wsgi:app`, `flask --app wsgi:migrations db …`."""

import sys

from flask import Flask

from app import cli, create_app
from app.kernel.errors import AppError
from config import ConfigError


def __getattr__(name: str) -> Flask:
    """Make the app when a server asks for `app`; a database command asks for migrations() and must not make it."""
    if name == "app":
        return _made(with_panel=True)
    raise AttributeError(name)


def migrations() -> Flask:
    """The app without the panel, which must not touch a database that is not upgraded."""
    if sys.argv[-2:] == ["keys", "make"]:  # an app needs the keys that this command makes
        return cli.app_without_keys()
    return _made(with_panel=False)


def _made(with_panel: bool) -> Flask:
    try:
        return create_app(with_panel=with_panel)
    except (ConfigError, AppError) as error:
        raise SystemExit(f"Muster cannot start. {error}") from None
