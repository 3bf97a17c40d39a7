"""Providers of text messages, WhatsApp and notifications that lose answers, fail, are away, or are told to be slow."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import select

from app.audience.models import SuppressionSource
from app.audience.suppressions import suppress
from app.channels import limits
from app.channels.contract import Channel, Reason
from app.extensions import db
from app.kernel.db import reading, transaction
from app.sending.models import CampaignRecipient
from tests.conftest import free_port
from tests.faults.house import IS_FULL, House, own_redis, size, wait_for
from tests.faults.providers import Behaviour, Provider, provider
from tests.providers.http_server import DROP, HANG

pytestmark = pytest.mark.timeout(600)
ALL = (Channel.SMS, Channel.WHATSAPP, Channel.PUSH)
# WhatsApp goes by the transport of text messages: in the short form it loses answers and has people opt out
PHONES = (Channel.SMS, Channel.WHATSAPP) if IS_FULL else (Channel.SMS,)

Start = Callable[[Channel, Behaviour], Provider]


def take(_number: int) -> None:
    """How a provider behaves that takes everything."""


@pytest.fixture()
def start(app: Flask, house: House) -> Iterator[Start]:
    """Start the provider of a channel, to which the house sends."""
    with ExitStack() as stack:
        yield lambda channel, behave: stack.enter_context(provider(app, house, channel, behave))


def rows(campaign_id: int) -> list[CampaignRecipient]:
    """The ledger's rows of a campaign."""
    with reading():
        query = select(CampaignRecipient).where(CampaignRecipient.campaign_id == campaign_id)
        found = list(db.session.scalars(query.order_by(CampaignRecipient.seq)))
        db.session.expunge_all()
        return found


