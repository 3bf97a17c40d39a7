"""Which transport carries which channel, bound by configuration so that no domain imports a provider."""

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any

from flask import current_app
from werkzeug.utils import import_string

from app.channels.contract import Channel, ContentTemplate, GatewaySettings, RememberedText, Transport
from app.channels.mailbox import Mailbox, MailboxSettings
from app.channels.spf import Records

# Reads the templates of an account. Raises ReadingProblem.
ContentSource = Callable[[GatewaySettings], list[ContentTemplate]]
# What the provider remembers of messages to this number sent on this day (UTC) or later. Raises ReadingProblem.
TextHistory = Callable[[GatewaySettings, str, date], list[RememberedText]]
# Writes to a gateway of the demo: its settings, where we are told of it, the phone, the words. Raises OSError.
PhoneAnswers = Callable[[GatewaySettings, str, str, str], None]
# Made from the settings of a mailbox (mailbox.MailboxSettings).
OpenMailbox = Callable[[MailboxSettings], Mailbox]

# Made from the settings of the channel's senders (contract.SmtpSettings, GatewaySettings, …).
Factory = Callable[[Any], Transport[Any]]


def transport_for(channel: Channel) -> Factory:
    """The factory of the transport that carries this channel, named by its import path in app.config["SENDERS"]."""
    factory: Factory = import_string(current_app.config["SENDERS"][channel.value])
    return factory


def mailbox_for(settings: MailboxSettings) -> Mailbox:
    """The mailbox of these settings, read by what app.config["MAILBOX"] names by its import path."""
    factory: OpenMailbox = import_string(current_app.config["MAILBOX"])
    return factory(settings)


def dns_records() -> Records:
    """What asks the DNS, named by its import path in app.config["DNS"]; app.config["DNS_SERVER"]: whom it asks."""
    asks = import_string(current_app.config["DNS"])
    return partial(asks, server=current_app.config["DNS_SERVER"])


def content_source() -> ContentSource:
    """What reads the templates of WhatsApp, named by its import path in app.config["CONTENT_SOURCE"]."""
    source: ContentSource = import_string(current_app.config["CONTENT_SOURCE"])
    return source


def text_history() -> TextHistory:
    """What tells which messages a number was sent, named by its import path in app.config["TEXT_HISTORY"]."""
    history: TextHistory = import_string(current_app.config["TEXT_HISTORY"])
    return history


def phone_answers() -> PhoneAnswers:
    """What lets a phone of the demo write back, named by its import path in app.config["DEMO_ANSWER"]."""
    answers: PhoneAnswers = import_string(current_app.config["DEMO_ANSWER"])
    return answers
