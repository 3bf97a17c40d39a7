"""Which transport carries which channel, bound by configuration so that no domain imports a provider."""

from collections.abc import Callable

from flask import Flask, current_app
from werkzeug.utils import import_string

from app.channels.contract import Channel, SmtpSettings, Transport

Factory = Callable[[SmtpSettings], Transport]


def init_app(app: Flask) -> None:
    """Import the transports named in app.config["SENDERS"] (channel -> import path)."""
    app.extensions["muster_transports"] = {
        Channel(channel): import_string(path) for channel, path in app.config["SENDERS"].items()
    }


def transport_for(channel: Channel) -> Factory:
    """The factory of the transport that carries this channel."""
    factory: Factory = current_app.extensions["muster_transports"][channel]
    return factory
