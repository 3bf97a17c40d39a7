"""The wall of cards as people use it: with the mouse, with the keyboard alone, on a phone, and while it changes."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import update

from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import Campaign
from app.extensions import db
from app.sending import progress
from app.sending.models import CampaignProgress
from app.sending.states import RecipientState
from tests.browser import hands
from tests.browser.conftest import OpenAs
from tests.browser.seed import CAMPAIGNS, Seed
from tests.browser.watch import PHONE

WALL = "/dashboard/campaigns"
LEFT_TO_RIGHT = [name for name, *_rest in reversed(CAMPAIGNS)]  # the newest first


def card(page: Page, name: str) -> Locator:
    return page.locator(".campaign-card", has=page.get_by_role("link", name=name, exact=True))


def name_of(page: Page, name: str) -> Locator:
    return card(page, name).get_by_role("link", name=name, exact=True)


@pytest.fixture()
def wall(seeded_page: Page) -> Page:
    seeded_page.goto(WALL)
    return seeded_page


@pytest.fixture()
def moving(seeded: Seed) -> Iterator[int]:
    """The campaign that is sending, which gets its numbers back afterwards."""
    pk = seeded.campaigns[CampaignStatus.SENDING]
    kept = {each.value: number for each, number in progress.of(pk).items()}
    yield pk
    db.session.execute(update(CampaignProgress).where(CampaignProgress.campaign_id == pk).values(**kept))
    db.session.execute(update(Campaign).where(Campaign.id == pk).values(status=CampaignStatus.SENDING))
    db.session.commit()


def test_the_wall_is_the_start_page_and_shows_every_campaign(wall: Page) -> None:
    wall.goto("/")
    wall.wait_for_url(f"**{WALL}")
    assert wall.locator(".campaign-card-name").all_inner_texts() == LEFT_TO_RIGHT
    sending = card(wall, "Autumn sale")
    expect(sending.locator(".chip")).to_have_text("sending")
    expect(sending.locator(".said")).to_have_text("the delay between messages")
    expect(sending.locator(".is-bad")).to_contain_text("failed")
    expect(sending.get_by_role("progressbar")).to_have_attribute("aria-valuemax", "30")
    widths = sending.locator(".progress-bar").evaluate_all("bars => bars.map((each) => each.style.width)")
    assert all(re.fullmatch(r"\d+(\.\d+)?%", each) for each in widths)


def test_campaigns_are_searched_filtered_and_sorted(wall: Page) -> None:
    wall.get_by_role("searchbox").fill("sale")
    wall.keyboard.press("Enter")
    expect(wall.locator(".campaign-card")).to_have_count(1)
    wall.get_by_role("link", name="Clear", exact=True).click()
    wall.get_by_label("Group").select_option(label="Shop")
    expect(wall.locator(".campaign-card")).to_have_count(3)
    wall.get_by_role("button", name="Sort by").click()
    wall.locator(".dropdown-menu.show").get_by_role("link", name="Name: A to Z").click()
    wall.wait_for_url("**sort=name**")
    names = wall.locator(".campaign-card-name").all_inner_texts()
    assert names == sorted(names) and len(names) == 3
    wall.locator("#pill-draft").click()
    expect(wall.locator(".campaign-card-name")).to_have_text(["Christmas cards"])
    wall.get_by_role("link", name="Table").click()
    assert hands.names(wall) == ["Christmas cards"]
    wall.get_by_role("link", name="Cards", exact=True).click()
    expect(wall.locator(".campaign-card-name")).to_have_text(["Christmas cards"])
    expect(wall.get_by_label("Group")).to_have_value(re.compile(r"\d+"))


def test_numbers_refresh_in_place(wall: Page, moving: int) -> None:
    sending = card(wall, "Autumn sale")
    sending.evaluate("each => { each.isTheSame = true; }")
    stop = sending.get_by_role("button", name="Stop: Autumn sale")
    stop.focus()
    stop.hover()
    expect(wall.locator(".tooltip")).to_have_text("Stop")
    menu = card(wall, "Winter survey").get_by_role("button", name="More actions")
    before = sending.locator(".campaign-card-numbers strong").inner_text()
    progress.move(moving, {RecipientState.AWAITING: -1, RecipientState.SENT: 1})
    db.session.commit()
    expect(sending.locator(".campaign-card-numbers strong")).to_have_text(str(int(before) + 1), timeout=6_000)
    assert sending.evaluate("each => each.isTheSame === true")
    expect(stop).to_be_focused()
    expect(wall.locator(".tooltip")).to_have_text("Stop")
    assert stop.get_attribute("title") is None  # or the browser would show a second one
    menu.click()
    progress.move(moving, {RecipientState.AWAITING: -1, RecipientState.SENT: 1})
    db.session.commit()
    expect(sending.locator(".campaign-card-numbers strong")).to_have_text(str(int(before) + 2), timeout=6_000)
    expect(card(wall, "Winter survey").locator(".dropdown-menu")).to_be_visible()
    wall.keyboard.press("Escape")


def test_a_card_that_ends_takes_its_button_and_its_tooltip_with_it(wall: Page, moving: int) -> None:
    stop = card(wall, "Autumn sale").get_by_role("button", name="Stop: Autumn sale")
    stop.hover()
    expect(wall.locator(".tooltip")).to_be_visible()
    db.session.execute(update(Campaign).where(Campaign.id == moving).values(status=CampaignStatus.FINISHED))
    db.session.commit()
    expect(stop).to_have_count(0, timeout=6_000)
    expect(wall.locator(".tooltip", has_text="Stop")).to_have_count(0)
    expect(wall.locator("#pill-finished .pill-count")).to_have_text("2")


def test_a_question_whose_campaign_has_changed_meanwhile_does_nothing(wall: Page, moving: int) -> None:
    stop = card(wall, "Autumn sale").get_by_role("button", name="Stop: Autumn sale")
    stop.click()
    question = wall.get_by_role("alertdialog")
    expect(question).to_contain_text("Stop sending?")
    db.session.execute(update(Campaign).where(Campaign.id == moving).values(status=CampaignStatus.FINISHED))
    db.session.commit()
    expect(wall.locator(f"#card-{moving}-stop")).to_have_count(0, timeout=6_000)
    question.locator("[data-yes]").click()
    expect(question).to_be_hidden()
    expect(card(wall, "Autumn sale").locator(".chip")).to_have_text("finished")
    expect(wall.locator(".messages .alert")).to_have_count(0)


def test_arrows_walk_over_the_cards(wall: Page) -> None:
    first, second, third = LEFT_TO_RIGHT[:3]
    stops = wall.locator(".campaign-card-name a[tabindex='0']")
    expect(stops).to_have_text([first])
    stops.focus()
    wall.keyboard.press("ArrowRight")
    expect(name_of(wall, second)).to_be_focused()
    expect(stops).to_have_text([second])
    wall.keyboard.press("ArrowDown")
    below = wall.evaluate("() => document.activeElement.closest('.campaign-card').offsetTop")
    assert below > card(wall, second).evaluate("each => each.offsetTop")
    wall.keyboard.press("ArrowUp")
    expect(name_of(wall, second)).to_be_focused()
    wall.keyboard.press("End")
    expect(name_of(wall, LEFT_TO_RIGHT[-1])).to_be_focused()
    wall.keyboard.press("Home")
    expect(name_of(wall, first)).to_be_focused()
    wall.keyboard.press("ArrowLeft")
    expect(name_of(wall, first)).to_be_focused()
    with wall.expect_response(re.compile(r"/live\?")) as refreshed:
        pass
    refreshed.value.finished()
    wall.keyboard.press("ArrowRight")  # also after the numbers were refreshed
    expect(name_of(wall, second)).to_be_focused()
    expect(stops).to_have_text([second])
    wall.keyboard.press("Tab")
    assert wall.evaluate("() => document.activeElement.id").startswith("card-")
    assert card(wall, third).locator("[tabindex='0']").count() == 0


def test_letters_act_on_the_card_that_has_the_focus(wall: Page) -> None:
    name_of(wall, "Winter survey").focus()
    wall.keyboard.press("s")
    question = wall.get_by_role("alertdialog")
    expect(question).to_contain_text("Winter survey: Let sending go on? In its audience: 12 people.")
    wall.keyboard.press("Escape")
    expect(question).to_be_hidden()
    expect(name_of(wall, "Winter survey")).to_be_focused()
    wall.keyboard.press("Delete")
    expect(question).to_contain_text("It has 12 recipients.")
    wall.keyboard.press("Escape")
    expect(question).to_be_hidden()
    expect(name_of(wall, "Winter survey")).to_be_focused()
    wall.keyboard.press("f")
    dialog = wall.get_by_role("dialog", name="Run Winter survey on folders")
    expect(dialog.get_by_role("combobox", name="Folders")).to_be_focused()
    wall.keyboard.press("Escape")
    expect(wall.locator("#modal-form")).to_be_hidden()
    name_of(wall, "Winter survey").focus()
    wall.keyboard.press("r")
    wall.wait_for_url("**/reports/campaign/*")
    wall.go_back()
    name_of(wall, "Winter survey").focus()
    wall.keyboard.press("e")
    wall.wait_for_url("**/campaigns/edit/*")


def test_letters_do_nothing_where_somebody_writes_or_a_state_has_no_such_action(wall: Page) -> None:
    name_of(wall, "Service notice").focus()
    for key in ("s", "e"):  # it is finished
        wall.keyboard.press(key)
    wall.keyboard.press("/")
    expect(wall.locator("[data-page-search]")).to_be_focused()
    wall.keyboard.type("nerd?")
    expect(wall.locator("[data-page-search]")).to_have_value("nerd?")
    assert wall.url.endswith(WALL)


def test_a_question_mark_shows_the_keys(wall: Page) -> None:
    wall.keyboard.press("?")
    keys = wall.get_by_role("dialog", name="Keys on the cards")
    expect(keys).to_contain_text("Remove client")
    wall.keyboard.press("Escape")
    expect(keys).to_be_hidden()


def test_running_on_folders_counts_the_people_while_they_are_chosen(wall: Page) -> None:
    card(wall, "Winter survey").get_by_role("link", name="Run on folders").click()
    form = wall.locator("#modal-form.show #model_form")
    hands.pick(form.locator("[name=folders]"), ["Clients"])
    expect(form.get_by_role("status")).to_have_text("In these folders: 30 people.")
    hands.pick(form.locator("[name=folders]"), ["Press"])
    expect(form.get_by_role("status")).to_have_text("In these folders: 30 people.")  # they are in both
    form.get_by_role("button", name="Cancel").click()
    expect(wall.locator("#modal-form")).to_be_hidden()


def test_on_a_phone_cards_stand_below_each_other_with_room_for_a_thumb(open_as: OpenAs) -> None:
    page = open_as(viewport=PHONE, has_touch=True, is_mobile=True)
    page.goto(WALL)
    boxes = [each.bounding_box() for each in page.locator(".campaign-card").all()[:3]]
    assert len({box["x"] for box in boxes if box}) == 1
    assert all(box and box["width"] > PHONE["width"] * 0.85 for box in boxes)
    for button in card(page, "Winter survey").locator(".campaign-card-actions .btn").all():
        box = button.bounding_box()
        assert box and box["width"] >= 40 and box["height"] >= 44
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_an_analyst_sees_the_cards_and_their_reports_only(open_as: OpenAs) -> None:
    page = open_as("Analyst")
    page.goto(WALL)
    expect(card(page, "Winter survey").locator(".campaign-card-actions .btn")).to_have_count(1)
    expect(page.get_by_role("link", name="New campaign")).to_have_count(0)
