"""Every page that the menu leads to: read by each role; opened and looked at with axe in light, dark and narrow by the
administrator, who is shown all there is."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, StorageState
from werkzeug.exceptions import HTTPException

from app.campaigns.lifecycle import CampaignStatus
from app.web import security
from tests import styles
from tests.browser import axe, seed, tour
from tests.browser.seed import Seed
from tests.browser.tour import Tour
from tests.browser.watch import CLASSES, DESKTOP, PHONE, window

pytestmark = pytest.mark.timeout(600)  # goes through every page of the panel

WIDTHS = "() => [document.documentElement.scrollWidth, innerWidth]"
VENDORS = re.compile(r"^/operations/rq/$|^/rq/")  # the dashboard of RQ looks as it looks


@dataclass(slots=True)
class Seen:
    """What came of a tour."""

    tour: Tour
    faults: list[str]
    findings: list[str] = field(default_factory=list)
    too_wide: list[str] = field(default_factory=list)


def look(page: Page, seen: Seen) -> Callable[[str], None]:
    """What a pair of eyes does on each page: light and dark, wide and narrow."""

    def look_at(path: str) -> None:
        if VENDORS.match(path):
            return
        found = axe.findings_in_both_looks(page)
        found += [f"no styles for {each}" for each in sorted(styles.left_out() & set(page.evaluate(CLASSES)))]
        page.set_viewport_size(PHONE)
        found += [f"phone: {each}" for each in axe.findings(page, only=axe.NARROW)]
        width, place = page.evaluate(WIDTHS)
        page.set_viewport_size(DESKTOP)
        seen.findings.extend(f"{path} {each}" for each in found)
        if width > place:
            seen.too_wide.append(f"{path}: {width} > {place}")

    return look_at


@pytest.fixture(scope="module")
def seen(chromium: Browser, address: str, keys: dict[str, StorageState], seeded: Seed) -> dict[str, Seen]:
    """The tours of all roles; that of the administrator with open eyes."""
    found = {}
    for role in seed.ROLES:
        with window(chromium, address, storage_state=keys[role]) as (context, watch):
            page = context.new_page()
            mine = found[role] = Seen(Tour(), watch.faults)
            mine.tour = tour.take(page, look(page, mine) if role == "Admin" else None)
            for status in (CampaignStatus.DRAFT, CampaignStatus.FAILED):
                page.goto(f"/campaigns/show/{seeded.campaigns[status]}")
                tour.note(page, mine.tour)
    return found


@pytest.mark.parametrize("role", seed.ROLES)
def test_every_page_opens_without_a_fault(seen: dict[str, Seen], role: str) -> None:
    mine = seen[role]
    assert mine.faults == []
    assert len(mine.tour.pages) >= {"Admin": 45, "Campaign Manager": 30, "Analyst": 6}[role]


def test_axe_finds_nothing_grave_on_any_page(seen: dict[str, Seen]) -> None:
    assert seen["Admin"].findings == []


def test_no_page_is_wider_than_a_phone(seen: dict[str, Seen]) -> None:
    assert seen["Admin"].too_wide == []


@pytest.mark.parametrize("role", seed.ROLES)
def test_every_link_on_every_page_leads_somewhere(
    chromium: Browser, address: str, keys: dict[str, StorageState], seen: dict[str, Seen], role: str
) -> None:
    with window(chromium, address, storage_state=keys[role]) as (context, _watch):
        links = {each for each in seen[role].tour.links if each.startswith("/") and not each.startswith("/lang/")}
        paths = sorted(links - set(seen[role].tour.pages))  # which were opened
        answers = {path: context.request.get(path).status for path in paths}
    assert {path: status for path, status in answers.items() if status >= 400} == {}
    assert len(links) >= {"Admin": 150, "Campaign Manager": 100, "Analyst": 20}[role]


def needed(app: Flask, path: str, method: str, action: str = "") -> tuple[str, str] | None:
    """The permission that an address asks for: (permission, resource); None when it asks for none."""
    try:
        endpoint, values = app.url_map.bind("").match(urlsplit(path).path, method=method)
    except HTTPException:
        return None
    name, _, function = endpoint.rpartition(".")
    view: Any = next((each for each in app.appbuilder.baseviews if each.endpoint == name), None)  # type: ignore[attr-defined]
    if view is None:
        return None
    action = action or values.get("name", "")
    if action and hasattr(view, "actions"):
        return view.get_action_permission_name(action), view.class_permission_name
    asked = getattr(app.view_functions[endpoint], "_permission_name", None)
    return asked and (f"can_{view.method_permission_name.get(function, asked)}", view.class_permission_name)


def lacks(role: str, wanted: tuple[str, str] | None) -> bool:
    """Whether one of the built-in roles has no such permission."""
    return wanted is not None and [wanted[1], wanted[0]] not in security.roles()[role]


@pytest.mark.parametrize("role", [security.MANAGER, security.ANALYST])
def test_a_role_is_shown_only_what_it_may_do(_live_app: Flask, seen: dict[str, Seen], role: str) -> None:
    mine = seen[role].tour
    links = {path for path in mine.links if lacks(role, needed(_live_app, path, "GET"))}
    forms = {each for each in mine.forms if lacks(role, needed(_live_app, each[0], "POST", each[1]))}
    assert (links, forms) == (set(), set())


@pytest.mark.parametrize("role", [security.MANAGER, security.ANALYST])
def test_what_a_role_may_not_do_is_refused(
    chromium: Browser,
    address: str,
    keys: dict[str, StorageState],
    _live_app: Flask,
    seen: dict[str, Seen],
    role: str,
) -> None:
    everything = seen["Admin"].tour
    links = [each for each in everything.links if lacks(role, needed(_live_app, each, "GET"))]
    forms = [each for each in everything.forms if lacks(role, needed(_live_app, each[0], "POST", each[1]))]
    opened = []
    with window(chromium, address, storage_state=keys[role]) as (context, _watch):
        page = context.new_page()
        page.goto("/")
        token = page.locator("meta[name=csrf-token]").get_attribute("content") or ""
        for path in links:
            answer = context.request.get(path, max_redirects=0)
            if answer.status != 403:
                opened.append(f"GET {path}: {answer.status}")
        for path, action in forms:
            values = {"csrf_token": token, "action": action, "rowid": "1"}
            answer = context.request.post(path, form=values, max_redirects=0)
            # FAB's own views refuse an action by sending people back to where they are
            if answer.status != 403 and answer.headers.get("location") != ".":
                opened.append(f"POST {path} {action}: {answer.status}")
    assert opened == []
    assert len(links) >= 5
    assert len(forms) >= 5
