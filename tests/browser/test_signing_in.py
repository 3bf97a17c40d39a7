"""Through the door and out again."""

from playwright.sync_api import Browser, Page, expect

from tests.browser.watch import sign_in, window
from tests.web.conftest import PASSWORD


def test_a_wrong_password_is_said_and_the_right_one_opens(chromium: Browser, live: str) -> None:
    with window(chromium, live) as (context, watch):
        page = context.new_page()
        page.goto("/contacts/list/")
        page.wait_for_url("**/login/**")
        expect(page.locator("#username")).to_be_focused()
        page.fill("#username", "admin")
        page.fill("#password", "not the password")
        page.keyboard.press("Enter")
        expect(page.locator(".alert")).to_contain_text("Invalid login")
        page.fill("#username", "admin")
        page.fill("#password", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/contacts/list/")  # where the person wanted to go
        expect(page.locator("h1")).to_have_text("Contacts")
    assert watch.faults == []


def test_who_signed_out_is_out_in_every_window(page: Page) -> None:
    other = page.context.new_page()
    other.goto("/contacts/list/")
    page.get_by_role("button", name="Test Admin").click()
    page.get_by_role("button", name="Logout").click()
    page.wait_for_url("**/login/**")
    other.reload()
    other.wait_for_url("**/login/**")
    page.go_back()
    page.reload()
    page.wait_for_url("**/login/**")


def test_a_copied_cookie_dies_with_the_sign_out(chromium: Browser, live: str) -> None:
    with window(chromium, live) as (context, _watch):
        page = context.new_page()
        sign_in(page, "Admin")
        copy = context.storage_state()
        page.get_by_role("button", name="Test Admin").click()
        page.get_by_role("button", name="Logout").click()
        page.wait_for_url("**/login/**")
    with window(chromium, live, storage_state=copy) as (context, _watch):
        page = context.new_page()
        page.goto("/campaigns/list/")
        page.wait_for_url("**/login/**")


def test_the_own_password_is_changed(chromium: Browser, live: str, page: Page) -> None:
    password = "another long password"
    page.get_by_role("button", name="Test Admin").click()
    page.get_by_role("link", name="Profile").click()
    page.get_by_role("button", name="Reset my password").click()
    form = page.locator("#model_form")
    form.locator("#password").fill(password)
    form.locator("#conf_password").fill(password)
    form.get_by_role("button", name="Save").click()
    expect(page.locator(".messages .alert")).to_contain_text("Password Changed")
    page.goto("/campaigns/list/")
    expect(page.locator("h1")).to_have_text("Campaigns")  # who changes their own password stays
    with window(chromium, live) as (context, _watch):
        elsewhere = context.new_page()
        sign_in(elsewhere, "Admin", password)
        expect(elsewhere.locator("h1")).to_have_text("Campaigns")
