"""Which transport carries which channel, bound by configuration so that no domain imports a provider."""

from collections.abc import Callable
from typing import Any

from flask import current_app
from werkzeug.utils import import_string

from app.channels.contract import Channel, Transport

# Made from the settings of the channel's senders (contract.SmtpSettings, GatewaySettings, …).
Factory = Callable[[Any], Transport[Any]]


def transport_for(channel: Channel) -> Factory:
    """The factory of the transport that carries this channel, named by its import path in app.config["SENDERS"]."""
    factory: Factory = import_string(current_app.config["SENDERS"][channel.value])
    return factory
