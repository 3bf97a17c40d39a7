"""Messages over time and the funnel: counted in portions, and not anew for everybody who looks."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import event, select

from app.extensions import db
from app.kernel.db import transaction
from app.kernel.errors import NotFound
from app.reports import charts, metrics
from app.sending import progress
from app.sending.models import CampaignRecipient
from app.sending.states import RecipientState
from tests.sending import ledger

NINE = datetime(2026, 11, 25, 9, tzinfo=UTC)
WARSAW = ZoneInfo("Europe/Warsaw")


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    charts._kept.clear()
    yield
    charts._kept.clear()


@pytest.fixture()
def campaign_id(app: Flask) -> int:
    """Nine recipients: three sent at nine, two at eleven, the others not sent."""
    campaign_id = ledger.sending_campaign(9)
    minutes = {1: 0, 2: 59, 3: 30, 7: 120, 9: 179}
    with transaction():
        for row in db.session.scalars(select(CampaignRecipient)):
            if row.seq in minutes:
                row.state, row.done_at = RecipientState.SENT, NINE + timedelta(minutes=minutes[row.seq])
        row = db.session.get_one(CampaignRecipient, (campaign_id, 4))
        row.state, row.done_at = RecipientState.FAILED, NINE
    return campaign_id


EXPECTED = {NINE: 3, NINE + timedelta(hours=2): 2}


def test_messages_that_left_are_counted_by_the_hour(campaign_id: int) -> None:
    found = charts.sends(campaign_id)
    assert (found.by_hour, found.is_done, found.last) == (EXPECTED, True, 9)


def test_what_takes_long_goes_on_in_the_next_question(campaign_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(charts, "WINDOW_ROWS", 4)
    ticks = iter(range(10_000))
    monkeypatch.setattr(charts.clock, "steady", lambda: next(ticks) * 1e-9)
    monkeypatch.setattr(charts, "SECONDS", 1.5e-9)
    reached = []
    while not (found := charts.sends(campaign_id)).is_done:
        reached.append(found.reached)
    assert reached and reached == sorted(set(reached))
    assert found.by_hour == EXPECTED


def test_it_is_not_counted_again_while_nothing_moves(campaign_id: int) -> None:
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if "substr(" in statement:
            asked.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        for _ in range(3):
            charts.sends(campaign_id)
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert len(asked) == 1


def test_it_is_counted_again_when_something_moved_and_some_time_went_by(
    campaign_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    charts.sends(campaign_id)
    with transaction():
        row = db.session.get_one(CampaignRecipient, (campaign_id, 5))
        row.state, row.done_at = RecipientState.SENT, NINE
        progress.move(campaign_id, {RecipientState.AWAITING: -1, RecipientState.SENT: 1})
    assert charts.sends(campaign_id).by_hour == EXPECTED  # for a moment, however many people look
    now = charts.clock.steady()
    monkeypatch.setattr(charts.clock, "steady", lambda: now + charts.LEAST_HOLD_SECONDS + 1)
    assert charts.sends(campaign_id).by_hour[NINE] == 4


def test_nobody_and_nothing(app: Flask) -> None:
    with pytest.raises(NotFound):
        charts.sends(99)
    assert charts.series(Counter(), WARSAW).points == []


def test_hours_without_a_message_stand_between_the_others() -> None:
    found = charts.series(Counter(EXPECTED), WARSAW)
    assert not found.is_by_day
    assert [(moment.hour, number) for moment, number in found.points] == [(10, 3), (11, 0), (12, 2)]


def test_a_campaign_of_weeks_is_shown_by_the_days_of_the_zone() -> None:
    late = datetime(2026, 11, 25, 23, 30, tzinfo=UTC)  # the 26th in Warsaw
    found = charts.series(Counter({late: 2, late + timedelta(days=20): 5}), WARSAW)
    assert found.is_by_day and len(found.points) == 21
    assert (found.points[0][0].date().isoformat(), found.points[0][1]) == ("2026-11-26", 2)


def test_years_do_not_make_thousands_of_points() -> None:
    found = charts.series(Counter({NINE: 1, NINE + timedelta(days=3000): 1}), WARSAW)
    assert [number for _day, number in found.points] == [1, 1]


def test_the_funnel_is_of_the_counters(campaign_id: int) -> None:
    with transaction():
        report = metrics.campaign_report(campaign_id)
    stages = charts.funnel(report)
    assert [(stage.name, stage.number) for stage in stages] == [
        ("audience", 9),
        ("sent", 0),
        ("opened", 0),
        ("clicked", 0),
    ]
    assert stages[0].share == 1.0
