"""Which transport carries which channel, bound by configuration so that no domain imports a provider."""

from collections.abc import Callable

from flask import current_app
from werkzeug.utils import import_string

from app.channels.contract import Channel, SmtpSettings, Transport

Factory = Callable[[SmtpSettings], Transport]


def transport_for(channel: Channel) -> Factory:
    """The factory of the transport that carries this channel, named by its import path in app.config["SENDERS"]."""
    factory: Factory = import_string(current_app.config["SENDERS"][channel.value])
    return factory
