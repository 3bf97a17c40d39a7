"""Text messages, WhatsApp and notifications by one real worker to a server that answers after 50 ms, beside a bare loop
that posts as many bytes over as many kept connections to the same server.

Interleaved, medians; `--channels push` measures one channel, `--recipients N` smaller campaigns.
"""

import argparse
import http.client
import os
import threading
import time
from base64 import urlsafe_b64encode
from contextlib import ExitStack

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import select

from app.audience import push_devices
from app.audience.models import contact_folder
from app.campaigns import service as campaigns
from app.channels import gateways, web_push
from app.channels.contract import TO_PHONES, Channel
from app.channels.models import ApprovalState, Gateway, Sender, WhatsAppTemplate
from app.extensions import db
from app.kernel import clock
from app.kernel.db import transaction
from app.sending.slices import lanes_of
from bench import campaign as made
from bench import common
from bench.send_rate import campaign_rate
from jobs import runtime

ROUNDS, RECIPIENTS, PORT, DELAY_SECONDS = 3, 3000, 2533, 0.05
LEAST_A_SECOND, LEAST_RATIO = 200, 0.6
ACCOUNT = f"AC{'0' * 32}"
TEXT = "Hello {{ first_name }}, your order {{ attributes.order_no }} is here. Reply STOP to opt out"
BODY_BYTES = {Channel.SMS: 250, Channel.WHATSAPP: 250, Channel.PUSH: 350}  # of one request


def bare_rate(count: int, connections: int, size: int) -> float:
    """Requests a second of a loop that does nothing else, each connection in a thread of its own."""

    def post() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", PORT)
        for _ in range(count // connections):
            connection.request("POST", "/", b"x" * size)
            connection.getresponse().read()
        connection.close()

    threads = [threading.Thread(target=post) for _ in range(connections)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return count // connections * connections / (time.monotonic() - began)


def add_sender(channel: Channel) -> int:
    """What sends over this channel, with as many requests at once as a new one has; returns its id."""
    with transaction():
        if channel is Channel.PUSH:
            return web_push.ensure().id
        gateway = Gateway(name=f"Gateway {channel}", channel=channel, account_sid=ACCOUNT, sender="+15005550006")
        gateways.prepare(gateway, "a token")
        gateways.add(gateway)
        return gateway.id


def share_of(channel: Channel, sender_id: int) -> int:
    """How many requests at once one worker makes."""
    kind: type[Sender] = Gateway if channel in TO_PHONES else type(web_push.get())
    with transaction():
        sender = db.session.get_one(kind, sender_id)
        return max(1, sender.max_connections // lanes_of(sender))


def add_people(channel: Channel, count: int) -> int:
    """So many people who can be reached over this channel; returns the id of their folder."""
    folder_id = made.add_contacts(count, f"everybody on {channel}", channel)
    if channel is Channel.PUSH:
        point = ec.generate_private_key(ec.SECP256R1()).public_key()
        p256dh = _text(point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))
        with transaction():
            query = select(contact_folder.c.contact_id).where(contact_folder.c.folder_id == folder_id)
            for contact_id in db.session.scalars(query).all():
                push_devices.subscribe(contact_id, f"http://127.0.0.1:{PORT}/{contact_id}", p256dh, _text(bytes(16)))
    return folder_id


def _text(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def add_campaign(channel: Channel, sender_id: int, folder_id: int) -> int:
    """A draft over this channel; returns its id."""
    with transaction():
        values = {"name": f"Campaign {clock.steady()}", "channel": channel, **_content(channel, sender_id)}
        return campaigns.create(values, [folder_id], "bench").id


def _content(channel: Channel, sender_id: int) -> dict[str, object]:
    if channel is Channel.SMS:
        return {"gateway_id": sender_id, "text": TEXT}
    if channel is Channel.PUSH:
        words = {"subject": "News for {{ first_name }}", "text": TEXT, "target_url": "https://shop.example.com/new"}
        return {"web_push_sender_id": sender_id, **words}
    return {
        "gateway_id": sender_id,
        "whatsapp_template_id": _template_id(),
        "template_values": "1 = {{ first_name }}\n2 = {{ attributes.order_no }}",
    }


def _template_id() -> int:
    known = db.session.scalar(select(WhatsAppTemplate.id))
    if known is not None:
        return known
    template = WhatsAppTemplate(
        account_sid=ACCOUNT,
        content_sid=f"HX{'0' * 32}",
        name="parcel",
        status=ApprovalState.APPROVED,
        body="Hello {{1}}, your order {{2}} is here.",
        variables=["1", "2"],
        synced_at=clock.utcnow(),
    )
    db.session.add(template)
    db.session.flush()
    return template.id


def measure(channel: Channel, recipients: int, rounds: int) -> None:
    """Measure one channel and print its result."""
    sender_id, folder_id = add_sender(channel), add_people(channel, recipients)
    connections = share_of(channel, sender_id)
    ours, bare = [], []
    for _ in range(rounds):
        bare.append(bare_rate(recipients, connections, BODY_BYTES[channel]))
        ours.append(campaign_rate(add_campaign(channel, sender_id, folder_id), recipients))
        print(f"{channel}: bare loop {bare[-1]:,.0f}/s, Muster {ours[-1]:,.0f}/s", flush=True)
    figure, ratio = common.median(ours), common.median(ours) / common.median(bare)
    is_ok = figure >= LEAST_A_SECOND and ratio >= LEAST_RATIO
    unit = f"messages/s of one worker over {connections} connections"
    common.result(f"{channel} rate", figure, unit, ratio, LEAST_RATIO, is_ok)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--channels", nargs="+", type=Channel, default=[*sorted(TO_PHONES), Channel.PUSH])
    parser.add_argument("--recipients", type=int, default=RECIPIENTS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    here = f"http://127.0.0.1:{PORT}"
    os.environ |= {
        "MUSTER_TWILIO_URL": here,
        "MUSTER_PUSH_SERVICES": here,
        "MUSTER_PUBLIC_URL": "https://bench.example",
    }
    with ExitStack() as stack:
        house = stack.enter_context(common.house("text"))
        runtime.use_app(house.app)
        stack.enter_context(common.answers(PORT, DELAY_SECONDS))
        stack.enter_context(common.worker(house.environ))
        stack.enter_context(common.scheduler(house.environ))
        for channel in options.channels:
            measure(channel, options.recipients, options.rounds)


if __name__ == "__main__":
    main()
