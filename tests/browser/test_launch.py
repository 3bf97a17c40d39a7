"""Before a start: the check on the page and in the question, the way to mend what blocks, and the preview."""

import pytest
from playwright.sync_api import Browser, Page, expect

from app.campaigns import service
from app.campaigns.lifecycle import CampaignStatus
from app.kernel.db import transaction
from tests import factories
from tests.browser.axe import findings
from tests.browser.watch import PHONE, sign_in, window


@pytest.fixture()
def draft(live: str) -> int:
    """A draft for two people, one of them without a name, that lacks a subject."""
    with transaction():
        folder = factories.folder("Clients")
        factories.contact(folder, first_name="Ann", last_name="Nowak")
        factories.contact(folder, first_name="", last_name="Lis")
        made = factories.campaign(folder, name="Spring sale", delay_seconds=20, zone="Europe/Warsaw")
        made.subject = ""
        return made.id


def test_what_blocks_is_mended_and_the_campaign_is_published(page: Page, draft: int) -> None:
    page.goto(f"/campaigns/show/{draft}")
    check = page.locator("#launch .launch")
    expect(check).to_contain_text("Write a subject.")
    expect(check).to_contain_text("2 e-mails, one each 20 s, day and night Europe/Warsaw")

    page.get_by_role("button", name="Publish").click()
    dialog = page.get_by_role("alertdialog")
    expect(dialog).to_contain_text("Write a subject.")
    expect(dialog.get_by_role("button", name="Publish")).to_be_disabled()
    dialog.get_by_role("link", name="Fix").first.click()

    page.wait_for_url(f"**/campaigns/edit/{draft}#subject")
    page.fill("#subject", "Spring is here")
    page.get_by_role("button", name="Save").click()
    page.goto(f"/campaigns/show/{draft}")
    page.get_by_role("button", name="Publish").click()
    expect(dialog).to_contain_text("2 people get it.")
    agree = dialog.get_by_role("button", name="Publish")
    expect(agree).to_be_enabled()
    agree.click()
    expect(page.get_by_text("Spring sale was published.")).to_be_visible()
    with transaction():
        assert service.get(draft).status is CampaignStatus.SCHEDULED


def test_the_message_is_looked_at_as_somebody_else_on_a_phone_in_the_dark(page: Page, draft: int) -> None:
    with transaction():
        service.get(draft).subject = "News for {{ first_name }}"
    page.goto(f"/campaigns/show/{draft}")
    shown, frame = page.locator("#preview"), page.frame_locator("#preview iframe")
    expect(shown).to_contain_text("News for Ann")
    expect(frame.locator("p").first).to_contain_text("Dear Ann")

    page.locator(".preview-who .ts-control").click()
    page.keyboard.type("Lis")
    page.get_by_role("option", name="Lis").click()
    expect(shown).to_contain_text("This person has no first name.")
    expect(frame.locator("mark")).to_have_text("[first name]")
    wide = page.locator("#preview iframe").bounding_box()
    page.get_by_text("Phone", exact=True).click()
    expect(page.locator("#preview iframe.is-phone")).to_be_visible()
    narrow = page.locator("#preview iframe").bounding_box()
    assert wide and narrow and narrow["width"] <= min(390, wide["width"])
    page.get_by_text("Dark", exact=True).click()
    expect(page.locator("#preview iframe.is-dark.is-phone")).to_be_visible()
    expect(shown).to_contain_text("This person has no first name.")
    expect(frame.locator("mark")).to_have_text("[first name]")


@pytest.mark.parametrize("size", [None, PHONE], ids=["desktop", "phone"])
def test_the_question_with_its_check_is_for_everybody(page: Page, draft: int, size: dict[str, int] | None) -> None:
    if size:
        page.set_viewport_size(size)  # type: ignore[arg-type]
    page.goto(f"/campaigns/show/{draft}")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("alertdialog").locator(".check").first).to_be_visible()
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.keyboard.press("Escape")
    expect(page.get_by_role("alertdialog")).to_be_hidden()
    expect(page.get_by_role("button", name="Publish")).to_be_focused()


def test_a_check_that_does_not_come_says_so(chromium: Browser, live: str, draft: int) -> None:
    with window(chromium, live) as (opened, watch):
        page = opened.new_page()
        sign_in(page, "Admin")
        page.route("**/launch/check/*", lambda route: route.abort())
        page.goto(f"/campaigns/show/{draft}")
        expect(page.locator("#launch")).to_contain_text("no answer came")
        assert all("htmx" in fault for fault in watch.take())
