"""Keeping a filter: saved in the modal, found in the menu, opened with, renamed and deleted."""

from playwright.sync_api import Page, expect

from tests.browser import hands
from tests.browser.conftest import OpenAs

CONTACTS = "/contacts/list/"


def menu(page: Page) -> None:
    page.get_by_role("button", name="My filters").click()


def test_a_filter_is_kept_found_opened_with_renamed_and_deleted(open_as: OpenAs) -> None:
    page = open_as("Campaign Manager")
    page.goto(f"{CONTACTS}?_flt_0_country=PL")
    rows = page.locator("[data-list] tbody tr").count()
    menu(page)
    page.get_by_role("link", name="Save this filter").click()
    form = page.locator("#modal-form.show form")
    hands.fill(form, {"name": "Poland"})
    hands.save(form)
    hands.expect_success(page, "The filter was saved.")
    assert "_flt_0_country=PL" in page.url
    page.goto(CONTACTS)
    assert page.locator("[data-list] tbody tr").count() != rows
    menu(page)
    page.get_by_role("link", name="Poland", exact=True).click()
    page.wait_for_url("**_flt_0_country=PL")
    menu(page)
    page.get_by_role("link", name="Edit Poland").click()
    form = page.locator("#modal-form.show form")
    hands.fill(form, {"name": "Polska"})
    form.locator("[name=is_default]").check()
    hands.save(form)
    hands.expect_success(page, "The filter was saved.")
    page.locator("#rail").get_by_role("link", name="Contacts").click()
    page.goto("/dashboard/")
    page.locator("#rail").get_by_role("link", name="Contacts").click()
    page.wait_for_url("**_flt_0_country=PL")
    page.get_by_role("link", name="Clear").click()
    page.wait_for_url(f"**{CONTACTS}")
    assert page.locator("[data-list] tbody tr").count() != rows
    menu(page)
    page.get_by_role("button", name="Delete Polska").click()
    hands.agree(page, "Delete Polska?")
    hands.expect_success(page, "The filter Polska was deleted.")
    menu(page)
    expect(page.locator(".kept-filters")).to_contain_text("You keep no filter of this page yet.")
