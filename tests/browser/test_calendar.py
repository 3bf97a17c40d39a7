"""The calendar as people use it: dragging with a question and an undo, the keyboard, an empty place, a phone."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import update

from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import Campaign
from app.extensions import db
from app.kernel import clock
from tests.browser import hands
from tests.browser.conftest import OpenAs
from tests.browser.seed import Seed
from tests.browser.watch import PHONE

NAME, PAGE = "Press news December", "/calendar/"
DAY = timedelta(days=1)
PLACE = """([view, date]) => sessionStorage.setItem("muster-calendar", JSON.stringify({ view, date }))"""


@pytest.fixture()
def start(seeded: Seed) -> Iterator[datetime]:
    """When the scheduled campaign begins, at noon; it begins at its old time afterwards."""
    pk = seeded.campaigns[CampaignStatus.SCHEDULED]
    before = start_of(pk)
    found = (clock.utcnow() + 9 * DAY).replace(hour=12, minute=0, second=0, microsecond=0)
    _begin(pk, found)
    yield found
    _begin(pk, before)


def _begin(pk: int, moment: datetime | None) -> None:
    db.session.execute(update(Campaign).where(Campaign.id == pk).values(start_at=moment))
    db.session.commit()


def start_of(pk: int) -> datetime | None:
    db.session.rollback()
    found = db.session.get_one(Campaign, pk, populate_existing=True).start_at
    db.session.rollback()  # or on SQLite the panel would wait for this transaction
    return found


def opened(page: Page, moment: datetime, view: str = "dayGridMonth") -> Page:
    """The calendar at that day."""
    page.goto("/dashboard/")
    page.evaluate(PLACE, [view, f"{moment:%Y-%m-%d}"])
    page.goto(PAGE)
    expect(event(page)).to_be_visible()
    return page


def event(page: Page, name: str = NAME) -> Locator:
    return page.locator(".fc-event", has_text=name).first


def day(page: Page, moment: datetime) -> Locator:
    return page.locator(f".fc-daygrid-day[data-date='{moment:%Y-%m-%d}']").first


def drag(page: Page, onto: Locator) -> None:
    """Take the campaign by its beginning and let it go over a day."""
    event(page).scroll_into_view_if_needed()
    taken, target = event(page).bounding_box(), onto.bounding_box()
    assert taken and target
    page.mouse.move(taken["x"] + 12, taken["y"] + taken["height"] / 2)
    page.mouse.down()
    page.mouse.move(taken["x"] + 30, taken["y"] + 12, steps=4)
    page.mouse.move(target["x"] + target["width"] / 2, target["y"] + target["height"] / 2, steps=12)
    page.mouse.up()


def other_day(start: datetime) -> datetime:
    """A day of the same month that is to come."""
    return start - 2 * DAY if start.day > 20 else start + 2 * DAY


def test_a_campaign_is_dragged_to_another_day_after_a_question_and_moved_back(
    open_as: OpenAs, seeded: Seed, start: datetime
) -> None:
    page, pk = opened(open_as(timezone_id="UTC"), start), seeded.campaigns[CampaignStatus.SCHEDULED]
    drag(page, day(page, other_day(start)))
    hands.agree(page, "Move the messages of 9 people to")
    said = page.locator("#calendar-said.is-shown")
    expect(said).to_contain_text(f"{NAME} begins on")
    assert start_of(pk) == other_day(start)
    expect(day(page, other_day(start)).locator(".fc-event", has_text=NAME)).to_be_visible()
    said.get_by_role("button", name="Undo").click()
    expect(day(page, start).locator(".fc-event", has_text=NAME)).to_be_visible()
    assert start_of(pk) == start


def test_who_says_no_moves_nothing(open_as: OpenAs, seeded: Seed, start: datetime) -> None:
    page = opened(open_as(timezone_id="UTC"), start)
    for _ in range(2):  # and may try again
        drag(page, day(page, other_day(start)))
        page.locator("#modal-confirm.show").get_by_role("button", name="Cancel").click()
        expect(page.locator("#modal-confirm")).to_be_hidden()
        expect(day(page, start).locator(".fc-event", has_text=NAME)).to_be_visible()
    assert start_of(seeded.campaigns[CampaignStatus.SCHEDULED]) == start


def test_a_refusal_is_said_and_the_campaign_lies_where_it_was(open_as: OpenAs, seeded: Seed, start: datetime) -> None:
    page = opened(open_as(timezone_id="UTC"), start)
    page.watch.forgiven.add(422)  # type: ignore[attr-defined]
    pk = seeded.campaigns[CampaignStatus.SCHEDULED]
    until = start + timedelta(hours=1)
    db.session.execute(update(Campaign).where(Campaign.id == pk).values(valid_until=until))
    db.session.commit()
    try:
        drag(page, day(page, start + 2 * DAY) if start.day <= 20 else day(page, start + DAY))
        expect(page.locator("#calendar-said.is-bad")).to_contain_text("The validity period is over by then")
        expect(day(page, start).locator(".fc-event", has_text=NAME)).to_be_visible()
    finally:
        db.session.execute(update(Campaign).where(Campaign.id == pk).values(valid_until=None))
        db.session.commit()


def test_the_keyboard_moves_a_campaign(open_as: OpenAs, seeded: Seed, start: datetime) -> None:
    page = opened(open_as(timezone_id="UTC"), start)
    event(page).focus()
    page.keyboard.press("Enter")
    dialog = page.locator("#calendar-dialog")
    expect(dialog).to_contain_text("9 people")
    expect(dialog).to_contain_text("scheduled")
    dialog.get_by_role("link", name="Move").focus()
    page.keyboard.press("Enter")
    form = page.locator("#modal-form.show form")
    wanted = other_day(start).replace(hour=15)
    hands.fill(form, {"start_at": f"{wanted:%Y-%m-%d %H:%M}"})
    form.get_by_role("button", name="Move the messages of 9 people").press("Enter")
    hands.expect_success(page, f"{NAME} begins on")
    assert start_of(seeded.campaigns[CampaignStatus.SCHEDULED]) == wanted
    expect(event(page)).to_be_visible()  # the calendar is where it was


def test_who_may_not_edit_looks_and_moves_nothing(open_as: OpenAs, seeded: Seed, start: datetime) -> None:
    page = opened(open_as("Analyst", timezone_id="UTC"), start)
    expect(event(page)).not_to_have_class(re.compile("fc-event-draggable"))
    drag(page, day(page, other_day(start)))
    assert start_of(seeded.campaigns[CampaignStatus.SCHEDULED]) == start
    page.goto(PAGE)
    event(page).click()
    dialog = page.locator("#calendar-dialog")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("link", name="Move")).to_be_hidden()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_an_empty_place_begins_a_campaign_there(open_as: OpenAs, start: datetime) -> None:
    page = opened(open_as(timezone_id="Europe/Warsaw"), start)
    day(page, other_day(start)).locator(".fc-daygrid-day-events").click(force=True)
    page.wait_for_url("**/campaigns/add?start_at=*")
    expect(page.locator("#start_at")).to_have_value(f"{other_day(start):%Y-%m-%d} 09:00")


@pytest.mark.parametrize("view", ["Month", "Week", "Day", "List"])
def test_every_view_shows_the_campaign_and_keeps_its_place(open_as: OpenAs, start: datetime, view: str) -> None:
    page = opened(open_as(timezone_id="UTC"), start)
    page.locator("#calendar").get_by_role("button", name=view, exact=True).click()
    expect(event(page)).to_be_visible()
    expect(page.locator("#loads")).to_contain_text("Office mail")
    page.reload()
    expect(page.locator("#calendar").get_by_role("button", name=view, exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    expect(event(page)).to_be_visible()


def test_the_state_of_a_campaign_is_said_in_words_too(open_as: OpenAs, start: datetime) -> None:
    page = opened(open_as(timezone_id="Europe/Warsaw"), start)
    expect(event(page).locator(".visually-hidden")).to_have_text("scheduled: ")
    title = event(page).get_attribute("title") or ""
    assert "Europe/Warsaw" in title and "UTC" in title and "9 people" in title


def test_a_phone_shows_a_list(open_as: OpenAs, start: datetime) -> None:
    options: dict[str, Any] = {"viewport": PHONE, "has_touch": True, "is_mobile": True, "timezone_id": "UTC"}
    page = open_as(**options)
    page.goto(PAGE)
    expect(page.locator(".fc-list-event").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
