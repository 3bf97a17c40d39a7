"""The calendar of a campaign: clock changes, half-hour zones, nights, days off and bounds."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.campaigns.schedule import Closed, Opening, Window, is_working_day, next_opening, openings, resolve

WARSAW = "Europe/Warsaw"
ZONES = (
    WARSAW,
    "UTC",
    "America/New_York",
    "America/Santiago",  # changes at midnight
    "Asia/Beirut",  # changes at midnight
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Australia/Lord_Howe",  # changes by half an hour
    "Africa/Casablanca",  # winter time in summer
    "Pacific/Apia",  # left out 2011-12-30
    "Pacific/Chatham",
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def window(zone: str = WARSAW, hours: str = "", **more: Any) -> Window:
    if hours:
        more["daily_from"], more["daily_until"] = map(time.fromisoformat, hours.split("-"))
    return Window(ZoneInfo(zone), **more)


@pytest.mark.parametrize(
    ("zone", "wall", "instant"),
    [
        pytest.param(WARSAW, "2026-03-29 01:59", "2026-03-29 00:59", id="before the gap"),
        pytest.param(WARSAW, "2026-03-29 02:00", "2026-03-29 01:00", id="first missing minute"),
        pytest.param(WARSAW, "2026-03-29 02:30:30.5", "2026-03-29 01:00", id="inside the gap"),
        pytest.param(WARSAW, "2026-03-29 03:00", "2026-03-29 01:00", id="after the gap"),
        pytest.param(WARSAW, "2026-10-25 01:59", "2026-10-24 23:59", id="before the fold"),
        pytest.param(WARSAW, "2026-10-25 02:30", "2026-10-25 00:30", id="first of the two"),
        pytest.param(WARSAW, "2026-10-25 03:00", "2026-10-25 02:00", id="after the fold"),
        pytest.param("Australia/Lord_Howe", "2026-10-04 02:15", "2026-10-03 15:30", id="half-hour gap"),
        pytest.param("Australia/Lord_Howe", "2026-04-05 01:45", "2026-04-04 14:45", id="half-hour fold"),
        pytest.param("Asia/Kolkata", "2026-01-01 00:00", "2025-12-31 18:30", id="half an hour, year end"),
        pytest.param("Asia/Kathmandu", "2026-01-01 00:00", "2025-12-31 18:15", id="three quarters"),
        pytest.param("America/Santiago", "2026-09-06 00:00", "2026-09-06 04:00", id="no midnight"),
        pytest.param("Pacific/Apia", "2011-12-30 12:00", "2011-12-30 10:00", id="no such day"),
    ],
)
def test_a_wall_time_becomes_one_instant(zone: str, wall: str, instant: str) -> None:
    naive = datetime.fromisoformat(wall)
    assert resolve(naive.date(), naive.time(), ZoneInfo(zone)) == utc(instant)


NIGHT = {"hours": "22:00-06:00", "working_days_only": True}
FREE_FRIDAY = frozenset({date(2026, 5, 1)})

CASES: list[Any] = [
    # window, now, opens at, why not now, open until (all UTC; 2026-05-04 is a Monday, Warsaw is UTC+2 in summer)
    ("always open", window(), "2026-05-04 10:00", "2026-05-04 10:00", None, None),
    ("start later", window(start_at=utc("2026-05-05")), "2026-05-04", "2026-05-05", Closed.NOT_STARTED, None),
    ("start in the past", window(start_at=utc("2020-01-01")), "2026-05-04", "2026-05-04", None, None),
    ("not valid yet", window(valid_from=utc("2026-05-05")), "2026-05-04", "2026-05-05", Closed.NOT_VALID_YET, None),
    (
        "the later bound counts",
        window(start_at=utc("2026-05-05"), valid_from=utc("2026-05-06")),
        *("2026-05-04", "2026-05-06", Closed.NOT_VALID_YET, None),
    ),
    (
        "last microsecond",
        window(valid_until=utc("2026-05-04")),
        *("2026-05-03 23:59:59.999999", "2026-05-03 23:59:59.999999", None, "2026-05-04"),
    ),
    ("end is outside", window(valid_until=utc("2026-05-04")), "2026-05-04", None, Closed.OVER, None),
    (
        "start after the end",
        window(start_at=utc("2026-06-01"), valid_until=utc("2026-05-20")),
        *("2026-05-04", None, Closed.OVER, None),
    ),
    (
        "validity inside closed hours",
        window(hours="09:00-17:00", valid_from=utc("2026-05-04 16:00"), valid_until=utc("2026-05-05 07:00")),
        *("2026-05-04 16:00", None, Closed.OVER, None),
    ),
    (
        "validity ends inside open hours",
        window(hours="09:00-17:00", valid_until=utc("2026-05-04 12:30")),
        *("2026-05-04 10:00", "2026-05-04 10:00", None, "2026-05-04 12:30"),
    ),
    (
        "opens on the minute",
        window(hours="09:00-17:00"),
        *("2026-05-04 07:00", "2026-05-04 07:00", None, "2026-05-04 15:00"),
    ),
    (
        "closes on the minute",
        window(hours="09:00-17:00"),
        *("2026-05-04 15:00", "2026-05-05 07:00", Closed.OUTSIDE_HOURS, "2026-05-05 15:00"),
    ),
    (
        "the start time wins as the reason",
        window(hours="09:00-17:00", start_at=utc("2026-05-05 20:00")),
        *("2026-05-04 10:00", "2026-05-06 07:00", Closed.NOT_STARTED, "2026-05-06 15:00"),
    ),
    (
        "until midnight",
        window(hours="20:00-00:00"),
        *("2026-05-04 19:00", "2026-05-04 19:00", None, "2026-05-04 22:00"),
    ),
    ("night, before midnight", window(**NIGHT), "2026-05-08 21:00", "2026-05-08 21:00", None, "2026-05-09 04:00"),
    ("Friday night on Saturday", window(**NIGHT), "2026-05-09 03:00", "2026-05-09 03:00", None, "2026-05-09 04:00"),
    (
        "no Saturday night",
        window(**NIGHT),
        *("2026-05-09 21:00", "2026-05-11 20:00", Closed.NON_WORKING_DAY, "2026-05-12 04:00"),
    ),
    (
        "no Sunday night on Monday morning",
        window(**NIGHT),
        *("2026-05-11 02:00", "2026-05-11 20:00", Closed.OUTSIDE_HOURS, "2026-05-12 04:00"),
    ),
    (
        "working days run together",
        window(working_days_only=True),
        *("2026-05-06 10:00", "2026-05-06 10:00", None, "2026-05-08 22:00"),
    ),
    (
        "long weekend",
        window(working_days_only=True, holidays=FREE_FRIDAY),
        *("2026-05-01 10:00", "2026-05-03 22:00", Closed.NON_WORKING_DAY, "2026-05-08 22:00"),
    ),
    (
        "holidays do not count without working days",
        window(holidays=FREE_FRIDAY),
        *("2026-05-01 10:00", "2026-05-01 10:00", None, None),
    ),
    (
        "year end",
        window(hours="22:00-02:00"),
        *("2026-12-31 23:30", "2026-12-31 23:30", None, "2027-01-01 01:00"),
    ),
    (
        "the window falls into the gap",
        window(hours="02:00-03:00"),
        *("2026-03-29 00:30", "2026-03-30 00:00", Closed.OUTSIDE_HOURS, "2026-03-30 01:00"),
    ),
    (
        "the window begins in the gap",
        window(hours="02:30-05:00"),
        *("2026-03-29 00:30", "2026-03-29 01:00", Closed.OUTSIDE_HOURS, "2026-03-29 03:00"),
    ),
    (
        "the window ends in the gap",
        window(hours="22:00-02:30"),
        *("2026-03-29 00:59", "2026-03-29 00:59", None, "2026-03-29 01:00"),
    ),
    (
        "a short night",
        window(hours="22:00-06:00"),
        *("2026-03-28 21:00", "2026-03-28 21:00", None, "2026-03-29 04:00"),
    ),
    ("a long night", window(hours="22:00-06:00"), "2026-10-24 20:00", "2026-10-24 20:00", None, "2026-10-25 05:00"),
    (
        "both hours of the fold",
        window(hours="02:00-03:00"),
        *("2026-10-25 00:00", "2026-10-25 00:00", None, "2026-10-25 02:00"),
    ),
    (
        "the end in the fold is the first one",
        window(hours="01:00-02:30"),
        *("2026-10-25 00:30", "2026-10-26 00:00", Closed.OUTSIDE_HOURS, "2026-10-26 01:30"),
    ),
    (
        "half-hour zone",
        window("Asia/Kathmandu", hours="09:00-17:00"),
        *("2026-05-04 03:14", "2026-05-04 03:15", Closed.OUTSIDE_HOURS, "2026-05-04 11:15"),
    ),
    (
        "half-hour gap",
        window("Australia/Lord_Howe", hours="02:00-02:30"),
        *("2026-10-03 15:00", "2026-10-04 15:00", Closed.OUTSIDE_HOURS, "2026-10-04 15:30"),
    ),
    (
        "the day in the zone decides, not in UTC",
        window("Pacific/Auckland", working_days_only=True),
        *("2026-05-08 13:00", "2026-05-10 12:00", Closed.NON_WORKING_DAY, "2026-05-15 12:00"),
    ),
]


@pytest.mark.parametrize(
    ("given_window", "now", "at", "closed", "until"), [pytest.param(*c[1:], id=c[0]) for c in CASES]
)
def test_the_next_opening(
    given_window: Window, now: str, at: str | None, closed: Closed | None, until: str | None
) -> None:
    opening = next_opening(utc(now), given_window)
    assert opening == Opening(utc(at) if at else None, closed, utc(until) if until else None)


def test_days_off_without_end_never_open() -> None:
    off = frozenset(date(2026, 1, 1) + timedelta(days=number) for number in range(1000))
    assert next_opening(utc("2026-05-04"), window(working_days_only=True, holidays=off)).at is None


moments = st.integers(0, 18 * 365 * 86400).map(lambda seconds: utc("2011-12-01") + timedelta(seconds=seconds))
near = st.timedeltas(timedelta(days=-3), timedelta(days=10))
hours = st.times().map(lambda t: t.replace(microsecond=0, second=0, minute=t.minute // 15 * 15))

parts = st.integers(0, 999).map(lambda thousandths: thousandths / 1000)  # nearer to 1 would round up to the end itself


@st.composite
def windows(draw: st.DrawFn) -> tuple[datetime, Window]:
    now = draw(moments)
    around = st.none() | near.map(lambda distance: now + distance)
    daily = draw(st.none() | st.tuples(hours, hours).filter(lambda pair: pair[0] != pair[1]))
    return now, Window(
        zone=ZoneInfo(draw(st.sampled_from(ZONES))),
        start_at=draw(around),
        valid_from=draw(around),
        valid_until=draw(around),
        daily_from=daily[0] if daily else None,
        daily_until=daily[1] if daily else None,
        working_days_only=draw(st.booleans()),
        holidays=draw(st.frozensets(near.map(lambda distance: (now + distance).date()), max_size=4)),
    )


def is_open_by_the_wall_clock(moment: datetime, given_window: Window) -> bool:
    """The same question asked in another way: by the local clock alone."""
    local = moment.astimezone(given_window.zone)
    wall, day = local.replace(tzinfo=None).time(), local.date()
    opens, closes = given_window.daily_from or time(0), given_window.daily_until or time(0)
    if opens < closes or closes == time(0):
        return opens <= wall and (wall < closes or closes == time(0)) and is_working_day(day, given_window)
    if wall >= opens:
        return is_working_day(day, given_window)
    return wall < closes and is_working_day(day - timedelta(days=1), given_window)


def is_near_a_clock_change(moment: datetime, zone: ZoneInfo) -> bool:
    around = (moment - timedelta(hours=25), moment + timedelta(hours=25))
    return len({each.astimezone(zone).utcoffset() for each in around}) > 1


@given(windows())
def test_an_opening_is_stable_in_bounds_and_never_early(drawn: tuple[datetime, Window]) -> None:
    now, given_window = drawn
    opening = next_opening(now, given_window)
    if opening.at is None:
        assert opening.closed is Closed.OVER
        return
    assert opening.at >= now
    assert (opening.closed is None) == (opening.at == now)
    again = next_opening(opening.at, given_window)
    assert (again.at, again.closed, again.until) == (opening.at, None, opening.until)
    for bound in (given_window.start_at, given_window.valid_from):
        assert bound is None or opening.at >= bound
    if given_window.valid_until is not None:
        assert opening.until is not None and opening.at < opening.until <= given_window.valid_until


@given(windows(), parts)
def test_every_moment_of_an_opening_is_inside_the_hours(drawn: tuple[datetime, Window], part: float) -> None:
    now, given_window = drawn
    opening = next_opening(now, given_window)
    if opening.at is None:
        return
    until = opening.until or opening.at + timedelta(days=30)
    moment = opening.at + (until - opening.at) * part
    if not is_near_a_clock_change(moment, given_window.zone):
        assert is_open_by_the_wall_clock(moment, given_window)
    assert next_opening(moment, given_window).at == moment


@given(windows(), parts)
def test_nothing_open_is_passed_over(drawn: tuple[datetime, Window], part: float) -> None:
    now, given_window = drawn
    opening = next_opening(now, given_window)
    bounds = [bound for bound in (given_window.start_at, given_window.valid_from) if bound is not None]
    first = max([now, *bounds])
    if opening.at is None or opening.at <= first:
        return
    moment = first + (opening.at - first) * part
    if not is_near_a_clock_change(moment, given_window.zone):
        assert not is_open_by_the_wall_clock(moment, given_window)


@given(windows())
def test_the_openings_are_those_that_one_finds_from_end_to_end(drawn: tuple[datetime, Window]) -> None:
    now, given_window = drawn
    for at, until in islice(openings(now, given_window), 20):
        opening = next_opening(now, given_window)
        assert (opening.at, opening.until) == (at, until)
        if until is None:
            return
        now = until
