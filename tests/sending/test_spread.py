"""The forecast by stretches of time: the same messages as the forecast of all, each counted where it leaves."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.campaigns.schedule import Window, resolve
from app.sending.forecast import Spread, forecast, spread
from app.sending.throttle import Kept, Limits, to_us
from tests.sending.test_forecast import MONDAY_EVENING, NIGHT, WARSAW, WORK, at, limits, window

HOUR = timedelta(hours=1)


def midnights(first: str, days: int) -> list[datetime]:
    start = date.fromisoformat(first)
    return [resolve(start + timedelta(days=number), time(), WARSAW) for number in range(days + 1)]


@pytest.mark.parametrize(
    ("people", "calendar", "pace", "counts", "left"),
    [
        pytest.param(10, window(), limits(), (10, 0, 0), 0, id="all at once"),
        pytest.param(2000, WORK, limits(20), (0, 1440, 560), 0, id="two working days"),
        pytest.param(9999, WORK, limits(20), (0, 1440, 1440), 7119, id="more than the stretch holds"),
        pytest.param(600, NIGHT, limits(60), (120, 480, 0), 0, id="over midnight"),
        pytest.param(1000, window(), limits(day=300), (300, 300, 300), 100, id="a limit per day"),
        pytest.param(0, WORK, limits(20), (0, 0, 0), 0, id="nobody"),
    ],
)
def test_messages_are_counted_on_the_day_on_which_they_leave(
    people: int, calendar: Window, pace: Limits, counts: tuple[int, ...], left: int
) -> None:
    found = spread(people, calendar, pace, MONDAY_EVENING, midnights("2026-11-23", 3))
    assert (found.counts, found.left) == (counts, left)


def test_what_leaves_before_the_first_edge_is_in_no_part() -> None:
    found = spread(2000, WORK, limits(20), MONDAY_EVENING, midnights("2026-11-25", 2))
    assert (found.counts, found.left, found.first_at) == ((560, 0), 0, at("2026-11-24 09:00"))


def test_what_comes_after_the_last_edge_is_left() -> None:
    found = spread(5, WORK, limits(20), MONDAY_EVENING, midnights("2026-11-23", 1))
    assert found == Spread((0,), 5)


@pytest.mark.parametrize(
    ("day", "hours"), [pytest.param("2026-10-25", 25, id="autumn"), pytest.param("2027-03-28", 23, id="spring")]
)
def test_a_day_of_a_clock_change_has_its_true_length(day: str, hours: int) -> None:
    edges = midnights(day, 1)
    found = spread(10_000, window(), limits(60), edges[0], edges)
    assert found.counts == (hours * 60,)


def test_slots_that_were_given_before_are_counted_on() -> None:
    kept = Kept(next_us=to_us(at("2026-11-24 12:00")))
    found = spread(10_000, WORK, limits(20), MONDAY_EVENING, midnights("2026-11-24", 1), kept)
    assert found.counts == (900,) and found.first_at == at("2026-11-24 12:00")


@given(
    people=st.integers(0, 3000),
    calendar=st.sampled_from([WORK, NIGHT, window("09:00-17:00")]),
    delay=st.integers(1, 400),
    batch=st.none() | st.tuples(st.integers(1, 60), st.integers(1, 4000)),
    cap=st.sampled_from([0, 0, 250]),
    step=st.integers(1, 30),
)
def test_the_parts_are_the_whole(
    people: int, calendar: Window, delay: int, batch: tuple[int, int] | None, cap: int, step: int
) -> None:
    pace = limits(delay, batch, cap)
    edges = [MONDAY_EVENING + number * step * HOUR for number in range(40)]
    found, whole = (
        spread(people, calendar, pace, MONDAY_EVENING, edges),
        forecast(people, calendar, pace, MONDAY_EVENING),
    )
    assert sum(found.counts) + found.left == people
    if not found.left and people:
        assert (found.first_at, found.last_at) == (whole.first_at, whole.last_at)
    if found.left:
        assert whole.last_at is None or whole.last_at >= edges[-1] or whole.missed


def test_a_year_of_days_is_counted_quickly() -> None:
    started = datetime.now(UTC)
    spread(10_000_000, WORK, limits(20), MONDAY_EVENING, midnights("2026-11-23", 400))
    assert datetime.now(UTC) - started < timedelta(seconds=1)
