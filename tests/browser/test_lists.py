"""Lists as people use them: filtered, sorted, paged through, rows chosen and acted upon."""

from playwright.sync_api import Page, expect

from tests.browser import hands
from tests.browser.seed import CAMPAIGNS, NAMES


def add_filter(page: Page, column: str, value: str) -> None:
    page.get_by_role("button", name="Add Filter").click()
    page.locator(f"[data-add-filter='{column}']").click()
    field = page.locator(".filter-row").last.locator(".filter-value").locator("input, select").first
    if field.evaluate("each => each.tagName") == "SELECT":
        field.select_option(label=value)
    else:
        field.fill(value)


def test_filters_are_added_applied_and_taken_away(seeded_page: Page) -> None:
    page = seeded_page
    page.goto("/contacts/list/")
    add_filter(page, "country", "PL")
    add_filter(page, "company", "Amber")
    page.locator(".filter-row").last.locator("[data-operator]").select_option(label="Not Starts with")
    page.get_by_role("button", name="Apply").click()
    page.wait_for_url("**country=PL**")
    expect(page.locator(".filter-row")).to_have_count(2)  # they stay where people see them
    expect(page.get_by_role("status").last).to_have_text("15 entries")
    page.locator(".filter-row", has_text="Company").get_by_role("button", name="Remove this filter").click()
    page.wait_for_url(lambda url: "company" not in url)
    expect(page.locator(".filter-row")).to_have_count(1)
    page.get_by_role("link", name="Clear").click()
    expect(page.locator(".filter-row")).to_have_count(0)
    expect(page.get_by_role("status").last).to_have_text("30 entries")


def test_a_time_is_picked_in_a_calendar(seeded_page: Page) -> None:
    page = seeded_page
    page.goto("/campaigns/list/")
    page.get_by_role("button", name="Add Filter").click()
    page.locator("[data-add-filter='created_at']").click()
    page.locator(".flatpickr-calendar.open .flatpickr-next-month").click()
    page.locator(".flatpickr-calendar.open .flatpickr-day:not(.prevMonthDay)").first.click()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator(".empty-title")).to_have_text("Nothing matches")
    page.get_by_role("link", name="Clear the filters").click()
    expect(page.locator("[data-list] tbody tr")).to_have_count(len(CAMPAIGNS))


def test_a_list_is_sorted_by_its_columns_both_ways(seeded_page: Page) -> None:
    page = seeded_page
    page.goto("/campaigns/list/")
    expected = sorted(name for name, *_rest in CAMPAIGNS)
    page.locator("thead").get_by_role("link", name="Name").click()
    page.wait_for_url("**_oc_**")
    head = page.get_by_role("columnheader", name="Name")
    assert hands.names(page) == (expected if head.get_attribute("aria-sort") == "ascending" else expected[::-1])
    first = head.get_attribute("aria-sort")
    page.locator("thead").get_by_role("link", name="Name").click()
    expect(head).to_have_attribute("aria-sort", "descending" if first == "ascending" else "ascending")
    assert hands.names(page) == (expected if first == "descending" else expected[::-1])


def test_a_list_is_paged_through(seeded_page: Page) -> None:
    page = seeded_page
    page.goto("/contacts/list/")
    expect(page.locator("[data-list] tbody tr")).to_have_count(25)
    page.get_by_role("link", name="Next page").click()
    expect(page.locator("[data-list] tbody tr")).to_have_count(len(NAMES.split(",")) - 25)
    expect(page.locator(".page-link[aria-current]")).to_have_text("2")
    page.get_by_role("button", name="Page size").click()
    page.locator(".list-foot .dropdown-item", has_text="10").first.click()
    expect(page.locator("[data-list] tbody tr")).to_have_count(10)


def test_rows_are_chosen_and_let_go(seeded_page: Page) -> None:
    page = seeded_page
    page.goto("/campaigns/list/")
    bar = page.locator(".bulk-bar")
    expect(bar).to_be_hidden()
    page.get_by_label("Choose Autumn sale").check()
    expect(bar.locator(".bulk-count")).to_contain_text("1")
    page.get_by_label("Choose all on this page").check()
    expect(bar.locator(".bulk-count")).to_contain_text(str(len(CAMPAIGNS)))
    bar.get_by_role("button", name="Choose none").click()
    expect(bar).to_be_hidden()
    expect(page.locator(".row-check:checked")).to_have_count(0)


def test_an_action_on_several_rows_asks_first(seeded_page: Page) -> None:
    page = seeded_page
    page.goto("/campaigns/list/")
    for name in ("Christmas cards", "Winter survey"):
        page.get_by_label(f"Choose {name}").check()
    bar = page.locator(".bulk-bar")
    bar.get_by_role("button", name="Duplicate").click()
    page.locator("#modal-confirm.show").get_by_role("button", name="Cancel").click()
    expect(bar.locator(".bulk-count")).to_contain_text("2")
    bar.get_by_role("button", name="Duplicate").click()
    hands.agree(page, "copy as a new draft?")
    expect(page.locator(".alert-success")).to_have_count(2)
    copies = page.locator("[data-list] tbody tr", has_text="copy")
    expect(copies).to_have_count(2)
    for box in copies.get_by_role("checkbox").all():
        box.check()
    bar.get_by_role("button", name="Delete").click()
    expect(page.locator("#modal-confirm.show [data-yes]")).to_have_class("btn btn-danger")
    hands.agree(page, "Delete")
    expect(page.locator(".alert-success")).to_have_count(2)
    expect(page.locator("[data-list] tbody tr")).to_have_count(len(CAMPAIGNS))
