"""Writers: they make the one message of one recipient out of a frozen version, for the transport of its channel."""

from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime
from typing import Any, Protocol

from flask import current_app
from sqlalchemy import Row

from app.audience.models import Contact
from app.campaigns import content, text_content
from app.campaigns.models import Campaign
from app.channels import service as channels
from app.channels.address import needs_smtputf8, wire_address
from app.channels.contract import Channel, Numbered, Outgoing, OutgoingText
from app.channels.dkim import Signer
from app.channels.email_message import CompiledEmail
from app.channels.models import SmtpAccount
from app.channels.text_message import CompiledText
from app.kernel import clock
from app.kernel.signing import TokenPurpose, key_for, signer


class Writer(Protocol):
    """Makes the messages of one slice. fields: the contact's values that it uses."""

    fields: frozenset[str]

    def write(self, ref: int, to: str, seq: int, values: Mapping[str, str]) -> Numbered:
        """The finished message to one address. Raises InvalidInput when this person cannot have one."""


class EmailWriter:
    """E-mails, signed when the account has a key."""

    def __init__(self, message: CompiledEmail, mail_from: bytes, signs: Signer | None) -> None:
        self.fields = message.fields
        self._render, self._mail_from, self._signs = message.render, mail_from, signs
        self._date = (0, b"")

    def write(self, ref: int, to: str, seq: int, values: Mapping[str, str]) -> Outgoing:
        """The whole message, its headers included."""
        content = self._render(values, to, seq, self._now_header())
        if self._signs is not None:
            content = self._signs.sign(content) + content
        return Outgoing(ref, self._mail_from, wire_address(to), content, needs_smtputf8(to))

    def _now_header(self) -> bytes:
        second = int(clock.steady())
        if second != self._date[0]:
            self._date = (second, date_header(clock.utcnow()))
        return self._date[1]


class TextWriter:
    """Text messages, each with the address at which the provider reports what became of it.

    callback: where such addresses begin, "" when the provider has nowhere to report to.
    """

    def __init__(self, message: CompiledText, campaign_id: int, callback: str) -> None:
        self.fields = message.fields
        self._render, self._campaign_id = message.render, campaign_id
        self._token = signer(key_for(TokenPurpose.CALLBACK))
        self._callback = callback

    def write(self, ref: int, to: str, seq: int, values: Mapping[str, str]) -> OutgoingText:
        """The text with its callback."""
        back = self._callback and self._callback + self._token(self._campaign_id, seq).decode()
        return OutgoingText(ref, to, self._render(values), back)


def writer_of(campaign: Campaign) -> Writer:
    """The writer of the campaign's frozen version."""
    if campaign.channel is Channel.SMS:
        text = text_content.compiled(campaign.id, campaign.content_version)
        return TextWriter(text, campaign.id, _callback(campaign))
    account = campaign.smtp_account
    assert isinstance(account, SmtpAccount)
    message = content.compiled(campaign.id, campaign.content_version)
    return EmailWriter(message, wire_address(account.from_email), channels.signer_of(account))


def _callback(campaign: Campaign) -> str:
    """Only over https, and only when we hold what the provider signs its reports with: the account's own token."""
    public_url: str = current_app.config["PUBLIC_URL"]
    can_check = campaign.gateway is not None and not campaign.gateway.key_sid
    return f"{public_url}/hooks/twilio/status/" if can_check and public_url.startswith("https://") else ""


def date_header(now: datetime) -> bytes:
    """The Date header (RFC 5322) of a moment (aware UTC)."""
    return format_datetime(now).encode()


def values_of(row: Row[Any] | Contact, addresses: tuple[str | None, ...]) -> Mapping[str, str]:
    """The merge values of one contact, by field name."""
    values = {
        "first_name": row.first_name,
        "last_name": row.last_name,
        "full_name": f"{row.first_name} {row.last_name}".strip(),
        "email": addresses[0] or "",
        "second_email": addresses[1] or "",
        "phone": addresses[2] or "",
        "company": row.company,
        "country": row.country,
        "language": row.language,
    }
    attributes = getattr(row, "attributes", None)
    if attributes:
        values.update((f"attributes.{name}", str(value)) for name, value in attributes.items())
    return values
