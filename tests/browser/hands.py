"""What people do on a page, in one word each."""

from collections.abc import Mapping

from playwright.sync_api import Locator, Page, expect

Value = str | bool | list[str]


def open_form(page: Page, opener: Locator, *, in_modal: bool) -> Locator:
    """Press what opens a form; the form, in a modal or on a page of its own."""
    opener.click()
    form = page.locator("#modal-form.show #model_form" if in_modal else "main #model_form")
    expect(form).to_be_visible()
    return form


def new_form(page: Page, *, in_modal: bool) -> Locator:
    """The form for one more of what the list shows."""
    return open_form(page, page.locator(".page-actions").get_by_role("link", name="New", exact=True), in_modal=in_modal)


def edit_form(page: Page, name: str, *, in_modal: bool) -> Locator:
    """The form of a row of the list."""
    return open_form(page, row(page, name).get_by_role("link", name="Edit"), in_modal=in_modal)


def fill(form: Locator, values: Mapping[str, Value]) -> None:
    """Write into fields by their names; in a select the words are chosen."""
    for name, value in values.items():
        field = form.locator(f"[name='{name}']:not([type=hidden])").first
        if isinstance(value, bool):
            field.set_checked(value)
        elif field.evaluate("each => 'tomselect' in each"):
            pick(field, value if isinstance(value, list) else [value])
        elif field.evaluate("each => each.tagName") == "SELECT":
            field.select_option(label=value)
        elif field.evaluate("each => 'editor' in each.dataset"):
            form.get_by_role("tab", name="HTML").click()
            field.fill(str(value))
        else:
            field.fill(str(value))
            if field.evaluate("each => '_flatpickr' in each"):
                field.press("Tab")  # the picker closes


def pick(field: Locator, words: list[str]) -> None:
    """Choose in a searchable select by typing and taking what is found."""
    box = field.locator("xpath=following-sibling::*[contains(@class, 'ts-wrapper')][1]")
    for each in words:
        box.click()
        box.page.keyboard.type(each)
        box.locator(".ts-dropdown .option", has_text=each).first.click()
    if box.locator(".ts-dropdown").is_visible():
        box.page.keyboard.press("Escape")


def save(form: Locator) -> None:
    """Press the last button of a form."""
    form.get_by_role("button", name="Save").click()


def row(page: Page, name: str) -> Locator:
    """The row of a list with that name."""
    return page.locator("[data-list] tbody tr", has=page.get_by_role("cell", name=name, exact=True))


def names(page: Page) -> list[str]:
    """The first column of the list, from top to bottom."""
    return [text.strip() for text in page.locator("[data-list] tbody td.is-main").all_inner_texts()]


def agree(page: Page, question: str) -> None:
    """Say yes to the question that contains these words."""
    asked = page.locator("#modal-confirm.show")
    expect(asked.locator("[data-question]")).to_contain_text(question)
    asked.locator("[data-yes]").click()


def delete(page: Page, name: str) -> None:
    """Press the button of a row and agree."""
    row(page, name).get_by_role("button", name="Delete").click()
    agree(page, f"Delete {name}?")


def expect_success(page: Page, words: str) -> None:
    """The page says that it worked."""
    expect(page.locator(".messages .alert-success").first).to_contain_text(words)
