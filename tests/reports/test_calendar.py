"""The campaigns of a stretch of time: where each lies, what the senders are asked for, and what it costs."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import Campaign, OwnHoliday
from app.channels.contract import Reason
from app.channels.models import SmtpAccount
from app.extensions import db
from app.reports import calendar
from app.reports.calendar import Span
from app.reports.cards import Wanted
from app.sending import progress
from app.sending.states import RecipientState
from tests import factories

pytestmark = pytest.mark.usefixtures("app")
STATUS = CampaignStatus
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
NOW = MONDAY + timedelta(hours=10)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
WEEK = [MONDAY + number * DAY for number in range(8)]


def a_campaign(status: CampaignStatus = STATUS.DRAFT, waiting: int = 0, **values: Any) -> Campaign:
    columns = {name: values.pop(name) for name in ("started_at", "finished_at", "hold_reason") if name in values}
    made = factories.ready_campaign(values.pop("people", 2), **values)
    made.status = status
    for name, value in columns.items():
        setattr(made, name, value)
    if waiting:
        progress.ensure(made.id)
        progress.move(made.id, {RecipientState.AWAITING: waiting})
    db.session.flush()
    return made


def look(edges: list[datetime] = WEEK, now: datetime = NOW, **wanted: Any) -> calendar.Stretch:
    db.session.flush()
    db.session.expire_all()
    return calendar.look(Wanted(**wanted), edges, now)


def span(campaign: Campaign, **more: Any) -> Span:
    (found,) = [each for each in look(**more).spans if each.campaign_id == campaign.id]
    return found


def test_what_is_over_lies_where_it_was() -> None:
    made = a_campaign(STATUS.FINISHED, started_at=MONDAY + HOUR, finished_at=MONDAY + 3 * HOUR)
    found = span(made)
    assert (found.begins_at, found.ends_at, found.goes_on) == (MONDAY + HOUR, MONDAY + 3 * HOUR, False)


def test_what_is_to_come_lies_where_its_forecast_puts_it() -> None:
    made = a_campaign(STATUS.SCHEDULED, waiting=61, start_at=MONDAY + 2 * DAY, delay_seconds=60)
    found = span(made)
    assert (found.begins_at, found.ends_at) == (MONDAY + 2 * DAY, MONDAY + 2 * DAY + HOUR)
    assert (found.people.number, found.start_at) == (61, MONDAY + 2 * DAY)


def test_a_draft_lies_at_its_start_with_the_people_of_its_folders() -> None:
    made = a_campaign(people=3, start_at=MONDAY + DAY, delay_seconds=3600)
    found = span(made)
    assert (found.people.number, found.ends_at) == (3, MONDAY + DAY + 2 * HOUR)


def test_what_ends_later_goes_on_behind_the_stretch() -> None:
    made = a_campaign(STATUS.SENDING, waiting=10_000, started_at=NOW - HOUR, delay_seconds=3600)
    found = span(made)
    assert (found.begins_at, found.ends_at, found.goes_on) == (NOW - HOUR, WEEK[-1], True)


def test_a_start_waits_for_the_validity_period() -> None:
    made = a_campaign(start_at=MONDAY + DAY, valid_from=MONDAY + 2 * DAY)
    assert span(made).begins_at == MONDAY + 2 * DAY


@pytest.mark.parametrize(
    ("status", "values", "end"),
    [
        pytest.param(STATUS.EXPIRED, {"started_at": MONDAY, "valid_until": MONDAY + HOUR}, MONDAY + HOUR, id="expired"),
        pytest.param(STATUS.ENDED, {"finished_at": MONDAY + HOUR}, MONDAY + HOUR, id="ended before it began"),
        pytest.param(STATUS.SENDING, {"started_at": MONDAY}, NOW, id="sending, nobody waits"),
        pytest.param(STATUS.SCHEDULED, {"start_at": MONDAY + DAY}, None, id="not planned yet"),
    ],
)
def test_the_end_of_each_state(status: CampaignStatus, values: dict[str, Any], end: datetime | None) -> None:
    until = values.pop("valid_until", None)
    made = a_campaign(status, **values)
    made.valid_until = until
    assert span(made).ends_at == end


def test_those_of_an_unpublished_one_go_on_when_it_is_published_again() -> None:
    made = a_campaign(STATUS.PAUSED, start_at=MONDAY + DAY, delay_seconds=3600, hold_reason=Reason.CAMPAIGN_UNPUBLISHED)
    progress.ensure(made.id)
    progress.move(made.id, {RecipientState.STOPPED: 3})
    assert span(made).ends_at == MONDAY + DAY + 2 * HOUR


def test_only_what_lies_in_the_stretch_and_matches_is_there() -> None:
    a_campaign(STATUS.FINISHED, name="Before", started_at=MONDAY - 2 * DAY, finished_at=MONDAY - DAY)
    a_campaign(STATUS.FINISHED, name="After", started_at=WEEK[-1], finished_at=WEEK[-1] + DAY)
    a_campaign(name="Later", start_at=WEEK[-1] + DAY)
    a_campaign(name="Bare")
    a_campaign(STATUS.FINISHED, name="Across", started_at=MONDAY - DAY, finished_at=WEEK[-1] + DAY)
    a_campaign(name="Inside", start_at=MONDAY + DAY)
    assert {each.name for each in look().spans} == {"Across", "Inside"}
    assert {each.name for each in look(text="ins").spans} == {"Inside"}
    assert {each.name for each in look(status=STATUS.FINISHED).spans} == {"Across"}


def test_what_begins_as_soon_as_it_can_lies_at_this_moment() -> None:
    made = a_campaign(STATUS.SCHEDULED, waiting=1)
    assert span(made).begins_at == NOW
    assert look(edges=[MONDAY - 7 * DAY, MONDAY]).spans == []


def test_drafts_without_a_start_are_named_beside_it() -> None:
    bare = a_campaign(name="Bare")
    a_campaign(name="Dated", start_at=MONDAY + DAY)
    assert [(each.campaign_id, each.name) for each in calendar.undated(Wanted())] == [(bare.id, "Bare")]


# --- the load of the senders


def test_the_load_of_a_sender_is_counted_by_day_against_its_limit() -> None:
    sender = factories.account(name="Office", per_day=1000)
    folder = factories.folder()
    for number in range(2):
        made = factories.campaign(folder, sender=sender, start_at=MONDAY + DAY, delay_seconds=60 * (number + 1))
        made.status = STATUS.SCHEDULED
        progress.ensure(made.id)
        progress.move(made.id, {RecipientState.AWAITING: 900})
    (load,) = look().loads
    assert (load.name, load.counts[1], sum(load.counts)) == ("Office", 1620, 1800)
    assert load.limits == (1000,) * 7


WARM_UP = {"warm_up_begins_on": date(2026, 11, 23), "warm_up_first_day": 50, "warm_up_growth_percent": 20}


@pytest.mark.parametrize(
    ("limits", "seconds", "most"),
    [
        pytest.param({}, 3600, None, id="no limit"),
        pytest.param({"per_hour": 100}, 25 * 3600, 2500, id="hours of a long day"),
        pytest.param({"per_second": 1, "per_minute": 30}, 3600, 1800, id="the narrowest"),
        pytest.param({"per_hour": 100, "per_day": 500}, 86_400, 500, id="the day"),
        pytest.param({"per_day": 500, **WARM_UP}, 86_400, 60, id="the second day of a warm-up"),
    ],
)
def test_the_most_of_a_part_of_a_day(limits: dict[str, Any], seconds: int, most: int | None) -> None:
    assert calendar.most_within(SmtpAccount(**limits), seconds, datetime(2026, 11, 25, tzinfo=UTC)) == most


# --- days without work


def test_days_off_are_those_of_the_campaigns_in_it() -> None:
    db.session.add(OwnHoliday(on_date=date(2026, 11, 25), name="Inventory"))
    edges = [datetime(2026, 11, 1, tzinfo=UTC) + number * DAY for number in range(31)]
    a_campaign(start_at=MONDAY + DAY, holidays_country="DE")
    found = look(edges)
    assert (found.days_off, found.are_weekends_off) == ({date(2026, 11, 25): "Inventory"}, False)
    a_campaign(
        start_at=MONDAY + DAY, holidays_country="PL", working_days_only=True, daily_from=time(9), daily_until=time(17)
    )
    found = look(edges)
    assert found.are_weekends_off and found.days_off[date(2026, 11, 11)].endswith("(PL)")


# --- what it costs


@contextmanager
def statements() -> Iterator[list[str]]:
    found: list[str] = []

    def note(*arguments: object) -> None:
        found.append(str(arguments[2]))

    event.listen(db.engine, "before_cursor_execute", note)
    yield found
    event.remove(db.engine, "before_cursor_execute", note)


@pytest.mark.parametrize("number", [1, 12])
def test_few_and_many_campaigns_cost_the_same_number_of_statements(number: int) -> None:
    folder = factories.folder()
    factories.contact(folder)
    for at in range(number):
        sender = factories.account(per_day=100, per_hour=50)
        made = factories.campaign(folder, sender=sender, start_at=MONDAY + DAY, working_days_only=bool(at % 2))
        made.status = STATUS.DRAFT if at % 3 else STATUS.SCHEDULED
        progress.ensure(made.id)
        progress.move(made.id, {RecipientState.AWAITING: 5})
    db.session.flush()
    db.session.expire_all()
    with statements() as asked:
        assert len(calendar.look(Wanted(), WEEK, NOW).spans) == number
    assert len(asked) <= 7, asked
    assert not any("campaign_recipient" in each for each in asked)


def test_more_campaigns_than_a_calendar_shows_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calendar, "MOST", 2)
    for _ in range(3):
        a_campaign(start_at=MONDAY + DAY)
    found = look()
    assert (len(found.spans), found.has_more) == (2, True)
