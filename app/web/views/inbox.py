"""The inbox of the demo: what its catcher caught, newest first, and what a phone got and answered."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response

from app.audience import replies
from app.audience.addresses import phone_index
from app.audience.models import Contact
from app.audience.suppressions import is_suppressed
from app.channels import gateways
from app.channels.contract import Channel
from app.channels.gateways import WHATSAPP_PREFIX
from app.channels.models import Gateway
from app.channels.phone import normalise_phone
from app.extensions import db
from app.kernel import caught_texts, clock, message_folder
from app.kernel.caught_texts import CaughtText
from app.kernel.errors import AppError, InvalidInput
from app.sending import destination
from app.sending.claim import REPLY_WINDOW
from app.web import caught, channels
from app.web.asked import number
from app.web.base import AppView, may
from app.web.frames import framed
from app.web.words import of_error

MOST_PAGES = 9999


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a conversation."""

    text: CaughtText
    at: datetime


class InboxView(AppView):
    """Mails are read only; a phone may answer."""

    route_base = "/inbox"
    resource = "DemoInbox"
    default_view = "list"

    @expose("/")
    @has_access
    @permission_name("read")
    def list(self) -> Any:
        """The messages, or those over one channel, or with these words in recipient or content."""
        wanted, named = request.args.get("q", "").strip()[:200], request.args.get("channel", "")
        page = number(request.args.get("page", "0"), 0, MOST_PAGES)
        if named and named not in {each.value for each in caught.CHANNELS}:
            abort(404)
        channel = Channel(named) if named else None
        lines, has_more = caught.find(wanted, channel, page)
        return self.render_template(
            "inbox.html",
            title=_("Inbox of the demo"),
            lines=lines,
            wanted=wanted,
            channel=channel,
            choices=caught.CHANNELS,
            names=channels.NAMES,
            icons=channels.ICONS,
            page=page,
            has_more=has_more,
        )

    @expose("/<string:name>")
    @has_access
    @permission_name("read")
    def show(self, name: str) -> Any:
        """One mail: its headers, its text, and its HTML where it can do nothing."""
        message = caught.mail(name) or abort(404)
        return self.render_template(
            "mail.html",
            title=caught.header(message, "Subject") or _("(no subject)"),
            name=name,
            headers=[(key, value.replace("\r\n", " ")) for key, value in message.raw_items()],
            text=caught.part(message, "plain"),
            html=message.get_body(("html",)) is not None,
            attachments=[each.get_filename() or each.get_content_type() for each in message.iter_attachments()],
        )

    @expose("/<string:name>/html")
    @has_access
    @permission_name("read")
    def html(self, name: str) -> Response:
        """Its HTML part for a frame: it may look as it likes and do nothing but open its links in a new window."""
        return framed(caught.part(caught.mail(name) or abort(404), "html"))

    @expose("/texts/<string:name>")
    @has_access
    @permission_name("read")
    def phone(self, name: str) -> Any:
        """The phone that got this message: all that it got from the same sender and answered."""
        text = caught.text(name) or abort(404)
        gateway, channel = _gateway_of(text), caught.channel_of(text)
        said = [Said(each, message_folder.caught_at(path)) for path, each in caught_texts.between(caught.texts(), text)]
        return self.render_template(
            "inbox_phone.html",
            title=caught.number_of(text),
            name=name,
            sender=text.sender.removeprefix(WHATSAPP_PREFIX),
            channel=channel,
            channel_name=channels.NAMES[channel],
            icon=channels.ICONS[channel],
            said=said,
            may_answer=may("can_update", self.resource) and bool(gateway and gateways.inbound_address(gateway)),
            longest=replies.LONGEST_TEXT,
            standing=_standing_of(text, channel, gateway),
        )

    @expose("/texts/<string:name>/answer", methods=["POST"])
    @has_access
    @permission_name("update")
    def answer(self, name: str) -> Response:
        """Let the phone write back; the panel is told of it as Twilio tells, signed."""
        text, words = caught.text(name) or abort(404), request.form.get("text", "").strip()[: replies.LONGEST_TEXT]
        gateway = _gateway_of(text) or abort(404)
        try:
            gateways.answer_as(gateway.id, text.phone, words)
        except AppError as error:
            flash(of_error(error), "danger")
        return redirect(f"{url_for('InboxView.phone', name=name)}#newest")


@dataclass(frozen=True, slots=True)
class _Standing:
    """What the panel knows of a phone. window_ends_at: until when WhatsApp takes words without a template."""

    contact: Contact | None
    is_barred: bool
    window_ends_at: datetime | None


def _gateway_of(text: CaughtText) -> Gateway | None:
    """The gateway that a message came through, or another with its account and sender; None when it was deleted."""
    sender, channel = text.sender.removeprefix(WHATSAPP_PREFIX), caught.channel_of(text)
    same = (Gateway.account_sid == text.account, Gateway.sender == sender, Gateway.channel == channel)
    return db.session.scalar(select(Gateway).where(*same).order_by(Gateway.id).limit(1))


def _standing_of(text: CaughtText, channel: Channel, gateway: Gateway | None) -> _Standing:
    try:
        index = phone_index(normalise_phone(caught.number_of(text), None))
    except InvalidInput:  # a test message may have gone anywhere
        return _Standing(None, False, None)
    here = destination.OF_PHONES[channel].index == index
    contact = db.session.scalar(select(Contact).where(here).order_by(Contact.id).limit(1))
    ends_at = None
    if channel is Channel.WHATSAPP and gateway is not None:
        wrote_at = replies.last_from(channel, gateway.id, index)
        if wrote_at is not None and wrote_at + REPLY_WINDOW > clock.utcnow():
            ends_at = wrote_at + REPLY_WINDOW
    return _Standing(contact, is_suppressed(channel, index), ends_at)
