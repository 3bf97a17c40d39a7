"""Plain functions that make valid rows. Each flushes; the caller decides whether to commit."""

import itertools
from base64 import urlsafe_b64encode
from datetime import datetime
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.audience import push_devices
from app.audience.addresses import Addresses, indexing, sealing
from app.audience.models import Contact, Folder
from app.audience.push_models import PushDevice
from app.campaigns import service as campaigns
from app.campaigns.models import Campaign
from app.channels import gateways, web_push
from app.channels import service as channels
from app.channels.contract import Channel, Security
from app.channels.models import ApprovalState, Gateway, SmtpAccount, WhatsAppTemplate
from app.extensions import db
from app.kernel import clock
from app.missions import service as missions
from app.missions.models import Mission

_numbers = itertools.count(1)
BY = "tester"


def account(secret: str | None = None, **values: Any) -> SmtpAccount:
    """An SMTP account without limits that speaks in clear text to this machine."""
    usual = {
        "name": f"Account {next(_numbers)}",
        "host": "127.0.0.1",
        "port": 2525,
        "security": Security.NONE,
        "from_name": "Muster Shop",
        "from_email": "news@shop.example",
    }
    made = SmtpAccount(**usual | values)
    channels.prepare_account(made, secret)
    db.session.add(made)
    db.session.flush()
    return made


def gateway(secret: str = "a token", **values: Any) -> Gateway:
    """A gateway without limits, as Twilio's console would give it."""
    usual = {"name": f"Gateway {next(_numbers)}", "account_sid": f"AC{'0' * 32}", "sender": "+15005550006"}
    made = Gateway(**usual | values)
    gateways.prepare(made, secret)
    db.session.add(made)
    db.session.flush()
    return made


def folder(name: str | None = None) -> Folder:
    """An empty folder."""
    made = Folder(name=name or f"Folder {next(_numbers)}", created_at=clock.utcnow())
    db.session.add(made)
    db.session.flush()
    return made


def contact(*folders: Folder, email: str | None = "", **values: Any) -> Contact:
    """A person in these folders. email: a normalised address, "" makes one, None leaves the person without.

    values: columns of Contact, and second_email, phone, whatsapp as normalised addresses.
    """
    number = next(_numbers)
    addresses = Addresses(
        f"person{number}@people.example" if email == "" else email,
        *(values.pop(name, None) for name in ("second_email", "phone", "whatsapp")),
    )
    return _add_contacts([(addresses, {"first_name": f"Person {number}"} | values)], list(folders))[0]


def contacts(count: int, *folders: Folder) -> list[Contact]:
    """Many people at once, each with an e-mail address."""
    numbers = [next(_numbers) for _ in range(count)]
    people = [(Addresses(f"person{number}@people.example"), {"first_name": f"Person {number}"}) for number in numbers]
    return _add_contacts(people, list(folders))


def _add_contacts(people: list[tuple[Addresses, dict[str, Any]]], folders: list[Folder]) -> list[Contact]:
    seal, index, now = sealing(), indexing(), clock.utcnow()
    made = []
    for addresses, values in people:
        uid, indexes = uuid4().bytes, index(addresses)
        made.append(
            Contact(
                uid=uid,
                sealed=seal(addresses, uid),
                email_index=indexes.email,
                second_email_index=indexes.second_email,
                phone_index=indexes.phone,
                whatsapp_index=indexes.whatsapp,
                created_at=now,
                changed_at=now,
                folders=list(folders),
                **values,
            )
        )
    db.session.add_all(made)
    db.session.flush()
    return made


def campaign(*folders: Folder, sender: SmtpAccount | None = None, **values: Any) -> Campaign:
    """A draft that is complete but for its audience, sent by a new account unless one is given."""
    usual = {
        "name": f"Campaign {next(_numbers)}",
        "smtp_account_id": (sender or account()).id,
        "subject": "News for {{ first_name }}",
        "html": "<p>Dear {{ first_name }}, look at our <a href='https://shop.example/new'>new things</a>.</p>",
        "text": "Dear {{ first_name }}, look at our new things: https://shop.example/new",
    }
    return campaigns.create(usual | values, [each.id for each in folders], BY)


