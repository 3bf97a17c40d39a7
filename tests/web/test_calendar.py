"""The calendar: what a stretch of it says, moving a start, who may, and the nights of the clock changes."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import event

from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import Campaign
from app.extensions import db
from app.kernel import clock
from app.reports import calendar
from app.sending import progress
from app.sending.states import RecipientState
from tests import factories
from tests.web.conftest import Browser, form_of

STATUS = CampaignStatus
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
WARSAW = "Europe/Warsaw"
PAGE, EVENTS = "/calendar/", "/calendar/events"


def soon(days: int = 3) -> datetime:
    return clock.utcnow().replace(minute=0, second=0, microsecond=0) + days * DAY


def a_campaign(status: CampaignStatus = STATUS.DRAFT, people: int = 2, **values: Any) -> int:
    made = factories.ready_campaign(people, **{"name": "Spring sale"} | values)
    made.status = status
    if status is not STATUS.DRAFT:
        progress.ensure(made.id)
        progress.move(made.id, {RecipientState.AWAITING: people})
    db.session.commit()
    return made.id


def stretch(browser: Browser, from_at: datetime, until_at: datetime, **asked: str) -> dict[str, Any]:
    asked |= {"from": from_at.isoformat(), "until": until_at.isoformat()}
    answer = browser.get(EVENTS, query_string=asked, headers={"Accept": "application/json"})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def drop(browser: Browser, pk: int, start: datetime, revision: int | str = 1) -> Any:
    form = {"start": start.isoformat(), "revision": str(revision)}
    return browser.post(f"/calendar/drop/{pk}", data=form, headers={"Accept": "application/json"})


def start_of(pk: int) -> datetime | None:
    db.session.rollback()
    return db.session.get_one(Campaign, pk, populate_existing=True).start_at


# --- the page


def test_the_page_keeps_the_question_of_the_cards_and_leads_back(manager: Browser) -> None:
    a_campaign()
    page = manager.get(f"{PAGE}?q=sale&status=draft").text
    assert 'href="/dashboard/campaigns?q=sale&amp;status=draft"' in page
    assert "/campaigns/list/?_flt_2_name=sale&amp;_flt_0_status=draft" in page
    assert 'data-feed="/calendar/events?q=sale&amp;status=draft"' in page
    assert 'href="/calendar/?q=sale&amp;status=draft"' in manager.get("/dashboard/campaigns?q=sale&status=draft").text
    table = manager.get("/campaigns/list/?_flt_0_status=draft&_oc_CampaignView=name&_od_CampaignView=asc").text
    assert 'href="/calendar/?status=draft"' in table


def test_drafts_without_a_start_are_named_with_the_way_to_give_them_one(manager: Browser, analyst: Browser) -> None:
    pk = a_campaign(name="Bare")
    a_campaign(name="Dated", start_at=soon())
    page = manager.get(PAGE).text
    assert f'href="/calendar/move/{pk}"' in page and "Dated" not in page
    assert "/calendar/move/" not in analyst.get(PAGE).text


# --- what lies in it


def test_a_stretch_says_everything_about_a_campaign(manager: Browser) -> None:
    start = soon()
    pk = a_campaign(STATUS.SCHEDULED, 61, start_at=start, delay_seconds=60, zone=WARSAW)
    (found,) = stretch(manager, start - DAY, start + DAY)["events"]
    assert (found["id"], found["title"], found["status"]) == (str(pk), "Spring sale", "scheduled")
    assert datetime.fromisoformat(found["start"]) == start and datetime.fromisoformat(found["end"]) == start + HOUR
    assert found["startEditable"] and found["why"] == "" and found["facts"][0] == "61 people"
    assert [each.rpartition("(")[2] for each in found["times"]] == ["UTC)", f"{WARSAW})"]


def test_what_cannot_be_moved_says_why(manager: Browser, analyst: Browser) -> None:
    pk = a_campaign(STATUS.SENDING)
    db.session.get_one(Campaign, pk).started_at = clock.utcnow() - HOUR
    db.session.commit()
    asked = clock.utcnow() - DAY, clock.utcnow() + DAY
    (found,) = stretch(manager, *asked)["events"]
    assert not found["startEditable"] and "It has begun to send." in found["why"] and found["move"] == ""
    (found,) = stretch(analyst, *asked)["events"]
    assert not found["startEditable"] and found["why"] == ""


def test_filters_narrow_the_stretch_down(manager: Browser) -> None:
    a_campaign(name="Spring sale", start_at=soon())
    a_campaign(name="Autumn letter", start_at=soon())
    found = stretch(manager, soon(2), soon(4), q="letter")["events"]
    assert [each["title"] for each in found] == ["Autumn letter"]


def test_the_load_says_where_a_sender_has_more_than_its_limit(manager: Browser) -> None:
    start, sender = soon(), factories.account(name="Office", per_day=20)
    db.session.commit()
    a_campaign(STATUS.SCHEDULED, 30, smtp_account_id=sender.id, name="One", start_at=start)
    a_campaign(STATUS.SCHEDULED, 15, smtp_account_id=sender.id, name="Two", start_at=start)
    loads = stretch(manager, start - DAY, start + 3 * DAY)["loads"]
    assert "Office" in loads and "45 messages" in loads and "more than its limit" in loads and "limit 20" in loads


@pytest.mark.parametrize(
    ("day", "hours"), [pytest.param("2026-10-25", 25, id="autumn"), pytest.param("2027-03-28", 23, id="spring")]
)
def test_the_day_of_a_clock_change_is_shown_by_its_hours(manager: Browser, day: str, hours: int) -> None:
    manager.set_cookie("zone", WARSAW)
    begin = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(WARSAW))
    end = (datetime.fromisoformat(day) + DAY).replace(tzinfo=ZoneInfo(WARSAW))
    assert end.astimezone(UTC) - begin.astimezone(UTC) == hours * HOUR
    assert stretch(manager, begin, end)["events"] == []


@pytest.mark.parametrize(
    ("from_at", "until_at"),
    [
        pytest.param("2026-01-01T00:00:00Z", "2027-02-06T00:00:00Z", id="more than 400 days"),
        pytest.param("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z", id="backwards"),
        pytest.param("2026-01-01T00:00:00", "2026-01-02T00:00:00Z", id="without a zone"),
        pytest.param("yesterday", "2026-01-02T00:00:00Z", id="no time"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_a_stretch_that_cannot_be_shown_is_refused_in_words(manager: Browser, from_at: str, until_at: str) -> None:
    asked = {"from": from_at, "until": until_at}
    answer = manager.get(EVENTS, query_string=asked, headers={"Accept": "application/json"})
    assert answer.status_code == 422 and answer.get_json()["message"].endswith((".",))


def test_more_than_a_calendar_shows_is_said(manager: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calendar, "MOST", 1)
    for name in ("One", "Two"):
        a_campaign(name=name, start_at=soon())
    found = stretch(manager, soon(2), soon(4))
    assert len(found["events"]) == 1 and found["note"].startswith("More than 1 campaigns")


# --- moving


def test_a_draft_is_dropped_on_another_day_without_a_question(manager: Browser) -> None:
    pk = a_campaign(start_at=soon())
    asked = manager.get(f"/calendar/question/{pk}", query_string={"start": soon(5).isoformat()})
    assert asked.get_json()["question"] == ""
    answer = drop(manager, pk, soon(5))
    assert answer.status_code == 200 and answer.get_json()["said"].startswith("Spring sale begins on")
    assert start_of(pk) == soon(5)


def test_a_published_one_is_asked_about_with_its_number_of_people(manager: Browser) -> None:
    pk = a_campaign(STATUS.SCHEDULED, 1103, start_at=soon())
    asked = manager.get(f"/calendar/question/{pk}", query_string={"start": soon(5).isoformat()}).get_json()
    assert asked["question"].startswith("Move the messages of 1,103 people to")
    assert asked["verb"] == "Move"


def test_a_move_into_the_past_is_refused_and_nothing_changes(manager: Browser) -> None:
    pk = a_campaign(start_at=soon())
    answer = drop(manager, pk, clock.utcnow() - HOUR)
    assert (answer.status_code, answer.get_json()["message"]) == (422, "This time is over. Choose a later one.")
    assert start_of(pk) == soon()


def test_a_move_behind_somebodys_change_is_refused(manager: Browser) -> None:
    pk = a_campaign(start_at=soon())
    drop(manager, pk, soon(4))
    answer = drop(manager, pk, soon(5))
    assert answer.status_code == 409 and "reload the page" in answer.get_json()["message"]
    assert start_of(pk) == soon(4)


@pytest.mark.parametrize("revision", ["", "x", "9" * 11])
def test_a_form_without_its_revision_is_refused(manager: Browser, revision: str) -> None:
    pk = a_campaign(start_at=soon())
    assert drop(manager, pk, soon(4), revision).status_code == 422


def test_who_may_not_edit_moves_nothing(analyst: Browser) -> None:
    pk = a_campaign(start_at=soon())
    assert drop(analyst, pk, soon(4)).status_code in (302, 403)
    assert start_of(pk) == soon()


def test_a_start_is_written_in_the_zone_of_the_person(manager: Browser) -> None:
    manager.set_cookie("zone", WARSAW)
    pk = a_campaign(start_at=soon(), zone="Asia/Kolkata")
    form = form_of(manager, f"/calendar/move/{pk}")
    assert form["start_at"] == f"{soon().astimezone(ZoneInfo(WARSAW)):%Y-%m-%d %H:%M}"
    page = manager.get(f"/calendar/move/{pk}").text
    assert f"By the clocks of {WARSAW}." in page and "Asia/Kolkata" in page
    answer = manager.post(f"/calendar/move/{pk}", data=form | {"start_at": "2099-07-01 09:00"})
    assert answer.status_code == 302 and start_of(pk) == datetime(2099, 7, 1, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("wall", "moment"),
    [
        pytest.param(
            "2099-03-29 02:30", datetime(2099, 3, 29, 1, tzinfo=UTC), id="in the gap: the first moment after it"
        ),
        pytest.param(
            "2099-10-25 02:30", datetime(2099, 10, 25, 0, 30, tzinfo=UTC), id="in the fold: the first of the two"
        ),
    ],
)
def test_a_start_in_the_night_of_a_clock_change(manager: Browser, wall: str, moment: datetime) -> None:
    manager.set_cookie("zone", WARSAW)
    pk = a_campaign()
    manager.post(f"/calendar/move/{pk}", data=form_of(manager, f"/calendar/move/{pk}") | {"start_at": wall})
    assert start_of(pk) == moment


def test_the_form_says_what_is_wrong_and_whom_its_button_concerns(manager: Browser) -> None:
    pk = a_campaign(STATUS.SCHEDULED, 2, start_at=soon())
    form = form_of(manager, f"/calendar/move/{pk}")
    assert "Move the messages of 2 people</button>" in manager.get(f"/calendar/move/{pk}").text
    for start, words in (("2020-01-01 09:00", "This time is over."), ("", "Choose the day and the time.")):
        answer = manager.post(f"/calendar/move/{pk}", data=form | {"start_at": start})
        assert answer.status_code == 200 and words in answer.text


def test_a_campaign_that_is_gone_is_said(manager: Browser) -> None:
    assert manager.get("/calendar/move/99999999999").status_code == 404
    assert drop(manager, 4711, soon()).status_code == 404


def test_an_empty_place_begins_a_campaign_at_its_time(manager: Browser) -> None:
    manager.set_cookie("zone", WARSAW)
    factories.account()
    db.session.commit()
    form = form_of(manager, "/campaigns/add?start_at=2099-07-01T07:00:00.000Z")
    assert form["start_at"] == "2099-07-01 09:00"
    assert form_of(manager, "/campaigns/add?start_at=nonsense")["start_at"] == ""


# --- what it costs


@contextmanager
def statements() -> Iterator[list[str]]:
    found: list[str] = []

    def note(*arguments: object) -> None:
        found.append(str(arguments[2]))

    event.listen(db.engine, "before_cursor_execute", note)
    yield found
    event.remove(db.engine, "before_cursor_execute", note)


@pytest.mark.parametrize("number", [2, 20])
def test_few_and_many_campaigns_cost_the_same(panel: Flask, manager: Browser, number: int) -> None:
    for at in range(number):
        a_campaign(STATUS.SCHEDULED if at % 2 else STATUS.DRAFT, name=f"Campaign {at}", start_at=soon())
    stretch(manager, soon(2), soon(4))
    with statements() as asked:
        assert len(stretch(manager, soon(2), soon(4))["events"]) == number
    assert len(asked) <= 12, asked
    with statements() as asked:
        manager.get(PAGE)
    assert len(asked) <= 12, asked
