"""The forecast: the same first and last moment as the throttle and the calendar give when they are asked one by one."""

import time as wall
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from app.campaigns.schedule import Window, next_opening
from app.channels.models import SmtpAccount
from app.kernel.db import in_transaction
from app.sending import throttle
from app.sending.forecast import HORIZON, MOST_CELLS, Forecast, forecast
from app.sending.limits import limits_on
from app.sending.throttle import SECOND_US, BatchPause, DayCap, Grant, Kept, Limit, Limits, from_us, per, to_us
from tests.sending.test_throttle import Bucketed

WARSAW = ZoneInfo("Europe/Warsaw")
MONDAY_EVENING = datetime(2026, 11, 23, 19, 0, tzinfo=UTC)


def at(text: str) -> datetime:
    """A time by the clocks of Warsaw; a + behind it: the second of the two in the autumn night."""
    return datetime.fromisoformat(text.rstrip("+")).replace(tzinfo=WARSAW, fold=int(text.endswith("+"))).astimezone(UTC)


def window(hours: str = "", **more: Any) -> Window:
    if hours:
        more["daily_from"], more["daily_until"] = map(time.fromisoformat, hours.split("-"))
    return Window(WARSAW, **more)


def limits(delay: float = 0, batch: tuple[int, int] | None = None, day: int = 0, *more: Limit) -> Limits:
    smooth = (Limit("delay", int(delay * SECOND_US), int(delay * SECOND_US), ""),) if delay else ()
    pause = BatchPause("batch", batch[0], batch[1] * SECOND_US, "") if batch else None
    return Limits((*smooth, *more), pause, (DayCap("day", day, ""),) if day else ())


def warming(first: int, growth_percent: int, most: int, begins: str, *more: Limit) -> Limits:
    """The limits of an account that warms up."""
    account = SmtpAccount(
        id=1,
        name="New",
        per_day=most,
        warm_up_begins_on=date.fromisoformat(begins),
        warm_up_first_day=first,
        warm_up_growth_percent=growth_percent,
    )
    return replace(limits_on(account), smooth=more)


WORK = window("09:00-17:00", working_days_only=True)
NIGHT = window("22:00-06:00")


