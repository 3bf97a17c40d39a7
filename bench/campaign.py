"""The campaign that measurements send: contacts in bulk, a 5 KB personalised message with three tracked links."""

import os
import random
from collections.abc import Iterator

from sqlalchemy import insert

from app.audience.addresses import Addresses, indexing, sealing
from app.audience.models import Contact, Folder, contact_folder
from app.campaigns import service as campaigns
from app.channels import service as channels
from app.channels.contract import Channel, Security
from app.channels.models import SmtpAccount
from app.extensions import db
from app.kernel import clock
from app.kernel.db import transaction

FIRST_NAMES = ("Anna", "Jürgen", "Zoë", "Mary & Co", "Иван", "Luis", 'O"Brien', "Wei")
LAST_NAMES = ("Smith", "Müller", "Nováková", "<b>Doe", "García", "Ivanov", "Li", "Brown")
WORDS = (
    "Our autumn list is here: new tools for the garden, longer opening hours in Köln and Łódź, and a small present "
    "for everybody who comes before the end of the month. Answer this mail if you want us to keep something for you. "
)
HEAD = """<!doctype html><html><head><meta charset="utf-8"><title>News</title></head><body>
<h1>Hello {{ first_name }} {{ last_name }}!</h1><p>Your order {{ attributes.order_no }} of {{ company }}.</p>
<p><a href="https://shop.example.com/offer?utm=1">Offer</a> <a href="https://shop.example.com/news">News</a>
<a href="https://blog.example.com/post/42">Blog</a></p>
"""
TAIL = """<p><a href="{{ unsubscribe_url }}">Unsubscribe</a></p></body></html>
"""
SUBJECT = "News for {{ first_name }}: your offer this week"
TEXT = "Hello {{ first_name }} {{ last_name }}!\n\nYour order {{ attributes.order_no }}.\n\n" + WORDS * 3 + "\n"
CHUNK = 5000
ADDRESSES = {
    Channel.EMAIL: lambda number: Addresses(email=f"user{number}@example{number % 50}.org"),
    Channel.SMS: lambda number: Addresses(phone=f"+48{500_000_000 + number}"),
    Channel.WHATSAPP: lambda number: Addresses(whatsapp=f"+48{500_000_000 + number}"),
    Channel.PUSH: lambda _number: Addresses(),
}


def html(size_bytes: int = 5000) -> str:
    """The HTML part, about so many bytes long."""
    paragraph = f"<p>{WORDS}</p>\n"
    count = (size_bytes - len((HEAD + TAIL).encode())) // len(paragraph.encode()) + 1
    return HEAD + paragraph * count + TAIL


def add_account(port: int, connections: int, security: Security = Security.NONE, host: str = "127.0.0.1") -> int:
    """An SMTP account at a port of this machine; returns its id."""
    with transaction():
        account = SmtpAccount(
            name=f"port {port} {clock.steady()}",
            host=host,
            port=port,
            security=security,
            from_email="news@shop.example.com",
            from_name="Shop",
            max_connections=connections,
            messages_per_connection=100_000,
        )
        channels.prepare_account(account)
        db.session.add(account)
        db.session.flush()
        return account.id


def add_contacts(count: int, folder_name: str, channel: Channel = Channel.EMAIL) -> int:
    """So many contacts in a new folder, in bulk (the import has its own measurement), who can be reached over that
    channel alone; returns the folder's id."""
    with transaction():
        folder = Folder(name=folder_name, created_at=clock.utcnow())
        db.session.add(folder)
        db.session.flush()
        folder_id = folder.id
        first = (db.session.scalar(db.select(db.func.max(Contact.id))) or 0) + 1
    rows = _contacts(first, count, channel)
    for _ in range(0, count, CHUNK):
        with transaction():
            chunk = [row for _, row in zip(range(CHUNK), rows, strict=False)]
            db.session.execute(insert(Contact), chunk)
            members = [{"folder_id": folder_id, "contact_id": row["id"]} for row in chunk]
            db.session.execute(insert(contact_folder), members)
    return folder_id


def _contacts(first: int, count: int, channel: Channel) -> Iterator[dict[str, object]]:
    seal, index, now, chance = sealing(), indexing(), clock.utcnow(), random.Random(first)
    for number in range(first, first + count):
        uid, addresses = os.urandom(16), ADDRESSES[channel](number)
        indexes = index(addresses)
        yield {
            "id": number,
            "uid": uid,
            "first_name": chance.choice(FIRST_NAMES),
            "last_name": chance.choice(LAST_NAMES),
            "company": "Ärger GmbH",
            "country": "PL",
            "language": "pl",
            "time_zone": "",
            "attributes": {"order_no": f"A{100_000 + number}"},
            "sealed": seal(addresses, uid),
            "email_index": indexes.email,
            "phone_index": indexes.phone,
            "whatsapp_index": indexes.whatsapp,
            "created_at": now,
            "changed_at": now,
        }


def add_campaign(account_id: int, folder_id: int, **values: object) -> int:
    """A draft with the message above; returns its id."""
    content = {"subject": SUBJECT, "html": html(), "text": TEXT, "smtp_account_id": account_id}
    with transaction():
        name = f"Campaign {clock.steady()}"
        return campaigns.create({"name": name, **content, **values}, [folder_id], "bench").id
