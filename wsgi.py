"""The entries of a server and of the flask command: `gunicorn wsgi:app`, `flask --app wsgi:migrations db …`."""

from flask import Flask

from app import create_app


def __getattr__(name: str) -> Flask:
    """Make the app when a server asks for `app`; a database command asks for migrations() and must not make it."""
    if name == "app":
        return create_app()
    raise AttributeError(name)


def migrations() -> Flask:
    """The app without the panel, which must not touch a database that is not upgraded."""
    return create_app(with_panel=False)
