"""The panel without a mouse: every way is open to the keyboard, and the focus is where people expect it."""

import re

from playwright.sync_api import Page, expect

from app.campaigns.lifecycle import CampaignStatus
from tests.browser import hands
from tests.browser.conftest import OpenAs
from tests.browser.seed import Seed
from tests.browser.watch import PHONE

INSIDE = "(selector) => Boolean(document.activeElement.closest(selector))"


def press(page: Page, *keys: str) -> None:
    """One key after the other."""
    for key in keys:
        page.keyboard.press(key)


def test_the_first_tab_skips_the_menu_and_the_second_is_in_it(seeded_page: Page) -> None:
    page = seeded_page
    page.goto("/folders/list/")
    press(page, "Tab")
    link = page.get_by_role("link", name="Skip to the content")
    expect(link).to_be_focused()
    expect(link).to_be_in_viewport()
    press(page, "Enter")
    expect(page.locator("main#content")).to_be_focused()
    press(page, "Tab")
    assert page.evaluate(INSIDE, "main")
    page.goto("/folders/list/")
    press(page, "Tab", "Tab")
    assert page.evaluate(INSIDE, "#rail")
    press(page, "Tab", "Tab", "Enter")  # past the bell
    page.wait_for_url(re.compile("/dashboard/"))


def test_enter_opens_a_row(seeded_page: Page) -> None:
    page = seeded_page
    page.goto("/folders/list/")
    page.get_by_role("link", name="Clients", exact=True).focus()
    press(page, "Enter")
    expect(page.locator("h1")).to_have_text("Clients")


def test_a_form_in_a_modal_is_opened_and_left_by_keyboard(seeded_page: Page) -> None:
    page = seeded_page
    page.goto("/folders/list/")
    opener = page.locator(".page-actions").get_by_role("link", name="New")
    opener.focus()
    press(page, "Enter")
    dialog = page.get_by_role("dialog", name="New folder")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_label("Name")).to_be_focused()
    for _ in range(6):  # round and round, never behind it
        press(page, "Tab")
        assert page.evaluate(INSIDE, "#modal-form")
    press(page, "Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()


def test_what_was_written_in_a_modal_is_not_lost_to_escape(seeded_page: Page) -> None:
    page = seeded_page
    page.goto("/folders/list/")
    form = hands.new_form(page, in_modal=True)
    form.get_by_label("Name").press_sequentially("Half a na")
    press(page, "Escape")
    page.mouse.click(5, 5)
    expect(form.get_by_label("Name")).to_have_value("Half a na")
    form.get_by_role("button", name="Cancel").press("Enter")
    expect(page.locator("#modal-form")).to_be_hidden()
    form = hands.new_form(page, in_modal=True)
    expect(form.get_by_label("Name")).to_have_value("")


def test_a_refused_form_takes_the_focus_to_the_wrong_field(seeded_page: Page) -> None:
    page = seeded_page
    page.goto("/contacts/list/")
    form = hands.new_form(page, in_modal=True)
    form.get_by_label("First name").fill("Halina")
    form.get_by_label("Phone").fill("600")
    press(page, "Enter")
    field = form.get_by_label("Phone")
    expect(field).to_have_class("form-control is-invalid")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile("names no country.* With the country"))  # error, hint
    expect(form.get_by_label("First name")).to_have_value("Halina")


def test_a_refused_quick_start_takes_the_focus_to_the_wrong_choice(seeded_page: Page) -> None:
    page = seeded_page
    page.goto("/dashboard/campaigns")
    page.locator("[data-new]").click()
    form = page.locator("#modal-form.show #model_form")
    form.get_by_label("Name").fill("Spring")
    form.locator(".sender-cards input").evaluate_all("all => all.forEach((each) => { each.checked = false; })")
    form.get_by_role("button", name="Continue").click()
    expect(form.locator(".wrong-fields")).to_be_visible()
    assert page.evaluate(INSIDE, ".sender-cards")


def test_on_a_phone_the_names_above_a_refused_form_lead_to_its_fields(open_as: OpenAs, seeded: Seed) -> None:
    page = open_as(viewport=PHONE)
    wrong = page.get_by_role("alert").locator(".wrong-fields").get_by_role("link")
    page.goto("/missions/add")  # a choice that is searched
    page.get_by_label("Title").fill("Call back")
    hands.save(page.locator("main #model_form"))
    wrong.filter(has_text="Client").click()
    expect(page.locator("label", has_text="Client")).to_be_in_viewport()
    assert page.evaluate(INSIDE, "#contact_id + .ts-wrapper")
    draft = seeded.campaigns[CampaignStatus.DRAFT]
    page.goto(f"/campaigns/steps/{draft}/setup")  # round buttons
    page.locator(".sender-cards input:checked").evaluate("each => { each.checked = false; }")
    page.get_by_role("button", name="Continue").click()
    wrong.first.press("Enter")
    assert page.evaluate(INSIDE, ".sender-cards")
    page.goto(f"/campaigns/edit/{draft}")  # a message behind another tab
    page.get_by_role("tab", name="HTML").click()
    page.locator("#html").fill("<p>Dear {{ first_name</p>")
    hands.save(page.locator("main #model_form"))
    page.get_by_role("tab", name="Preview").click()
    wrong.first.click()
    expect(page.locator("#html")).to_be_focused()
    expect(page.locator("#html")).to_be_in_viewport()
    page.get_by_role("tab", name="Editor").click()
    wrong.first.click()
    expect(page.locator(".ck-editor__main > .ck-content")).to_be_focused()


def test_a_question_is_refused_with_escape_and_the_focus_returns(seeded_page: Page) -> None:
    page = seeded_page
    page.goto("/folders/list/")
    button = hands.row(page, "Press").get_by_role("button", name="Delete")
    button.focus()
    press(page, "Enter")
    question = page.get_by_role("alertdialog")
    expect(question).to_contain_text("Delete Press?")
    assert page.evaluate(INSIDE, "#modal-confirm")
    press(page, "Escape")
    expect(question).to_be_hidden()
    expect(button).to_be_focused()
    expect(hands.row(page, "Press")).to_have_count(1)


def test_escape_in_an_open_list_closes_the_list_and_not_the_modal(seeded_page: Page) -> None:
    page = seeded_page
    page.goto("/contacts/list/")
    form = hands.new_form(page, in_modal=True)
    folders = form.get_by_role("combobox", name="Folders")
    folders.click()
    folders.press_sequentially("Cli")
    press(page, "Enter")
    expect(form.locator(".ts-wrapper .item")).to_have_text("Clients×")
    press(page, "Escape")
    expect(form.locator(".ts-dropdown")).to_be_hidden()
    expect(page.locator("#modal-form")).to_be_visible()


def test_a_slash_goes_to_the_search_and_a_menu_opens_with_the_arrow(seeded_page: Page) -> None:
    page = seeded_page
    page.goto("/contacts/list/")
    press(page, "/")
    expect(page.locator("[data-page-search]")).to_be_focused()
    page.keyboard.type("a/b")
    expect(page.locator("[data-page-search]")).to_have_value("a/b")
    page.get_by_role("button", name="Test Admin").focus()
    press(page, "ArrowDown")
    expect(page.get_by_role("link", name="Profile")).to_be_focused()
    press(page, "Escape")
    expect(page.get_by_role("button", name="Test Admin")).to_be_focused()
