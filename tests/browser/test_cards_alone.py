"""The wall of cards in a panel that a test has to itself: what a change leads to, and the first steps."""

from playwright.sync_api import Page, expect

from app.extensions import db
from tests import factories
from tests.browser import hands
from tests.browser.test_cards import WALL, card, name_of


def test_a_change_leads_back_to_its_card(page: Page) -> None:
    for name in ("Alpha", "Beta"):
        factories.ready_campaign(2, name=name)
    db.session.commit()
    page.goto(f"{WALL}?sort=name")
    card(page, "Beta").get_by_role("button", name="Publish: Beta").click()
    hands.agree(page, "In its audience: 2 people.")
    hands.expect_success(page, "Beta was published.")
    assert page.url.split("#")[0].endswith(f"{WALL}?sort=name")
    expect(name_of(page, "Beta")).to_be_focused()
    page.keyboard.press("s")
    hands.agree(page, "Stop sending?")
    expect(card(page, "Beta").locator(".chip")).to_have_text("paused")
    card(page, "Alpha").get_by_role("button", name="Delete: Alpha").click()
    expect(page.locator("#modal-confirm.show [data-yes]")).to_have_class("btn btn-danger")
    hands.agree(page, "Delete this")
    expect(page.locator(".campaign-card-name")).to_have_text(["Beta"])
    page.get_by_role("link", name="Add internal status").click()
    form = page.locator("#modal-form.show #model_form")
    hands.fill(form, {"name": "Call back"})
    hands.save(form)
    hands.expect_success(page, "was saved")
    assert page.url.split("#")[0].endswith(f"{WALL}?sort=name")


def test_an_empty_panel_leads_through_the_first_steps(page: Page) -> None:
    page.goto(WALL)
    steps = page.locator(".first-step")
    expect(steps).to_have_count(3)
    steps.nth(0).get_by_role("link").click()
    page.wait_for_url("**/smtp-accounts/add")
