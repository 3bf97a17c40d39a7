"""The days without work: own ones from a day on, public ones of a country."""

from datetime import date

import pytest

from app.campaigns import days_off
from app.campaigns.models import OwnHoliday
from app.extensions import db


@pytest.mark.usefixtures("app")
def test_own_days_are_found_from_a_day_on_with_their_names() -> None:
    db.session.add_all(
        [OwnHoliday(on_date=date(2026, 5, 4), name="Before"), OwnHoliday(on_date=date(2026, 5, 5), name="Inventory")]
    )
    db.session.flush()
    assert days_off.own(date(2026, 5, 5)) == {date(2026, 5, 5): "Inventory"}


def test_the_public_days_of_a_country_have_names_and_reach_into_the_years_ahead() -> None:
    found = days_off.public("PL", 2026)
    assert found[date(2026, 11, 11)] and {day.year for day in found} == {2025, 2026, 2027, 2028}
    assert days_off.public("", 2026) == {}
    assert "PL" in days_off.countries()