@pytest.mark.parametrize(
    ("people", "calendar", "pace", "now", "first", "last"),
    [
        pytest.param(1, window(), limits(20), "2026-11-23 20:00", "2026-11-23 20:00", "2026-11-23 20:00", id="one"),
        pytest.param(4, window(), limits(20), "2026-11-23 20:00", "2026-11-23 20:00", "2026-11-23 20:01", id="delay"),
        pytest.param(
            2203, WORK, limits(20), "2026-11-23 20:00", "2026-11-24 09:00", "2026-11-25 13:14", id="two working days"
        ),
        pytest.param(1440, WORK, limits(20), "2026-11-27 08:00", "2026-11-27 09:00", "2026-11-27 16:59:40", id="day"),
        pytest.param(1441, WORK, limits(20), "2026-11-27 08:00", "2026-11-27 09:00", "2026-11-30 09:00", id="weekend"),
        pytest.param(
            481,
            replace(WORK, holidays=frozenset({date(2026, 12, 24), date(2026, 12, 25)})),
            limits(60),
            "2026-12-23 08:00",
            "2026-12-23 09:00",
            "2026-12-28 09:00",
            id="holidays and a weekend",
        ),
        pytest.param(
            480, NIGHT, limits(60), "2026-11-23 20:00", "2026-11-23 22:00", "2026-11-24 05:59", id="over midnight"
        ),
        pytest.param(
            481, NIGHT, limits(60), "2026-11-23 20:00", "2026-11-23 22:00", "2026-11-24 22:00", id="two nights"
        ),
        pytest.param(
            420, NIGHT, limits(60), "2027-03-27 20:00", "2027-03-27 22:00", "2027-03-28 05:59", id="spring: seven hours"
        ),
        pytest.param(
            480, NIGHT, limits(60), "2027-03-27 20:00", "2027-03-27 22:00", "2027-03-28 22:59", id="spring: and an hour"
        ),
        pytest.param(
            540, NIGHT, limits(60), "2026-10-24 20:00", "2026-10-24 22:00", "2026-10-25 05:59", id="autumn: nine hours"
        ),
        pytest.param(
            300, NIGHT, limits(60), "2026-10-24 20:00", "2026-10-24 22:00", "2026-10-25 02:59", id="autumn: the first 2"
        ),
        pytest.param(
            301, NIGHT, limits(60), "2026-10-24 20:00", "2026-10-24 22:00", "2026-10-25 02:00+", id="autumn: again 2"
        ),
        pytest.param(
            25,
            window(),
            limits(1, (10, 300)),
            "2026-11-23 20:00",
            "2026-11-23 20:00",
            "2026-11-23 20:10:22",
            id="customers delay",
        ),
        pytest.param(
            20,
            window("09:00-09:05"),
            limits(60, (3, 600)),
            "2026-11-23 20:00",
            "2026-11-24 09:00",
            "2026-11-30 09:01",
            id="the pause is longer than the hours",
        ),
        pytest.param(
            2500, window(), limits(0, None, 1000), "2026-11-23 20:00", "2026-11-23 20:00", "2026-11-25 21:00", id="cap"
        ),
        pytest.param(
            2500,
            window("09:00-17:00"),
            limits(0, None, 1000),
            "2026-11-23 20:00",
            "2026-11-24 09:00",
            "2026-11-26 10:00",
            id="cap: half an hour later each day",
        ),
        pytest.param(500, WORK, limits(), "2026-11-23 20:00", "2026-11-24 09:00", "2026-11-24 09:00", id="no limits"),
    ],
)
def test_when_the_first_and_the_last_leave(
    people: int, calendar: Window, pace: Limits, now: str, first: str, last: str
) -> None:
    found = forecast(people, calendar, pace, at(now))
    assert (found.first_at, found.last_at, found.missed) == (at(first), at(last), 0)
    assert found.is_paced == (pace != limits())


@pytest.mark.parametrize(
    ("people", "calendar", "missed", "last"),
    [
        (60, window(valid_until=at("2026-11-23 21:00")), 0, "2026-11-23 20:59"),
        (61, window(valid_until=at("2026-11-23 21:00")), 1, "2026-11-23 20:59"),
        (500, window("22:00-06:00", valid_until=at("2026-11-24 00:00")), 380, "2026-11-23 23:59"),
        (10, window(valid_until=at("2026-11-23 20:00")), 10, None),
        (10, window("02:00-03:00", valid_until=at("2026-11-24 01:00")), 10, None),
    ],
)
def test_who_is_not_reached_before_the_validity_ends(
    people: int, calendar: Window, missed: int, last: str | None
) -> None:
    found = forecast(people, calendar, limits(60), MONDAY_EVENING)
    assert (found.missed, found.last_at) == (missed, at(last) if last else None)


def test_the_start_and_the_validity_are_waited_for() -> None:
    calendar = window("09:00-17:00", start_at=at("2026-12-01 12:00"), valid_from=at("2026-12-02 16:59"))
    found = forecast(2, calendar, limits(60), MONDAY_EVENING)
    assert (found.first_at, found.last_at) == (at("2026-12-02 16:59"), at("2026-12-03 09:00"))


def test_nobody_is_told_as_nobody() -> None:
    assert forecast(0, WORK, limits(60), MONDAY_EVENING) == Forecast(0)


def test_what_left_before_counts() -> None:
    pace = limits(60, (3, 600), 100)
    now_us = to_us(MONDAY_EVENING)
    kept = Kept(now_us + 30 * SECOND_US, 2)
    found = forecast(3, window(), pace, MONDAY_EVENING, kept)
    assert found.first_at == from_us(now_us + 30 * SECOND_US)
    assert found.last_at == from_us(now_us + (30 + 60 + 600) * SECOND_US)
    cell = now_us // SECOND_US // throttle.CELL_SECONDS - 4
    full = forecast(3, window(), pace, MONDAY_EVENING, Kept(used_today={"day": ((cell, 100),)}))
    assert full.first_at == from_us(throttle.freed_us(cell))


