"""Light and dark, the width of a phone, the person's language, and the weight of it all."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import styles
from tests.browser import axe, hands, moments
from tests.browser.conftest import OpenAs
from tests.browser.seed import Seed
from tests.browser.watch import CLASSES, PHONE, window

pytestmark = pytest.mark.timeout(600)  # goes through every page of the panel

THEME = "() => document.documentElement.dataset.bsTheme"
MOST_BYTES = 300_000


def test_dark_stays_dark_after_a_reload(seeded_page: Page) -> None:
    page = seeded_page
    page.goto("/campaigns/list/")
    assert page.evaluate(THEME) == "light"
    page.get_by_role("button", name="Test Admin").click()
    page.get_by_role("button", name="Dark or light").click()
    assert page.evaluate(THEME) == "dark"
    background = "() => getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(background)
    page.reload()
    assert page.evaluate(THEME) == "dark"
    assert page.evaluate(background) == dark
    page.get_by_role("button", name="Test Admin").click()
    page.get_by_role("button", name="Dark or light").click()
    page.goto("/folders/list/")
    assert page.evaluate(THEME) == "light"
    assert page.evaluate(background) != dark


def test_a_dark_machine_gets_a_dark_panel(open_as: OpenAs) -> None:
    page = open_as(color_scheme="dark")
    page.goto("/campaigns/list/")
    assert page.evaluate(THEME) == "dark"


def test_the_menu_of_a_phone_opens_leads_on_and_closes(open_as: OpenAs) -> None:
    page = open_as(viewport=PHONE, has_touch=True, is_mobile=True)
    page.goto("/campaigns/list/")
    rail = page.locator("#rail")
    expect(rail).to_be_hidden()
    menu = page.get_by_role("button", name="Menu", exact=True)
    menu.tap()
    expect(rail.get_by_role("link", name="Contacts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(rail).to_be_hidden()
    menu.tap()
    rail.get_by_role("link", name="Contacts").tap()
    page.wait_for_url("**/contacts/list/")
    expect(rail).to_be_hidden()


def test_rows_are_cards_on_a_phone(open_as: OpenAs) -> None:
    page = open_as(viewport=PHONE, has_touch=True, is_mobile=True)
    page.goto("/campaigns/list/")
    expect(page.locator("[data-list] thead")).to_be_hidden()
    card = hands.row(page, "Autumn sale")
    label = card.locator("td[data-label=Status]").evaluate("each => getComputedStyle(each, '::before').content")
    assert label == '"Status"'
    box = card.bounding_box()
    assert box is not None
    assert box["width"] > PHONE["width"] * 0.8
    assert box["height"] > 100
    page.get_by_role("button", name="Order by").tap()
    page.locator(".dropdown-menu.show").get_by_role("link", name="Name").tap()
    page.wait_for_url("**_oc_**")
    card = hands.row(page, "Winter survey")
    card.get_by_role("checkbox").tap()
    expect(page.locator(".bulk-bar")).to_be_in_viewport()
    page.locator(".bulk-bar").get_by_role("button", name="Choose none").tap()


def test_a_browser_that_asks_for_polish_gets_a_polish_panel(open_as: OpenAs) -> None:
    page = open_as(locale="pl-PL")
    page.goto("/campaigns/list/")
    assert page.locator("html").get_attribute("lang") == "pl"
    expect(page.locator("h1")).to_have_text("Kampanie")
    menu = page.locator("#rail .rail-link").all_inner_texts()
    for name in ("Kontakty", "Foldery", "Importy", "Misje", "Konta SMTP"):
        assert name in menu
    page.locator("#rail .rail-user").click()
    page.get_by_role("link", name="English").click()
    expect(page.locator("h1")).to_have_text("Campaigns")  # what a person chose wins over the browser


def test_the_first_page_weighs_little(chromium: Browser, address: str, seeded: Seed) -> None:
    with window(chromium, address) as (context, watch):
        page = context.new_page()
        wire = context.new_cdp_session(page)
        wire.send("Network.enable")
        wire.send("Network.setCacheDisabled", {"cacheDisabled": True})
        sizes: dict[str, float] = {}
        addresses: dict[str, str] = {}
        wire.on(
            "Network.responseReceived", lambda event: addresses.update({event["requestId"]: event["response"]["url"]})
        )
        wire.on("Network.loadingFinished", lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}))
        page.goto("/login/", wait_until="networkidle")
        page.fill("#username", "admin")
        page.fill("#password", "a long password for tests")
        sizes.clear()
        page.keyboard.press("Enter")
        page.wait_for_url("**/dashboard/campaigns")
        page.wait_for_load_state("networkidle")
    weights = {
        re.sub(r"^https?://[^/]+", "", addresses[each]): size for each, size in sizes.items() if each in addresses
    }
    assert any(address.endswith(".js") for address in weights)
    assert any(address.endswith(".woff2") for address in weights)
    assert sum(weights.values()) < MOST_BYTES, weights
    assert watch.faults == []


def test_axe_finds_nothing_grave_while_somebody_works(open_as: OpenAs) -> None:
    page = open_as()
    page.watch.forgiven.add(404)  # type: ignore[attr-defined]
    found = []
    for name, step in moments.ALL.items():
        step(page)
        found += [f"{name}: {each}" for each in axe.findings_in_both_looks(page)]
        found += [f"{name}: no styles for {each}" for each in sorted(styles.left_out() & set(page.evaluate(CLASSES)))]
    assert found == []


def test_the_door_is_open_to_everybody(chromium: Browser, address: str) -> None:
    found = []
    for theme in ("light", "dark"):
        with window(chromium, address, color_scheme=theme, viewport=PHONE) as (context, watch):
            page = context.new_page()
            page.goto("/login/")
            found += axe.findings(page)
            assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
        assert watch.faults == []
    assert found == []