@pytest.mark.parametrize("channel", ALL)
def test_lost_answers_are_unconfirmed_and_nobody_is_written_to_twice(
    house: House, start: Start, channel: Channel
) -> None:
    people = size(140, 1400)
    there = start(channel, lambda number: DROP if number % 7 == 0 else None)
    campaign_id = there.campaign(people)
    house.scheduler()
    for _ in range(2):
        house.worker()
    house.wait_until_finished(campaign_id)
    found = there.judge(campaign_id)
    assert found.states == {"sent": people - people // 7, "unconfirmed": people // 7}
    assert (found.accepted, found.lost, found.doubled) == (people, 0, 0)


@pytest.mark.parametrize("channel", PHONES)
def test_errors_and_silence_of_twilio_leave_only_those_unconfirmed(
    house: House, start: Start, channel: Channel
) -> None:
    people = size(60, 600)
    odd: dict[int, int | str] = {5: 500, 15: 502, 25: 504, 35: HANG, 45: 400}
    there = start(channel, odd.get)
    campaign_id = there.campaign(people)
    house.scheduler()
    house.worker()
    house.wait_until_finished(campaign_id)
    found = there.judge(campaign_id)
    assert found.states == {"sent": people - 5, "unconfirmed": 4, "failed": 1}
    assert (there.requests, found.lost, found.doubled) == (people, 0, 0)
    assert {row.reason for row in rows(campaign_id) if row.state == "unconfirmed"} == {Reason.REPLY_LOST}


def test_what_a_push_service_cannot_take_now_is_tried_again(house: House, start: Start) -> None:
    people = size(60, 600)
    there = start(Channel.PUSH, lambda number: {5: 500, 15: 429, 25: 503}.get(number))
    campaign_id = there.campaign(people)
    house.scheduler()
    house.worker()
    wait_for(lambda: sum(row.state == "sent" for row in rows(campaign_id)) == people - 3, 60)
    waiting = [row for row in rows(campaign_id) if row.state == "awaiting"]
    assert {(row.reason, row.attempt) for row in waiting} == {(Reason.SERVICE_AWAY, 1)}
    house.hurry(campaign_id)
    house.wait_until_finished(campaign_id)
    assert there.judge(campaign_id).states == {"sent": people}
    assert there.requests == people + 3


@pytest.mark.parametrize("channel", PHONES)
def test_one_probe_closes_the_breaker_of_a_provider_that_was_busy(house: House, start: Start, channel: Channel) -> None:
    people = size(100, 1000)
    there = start(channel, lambda number: 503 if number > 20 else None)
    campaign_id = there.campaign(people)
    house.scheduler()
    for _ in range(2):
        house.worker()
    wait_for(lambda: there.sender(campaign_id).breaker_open_until is not None, 60)
    wait_for(lambda: not any(row.state == "sending" for row in rows(campaign_id)), 20)
    seconds, before = there.sender(campaign_id).breaker_open_seconds, there.requests
    house.hurry(campaign_id)
    wait_for(lambda: there.sender(campaign_id).breaker_open_seconds == 2 * seconds, 30)
    assert there.requests == before + 1  # the probe, and nobody beside it
    there.behave = take
    house.hurry(campaign_id)
    house.wait_until_finished(campaign_id)
    found = there.judge(campaign_id)
    assert found.states == {"sent": people} and (found.lost, found.doubled) == (0, 0)
    assert there.sender(campaign_id).breaker_open_until is None
    assert {row.attempt for row in rows(campaign_id)} == {1}


@pytest.mark.parametrize("channel", PHONES)
def test_a_provider_that_is_not_there_uses_up_nobodys_attempt(app: Flask, house: House, channel: Channel) -> None:
    people, port = size(50, 500), free_port()
    with provider(app, house, channel, take, port) as gone:
        campaign_id = gone.campaign(people)
    house.scheduler()
    house.worker()
    wait_for(lambda: gone.sender(campaign_id).breaker_open_until is not None, 60)
    assert gone.requests == 0
    with provider(app, house, channel, take, port) as there:
        house.hurry(campaign_id)
        house.wait_until_finished(campaign_id)
        found = there.judge(campaign_id)
    assert found.states == {"sent": people} and found.doubled == 0
    assert {row.attempt for row in rows(campaign_id)} == {1}


@pytest.mark.parametrize("channel", PHONES)
def test_the_limit_of_a_channel_holds_over_two_workers_and_an_emptied_redis(
    house: House, start: Start, channel: Channel
) -> None:
    people, cap, port = size(150, 600), 30, free_port()
    there = start(channel, take)
    house.environ["REDIS_URL"] = f"redis://127.0.0.1:{port}/0"
    with transaction():
        limits.kept(channel).per_second = cap
    with own_redis(house.folder, port):
        campaign_id = there.campaign(people)
        house.scheduler()
        for _ in range(2):
            house.worker()
        for part in (3, 2):
            wait_for(lambda part=part: len(there.reached()) > people // part, 60)  # type: ignore[misc]
            Redis(port=port).flushall()
        house.wait_until_finished(campaign_id, 120)
    found = there.judge(campaign_id)
    assert found.states == {"sent": people} and (found.lost, found.doubled) == (0, 0)
    moments = sorted(moment for moment, _ in there.reached())
    for first in moments:
        # the server sees a message some milliseconds after its slot: two more or less in a second
        assert sum(first <= moment < first + 1.0 for moment in moments) <= cap + 2


@pytest.mark.parametrize("channel", ALL)
def test_who_opts_out_during_the_run_is_skipped_with_the_reason(house: House, start: Start, channel: Channel) -> None:
    people, leaving = size(90, 600), 10
    there = start(channel, take)
    campaign_id = there.campaign(people, per_second=25)
    house.scheduler()
    for _ in range(2):
        house.worker()
    wait_for(lambda: len(there.reached()) > 10, 60)
    last = rows(campaign_id)[-leaving:]
    with transaction():
        for row in last:
            assert row.address_index is not None
            suppress(channel, row.address_index, SuppressionSource.BY_HAND)
    opted_out = time.time()
    house.wait_until_finished(campaign_id)
    found = there.judge(campaign_id)
    assert found.states == {"sent": people - leaving, "skipped": leaving} and found.doubled == 0
    assert {row.reason for row in rows(campaign_id)[-leaving:]} == {Reason.SUPPRESSED}
    gone = {row.address_index for row in last}
    assert [moment - opted_out for moment, index in there.reached() if index in gone] == []
