"""Campaigns to phones through a Twilio that was not written here: what it was sent, reports, and passes on."""

import itertools
import ssl
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from app.audience.models import Reply, ReplyMeaning, Suppression, SuppressionSource
from app.campaigns import service as campaigns
from app.campaigns import text_content
from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import CampaignDocument
from app.channels import gateways
from app.channels.contract import Channel
from app.channels.models import Gateway
from app.extensions import db
from app.kernel.db import transaction
from app.providers.twilio_history import messages_to
from app.sending.states import RecipientState
from jobs import sending as jobs
from tests import factories
from tests.sending import ledger
from tests.sending.test_path import status, tick_and_work
from tests.sending.test_texts import rows
from tests.sending.test_whatsapp import PNG, number_of
from tests.twilio.conftest import Emulated, Panel

pytestmark = pytest.mark.usefixtures("emulated")
_numbers = itertools.count(15005550100)


def publish(
    emulated: Emulated, people: int, channel: Channel = Channel.SMS, *, picture: bytes = b"", **sender: str
) -> int:
    """A campaign from a number that is the account's own, unless `sender` says otherwise; over WhatsApp it follows a
    template, or says words of our own below the picture."""
    number = f"+{next(_numbers)}"
    values = {"account_sid": emulated.account, "sender": number, "channel": channel, "secret": emulated.token}
    with transaction():
        gateway = factories.gateway(**values | sender)
        asked = {"PhoneNumber": gateways.PREFIXES[channel] + number, "SmsUrl": gateways.inbound_address(gateway)}
    if "sender" not in sender:
        emulated.numbers(**asked)
    with transaction():
        folder = factories.folder()
        if channel is Channel.WHATSAPP:
            factories.people_on_whatsapp(people, folder)
            own = {"text": "Look:", "template_values": ""} if picture else {}
            made = factories.whatsapp_campaign(folder, sender=gateway, **own)
        else:
            factories.people_with_phones(people, folder)
            made = factories.text_campaign(folder, sender=gateway)
        if picture:
            campaigns.attach(made.id, "a.png", "", picture)
        return campaigns.publish(made.id, factories.BY).id


def sender_of(campaign_id: int) -> Gateway:
    found = campaigns.get(campaign_id).gateway
    assert found is not None
    return found


def ids_of(campaign_id: int) -> list[str]:
    return [row.provider_id or "" for row in rows(campaign_id)]


def test_text_messages_arrive_once_and_its_reports_count(emulated: Emulated, web: Panel) -> None:
    campaign_id = publish(emulated, 4)
    tick_and_work()
    assert web.answers == [503] * 4  # it reports "queued" before it has answered us
    taken = emulated.messages(From=sender_of(campaign_id).sender)
    assert sorted(each["sid"] for each in taken) == sorted(ids_of(campaign_id))
    assert len({each["to"] for each in taken}) == 4
    assert all(each["body"].startswith("Hi Person ") for each in taken)
    first, second, third, _ = ids_of(campaign_id)
    for message_id, said in ((first, "sent"), (first, "delivered"), (second, "undelivered"), (third, "failed")):
        emulated.reports(message_id, said)
    states = [row.state for row in rows(campaign_id)]
    assert states == [
        RecipientState.DELIVERED,
        RecipientState.UNDELIVERED,
        RecipientState.UNDELIVERED,
        RecipientState.SENT,
    ]
    assert web.answers == [503] * 4 + [204] * 4


def test_a_template_of_whatsapp_goes_out_and_its_reading_is_reported(emulated: Emulated) -> None:
    campaign_id = publish(emulated, 2, Channel.WHATSAPP)
    tick_and_work()
    taken = emulated.messages(From=f"whatsapp:{sender_of(campaign_id).sender}")
    assert {each["to"][:12] for each in taken} == {"whatsapp:+48"}
    emulated.reports(ids_of(campaign_id)[0], "read")
    assert ledger.states(campaign_id) == {"delivered": 1, "sent": 1}


