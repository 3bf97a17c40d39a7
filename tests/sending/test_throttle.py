"""The throttle: no sliding window ever holds more than its limit, whoever asks and whenever."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from app.channels.models import SmtpAccount
from app.extensions import db
from app.kernel.db import in_transaction
from app.sending import throttle
from app.sending.limits import limits_on
from app.sending.throttle import BatchPause, DayCap, Grant, Limit, Limits, grant_slots, per

SECOND = throttle.SECOND_US
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


class Bucketed:
    """The throttle with its memory in two dictionaries instead of tables. beside: one that shares its memory."""

    def __init__(self, limits: Limits, beside: "Bucketed | None" = None) -> None:
        self.limits = limits
        self._buckets: dict[str, tuple[int, int]] = beside._buckets if beside else {}
        self._cells: dict[str, dict[int, int]] = beside._cells if beside else {}

    def take(self, now_us: int, want: int) -> Grant:
        limits, buckets = self.limits, self._buckets
        oldest = throttle.oldest_cell(throttle.from_us(now_us))
        kept = {day.key: self._cells.setdefault(day.key, {}) for day in limits.days}
        used = {key: [found for found in sorted(cells.items()) if found[0] >= oldest] for key, cells in kept.items()}
        granted = grant_slots(limits, buckets, used, now_us, want)
        if not granted.count:
            return granted
        last = granted.first_us + (granted.count - 1) * granted.interval_us
        for limit in limits.smooth:
            buckets[limit.key] = (last + limit.interval_us, 0)
        if limits.batch:
            left = (buckets.get(limits.batch.key, (0, 0))[1] or limits.batch.size) - granted.count
            buckets[limits.batch.key] = (last + limits.batch.pause_us if left == 0 else 0, left)
        cell = now_us // SECOND // throttle.CELL_SECONDS
        for cells in kept.values():
            cells[cell] = cells.get(cell, 0) + granted.count
        return granted


def play(limits: Limits, asks: list[tuple[int, int]]) -> list[tuple[Grant, int]]:
    """Ask in turn (microseconds after the last ask, wanted); every grant with the moment it was asked at."""
    bucketed, grants, now = Bucketed(limits), [], 10**15
    for step, want in asks:
        now += step
        grants.append((bucketed.take(now, want), now))
    return grants


def slots(grants: list[tuple[Grant, int]]) -> list[int]:
    return sorted(g.first_us + n * g.interval_us for g, _ in grants for n in range(g.count))


ASKS = st.lists(st.tuples(st.integers(0, 3 * SECOND), st.integers(1, 40)), min_size=1, max_size=60)


@given(count=st.integers(1, 200), seconds=st.sampled_from([1, 60, 3600]), asks=ASKS)
@settings(max_examples=150)
def test_no_sliding_window_holds_more_than_the_limit_even_when_messages_are_late(
    count: int, seconds: int, asks: list[tuple[int, int]]
) -> None:
    limit = per("k", count, seconds, "the limit")
    found = slots(play(Limits(smooth=(limit,)), asks))
    # a message leaves up to tolerance late: a window of the limit's length may take in slots of so much more time
    span = seconds * SECOND + limit.tolerance_us
    for index, first in enumerate(found):
        assert sum(1 for slot in found[index : index + count + 1] if slot < first + span) <= count


@given(asks=ASKS, size=st.integers(1, 10), pause=st.integers(1, 30))
@settings(max_examples=100)
def test_after_every_batch_of_customers_comes_the_pause(asks: list[tuple[int, int]], size: int, pause: int) -> None:
    limits = Limits(batch=BatchPause("b", size, pause * SECOND, "the customers delay"))
    grants = [g for g, _ in play(limits, asks) if g.count]
    sent = 0
    for granted, following in zip(grants, grants[1:], strict=False):
        sent += granted.count
        assert granted.count <= size
        if sent % size == 0:
            assert following.first_us - granted.first_us >= pause * SECOND - throttle.HORIZON_US // 10


@given(
    cap=st.integers(1, 50),
    asks=st.lists(st.tuples(st.integers(0, 7200 * SECOND), st.integers(1, 40)), min_size=1, max_size=80),
)
@settings(max_examples=100)
def test_no_24_hours_hold_more_than_the_cap_of_the_day(cap: int, asks: list[tuple[int, int]]) -> None:
    grants = play(Limits(days=(DayCap("d", cap, "the limit per day"),)), asks)
    moments = [(now, g.count) for g, now in grants if g.count]
    day, late = throttle.DAY_SECONDS * SECOND, 600 * SECOND  # a big batch to a slow server is on its way for minutes
    for start, _ in moments:
        assert sum(n for now, n in moments if start <= now < start + day + late) <= cap
    assert all(g.next_us > now for g, now in grants if not g.count)


@given(
    first=st.integers(1, 40),
    growth=st.integers(1, 300),
    more=st.integers(1, 200),
    begins=st.integers(-3, 3),
    asks=st.lists(st.tuples(st.integers(0, 7200 * SECOND), st.integers(1, 40)), min_size=1, max_size=120),
)
@settings(max_examples=150, deadline=None)
def test_no_24_hours_hold_more_than_the_warm_up_allows_on_the_day_of_their_end(
    first: int, growth: int, more: int, begins: int, asks: list[tuple[int, int]]
) -> None:
    begins_on = throttle.from_us(10**15).date() + timedelta(days=begins)
    account = SmtpAccount(
        id=1,
        name="New",
        per_day=first + more,
        warm_up_begins_on=begins_on,
        warm_up_first_day=first,
        warm_up_growth_percent=growth,
    )
    plan, limits = account.warm_up, limits_on(account)
    assert plan is not None
    moments = [(now, g.count) for g, now in play(limits, asks) if g.count]
    day, late = throttle.DAY_SECONDS * SECOND, 600 * SECOND
    for end, _ in moments:
        most = plan.most_on(throttle.from_us(end).date())
        assert sum(n for now, n in moments if end - day - late < now <= end) <= most
    for on in {throttle.from_us(now).date() for now, _ in moments}:
        assert sum(n for now, n in moments if throttle.from_us(now).date() == on) <= plan.most_on(on)


@given(
    ours=st.integers(1, 60),
    whole=st.integers(1, 60),
    seconds=st.sampled_from([1, 60, 3600]),
    asks=st.lists(
        st.tuples(st.integers(0, 1), st.integers(0, 3 * SECOND), st.integers(1, 40)), min_size=1, max_size=60
    ),
)
@settings(max_examples=150)
def test_senders_of_one_channel_keep_its_limit_together_and_each_its_own(
    ours: int, whole: int, seconds: int, asks: list[tuple[int, int, int]]
) -> None:
    channel, cap = per("channel", whole, seconds, ""), DayCap("channel:day", 90, "")
    own = [per(f"sender {n}", ours, 1, "") for n in range(2)]
    first = Bucketed(Limits((own[0], channel), days=(cap,)))
    senders, found, now = [first, Bucketed(Limits((own[1], channel), days=(cap,)), first)], ([], []), 10**15
    for which, step, want in asks:
        now += step
        found[which].append((senders[which].take(now, want), now))
    both = [*found[0], *found[1]]
    for limit, taken in zip((*own, channel), map(slots, (*found, both)), strict=True):
        span = (seconds if limit is channel else 1) * SECOND + limit.tolerance_us
        for index, start in enumerate(taken):
            assert sum(1 for slot in taken[index : index + limit.count + 1] if slot < start + span) <= limit.count
    assert len(slots(both)) <= cap.cap  # all of it within a day


@given(asks=ASKS, count=st.integers(1, 200))
@settings(max_examples=50)
def test_no_second_of_the_counters_holds_more_than_the_limit(asks: list[tuple[int, int]], count: int) -> None:
    counted: Counter[int] = Counter()
    for granted, _now in play(Limits(smooth=(per("k", count, 1, ""),)), asks):
        counted.update(dict(throttle.by_second(granted) if granted.count else ()))
    assert max(counted.values()) <= count


def test_the_answer_names_the_limit_that_binds() -> None:
    fast, slow = per("fast", 100, 1, "the limit per second"), Limit("slow", 20 * SECOND, 0, "the delay")
    limits = Limits(smooth=(fast, slow))
    first, second = (g for g, _ in play(limits, [(0, 5), (SECOND, 5)]))
    assert (first.count, first.label) == (1, "the delay")
    assert (second.count, second.label, second.next_us) == (0, "the delay", first.first_us + 20 * SECOND)


def test_without_limits_everything_is_granted_at_once() -> None:
    assert throttle.take(Limits(), NOW, 500) == Grant(500)


def test_two_claims_share_the_slots_of_one_account(app: Flask) -> None:
    limits = Limits(smooth=(per("smtp:1:second", 10, 1, "the limit"),))
    first = in_transaction(throttle.take, limits, NOW, 500)
    second = in_transaction(throttle.take, limits, NOW, 500)
    later = in_transaction(throttle.take, limits, NOW + timedelta(seconds=1.1), 500)
    assert first.count == 10 and second.count == 0
    assert later.first_us >= first.first_us + 10 * first.interval_us
    assert second.next_us == first.first_us + 10 * first.interval_us


@pytest.mark.parametrize(("used", "hours", "granted"), [(7, 0, 3), (10, 0, 0), (10, 25, 10)])
def test_the_cap_of_a_day_is_kept_in_the_database(app: Flask, used: int, hours: int, granted: int) -> None:
    limits = Limits(days=(DayCap("smtp:1:day", 10, "the limit per day"),))
    assert in_transaction(throttle.take, limits, NOW, used).count == used
    assert in_transaction(throttle.take, limits, NOW + timedelta(hours=hours), 500).count == granted
    db.session.rollback()
