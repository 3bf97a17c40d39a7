"""The bell in a real browser: it counts, opens by keyboard, leads to the campaign, and knows what was read."""

from playwright.sync_api import Page, expect

from app.campaigns import service as campaigns
from app.kernel.db import transaction
from jobs import notices as jobs
from tests import factories
from tests.browser import axe


def test_a_campaign_that_failed_is_told_at_the_bell(page: Page) -> None:
    jobs.gather_notices()
    with transaction():
        folder = factories.folder()
        factories.contact(folder)
        made = factories.campaign(folder, name="Spring sale")
        made.created_by = "admin"
        campaigns.publish(made.id, "admin")
        campaigns.move(made, campaigns.CampaignEvent.BEGIN)
        campaigns.fail(made.id, "the server refused the sender")
    jobs.gather_notices()
    page.goto("/campaigns/list/")
    bell = page.locator(".rail .bell")
    expect(bell.locator(".bell-count")).to_have_text("2")
    bell.get_by_role("link", name="Notifications").focus()
    page.keyboard.press("Enter")
    told = bell.get_by_role("listitem")
    expect(told).to_have_count(2)
    expect(told.first).to_contain_text("Spring sale has failed")
    expect(told.first).to_contain_text("the server refused the sender")
    assert axe.findings(page) == []
    told.first.get_by_role("button").click()
    page.wait_for_url("**/history/campaign/*")
    expect(page.locator(".rail .bell-count")).to_have_text("1")
    page.goto("/notifications/")
    page.get_by_role("button", name="Mark all as read").click()
    expect(page.locator(".rail .bell-mark")).to_be_empty()
    expect(page.locator(".notice.is-unread")).to_have_count(0)