def test_a_messaging_service_sends_too(emulated: Emulated) -> None:
    campaign_id = publish(emulated, 1, sender=f"MG{'0' * 32}")
    tick_and_work()
    assert status(campaign_id) is CampaignStatus.FINISHED
    (taken,) = [each for each in emulated.messages() if each["sid"] in ids_of(campaign_id)]
    assert taken["messaging_service_sid"] == f"MG{'0' * 32}"


@pytest.mark.parametrize("channel", [Channel.SMS, Channel.WHATSAPP])
def test_a_stop_that_it_passes_on_bars_the_number(emulated: Emulated, channel: Channel) -> None:
    campaign_id = publish(emulated, 1, channel)
    tick_and_work()
    prefix, ours = gateways.PREFIXES[channel], sender_of(campaign_id).sender
    (taken,) = emulated.messages(From=prefix + ours)
    emulated.writes(taken["to"], prefix + ours, "Stop!")
    db.session.rollback()
    reply = db.session.scalars(select(Reply)).one()
    assert (reply.channel, reply.meaning, reply.campaign_id) == (channel, ReplyMeaning.STOP, campaign_id)
    entry = db.session.scalars(select(Suppression)).one()
    assert (entry.channel, entry.source) == (channel, SuppressionSource.STOP_WORD)


def test_a_picture_of_whatsapp_is_fetched_where_it_was_told(emulated: Emulated, web: Panel) -> None:
    campaign_id = publish(emulated, 1, Channel.WHATSAPP, picture=PNG)
    jobs.settle_campaign(campaign_id)
    number = f"whatsapp:{sender_of(campaign_id).sender}"
    emulated.writes(f"whatsapp:{number_of(campaign_id, 1)}", number, "hello")
    tick_and_work()
    (taken,) = emulated.messages(From=number)
    assert (taken["body"], taken["num_media"]) == ("Look:", "1")
    (document_id,) = db.session.scalars(select(CampaignDocument.id))
    db.session.rollback()
    link, trust = text_content.document_link(document_id), ssl.create_default_context(cafile=web.ca_file)
    with urllib.request.urlopen(link, timeout=10, context=trust) as answer:
        assert (answer.headers["Content-Type"], answer.read()) == ("image/png", PNG)


def test_what_it_remembers_of_a_number_is_found(emulated: Emulated) -> None:
    campaign_id = publish(emulated, 1)
    tick_and_work()
    gateway = sender_of(campaign_id)
    (taken,) = emulated.messages(From=gateway.sender)
    now = datetime.now(UTC)
    (found,) = messages_to(gateways.settings_of(gateway), taken["to"], now.date() - timedelta(days=1))
    assert [found.provider_id] == ids_of(campaign_id)
    assert (found.body, found.status) == (taken["body"], "queued")
    assert abs(found.at - now) < timedelta(minutes=5)


@pytest.mark.parametrize(
    ("wrong", "code"), [({"secret": "another token"}, "20003"), ({"sender": "+15005550001"}, "21606")]
)
def test_what_it_refuses_pauses_the_gateway_and_burns_nobody(
    emulated: Emulated, wrong: dict[str, str], code: str
) -> None:
    campaign_id = publish(emulated, 2, **wrong)
    tick_and_work()
    assert status(campaign_id) is CampaignStatus.FAILED
    assert ledger.states(campaign_id) == {"awaiting": 2}
    with transaction():
        assert (sender_of(campaign_id).paused_reason or "").startswith(code)


def test_a_report_that_another_account_signed_is_not_believed(emulated: Emulated, web: Panel) -> None:
    campaign_id = publish(emulated, 1)
    tick_and_work()
    with transaction():
        gateways.prepare(sender_of(campaign_id), "another token")
    emulated.reports(ids_of(campaign_id)[0], "delivered")
    assert web.answers[-1] == 403
    assert ledger.states(campaign_id) == {"sent": 1}
