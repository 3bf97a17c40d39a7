"""The audit log page by page: newest first, filtered, whole, and bounded."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert

from app.extensions import db
from app.kernel.audit import AuditEvent, Subject, What
from app.kernel.db import transaction
from app.reports import events
from app.reports.events import EventFilter
from app.sending import service as sending
from tests import factories

pytestmark = pytest.mark.usefixtures("app")

DAY = datetime(2026, 11, 1, tzinfo=UTC)


def write(*rows: tuple[int, What, int, str]) -> None:
    """Events as (day, what, subject, who); their ids are given in this order."""
    with transaction():
        for day, what, subject_id, by in rows:
            values = {"happened_at": DAY + timedelta(days=day), "what": what, "subject": what.subject}
            statement = insert(AuditEvent).values(subject_id=subject_id, done_by=by, name="", detail={}, **values)
            db.session.execute(statement)


def days(found: events.EventPage) -> list[int]:
    return [(event.happened_at - DAY).days for event in found.rows]


@pytest.fixture()
def ten(app: object) -> None:
    write(*((day, What.CAMPAIGN_STOP if day % 2 else What.CAMPAIGN_START, day % 3, "ab"[day > 6]) for day in range(10)))


@pytest.mark.usefixtures("ten")
def test_pages_go_from_the_newest_to_the_oldest_and_miss_nothing() -> None:
    seen, before = [], None
    while True:
        found = events.page(EventFilter(), before, 3)
        seen += days(found)
        if not found.has_more:
            break
        before = found.rows[-1].id
    assert seen == [*reversed(range(10))]
    assert [day for rows in events.every(EventFilter(), 4) for day in days(events.EventPage(rows, False))] == seen


def test_events_of_one_moment_are_all_shown() -> None:
    write(*((0, What.CAMPAIGN_STOP, number, "a") for number in range(7)))
    first = events.page(EventFilter(), None, 4)
    second = events.page(EventFilter(), first.rows[-1].id, 4)
    assert [event.subject_id for event in (*first.rows, *second.rows)] == [6, 5, 4, 3, 2, 1, 0]


@pytest.mark.usefixtures("ten")
@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (EventFilter(done_by="b"), [9, 8, 7]),
        (EventFilter(done_by="nobody"), []),
        (EventFilter(what=What.CAMPAIGN_STOP), [9, 7, 5, 3, 1]),
        (EventFilter(campaign_ids=(0,)), [9, 6, 3, 0]),
        (EventFilter(campaign_ids=()), []),
        (EventFilter(from_at=DAY + timedelta(days=8)), [9, 8]),
        (EventFilter(until_at=DAY + timedelta(days=2)), [1, 0]),
        (EventFilter(done_by="a", what=What.CAMPAIGN_START, campaign_ids=(0, 1)), [6, 4, 0]),
    ],
)
def test_a_filter_shows_what_matches_all_of_it(asked: EventFilter, expected: list[int]) -> None:
    assert days(events.page(asked, None, 20)) == expected


def test_the_events_of_another_thing_with_the_same_number_are_not_those_of_the_campaign() -> None:
    write((0, What.GROUP_CHANGE, 5, "a"), (1, What.CAMPAIGN_STOP, 5, "a"))
    assert [event.subject for event in events.of_campaign(5, None, 9).rows] == [Subject.CAMPAIGN]


def test_campaigns_are_found_by_a_part_of_their_name_also_when_they_are_gone() -> None:
    with transaction():
        spring, winter = (factories.campaign(name=name).id for name in ("Spring sale 50%", "Winter sale"))
        gone = factories.campaign(name="Old spring").id
    with transaction():
        sending.delete_campaign(gone)
    assert set(events.campaigns_named("pring")) == {spring, gone}
    assert events.campaigns_named("50%") == (spring,)
    assert events.campaigns_named(f"#{winter}") == (winter,)
    assert events.campaigns_named("nothing") == ()
