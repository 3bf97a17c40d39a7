"""The demo to phones goes the whole way: a worker, its Twilio, reports and replies to the panel, the ledger."""

import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.serving import make_server

from app.audience.addresses import phone_index
from app.audience.models import Reply, ReplyMeaning
from app.audience.suppressions import is_suppressed
from app.campaigns import service as campaigns
from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import Campaign
from app.channels import gateways
from app.channels.contract import Channel
from app.channels.models import Gateway
from app.channels.phone import normalise_phone
from app.extensions import db
from app.kernel.db import transaction
from app.providers import invented_phones, later, text_catcher
from demo import people, texts
from jobs.sending import settle_campaign
from tests import factories
from tests.browser.conftest import Quiet
from tests.conftest import free_port
from tests.run.conftest import wait_for
from tests.sending import ledger
from tests.sending.test_path import tick_and_work

NUMBERS = {ending: f"+4477009000{ending}" for ending in ("14", "11", "52", "78")}  # STOP, nothing, thanks, nobody


@pytest.fixture()
def folder(panel: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the texts of a demo are caught whose panel and Twilio reach each other."""
    said = invented_phones.answer_of
    monkeypatch.setattr(later, "PAUSE_SECONDS", 0.1)
    monkeypatch.setattr(invented_phones, "seconds_until_told", lambda _phone: 0.2)
    monkeypatch.setattr(invented_phones, "answer_of", lambda phone: (said(phone)[0], 0.5))
    port, server = free_port(), make_server("127.0.0.1", 0, panel, threaded=True, request_handler=Quiet)
    here = f"http://127.0.0.1:{server.server_port}"
    own = {"DEMO": True, "PUBLIC_URL": here, "TWILIO_URL": f"http://127.0.0.1:{port}"}
    for name, value in own.items():
        monkeypatch.setitem(panel.config, name, value)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    with text_catcher.catching(port, tmp_path, here):
        yield tmp_path
    server.shutdown()
    thread.join()
    server.server_close()


# Each look ends its transaction: on SQLite the panel could not write meanwhile.


def campaign(name: str) -> tuple[int, CampaignStatus]:
    """The id of a campaign, and where it is."""
    with transaction():
        found = db.session.scalars(select(Campaign).where(Campaign.name == name)).one()
        return found.id, found.status


def replies(channel: Channel) -> dict[ReplyMeaning, str | None]:
    """What was written back over a channel, each with the campaign that it answers."""
    query = select(Reply.meaning, Campaign.name).outerjoin(Campaign, Campaign.id == Reply.campaign_id)
    with transaction():
        return {row[0]: row[1] for row in db.session.execute(query.where(Reply.channel == channel))}


def has_states(campaign_id: int, states: dict[str, int]) -> bool:
    with transaction():
        return ledger.states(campaign_id) == states


def has_replies(channel: Channel, number: int) -> bool:
    return len(replies(channel)) == number


def test_the_campaigns_of_the_demo_get_reports_and_replies(folder: Path) -> None:
    with transaction():
        club = factories.folder(texts.FOLDER)
        for number in NUMBERS.values():
            factories.contact(club, phone=number, whatsapp=number)
    for _ in range(2):  # once is enough
        texts.set_up(folder)
    tick_and_work()
    told = {"delivered": 3, "undelivered": 1}
    for name in ("Open on Sunday", "Parcel at the shop"):
        wait_for(f"all reports on {name}", partial(has_states, campaign(name)[0], told))
    for channel in (Channel.SMS, Channel.WHATSAPP):
        wait_for("two replies", partial(has_replies, channel, 2))
        assert replies(channel).keys() == {ReplyMeaning.STOP, ReplyMeaning.MESSAGE}
        assert None not in replies(channel).values()
        with transaction():
            barred = {ending for ending, number in NUMBERS.items() if is_suppressed(channel, phone_index(number))}
        assert barred == {"14", "78"}
    states = {name: campaign(name)[1] for name in ("Lost and found", "Workshop reminder", "To those who wrote")}
    assert list(states.values()) == [CampaignStatus.PAUSED, CampaignStatus.PAUSED, CampaignStatus.DRAFT]
    with transaction():
        assert db.session.query(Campaign).count() == 8


def test_who_answers_over_whatsapp_may_get_words_of_our_own(folder: Path) -> None:
    with transaction():
        club = factories.folder(texts.FOLDER)
        for number in (NUMBERS["11"], "+447700900012"):  # who say nothing by themselves
            factories.contact(club, phone=number, whatsapp=number)
    texts.set_up(folder)
    with transaction():
        gateway_id = db.session.scalars(select(Gateway.id).where(Gateway.name == texts.WHATSAPP)).one()
    gateways.answer_as(gateway_id, f"whatsapp:{NUMBERS['11']}", "Hello?")
    campaign_id, _status = campaign("To those who wrote")
    with transaction():
        campaigns.publish(campaign_id, factories.BY)
    settle_campaign(campaign_id)
    tick_and_work()
    wait_for("the report", partial(has_states, campaign_id, {"delivered": 1, "skipped": 1}))


def test_every_number_of_the_invented_people_is_one_that_nobody_has() -> None:
    everybody = [person for group in people.GROUPS for person in people.rows(group)]
    numbers = {person[0]: person[people.PHONE] for person in everybody if person[people.PHONE]}
    assert len(set(numbers.values())) == len(numbers) > 400
    for number in numbers.values():
        plain = normalise_phone(number, None)
        assert plain.startswith(("+447700900", "+3363998")), number
    club = [person for group in people.GROUPS if group.folder == texts.FOLDER for person in people.rows(group)]
    assert len(club) > 200
    assert all(person[people.PHONE] for person in club)
    answers = [person[people.PHONE][-2:] for person in club]
    assert set(answers) >= {*invented_phones.ANSWERS, *invented_phones.UNDELIVERED}
    for _channel, sender, _price in texts.GATEWAYS.values():
        assert normalise_phone(sender, None) == sender
