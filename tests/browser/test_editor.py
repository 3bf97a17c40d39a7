"""Writing a message: fields as chips, HTML that stays as it is, plain text, pictures, templates, a preview."""

import base64

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import axe, hands

SHEET = ".ck-editor__main > .ck-content"
POINT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAYAAACNMs+9AAAAFUlEQVR42mNk+M9Qz0AEYBxVSF+FABJADveWkH6oAAAAAElFTkSuQmCC"
)
DOCUMENT = '<!doctype html><html><head><style>.a { color: red }</style></head><body><p class="a">Hi</p></body></html>'


@pytest.fixture()
def form(page: Page) -> Locator:
    """The form of a new template."""
    page.goto("/templates/add")
    expect(page.locator(SHEET)).to_be_visible()
    return page.locator("#model_form")


def written(page: Page) -> str:
    """What would be saved now, when the editor has handed it over."""
    page.wait_for_timeout(400)
    found: str = page.locator("#html").input_value()
    return found


def test_a_field_is_put_where_the_cursor_stands_and_stays_a_field(page: Page, form: Locator) -> None:
    page.locator(SHEET).click()
    page.keyboard.type("Hello ")
    page.locator(".editor-tools").get_by_role("button", name="Insert field").click()
    page.locator(".editor-tools").get_by_label("When it is missing").fill("there")
    page.locator(".editor-tools").get_by_role("button", name="Insert", exact=True).click()
    page.keyboard.type(", welcome")
    expect(page.locator(".merge-chip")).to_have_text("first name · there")
    assert written(page) == '<p>Hello {{ first_name | default: "there" }}, welcome</p>'
    page.get_by_role("tab", name="Plain text").click()
    expect(page.locator(".editor-made")).to_contain_text('Hello {{ first_name | default: "there" }}, welcome')


def test_a_field_is_put_into_the_subject(page: Page, form: Locator) -> None:
    page.locator("#subject").fill("Hi ")
    page.get_by_role("button", name="Insert field into the subject").click()
    page.locator(".subject-row").get_by_role("button", name="Insert", exact=True).click()
    expect(page.locator("#subject")).to_have_value("Hi {{ first_name }}")


@pytest.mark.parametrize(
    "html",
    [
        '<p style="text-align:center;color:#c00000">A <b>b</b> {{ company | default: "you" }}</p>',
        '<table style="width:300px"><tbody><tr><td style="padding:4px">a</td></tr></tbody></table>',
        '<p><a href="https://shop.example/?n={{ first_name | default: "a b" }}">x</a></p>',
    ],
    ids=["looks", "table", "field in a link"],
)
def test_what_is_only_looked_at_stays_letter_for_letter(page: Page, form: Locator, html: str) -> None:
    hands.fill(form, {"html": html})
    page.get_by_role("tab", name="Editor").click()
    expect(page.locator(SHEET)).to_be_visible()
    page.get_by_role("tab", name="Preview").click()
    assert page.locator("#html").input_value() == html


def test_a_document_stays_html_until_somebody_agrees_to_lose_something(page: Page, form: Locator) -> None:
    hands.fill(form, {"html": DOCUMENT})
    page.get_by_role("tab", name="Editor").click()
    expect(page.locator(".editor-why")).to_contain_text("stays exactly as it is")
    assert page.locator("#html").input_value() == DOCUMENT
    page.get_by_role("button", name="Edit it in the editor anyway").click()
    hands.agree(page, "may change the layout")
    expect(page.locator(SHEET)).to_contain_text("Hi")


def test_a_plain_text_of_ones_own_is_kept_until_it_is_given_up(page: Page, form: Locator) -> None:
    hands.fill(form, {"html": "<p>Hello</p>"})
    page.get_by_role("tab", name="Plain text").click()
    expect(page.locator(".editor-made")).to_contain_text("Hello")
    page.get_by_label("Written by myself").check()
    page.locator("#text").fill("My own words")
    page.get_by_label("Made from the message").check()
    hands.agree(page, "What you wrote yourself")
    expect(page.locator(".editor-made")).to_be_visible()
    assert page.locator("#text").input_value() == ""


def test_what_is_not_sent_is_told_while_one_writes(page: Page, form: Locator) -> None:
    hands.fill(form, {"html": "<p onclick=x>Hi</p><script>x</script>"})
    expect(page.locator(".editor > .alert-warning")).to_have_text(
        "Not sent, because mail programs do not allow it: <script>, onclick"
    )


def test_a_picture_is_uploaded_and_shown_from_its_own_address(page: Page, form: Locator) -> None:
    page.locator(SHEET).click()
    picture = {"name": "a.png", "mimeType": "image/png", "buffer": POINT}
    page.locator("input[type=file][accept*=image]").first.set_input_files(picture)
    image = page.locator(f"{SHEET} img[src*='/i/']")
    expect(image).to_be_visible()
    assert 'src="http://127.0.0.1' in written(page)


def test_a_template_is_begun_with_saved_and_shown(page: Page, form: Locator) -> None:
    page.get_by_role("button", name="Start from a template").click()
    page.locator("[data-template=letter]").click()
    expect(page.locator(SHEET)).to_contain_text("begin with what this is about")
    expect(page.locator("#subject")).to_have_value('A question, {{ first_name | default: "in short" }}')
    page.get_by_role("tab", name="Preview").click()
    shown = page.frame_locator(".editor iframe")
    expect(shown.locator("body")).to_contain_text("Hello there,")
    hands.fill(form, {"name": "Letter"})
    hands.save(form)
    hands.expect_success(page, "The template was saved.")


@pytest.mark.parametrize("tab", ["Editor", "HTML", "Plain text", "Preview"])
def test_every_tab_can_be_used_by_everybody(page: Page, form: Locator, tab: str) -> None:
    page.get_by_role("tab", name=tab).click()
    page.wait_for_timeout(300)
    assert axe.findings(page) == []