def test_a_crowd_over_years_is_told_at_once() -> None:
    began = wall.process_time()
    found = forecast(1_000_000, WORK, limits(60), MONDAY_EVENING)
    assert wall.process_time() - began < 1  # 20 ms; cell by cell it would be minutes
    days = 1_000_000 // 480
    assert found.last_at is not None
    assert timedelta(days=days * 1.39) < found.last_at - MONDAY_EVENING < timedelta(days=days * 1.41)


def test_what_takes_more_than_ten_years_is_not_waited_for() -> None:
    found = forecast(1_000_000, WORK, limits(7 * 86400), MONDAY_EVENING)
    assert found.last_at is not None and found.last_at < MONDAY_EVENING + HORIZON
    assert 999_000 < found.missed < 999_700


@pytest.mark.parametrize("until", [None, at("2028-11-01 00:00")], ids=["open end", "validity"])
def test_a_cap_over_years_goes_on_at_the_mean_pace(until: datetime | None) -> None:
    began = wall.process_time()
    calendar = replace(window(), valid_until=until)
    found = forecast(1_000_000, calendar, limits(60, None, 1000), MONDAY_EVENING)
    assert wall.process_time() - began < 1
    assert found.last_at is not None and found.first_at is not None
    days = (found.last_at - found.first_at) / timedelta(days=1)
    reached = 1_000_000 - found.missed
    assert reached / days * 24.5 / 24 == pytest.approx(1000, rel=0.02)
    assert (found.missed > 0) == (until is not None)
    assert days * 96 > MOST_CELLS


def turned(people: int, calendar: Window, now: datetime, take: Any) -> tuple[datetime, datetime, int]:
    """What happens when the clock is turned from one decision to the next: first, last, how many.

    take(moment, want): the throttle's grant. A slot behind the end of the opening goes back, as deliver.py does it.
    """
    slots: list[int] = []
    while len(slots) < people:
        opening = next_opening(now, calendar)
        if opening.at is None:
            break
        if opening.closed is not None:
            now = opening.at
            continue
        grant: Grant = take(now, min(people - len(slots), 500))
        if not grant.count:
            now = from_us(grant.next_us)
            continue
        given = [grant.first_us + number * grant.interval_us for number in range(grant.count)]
        slots += [slot for slot in given if opening.until is None or slot < to_us(opening.until)]
        now = from_us(max(given[-1], to_us(now)))
    return from_us(slots[0]), from_us(slots[-1]), len(slots)


RUNS = {
    "each 20 s": (300, window(), limits(20), "2026-11-23 20:00"),
    "hours": (300, window("09:00-09:40"), limits(20), "2026-11-23 20:00"),
    "spring night": (600, NIGHT, limits(60), "2027-03-27 20:00"),
    "autumn night": (600, NIGHT, limits(60), "2026-10-24 20:00"),
    "customers delay": (300, window("09:00-12:00"), limits(5, (7, 240)), "2026-11-23 20:00"),
    "customers delay alone": (300, window(), limits(0, (40, 600)), "2026-11-23 20:00"),
    "limit per minute": (400, window("09:00-09:10"), Limits((per("m", 20, 60, ""),)), "2026-11-23 20:00"),
    "limit per second and delay": (400, window(), limits(2, None, 0, per("s", 5, 1, "")), "2026-11-23 20:00"),
    "cap of a day": (300, window("09:00-17:00"), limits(30, None, 90), "2026-11-23 20:00"),
    "cap of a day, all day": (300, window(), limits(120, None, 90), "2026-11-23 20:07"),
    "warm-up": (600, window(), warming(20, 50, 150, "2026-11-24"), "2026-11-22 20:00"),
    "warm-up in the evening": (200, window("20:00-23:00"), warming(5, 40, 60, "2026-11-22"), "2026-11-23 20:00"),
    "warm-up and a pace": (250, window(), warming(20, 50, 90, "2026-11-23", per("h", 6, 3600, "")), "2026-11-23 20:00"),
    "all together": (250, WORK, limits(20, (30, 900), 80, per("h", 200, 3600, "")), "2026-11-26 15:00"),
}


