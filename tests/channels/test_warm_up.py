"""The warm-up of a sender: what each of its days may hold."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.channels.warm_up import MOST_DAYS, WarmUp

MONDAY = date(2026, 11, 23)
PLAN = WarmUp(MONDAY, 50, 50, 400)


@pytest.mark.parametrize(
    ("days", "number", "most"),
    [(-9, -8, 50), (-1, 0, 50), (0, 1, 50), (1, 2, 75), (2, 3, 112), (5, 6, 379), (6, 7, 400), (90, 91, 400)],
)
def test_the_days_of_a_warm_up(days: int, number: int, most: int) -> None:
    day = MONDAY + timedelta(days=days)
    assert (PLAN.day_of(day), PLAN.most_on(day)) == (number, most)


def test_it_is_over_on_the_day_that_may_hold_all() -> None:
    assert (len(PLAN.numbers), PLAN.over_on) == (6, date(2026, 11, 29))


def test_one_message_a_day_grows_too() -> None:
    assert WarmUp(MONDAY, 1, 10, 3).numbers == (1,) * 8 + (2,) * 4


@given(first=st.integers(1, 500), growth=st.integers(1, 1000), most=st.integers(1, 10_000_000))
def test_no_day_holds_less_than_the_one_before_it_nor_more_than_its_growth(first: int, growth: int, most: int) -> None:
    numbers = WarmUp(MONDAY, first, growth, most).numbers
    assert len(numbers) <= MOST_DAYS + 1
    for day, (before, after) in enumerate(zip(numbers, numbers[1:], strict=False), 2):
        assert before <= after < most
        assert after <= first * (1 + growth / 100) ** (day - 1) * (1 + 1e-9)
