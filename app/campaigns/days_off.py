"""The days on which campaigns of working days do not send, by their names: own ones, and public ones of a country."""

from collections.abc import Mapping
from datetime import date
from functools import cache
from types import MappingProxyType

import holidays
from sqlalchemy import select

from app.campaigns.models import OwnHoliday
from app.extensions import db

YEARS_AHEAD = 3
_NONE: Mapping[date, str] = MappingProxyType({})


def own(from_on: date) -> dict[date, str]:
    """The own days without work from a day on."""
    query = select(OwnHoliday.on_date, OwnHoliday.name).where(OwnHoliday.on_date >= from_on)
    return dict(db.session.execute(query).all())


@cache
def public(country: str, year: int) -> Mapping[date, str]:
    """The public holidays of a country, from the year before this one to three years on; none for no country."""
    if not country:
        return _NONE
    return MappingProxyType(dict(holidays.country_holidays(country, years=range(year - 1, year + YEARS_AHEAD)).items()))


@cache
def countries() -> frozenset[str]:
    """The codes of the countries whose holidays are known."""
    return frozenset(holidays.list_supported_countries(include_aliases=False))