@pytest.mark.parametrize("name", RUNS)
def test_the_real_throttle_agrees_within_one_step(app: Flask, name: str) -> None:
    people, calendar, pace, now = RUNS[name]
    found = forecast(people, calendar, pace, at(now))

    def take(moment: datetime, want: int) -> Grant:
        return in_transaction(lambda: throttle.take(pace, moment, want))

    first, last, number = turned(people, calendar, at(now), take)
    step = timedelta(microseconds=max((limit.interval_us for limit in pace.smooth), default=SECOND_US))
    assert number == people - found.missed
    assert found.first_at is not None and abs(first - found.first_at) <= step
    assert found.last_at is not None and abs(last - found.last_at) <= step


def test_a_forecast_in_the_middle_agrees_with_what_follows(app: Flask) -> None:
    pace, calendar = limits(20, (30, 900), 80), window("09:00-17:00")

    def take(moment: datetime, want: int) -> Grant:
        return in_transaction(lambda: throttle.take(pace, moment, want))

    _first, middle, _number = turned(100, calendar, MONDAY_EVENING, take)
    kept = in_transaction(lambda: throttle.kept(pace, middle))
    found = forecast(100, calendar, pace, middle, kept)
    first, last, _number = turned(100, calendar, middle, take)
    assert found.first_at == first
    assert found.last_at is not None and abs(last - found.last_at) <= timedelta(seconds=20)


HOURS = st.sampled_from(["", "09:00-17:00", "22:00-06:00", "01:30-02:30", "23:50-00:10", "02:15-02:45"])


@given(
    people=st.integers(1, 400),
    hours=HOURS,
    is_working=st.booleans(),
    delay=st.sampled_from([1, 7, 60, 333]),
    batch=st.none() | st.tuples(st.integers(1, 50), st.sampled_from([30, 600, 7200])),
    day=st.sampled_from([0, 0, 40, 150]),
    warm_up=st.none() | st.tuples(st.integers(1, 39), st.integers(5, 200), st.integers(-5, 5)),
    start=st.integers(0, 400 * 24),
)
@settings(max_examples=150, deadline=None)
def test_any_calendar_and_any_limits_agree_within_one_step(
    people: int,
    hours: str,
    is_working: bool,
    delay: int,
    batch: tuple[int, int] | None,
    day: int,
    warm_up: tuple[int, int, int] | None,
    start: int,
) -> None:
    calendar, pace = window(hours, working_days_only=is_working), limits(delay, batch, day)
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=start)
    if day and warm_up is not None:
        begins = (now + timedelta(days=warm_up[2])).date().isoformat()
        pace = replace(pace, days=warming(*warm_up[:2], day, begins).days)
    found, buckets = forecast(people, calendar, pace, now), Bucketed(pace)
    first, last, number = turned(people, calendar, now, lambda moment, want: buckets.take(to_us(moment), want))
    step = timedelta(seconds=delay)
    assert found.first_at is not None and found.last_at is not None
    assert number == people and found.missed == 0
    assert abs(first - found.first_at) <= step and abs(last - found.last_at) <= step


def test_a_crowd_under_a_warm_up_is_told_by_the_pace_it_ends_with() -> None:
    began = wall.process_time()
    pace = warming(50, 3, 1000, "2027-03-01")
    found = forecast(1_000_000, window(), pace, MONDAY_EVENING)
    assert wall.process_time() - began < 1
    assert found.last_at is not None and found.missed == 0
    afterwards = (found.last_at.date() - date(2027, 6, 10)).days
    assert afterwards == pytest.approx(1_000_000 / 1000 * 24.5 / 24, rel=0.05)
