"""Senders of all channels alike: found by their keys, and what a transport needs of them."""

from typing import Any

from app.channels import gateways, service, web_push
from app.channels.models import Gateway, Sender, SmtpAccount, WebPushSender
from app.extensions import db
from app.kernel.errors import NotFound

KINDS: dict[str, type[Sender]] = {kind.kind: kind for kind in (SmtpAccount, Gateway, WebPushSender)}


def get(key: str) -> Sender:
    """The sender with this key. Raises NotFound."""
    kind, _, number = key.partition(":")
    found: Sender | None = db.session.get(KINDS[kind], int(number))
    if found is None:
        raise NotFound("What sends this campaign is not there any more. Choose another one.")
    return found


def settings_of(sender: Sender) -> Any:
    """The settings of its channel's transport, the secret opened."""
    if isinstance(sender, Gateway):
        return gateways.settings_of(sender)
    if isinstance(sender, WebPushSender):
        return web_push.settings_of(sender)
    assert isinstance(sender, SmtpAccount)
    return service.settings_of(sender)
