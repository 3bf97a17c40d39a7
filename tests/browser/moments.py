"""What pages look like while somebody works on them: filters chosen, a form refused, a question asked."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser import hands


def _choose_all(page: Page) -> None:
    for box in page.locator("[data-list] [name=rowid]").all():  # a phone has no box for all of them
        box.check()


def filters(page: Page) -> None:
    """Filters of three kinds above a list."""
    page.goto("/campaigns/list/")
    for column in ("name", "status", "created_at"):
        page.get_by_role("button", name="Add Filter").click()
        page.locator(f"[data-add-filter='{column}']").click()


def chosen(page: Page) -> None:
    """All rows of a list chosen."""
    page.goto("/campaigns/list/")
    _choose_all(page)


def refused(page: Page) -> None:
    """A form in a modal that the server refused."""
    page.goto("/contacts/list/")
    form = hands.new_form(page, in_modal=True)
    hands.fill(form, {"phone": "1", "folders": ["Clients"]})
    hands.save(form)
    expect(form.locator(".invalid-feedback").first).to_be_visible()


def asked(page: Page) -> None:
    """The question before something is deleted."""
    page.goto("/folders/list/")
    hands.row(page, "Press").get_by_role("button", name="Delete").click()
    expect(page.locator("#modal-confirm.show")).to_be_visible()


def menu(page: Page) -> None:
    """A person's own menu."""
    page.goto("/folders/list/")
    page.locator(".rail-user").click()


def choosing(page: Page) -> None:
    """A client searched while somebody types."""
    page.goto("/missions/add")
    page.locator(".ts-wrapper").first.click()
    page.keyboard.type("Ann")
    expect(page.locator(".ts-dropdown .option").first).to_be_visible()


def calendar(page: Page) -> None:
    """A date being picked."""
    page.goto("/campaigns/add")
    page.locator("#start_at").click()
    expect(page.locator(".flatpickr-calendar.open")).to_be_visible()


def beginning(page: Page) -> None:
    """What a message can begin with."""
    page.goto("/templates/add")
    expect(page.locator(".ck-editor__main")).to_be_visible()
    page.get_by_role("button", name="Start from a template").click()
    expect(page.locator(".template-card").first).to_be_visible()


def writing(page: Page) -> None:
    """A message being written, with a field in it."""
    page.goto("/templates/add")
    page.locator(".ck-editor__main > .ck-content").click()
    page.keyboard.type("Good to have you with us, ")
    page.locator(".editor-tools").get_by_role("button", name="Insert field").click()
    page.locator(".editor-tools").get_by_role("button", name="Insert", exact=True).click()
    expect(page.locator(".merge-chip")).to_be_visible()


def nothing(page: Page) -> None:
    """A search that found nothing."""
    page.goto("/contacts/list/?_flt_0_first_name=nobody")


def gone(page: Page) -> None:
    """A page that is not there (404)."""
    page.goto("/campaigns/show/999999")


def refused_form(page: Page) -> None:
    """A form on a page of its own that the server refused."""
    page.goto("/campaigns/add")
    page.locator("#model_form").get_by_role("button", name="Save").click()
    expect(page.locator(".invalid-feedback").first).to_be_visible()


def password(page: Page) -> None:
    """The form of one's own password."""
    page.goto("/resetmypassword/form")


def adding_campaign(page: Page) -> None:
    """Missions chosen and the campaign for their clients being chosen."""
    page.goto("/missions/list/")
    _choose_all(page)
    page.locator(".bulk-bar").get_by_role("button", name="Add campaign").click()
    expect(page.locator("#modal-form.show")).to_be_visible()


def keys(page: Page) -> None:
    """The keys of the cards, which a question mark shows."""
    page.goto("/dashboard/campaigns")
    page.keyboard.press("?")
    expect(page.locator("#modal-keys.show")).to_be_visible()


def running(page: Page) -> None:
    """Folders being chosen for a campaign, with how many people they hold."""
    page.goto("/dashboard/campaigns")
    page.get_by_role("link", name="Run on folders: Winter survey").click()
    hands.pick(page.locator("#modal-form.show [name=folders]"), ["Clients"])
    expect(page.locator("#people-of-run")).to_contain_text("30")


def month(page: Page) -> None:
    """The campaigns of a month."""
    page.goto("/calendar/")
    page.get_by_role("button", name="Month").click()
    expect(page.locator(".fc-event", has_text="Autumn sale").first).to_be_attached()
    expect(page.locator("#loads table")).to_be_visible()


def calendar_of_campaigns(page: Page) -> None:
    """A campaign of the calendar in short, with what can be done with it."""
    page.goto("/calendar/")
    page.get_by_role("button", name="List").click()
    page.locator(".fc-list-event", has_text="Autumn sale").first.click()
    expect(page.locator("#calendar-dialog")).to_be_visible()


def kept_filters(page: Page) -> None:
    """The filters that a person keeps, above a filtered list."""
    page.goto("/contacts/list/?_flt_0_first_name=nobody")
    page.get_by_role("button", name="My filters").click()
    expect(page.locator(".kept-filters .dropdown-menu")).to_be_visible()


def quick_start(page: Page) -> None:
    """A new campaign: its name and what sends it."""
    page.goto("/dashboard/campaigns")
    page.get_by_role("link", name="New campaign").click()
    expect(page.locator("#modal-form.show .sender-card").first).to_be_visible()


def schedule(page: Page) -> None:
    """The step of a draft in which its schedule is written."""
    page.goto("/dashboard/campaigns?status=draft")
    page.locator("main").get_by_role("link", name="Christmas cards", exact=True).first.click()
    page.get_by_role("link", name="Step by step").click()
    page.get_by_role("button", name="Schedule").click()
    expect(page.locator("#delay_seconds")).to_be_visible()


def review(page: Page) -> None:
    """The last step of a draft: what will happen."""
    schedule(page)
    page.get_by_role("button", name="Review").click()
    expect(page.locator("#launch .checks")).to_be_visible()


def limits(page: Page) -> None:
    """The limits of all senders, from the gear of the cards."""
    page.goto("/dashboard/campaigns")
    page.locator(".page-actions").get_by_role("link", name="Limits").click()
    expect(page.locator("#modal-form.show #model_form")).to_be_visible()


ALL: dict[str, Callable[[Page], None]] = {
    step.__name__: step
    for step in (
        filters,
        chosen,
        refused,
        asked,
        menu,
        choosing,
        calendar,
        beginning,
        writing,
        nothing,
        gone,
        refused_form,
        password,
        adding_campaign,
        keys,
        running,
        month,
        calendar_of_campaigns,
        kept_filters,
        quick_start,
        schedule,
        review,
        limits,
    )
}