def text_campaign(*folders: Folder, sender: Gateway | None = None, **values: Any) -> Campaign:
    """A draft of text messages that is complete but for its audience."""
    usual = {
        "name": f"Campaign {next(_numbers)}",
        "channel": Channel.SMS,
        "gateway_id": (sender or gateway()).id,
        "text": "Hi {{ first_name }}, new things are here. Reply STOP to opt out",
    }
    return campaigns.create(usual | values, [each.id for each in folders], BY)


def subscribed(person: Contact, endpoint: str, **keys: bytes) -> PushDevice:
    """A browser of this person. keys: p256dh and auth, else those of a browser that nobody has."""
    point = ec.generate_private_key(ec.SECP256R1()).public_key()
    usual = {"p256dh": point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint), "auth": bytes(16)} | keys
    texts = {name: urlsafe_b64encode(value).rstrip(b"=").decode() for name, value in usual.items()}
    return push_devices.subscribe(person.id, endpoint, texts["p256dh"], texts["auth"], "Firefox, Linux")


def push_campaign(*folders: Folder, **values: Any) -> Campaign:
    """A draft of notifications that is complete but for its audience."""
    usual = {
        "name": f"Campaign {next(_numbers)}",
        "channel": Channel.PUSH,
        "web_push_sender_id": web_push.ensure().id,
        "subject": "News for {{ first_name }}",
        "text": "New things are here",
        "target_url": "https://shop.example/new",
    }
    return campaigns.create(usual | values, [each.id for each in folders], BY)


def whatsapp_gateway(**values: Any) -> Gateway:
    """A gateway for WhatsApp without limits."""
    return gateway(**{"channel": Channel.WHATSAPP} | values)


def whatsapp_template(**values: Any) -> WhatsAppTemplate:
    """An approved template of the account that gateways of the factory have."""
    usual = {
        "account_sid": f"AC{'0' * 32}",
        "content_sid": f"HX{next(_numbers):032d}",
        "name": "parcel",
        "language": "en",
        "category": "UTILITY",
        "status": ApprovalState.APPROVED,
        "body": "Hi {{1}}, your parcel {{2}} is here.",
        "variables": ["1", "2"],
        "synced_at": clock.utcnow(),
    }
    made = WhatsAppTemplate(**usual | values)
    db.session.add(made)
    db.session.flush()
    return made


def whatsapp_campaign(*folders: Folder, sender: Gateway | None = None, **values: Any) -> Campaign:
    """A draft over WhatsApp that is complete but for its audience, with an approved template."""
    usual: dict[str, Any] = {
        "name": f"Campaign {next(_numbers)}",
        "channel": Channel.WHATSAPP,
        "gateway_id": (sender or whatsapp_gateway()).id,
        "template_values": "1 = {{ first_name }}\n2 = no. 7",
    }
    if "text" not in values and "whatsapp_template_id" not in values:
        usual["whatsapp_template_id"] = whatsapp_template().id
    return campaigns.create(usual | values, [each.id for each in folders], BY)


def people_on_whatsapp(count: int, *folders: Folder) -> list[Contact]:
    """Many people, each with a number of WhatsApp and no other address."""
    return [contact(*folders, email=None, whatsapp=f"+4851{next(_numbers):07d}") for _ in range(count)]


def people_with_phones(count: int, *folders: Folder) -> list[Contact]:
    """Many people, each with a number of their own and no e-mail address."""
    return [contact(*folders, email=None, phone=f"+4850{next(_numbers):07d}") for _ in range(count)]


def ready_campaign(people: int = 1, **values: Any) -> Campaign:
    """A draft that can be published: a folder of so many people stands behind it."""
    audience = folder()
    contacts(people, audience)
    return campaign(audience, **values)


def mission(client: Contact | None = None, **values: Any) -> Mission:
    """An open mission about that client, or about somebody new."""
    usual = {"title": f"Mission {next(_numbers)}", "contact_id": (client or contact()).id}
    return missions.create(usual | values, BY)


def live_campaign(people: int = 1, start_at: datetime | None = None, **values: Any) -> Campaign:
    """A published campaign; its rows are not planned yet (sending.settle does that)."""
    made = ready_campaign(people, start_at=start_at, **values)
    return campaigns.publish(made.id, BY)
