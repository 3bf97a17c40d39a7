"""A server that asks to be sent less at a time: the account sends half as fast, and faster again when all goes well."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from app.campaigns import service as campaigns
from app.campaigns.lifecycle import CampaignStatus
from app.channels import service
from app.channels.contract import Fault, RunReport
from app.channels.models import SmtpAccount
from app.extensions import db
from app.kernel.db import db_now, transaction
from app.sending import sender_limits, slices, slow_down, throttle
from app.sending.slow_down import FULL, MOST_FACTOR, UNKNOWN_PER_HOUR, Pace
from app.sending.throttle import Grant, Limits, per
from tests import factories
from tests.providers.script import Script, at
from tests.providers.servers import Server
from tests.sending import ledger
from tests.sending.test_path import forward, publish, status, tick_and_work
from tests.sending.test_throttle import Bucketed, slots

pytestmark = pytest.mark.usefixtures("true_counters")

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
BUSY = "451 4.7.500 Server busy. Please slow down"


def test_a_pace_is_halved_each_time_down_to_a_sixteenth() -> None:
    pace, factors = FULL, []
    for minute in range(6):
        pace = slow_down.slowed(pace, NOW + timedelta(minutes=minute), 6000)
        factors.append(pace.factor)
    assert factors == [2, 4, 8, 16, MOST_FACTOR, MOST_FACTOR]
    assert (pace.per_hour, pace.changed_at) == (6000, NOW + timedelta(minutes=5))


def test_what_several_workers_are_told_at_once_halves_once() -> None:
    pace = slow_down.slowed(FULL, NOW, 6000)
    assert slow_down.slowed(pace, NOW + timedelta(seconds=59), 6000) == pace


def test_a_pace_grows_back_step_by_step_while_nobody_asks() -> None:
    pace, factors = Pace(16, 6000, NOW), []
    for minute in range(1, 26):
        pace = slow_down.eased(pace, NOW + timedelta(minutes=minute))
        factors.append(pace.factor)
    assert factors == [16] * 4 + [8] * 5 + [4] * 5 + [2] * 5 + [1] * 6
    assert pace == FULL


@pytest.mark.parametrize(
    ("accepted", "seconds", "lanes", "interval_us", "per_hour"),
    [
        pytest.param(80, 8, 1, 0, 36_000, id="as fast as the server"),
        pytest.param(80, 8, 3, 0, 108_000, id="three lanes"),
        pytest.param(1, 0.02, 1, 20_000_000, 180, id="one message in its slot"),
        pytest.param(1, 0.02, 1, 7_200_000_000, 1, id="slots two hours apart"),
        pytest.param(0, 3, 2, 0, 0, id="nothing left"),
    ],
)
def test_how_fast_a_sender_is(accepted: int, seconds: float, lanes: int, interval_us: int, per_hour: int) -> None:
    assert slow_down.measured(accepted, seconds, lanes, interval_us) == per_hour


def test_who_is_asked_before_anything_left_halves_what_is_usual() -> None:
    assert slow_down.slowed(FULL, NOW, 0) == Pace(2, UNKNOWN_PER_HOUR, NOW)


@given(
    count=st.integers(1, 100),
    seconds=st.sampled_from([1, 60, 3600]),
    asks=st.lists(
        st.tuples(st.integers(0, 3_000_000), st.integers(1, 40), st.sampled_from([1, 2, 4, 8, 16])),
        min_size=1,
        max_size=60,
    ),
)
@settings(max_examples=150, deadline=None)
def test_however_the_pace_changes_the_limits_of_the_account_hold(
    count: int, seconds: int, asks: list[tuple[int, int, int]]
) -> None:
    own, now = per("own", count, seconds, ""), 10**15
    memory, grants = Bucketed(Limits((own,))), list[tuple[Grant, int]]()
    for step, want, factor in asks:
        now += step
        slow = (per("slow", max(36_000 // factor, 1), 3600, ""),) if factor > 1 else ()
        memory = Bucketed(Limits((own, *slow)), memory)
        grants.append((memory.take(now, want), now))
    found, span = slots(grants), seconds * throttle.SECOND_US + own.tolerance_us
    for index, first in enumerate(found):
        assert sum(1 for slot in found[index : index + count + 1] if slot < first + span) <= count


def account_of(campaign_id: int) -> SmtpAccount:
    found = campaigns.get(campaign_id).smtp_account
    assert found is not None
    return found


@pytest.mark.parametrize("answer", [BUSY, "421 4.7.28 Unusual rate of mail, try again later"])
@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "END"])
def test_a_server_that_asks_halves_the_pace_and_everybody_is_reached_once(app: Flask, stage: str, answer: str) -> None:
    with Server(Script(rules=[at(stage, answer, message=5)])) as server:
        campaign_id = publish(server.port, 20)
        tick_and_work()
        with transaction():
            account = account_of(campaign_id)
            assert (account.slow_factor, account.paused_reason) == (2, None)
            assert account.slow_per_hour is not None and account.slow_from_per_hour // 2 == account.slow_per_hour
            assert (account.last_error or "").startswith(answer[:9]) and account.slow_changed_at is not None
        for _ in range(4):
            forward(3600)
            tick_and_work()
        assert status(campaign_id) is CampaignStatus.FINISHED
        assert len({mail.recipient for mail in server.accepted}) == len(server.accepted) == 20
    assert ledger.counters(campaign_id) == {"sent": 20}


@pytest.mark.parametrize("answer", ["451 4.7.1 Greylisted, try again", "421 4.3.2 Shutting down", "450 4.2.2 Full"])
def test_other_refusals_for_now_leave_the_pace_alone(app: Flask, answer: str) -> None:
    with Server(Script(rules=[at("RCPT", answer, message=3)])) as server:
        campaign_id = publish(server.port, 6)
        tick_and_work()
    with transaction():
        assert (account_of(campaign_id).slow_factor, account_of(campaign_id).slow_per_hour) == (1, None)


def test_a_campaign_waits_for_the_slower_pace_and_says_so_until_somebody_saves_the_account(app: Flask) -> None:
    with Server() as server:
        slow = {"slow_factor": 4, "slow_from_per_hour": 240, "slow_changed_at": db_now()}
        campaign_id = publish(server.port, 5)
        with transaction():
            for name, value in slow.items():
                setattr(account_of(campaign_id), name, value)
        tick_and_work()
        assert len(server.accepted) == 1
        with transaction():
            campaign, account = campaigns.get(campaign_id), account_of(campaign_id)
            words = f"waiting for the slower pace that the server of {account.name} asked for"
            assert campaign.waiting_for == words and campaign.next_send_at is not None
            assert 50 < (campaign.next_send_at - db_now()).total_seconds() < 65
            service.prepare_account(account)
            sender_limits.follow(account)
        tick_and_work()
        assert len(server.accepted) == 5


@pytest.mark.parametrize(("minutes", "factor"), [(4, 4), (6, 2)])
def test_what_leaves_well_lets_the_pace_grow(app: Flask, minutes: int, factor: int) -> None:
    with Server() as server:
        campaign_id = publish(server.port, 3)
        with transaction():
            account = account_of(campaign_id)
            account.slow_factor, account.slow_from_per_hour = 4, 400_000
            account.slow_changed_at = db_now() - timedelta(minutes=minutes)
        tick_and_work()
        assert len(server.accepted) == 3
    with transaction():
        assert account_of(campaign_id).slow_factor == factor


def test_all_workers_share_the_pace(app: Flask) -> None:
    with transaction():
        account_id = factories.account(max_connections=4).id
    asked, well = RunReport(9, slow_down="421 4.7.0 Slow down"), RunReport(9)
    refused = RunReport(0, Fault.PROVIDER, "421 4.7.0", "Slow down", "421 4.7.0 Slow down")
    for report in (asked, refused, well):  # of three lanes that end within a minute
        with transaction():
            slices._set_pace(db.session.get_one(SmtpAccount, account_id), report, 8000)
    with transaction():
        account = db.session.get_one(SmtpAccount, account_id)
        assert (account.slow_factor, account.slow_per_hour) == (2, 4000)
    with transaction():  # each campaign through it has the same slots
        first, second = (factories.live_campaign(1, sender=account) for _ in range(2))
        keys = [limit.key for each in (first, second) for limit in slices.limits_of(each, account, None).smooth]
        assert keys == [f"smtp:{account_id}:slow:hour"] * 2
