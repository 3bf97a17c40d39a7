"""What stands in for Twilio and for a push service in fault tests, and campaigns over it."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flask import Flask
from sqlalchemy import select

from app.audience.addresses import phone_index
from app.campaigns import service as campaigns
from app.channels import web_push
from app.channels.contract import Channel
from app.channels.gateways import PREFIXES
from app.channels.models import Sender
from app.extensions import db
from app.kernel.db import reading, transaction
from app.sending.models import CampaignRecipient
from tests import factories
from tests.faults.house import House, Verdict
from tests.providers.push_server import Browser, PushServer
from tests.providers.twilio_server import Answer, TwilioServer, refused

# (number of the request, from 1) -> a status, DROP, HANG, or None for "taken"
Behaviour = Callable[[int], int | str | None]
CONNECTIONS = 8


class Provider:
    """The provider of one channel. behave: what it does with each request; a test may change it while it runs."""

    def __init__(self, house: House, channel: Channel, behave: Behaviour, port: int = 0) -> None:
        self.channel, self.behave = channel, behave
        self._house = house
        self.server: PushServer | TwilioServer
        if channel is Channel.PUSH:
            self.server = PushServer(lambda _path, number: self.behave(number) or 201, port=port)
        else:
            self.server = TwilioServer(lambda _form, number: self._twilio(number), port=port)

    def _twilio(self, number: int) -> Answer | str | None:
        found = self.behave(number)
        return refused(found, 0) if isinstance(found, int) else found

    def campaign(self, people: int, **values: object) -> int:
        """Publish a campaign over this channel. values: of the sender."""
        with transaction():
            folder = factories.folder()
            wanted = {"max_connections": CONNECTIONS} | values
            if self.channel is Channel.PUSH:
                made = self._push_campaign(people, wanted)
            elif self.channel is Channel.WHATSAPP:
                factories.people_on_whatsapp(people, folder)
                made = factories.whatsapp_campaign(folder, sender=factories.whatsapp_gateway(**wanted))
            else:
                factories.people_with_phones(people, folder)
                made = factories.text_campaign(folder, sender=factories.gateway(**wanted))
            return campaigns.publish(made.id, factories.BY).id

    def _push_campaign(self, people: int, wanted: dict[str, object]) -> campaigns.Campaign:
        folder, browser = factories.folder(), Browser()
        sender = web_push.ensure()
        for name, value in wanted.items():
            setattr(sender, name, value)
        for person in factories.contacts(people, folder):
            endpoint = f"{self.server.url}/{person.uid.hex()}"
            factories.subscribed(person, endpoint, p256dh=browser.p256dh, auth=browser.auth)
        return factories.push_campaign(folder)

    def sender(self, campaign_id: int) -> Sender:
        """What sends the campaign, as the database has it."""
        with reading():
            found = campaigns.get(campaign_id).sender
            assert found is not None
            db.session.expunge(found)
            return found

    @property
    def requests(self) -> int:
        """How many came."""
        return self.server.requests if isinstance(self.server, TwilioServer) else len(self.server.pushed)

    def reached(self) -> list[tuple[float, bytes]]:
        """When (time.time()) and for whom (address_index of the ledger) it took a message."""
        if isinstance(self.server, PushServer):
            indexes = [bytes.fromhex(each.path[1:]) for each in self.server.pushed]
            return list(zip(self.server.pushed_at, indexes, strict=True))
        prefix = PREFIXES[self.channel]
        indexes = [phone_index(form["To"].removeprefix(prefix)) for form in self.server.taken]
        return list(zip(self.server.taken_at, indexes, strict=True))

    def judge(self, campaign_id: int) -> Verdict:
        """Compare what it took with what the ledger says."""
        with reading():
            query = select(CampaignRecipient.address_index, CampaignRecipient.seq)
            rows = db.session.execute(query.where(CampaignRecipient.campaign_id == campaign_id))
            seqs: dict[bytes | None, int] = {row.address_index: row.seq for row in rows}
        return self._house.judge(campaign_id, Counter(seqs.get(index) for _, index in self.reached()))


@contextmanager
def provider(app: Flask, house: House, channel: Channel, behave: Behaviour, port: int = 0) -> Iterator[Provider]:
    """A provider that runs; the processes of the house and this one send to it."""
    made = Provider(house, channel, behave, port)
    with made.server as server:
        where = {"MUSTER_TWILIO_URL": server.url, "MUSTER_PUSH_SERVICES": server.url}
        house.environ |= where
        before, app.config["PUSH_SERVICES"] = app.config["PUSH_SERVICES"], (server.url,)
        try:
            yield made
        finally:
            app.config["PUSH_SERVICES"] = before
