"""Text messages and WhatsApp in the demo: gateways to its Twilio, templates, and campaigns in different states."""

from pathlib import Path
from typing import Any

from sqlalchemy import select

from app.channels import gateways, whatsapp_templates
from app.channels.contract import Channel
from app.channels.models import Gateway, WhatsAppTemplate
from app.extensions import db
from app.kernel import caught_texts
from app.kernel.db import transaction
from app.providers.invented_phones import TEMPLATES
from app.providers.twilio_content import templates_of
from demo.campaigns import make, stop

ACCOUNT, TOKEN = f"AC{'0' * 31}1", "opens nothing: the catcher takes any"
FOLDER = "Text club"
TEXTS, WHATSAPP = "Text messages of the shop", "WhatsApp of the shop"
# channel, number and price in millionths of a euro; the numbers are of those that nobody in America has (555-01xx)
GATEWAYS = {TEXTS: (Channel.SMS, "+12025550142", 62_000), WHATSAPP: (Channel.WHATSAPP, "+12025550187", 41_000)}
HELLO, STOP_LINE = 'Hi {{ first_name | default: "there" }}, ', " Reply STOP to opt out."
NAME = '1 = {{ first_name | default: "friend" }}'


def set_up(folder: Path) -> None:
    """Make what is missing of gateways, templates and campaigns. folder: of the texts that are caught."""
    with transaction():
        made = {name: _gateway(name) for name in GATEWAYS}
        if db.session.scalar(select(WhatsAppTemplate.id).where(WhatsAppTemplate.account_sid == ACCOUNT)) is None:
            whatsapp_templates.store(ACCOUNT, templates_of(TEMPLATES))
        templates = {each.name: each.id for each in whatsapp_templates.usable() if each.account_sid == ACCOUNT}
        ids = {name: gateway.id for name, gateway in made.items()}
        # at each start: the panel may have another address now
        webhooks = {gateways.settings_of(each).sender: gateways.inbound_address(each) for each in made.values()}
    caught_texts.set_webhooks(folder, webhooks)
    _write_texts({"channel": Channel.SMS, "gateway_id": ids[TEXTS]})
    _write_whatsapp({"channel": Channel.WHATSAPP, "gateway_id": ids[WHATSAPP]}, templates)


def _gateway(name: str) -> Gateway:
    gateway = db.session.scalar(select(Gateway).where(Gateway.name == name))
    if gateway is None:
        channel, sender, price = GATEWAYS[name]
        values = {"account_sid": ACCOUNT, "sender": sender, "segment_price_micros": price, "currency": "EUR"}
        gateway = Gateway(name=name, channel=channel, **values)
        gateways.prepare(gateway, TOKEN)
        gateways.add(gateway)
    return gateway


def _write_texts(values: dict[str, Any]) -> None:
    """The campaigns of text messages; sending and finished ones are sent by the workers."""

    def says(name: str, text: str) -> dict[str, Any]:
        return {**values, "name": name, "text": f"{HELLO}{text}{STOP_LINE}"}

    make(says("Open on Sunday", "the Amber Shop is open this Sunday from 10 to 4."), FOLDER)
    make(says("Flash sale", "20% off all earrings, today only.") | {"delay_seconds": 2}, FOLDER)
    make(says("Lost and found", "did you leave an umbrella at the fair?"), FOLDER, then=(stop,))
    make(says("Night of the museums", "we open the cellar at midnight. Bring a lamp."), FOLDER, is_published=False)


def _write_whatsapp(values: dict[str, Any], templates: dict[str, int]) -> None:
    """The campaigns over WhatsApp; one without a template waits until somebody has written."""

    def says(name: str, template: str, *lines: str) -> dict[str, Any]:
        filled = {"whatsapp_template_id": templates[template], "template_values": "\n".join((NAME, *lines))}
        return {**values, "name": name, **filled}

    make(says("Parcel at the shop", "parcel_at_the_shop", "2 = Leeds", "3 = Saturday"), FOLDER)
    make(says("New collection", "new_collection") | {"delay_seconds": 3}, FOLDER)
    make(says("Workshop reminder", "workshop_reminder", "2 = Friday, 5 pm"), FOLDER, then=(stop,))
    free = {**values, "name": "To those who wrote", "text": f"{HELLO}thank you for writing. The tea is on us."}
    make(free, FOLDER, is_published=False)
