"""The pace to single domains: never exceeded in any minute, no attempt used up, and everybody else leaves meanwhile."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Thread

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.audience.models import SuppressionSource
from app.audience.suppressions import suppress
from app.campaigns import service as campaigns
from app.campaigns.lifecycle import CampaignStatus
from app.channels import service as channels
from app.channels.contract import Channel, Outgoing, Reason
from app.channels.models import SmtpAccount
from app.extensions import db
from app.kernel import clock
from app.kernel.db import db_now, transaction
from app.sending import deliver, domains, sender_limits, slices, sweep, throttle
from app.sending.claim import Claim
from app.sending.models import CampaignRecipient, ThrottleBucket
from app.sending.states import RecipientState
from jobs import sending as jobs
from tests import factories
from tests.providers.script import Script, at
from tests.providers.servers import Server
from tests.sending import ledger
from tests.sending.test_path import status, tick_and_work
from tests.sending.test_sweep import dead

counted = pytest.mark.usefixtures("true_counters")
SECOND = domains.SECOND_US
PACED = "people.example"  # where the people of the factory have their addresses


def limits(per_minute: int) -> domains.Limits:
    return domains.limits_of(SmtpAccount(id=1, name="Office", domain_paces={"a": per_minute, "b": 1}))


# Seconds since the look before (None: just when the next slot lets one leave), how many a worker asks for, and how
# late each of them leaves (of what is allowed).
LOOKS = st.lists(
    st.tuples(st.none() | st.floats(0, 40), st.integers(1, 30), st.sampled_from([0.0, 1.0]) | st.floats(0, 1)),
    min_size=1,
    max_size=60,
)


@given(per_minute=st.integers(1, 200), looks=LOOKS)
@settings(max_examples=200)
def test_no_minute_holds_more_than_the_pace_whenever_two_workers_look_and_however_late_it_leaves(
    per_minute: int, looks: list[tuple[float | None, int, float]]
) -> None:
    now, kept, left = 10**15, dict[str, tuple[int, int]](), list[float]()
    for worker, (step, most, late) in enumerate(looks):
        if step is None:
            now = max(now, kept.get("a", (0, 0))[0] - domains.EARLY_US)
        else:
            now += int(step * SECOND)
        # the two share the slots, and one of them plans for a campaign that is new each time
        plans = {name: (next_us, 0) for name, (next_us, _) in kept.items()} if worker % 2 else kept
        found = domains.share(["a"] * most, limits(per_minute), plans, now, most)
        kept = found.kept
        left += [now + late * domains.LATE_US] * len(found.leaving)
        assert found.leaving == found.paced and len(found.leaving) + len(found.waiting) == most
        assert all(due > now + domains.EARLY_US for due in found.waiting.values())
    for moment in left:
        assert sum(1 for other in left if moment <= other < moment + domains.MINUTE_US) <= per_minute


@given(per_minute=st.integers(1, 2000), people=st.integers(1, 150))
@settings(max_examples=60)
def test_who_waits_is_looked_at_once_more_and_leaves_then(per_minute: int, people: int) -> None:
    now, kept, waits = 10**15, dict[str, tuple[int, int]](), dict[int, int]()
    due = dict.fromkeys(range(people), now)
    while due:
        now = max(now, min(due.values()))
        who = [each for each, moment in due.items() if moment <= now]
        found = domains.share(["a"] * len(who), limits(per_minute), kept, now, len(who))
        kept = found.kept
        for place in found.leaving:
            del due[who[place]]
        for place, moment in found.waiting.items():
            due[who[place]] = moment
            waits[who[place]] = waits.get(who[place], 0) + 1
    assert set(waits.values()) <= {1}
    assert now - 10**15 <= people * limits(per_minute)["a"].interval_us


def test_others_are_not_held_up_and_only_so_many_are_taken() -> None:
    found = domains.share(["a", "a", "c", None, "b", "c", "c"], limits(1), {}, 10**15, 4)
    assert (found.leaving, found.paced, list(found.waiting)) == ([0, 2, 3, 4], [0, 4], [1])


def test_a_long_domain_has_a_short_key() -> None:
    paces = {f"{'a' * 60}.{ending}": 5 for ending in ("example", "org")}
    keys = {limit.key for limit in domains.limits_of(SmtpAccount(id=1, domain_paces=paces)).values()}
    assert len(keys) == 2 and all(len(key) < 60 for key in keys)


def publish(port: int, paced: int, others: int, pace: int, **account: object) -> int:
    """A published campaign to so many people of the paced domain, after each of whom comes one of the others."""
    with transaction():
        folder = factories.folder()
        for number in range(max(paced, others)):
            if number < paced:
                factories.contact(folder)
            if number < others:
                factories.contact(folder, email=f"other{number}@elsewhere.example")
        sender = factories.account(port=port, max_connections=4, domain_paces={PACED: pace}, **account)  # type: ignore[arg-type]
        return campaigns.publish(factories.campaign(folder, sender=sender).id, factories.BY).id


def waiting(campaign_id: int) -> list[CampaignRecipient]:
    db.session.rollback()
    query = select(CampaignRecipient).where(CampaignRecipient.reason == Reason.DOMAIN_PACE)
    return list(db.session.scalars(query.where(CampaignRecipient.campaign_id == campaign_id)))


def rows_of(campaign_id: int) -> list[CampaignRecipient]:
    db.session.rollback()
    return list(db.session.scalars(select(CampaignRecipient).where(CampaignRecipient.campaign_id == campaign_id)))


def change(paces: dict[str, int]) -> None:
    with transaction():
        account = db.session.scalars(select(SmtpAccount)).one()
        account.domain_paces = paces
        channels.prepare_account(account)
        sender_limits.follow(account)


@counted
def test_one_domain_waits_and_the_others_leave(app: Flask, forward: Callable[[float], None]) -> None:
    with Server() as server:
        campaign_id = publish(server.port, 4, 6, 2)
        tick_and_work()
        assert sorted(each.recipient.rpartition("@")[2] for each in server.accepted) == ["elsewhere.example"] * 6 + [
            PACED
        ]
        rows, now = waiting(campaign_id), db_now()
        assert [row.attempt for row in rows] == [0] * 3
        assert {row.detail for row in rows} == {f"Waits for the pace to {PACED}"}
        spaced = sorted(row.not_before for row in rows if row.not_before)
        assert [round((moment - now) / timedelta(seconds=31.5)) for moment in spaced] == [1, 2, 3]
        with transaction():
            assert "pace to single domains" in campaigns.get(campaign_id).waiting_for
        for expected in (8, 9, 10):
            forward(32)
            tick_and_work()
            assert len(server.accepted) == expected
    assert status(campaign_id) is CampaignStatus.FINISHED
    assert ledger.states(campaign_id) == {"sent": 10}
    assert {(row.reason, row.detail) for row in db.session.scalars(select(CampaignRecipient))} == {(None, None)}


@counted
def test_a_limit_of_the_account_is_not_spent_on_who_waits(app: Flask, forward: Callable[[float], None]) -> None:
    with Server() as server:
        publish(server.port, 3, 2, 1, per_minute=10)
        for _ in range(3):
            tick_and_work()
            forward(6.2)
        assert len(server.accepted) == 3  # one of the domain, and the two others as fast as the account may


@counted
def test_no_slot_of_a_day_and_no_customer_before_a_pause_is_spent_on_who_waits(app: Flask) -> None:
    with Server() as server:
        campaign_id = publish(server.port, 8, 2, 1, per_day=100)
        with transaction():
            campaign = campaigns.get(campaign_id)
            campaign.customers_batch_size, campaign.customers_delay_seconds = 4, 3600
            key = f"{campaign.smtp_account.key}:day" if campaign.smtp_account else ""
        tick_and_work()
        assert len(server.accepted) == 3  # one of the domain, and the two others
    with transaction():
        assert throttle.granted_today(key, db_now()) == 3
        bucket = db.session.get_one(ThrottleBucket, f"campaign:{campaign_id}:customers")
        assert (bucket.left_in_batch, bucket.next_us) == (1, 0)


@counted
def test_many_wait_each_for_a_time_of_their_own(app: Flask) -> None:
    with transaction():
        sender = factories.account(domain_paces={PACED: 600}, max_connections=4)
        campaign_id = factories.live_campaign(250, sender=sender).id
    jobs.settle_campaign(campaign_id)
    jobs.look_at_campaigns()
    found = ledger.take(ledger.order_of(campaign_id))
    assert isinstance(found, Claim) and len(found.rows) == len(found.paced) == 10  # so many slots lie within a second
    rows = waiting(campaign_id)
    assert len({row.not_before for row in rows}) == len(rows) == 240


@counted
def test_what_leaves_too_late_after_the_claim_is_given_back(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign_id = publish(25, 3, 2, 600)
    jobs.settle_campaign(campaign_id)
    jobs.look_at_campaigns()
    with transaction():
        ready = slices.begin(campaign_id, "job")
    assert ready is not None
    feed, true_steady = deliver.BatchFeed(ready.order), clock.steady
    first = feed.take()
    monkeypatch.setattr(clock, "steady", lambda: true_steady() + domains.LATE_US / SECOND + 0.1)
    others = [feed.take(), feed.take()]
    feed.close()
    taken = [each for each in (first, *others) if isinstance(each, Outgoing)]
    ends = [each.recipient.rpartition(b"@")[2].decode() for each in taken]
    assert ends == [PACED, "elsewhere.example", "elsewhere.example"]
    for each in taken:
        feed.report(each.ref, ledger.ACCEPTED)
    assert ledger.states(campaign_id) == {"sent": 3, "awaiting": 2}
    assert {row.attempt for row in rows_of(campaign_id) if row.state is RecipientState.AWAITING} == {0}


@counted
def test_a_retry_takes_a_slot_of_its_own(app: Flask, forward: Callable[[float], None]) -> None:
    with Server(Script(rules=[at("RCPT", "451 4.3.0 later", message=1)])) as server:
        campaign_id = publish(server.port, 2, 0, 1)
        tick_and_work()
        assert [row.attempt for row in db.session.scalars(select(CampaignRecipient))] == [1, 0]
        forward(64)
        tick_and_work()
        assert len(server.accepted) == 1
        forward(64)
        tick_and_work()
        assert len(server.accepted) == 2
    assert status(campaign_id) is CampaignStatus.FINISHED


@counted
def test_a_changed_pace_holds_at_once_for_who_waits(app: Flask, forward: Callable[[float], None]) -> None:
    with Server() as server:
        campaign_id = publish(server.port, 4, 0, 1)
        tick_and_work()
        assert len(server.accepted) == 1
        change({PACED: 3})
        assert waiting(campaign_id) == []
        forward(22)
        tick_and_work()
        assert (len(server.accepted), len(waiting(campaign_id))) == (2, 2)
        change({})
        tick_and_work()
        assert len(server.accepted) == 4
    assert status(campaign_id) is CampaignStatus.FINISHED


def begun(paced: int, pace: int = 1, **account: object) -> int:
    """A campaign to so many people of the paced domain, of whom nobody was claimed yet."""
    campaign_id = publish(25, paced, 0, pace, **account)
    jobs.settle_campaign(campaign_id)
    jobs.look_at_campaigns()
    return campaign_id


def send_what_may_leave(campaign_id: int, **order: str) -> list[int]:
    """One claim by a worker that keeps its results; the numbers of whom it took."""
    made = ledger.order_of(campaign_id, **order)
    found = ledger.take(made)
    if not isinstance(found, Claim):
        return []
    ledger.keep(made, found)
    return [row.seq for row in found.rows]


@counted
@pytest.mark.parametrize("move", [campaigns.end, campaigns.unpublish], ids=["end", "unpublish"])
def test_who_waited_for_a_domain_when_the_campaign_was_held_says_only_that(
    app: Flask, move: Callable[[int, str], object]
) -> None:
    campaign_id = begun(3)
    assert send_what_may_leave(campaign_id) == [1]
    with transaction():
        move(campaign_id, "me")
    jobs.settle_campaign(campaign_id)
    held = rows_of(campaign_id)[1:]
    assert {row.reason for row in held} <= {Reason.CAMPAIGN_ENDED, Reason.CAMPAIGN_UNPUBLISHED}
    assert {(row.state, row.detail, row.not_before) for row in held} == {(RecipientState.STOPPED, None, None)}


@counted
def test_a_pace_that_was_changed_while_the_campaign_was_held_lets_them_go(
    app: Flask, forward: Callable[[float], None]
) -> None:
    with Server() as server:
        campaign_id = publish(server.port, 4, 0, 1)
        tick_and_work()
        with transaction():
            campaigns.unpublish(campaign_id, "me")
        jobs.settle_campaign(campaign_id)
        change({})
        with transaction():
            campaigns.publish(campaign_id, "me")
        tick_and_work()
        assert len(server.accepted) == 4
    assert status(campaign_id) is CampaignStatus.FINISHED


@counted
def test_a_hold_does_not_put_who_waits_behind_the_plan_of_before(app: Flask, forward: Callable[[float], None]) -> None:
    campaign_id = begun(4)
    assert send_what_may_leave(campaign_id) == [1]
    for move in (campaigns.unpublish, campaigns.publish):
        with transaction():
            move(campaign_id, "me")
        jobs.settle_campaign(campaign_id)
    jobs.look_at_campaigns()
    left = []
    for _minute in range(3):
        assert send_what_may_leave(campaign_id) == []
        forward(64)
        left += send_what_may_leave(campaign_id)
    assert left == [2, 3, 4]


@counted
def test_who_opted_out_while_waiting_for_a_domain_is_skipped_for_that_alone(
    app: Flask, forward: Callable[[float], None]
) -> None:
    campaign_id = begun(2)
    assert send_what_may_leave(campaign_id) == [1]
    with transaction():
        suppress(Channel.EMAIL, ledger.row(campaign_id, 2).address_index or b"", SuppressionSource.BY_HAND)
    forward(64)
    assert send_what_may_leave(campaign_id) == []
    skipped = ledger.row(campaign_id, 2)
    assert (skipped.state, skipped.reason, skipped.detail) == (RecipientState.SKIPPED, Reason.SUPPRESSED, None)


@counted
def test_who_is_suspected_of_killing_workers_stays_so_while_waiting_for_a_domain(
    app: Flask, forward: Callable[[float], None]
) -> None:
    campaign_id = begun(1)
    for _death in range(sweep.ALONE_AFTER + 2):
        forward(64)
        assert isinstance(ledger.take(ledger.order_of(campaign_id, dead())), Claim)
        ledger.sweep_all()
        assert send_what_may_leave(campaign_id, owner=dead()) == []  # its domain has no slot yet
        waits = ledger.row(campaign_id, 1)
        if waits.state is RecipientState.AWAITING:
            assert waits.reason is Reason.DOMAIN_PACE
    assert ledger.row(campaign_id, 1).reason is Reason.POISON


@counted
def test_an_account_without_paces_keeps_no_slots_for_domains(app: Flask) -> None:
    with Server() as server:
        campaign_id = ledger.sending_campaign(3, server.port)
        assert ledger.order_of(campaign_id).paces == {}
        tick_and_work()
    assert len(server.accepted) == 3
    assert db.session.scalars(select(ThrottleBucket)).all() == []


@counted
def test_two_workers_at_once_never_exceed_the_pace_in_any_minute(app: Flask, forward: Callable[[float], None]) -> None:
    chance, cap, left = random.Random(5), 6, list[datetime]()
    with transaction():
        sender_id = factories.account(domain_paces={PACED: cap}, max_connections=4).id
    ids = []
    for _ in range(2):
        with transaction():
            sender = db.session.get_one(SmtpAccount, sender_id)
        ids.append(ledger.sending_campaign(10, sender=sender))
    orders = [ledger.order_of(campaign_id, f"worker-{campaign_id}:1:1:1") for campaign_id in ids]

    def work(place: int) -> None:
        with app.app_context():
            found = ledger.take(orders[place])
            if isinstance(found, Claim):
                left.extend([found.now] * len(found.rows))
                ledger.keep(orders[place], found)

    for _step in range(80):
        workers = [Thread(target=work, args=(place,)) for place in range(2)]
        for each in workers:
            each.start()
        for each in workers:
            each.join()
        if len(left) == 20:
            break
        forward(chance.choice((3, 7, 11, 25)))
    assert len(left) == 20
    for moment in left:
        assert sum(1 for other in left if moment <= other < moment + timedelta(minutes=1)) <= cap
