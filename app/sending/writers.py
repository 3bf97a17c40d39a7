"""Writers: they make the one message of one recipient out of a frozen version, for the transport of its channel."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any, Protocol

from sqlalchemy import Row

from app.audience import push_devices
from app.audience.models import Contact
from app.campaigns import content, push_content, text_content
from app.campaigns.models import Campaign
from app.channels import message_marks
from app.channels import service as channels
from app.channels.address import needs_smtputf8, wire_address
from app.channels.contract import TO_PHONES, Channel, Device, Numbered, Outgoing, OutgoingPush, OutgoingText
from app.channels.email_message import CompiledEmail
from app.channels.gateways import PREFIXES, hooks_address
from app.channels.merge import PUSH_LINK
from app.channels.models import Sender, SmtpAccount
from app.channels.push_message import CompiledPush, topic_of
from app.channels.text_message import CompiledText
from app.kernel import clock
from app.kernel.signing import TokenPurpose, key_for, signer

PUSH_LASTS = timedelta(days=7)  # how long a push service keeps a notification for a device that is switched off


class Writer(Protocol):
    """Makes the messages of one slice. fields: the contact's values that it uses."""

    fields: frozenset[str]

    def write(self, ref: int, to: Any, seq: int, values: Mapping[str, str]) -> Numbered:
        """The finished message to one address, or to all devices of a person. Raises InvalidInput when this person
        cannot have one."""


class EmailWriter:
    """E-mails, signed when the account has a key, each with a return path of its own when bounces are collected.

    host: the server that carries them, which may need a header of its own to name a message in its reports.
    """

    def __init__(self, message: CompiledEmail, campaign_id: int, account: SmtpAccount, host: str) -> None:
        self.fields = message.fields
        self._render, self._campaign_id = message.render, campaign_id
        self._signs = channels.signer_of(account)
        self._mail_from = wire_address(account.from_email)
        self._return_path = message_marks.return_path(account.bounce_address) if account.bounce_address else None
        self._header = message_marks.header_for(host)
        self._date = (0, b"")

    def write(self, ref: int, to: str, seq: int, values: Mapping[str, str]) -> Outgoing:
        """The whole message, its headers included."""
        content = self._render(values, to, seq, self._now_header())
        if self._signs is not None:
            content = self._signs.sign(content) + content
        if self._header is not None:
            content = self._header(self._campaign_id, seq) + content
        mail_from = self._return_path(self._campaign_id, seq) if self._return_path else self._mail_from
        return Outgoing(ref, mail_from, wire_address(to), content, needs_smtputf8(to))

    def _now_header(self) -> bytes:
        second = int(clock.steady())
        if second != self._date[0]:
            self._date = (second, date_header(clock.utcnow()))
        return self._date[1]


class TextWriter:
    """Messages to phones, each with the address at which the provider reports what became of it.

    callback: where such addresses begin, "" when the provider has nowhere to report to.
    """

    def __init__(self, message: CompiledText, campaign: Campaign, callback: str) -> None:
        self.fields = message.fields
        self._render, self._content_sid, self._picture_url = message.render, message.content_sid, message.picture_url
        self._prefix, self._campaign_id = PREFIXES[campaign.channel], campaign.id
        self._token = signer(key_for(TokenPurpose.CALLBACK))
        self._callback = callback

    def write(self, ref: int, to: str, seq: int, values: Mapping[str, str]) -> OutgoingText:
        """The text, or the variables of the template, with the callback."""
        back = self._callback and self._callback + self._token(self._campaign_id, seq).decode()
        body = self._render(values)
        return OutgoingText(ref, self._prefix + to, body, back, self._content_sid, self._picture_url)


class PushWriter:
    """Notifications. valid_until: when nobody wants them any more, aware UTC or None."""

    def __init__(self, message: CompiledPush, campaign_id: int, valid_until: datetime | None) -> None:
        self.fields = message.fields
        self._render, self._topic, self._valid_until = message.render, topic_of(campaign_id), valid_until

    def write(self, ref: int, to: tuple[Device, ...], seq: int, values: Mapping[str, str]) -> OutgoingPush:
        """The notification for each device of one person."""
        return OutgoingPush(ref, to, self._render(values, seq), self._topic, self._ttl_seconds())

    def _ttl_seconds(self) -> int:
        left = self._valid_until - clock.utcnow() if self._valid_until else PUSH_LASTS
        return max(0, int(min(left, PUSH_LASTS).total_seconds()))


def writer_of(campaign: Campaign, carrier: Sender) -> Writer:
    """The writer of the campaign's frozen version. carrier: what sends it, which may be the stand-in of its account."""
    if campaign.channel is Channel.PUSH:
        push = push_content.compiled(campaign.id, campaign.content_version)
        return PushWriter(push, campaign.id, campaign.valid_until)
    if campaign.channel in TO_PHONES:
        text = text_content.compiled(campaign, campaign.content_version)
        return TextWriter(text, campaign, _callback(campaign))
    account = campaign.smtp_account
    assert isinstance(account, SmtpAccount) and isinstance(carrier, SmtpAccount)
    message = content.compiled(campaign.id, campaign.content_version)
    return EmailWriter(message, campaign.id, account, carrier.host)


def _callback(campaign: Campaign) -> str:
    """Only when we hold what the provider signs its reports with: the account's own token."""
    can_check = campaign.gateway is not None and not campaign.gateway.key_sid
    return f"{hooks}/twilio/status/" if can_check and (hooks := hooks_address()) else ""


def date_header(now: datetime) -> bytes:
    """The Date header (RFC 5322) of a moment (aware UTC)."""
    return format_datetime(now).encode()


def values_of(
    row: Row[Any] | Contact, addresses: tuple[str | None, ...], fields: Collection[str] = ()
) -> Mapping[str, str]:
    """The merge values of one contact, by field name. fields: those that are used; a link is made only for them."""
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
    if PUSH_LINK in fields:
        values[PUSH_LINK] = push_devices.link(row.contact_id if isinstance(row, Row) else row.id)
    attributes = getattr(row, "attributes", None)
    if attributes:
        values.update((f"attributes.{name}", str(value)) for name, value in attributes.items())
    return values
