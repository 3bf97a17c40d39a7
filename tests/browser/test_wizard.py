"""Writing a campaign step by step in a browser: without a mouse, from the modal, and with an error on the way."""

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import select

from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import Campaign
from app.extensions import db
from tests import factories
from tests.browser import hands

MOST_TABS = 80


def reach(page: Page, target: Locator) -> None:
    """Press Tab until the focus is there."""
    expect(target).to_be_visible()
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if target.evaluate("each => each === document.activeElement || each.contains(document.activeElement)"):
            return
    raise AssertionError(f"the keyboard does not reach {target}")


def press(page: Page, name: str) -> None:
    """Press a button of the form with the keyboard."""
    reach(page, page.locator(".form-bar").get_by_role("button", name=name))
    page.keyboard.press("Enter")


def the_one() -> Campaign:
    db.session.rollback()
    return db.session.scalars(select(Campaign)).one()


@pytest.fixture()
def ready(live: str) -> None:
    factories.account(name="Office", from_email="news@shop.example")
    factories.gateway(name="Texts")
    factories.contact(factories.folder("Clients"))
    db.session.commit()


def test_without_a_mouse_from_the_first_step_to_the_published_campaign(ready: None, page: Page) -> None:
    page.goto("/dashboard/campaigns")
    reach(page, page.get_by_role("link", name="Write the first campaign"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/campaigns/steps/new")
    reach(page, page.locator("#name"))
    page.keyboard.type("Spring")
    reach(page, page.locator(".sender-cards"))
    page.keyboard.press("Space")
    page.keyboard.press("Enter")  # in a field: go on
    page.wait_for_url("**/content")
    reach(page, page.locator("#subject"))
    page.keyboard.type("News for you")
    reach(page, page.locator(".ck-editor__main > .ck-content"))
    page.keyboard.type("Good to have you with us.")
    press(page, "Continue")
    page.wait_for_url("**/audience")
    reach(page, page.locator(".ts-wrapper input").first)
    page.keyboard.type("Clients")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    press(page, "Continue")
    page.wait_for_url("**/schedule")
    press(page, "Continue")
    page.wait_for_url("**/review")
    expect(page.locator("#launch .forecast")).to_be_visible()
    expect(page.locator(".step-lacks")).to_have_count(0)
    press(page, "Publish")
    asked = page.locator("#modal-confirm.show")
    expect(asked.locator(".forecast")).to_be_visible()
    reach(page, asked.locator("[data-yes]"))
    page.keyboard.press("Enter")
    hands.expect_success(page, "was published")
    assert the_one().status is CampaignStatus.SCHEDULED


def test_the_quick_start_goes_on_with_the_content_and_keeps_what_is_wrong(ready: None, page: Page) -> None:
    factories.campaign(name="Autumn")
    db.session.commit()
    page.goto("/dashboard/campaigns")
    form = hands.open_form(page, page.get_by_role("link", name="New campaign"), in_modal=True)
    form.locator("#name").fill("Autumn")
    form.locator(".sender-card", has_text="Texts").click()
    form.get_by_role("button", name="Continue").click()
    expect(form.locator(".invalid-feedback").first).to_contain_text("Another campaign has this name")
    expect(form.locator("#name")).to_have_value("Autumn")
    form.locator("#name").fill("Winter")
    form.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/content")
    expect(page.locator(".segments")).to_be_visible()  # a text message: counted while it is written


def test_a_step_with_an_error_stays_and_the_others_are_one_press_away(ready: None, page: Page) -> None:
    campaign_id = factories.campaign(name="Spring").id
    db.session.commit()
    page.goto(f"/campaigns/steps/{campaign_id}/schedule")
    page.locator("#delay_seconds").fill("2")
    page.locator("[name=delay_seconds-unit]").select_option(label="hours")
    page.locator("#daily_from").fill("09:00")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Content").click()
    expect(page.locator(".invalid-feedback").first).to_contain_text("Give both daily hours")
    expect(page.locator("#delay_seconds")).to_have_value("2")
    page.locator("#daily_until").fill("17:00")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Content").click()
    page.wait_for_url("**/content")
    page.get_by_role("button", name="Schedule").click()
    page.wait_for_url("**/schedule")
    expect(page.locator("#delay_seconds")).to_have_value("2")
    expect(page.locator("[name=delay_seconds-unit]")).to_have_value("hours")
    assert the_one().delay_seconds == 7200
