"""The panel and the public pages: registers every view, API and menu entry, in menu order."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Build the AppBuilder of this app and register everything people and programs can reach."""
