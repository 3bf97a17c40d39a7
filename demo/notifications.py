"""Web push in the demo: browsers of invented people, some of them gone, and a campaign that goes to them."""

from base64 import urlsafe_b64encode
from secrets import token_bytes

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import select

from app.audience import push_devices
from app.audience.models import Contact, Folder
from app.campaigns import service as campaigns
from app.campaigns.models import Campaign
from app.channels import web_push
from app.channels.contract import Channel
from app.extensions import db
from app.kernel.db import transaction
from app.providers.push_catcher import GONE_PATH
from jobs.sending import settle_campaign

BY = "admin"
NAME, FOLDER = "New pieces this week", "Friends of the house"
BROWSERS = ("Firefox, Linux", "Chrome, Android", "Safari, iPhone", "Edge, Windows")
WITHOUT, GONE, SECOND = 5, 7, 3  # every fifth person has no browser, every seventh one that is gone, every third two


def set_up(push_port: int) -> None:
    """Subscribe browsers that lead to the push catcher on this port, and write to them, once."""
    with transaction():
        if db.session.scalar(select(Campaign.id).where(Campaign.name == NAME)) is not None:
            return
        folder_id = db.session.scalars(select(Folder.id).where(Folder.name == FOLDER)).one()
        friends = select(Contact.id).where(Contact.folders.any(Folder.id == folder_id)).order_by(Contact.id)
        for number, contact_id in enumerate(db.session.scalars(friends).all(), 1):
            for path in _devices(number):
                _subscribe(contact_id, f"http://127.0.0.1:{push_port}{path}", BROWSERS[number % len(BROWSERS)])
        values = {
            "name": NAME,
            "channel": Channel.PUSH,
            "web_push_sender_id": web_push.get().id,
            "subject": 'Just in, {{ first_name | default: "dear friend" }}',
            "text": "Three new pieces of amber lie in the window. The first one to come may choose.",
            "target_url": "https://shop.example.com/new",
        }
        campaign_id = campaigns.create(values, [folder_id], BY).id
        campaigns.publish(campaign_id, BY)
    settle_campaign(campaign_id)


def _devices(number: int) -> list[str]:
    """The paths of the browsers of the person with this number, counted from 1."""
    if number % WITHOUT == 0:
        return []
    if number % GONE == 0:
        return [f"{GONE_PATH}{number}"]
    return [f"/{number}/{device}" for device in range(2 if number % SECOND == 0 else 1)]


def _subscribe(contact_id: int, endpoint: str, name: str) -> None:
    point = ec.generate_private_key(ec.SECP256R1()).public_key()
    keys = point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint), token_bytes(16)
    p256dh, auth = (urlsafe_b64encode(key).rstrip(b"=").decode() for key in keys)
    push_devices.subscribe(contact_id, endpoint, p256dh, auth, name)
