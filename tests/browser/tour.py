"""Going through the panel as a person with a role does: every entry of the menu and what is reached from it."""

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import Page

DEPTH = 2
# Open a download, change the language of the session, or lead back to where the person came from.
NOT_A_PAGE = re.compile(r"/bad-rows/|/documents/\d+/file|/lang/|/back$|\.(csv|xlsx)\b|/export|^/rq/.")
LINKS = """() => [...document.querySelectorAll("a[href]")].map((each) => each.href)"""
FORMS = """() => {
    const buttons = [...document.querySelectorAll("button[formaction]")];
    const forms = [...document.querySelectorAll("form[method=post]")].flatMap((form) => {
        const action = new URL(form.getAttribute("action") || location.href, location.href).pathname;
        const chosen = [...document.querySelectorAll(`button[name=action][form="${form.id}"]`)];
        return chosen.length ? chosen.map((each) => [action, each.value]) : [[action, ""]];
    });
    return [...buttons.map((each) => [new URL(each.formAction).pathname, ""]), ...forms];
}"""


@dataclass(slots=True)
class Tour:
    """What was seen. pages: the addresses that were opened, one of each kind; links: all addresses that a page led to;
    forms: (address, name of the action) of every form that sends something."""

    pages: list[str] = field(default_factory=list)
    links: set[str] = field(default_factory=set)
    forms: set[tuple[str, str]] = field(default_factory=set)


def kind_of(path: str) -> str:
    """What addresses of the same kind of page have in common: all but their numbers."""
    return re.sub(r"\d+", "#", urlsplit(path).path)


def take(page: Page, look: Callable[[str], None] = lambda _path: None) -> Tour:
    """Go through everything from the start page on, one page of each kind; look is called on each open page."""
    tour, seen = Tour(), set()
    page.goto("/")
    menu = page.locator("#rail a[href]").evaluate_all("links => links.map((each) => each.href)")
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(page.url))
    waiting = deque((each, 0) for each in [page.url, *menu])
    while waiting:
        url, depth = waiting.popleft()
        path = url.removeprefix(origin)
        if not path.startswith("/") or kind_of(path) in seen or urlsplit(path).query or NOT_A_PAGE.search(path):
            continue
        seen.add(kind_of(path))
        page.goto(path)
        tour.pages.append(path)
        look(path)
        found = note(page, tour)
        if depth < DEPTH:
            waiting.extend((each, depth + 1) for each in found)
    return tour


def note(page: Page, tour: Tour) -> list[str]:
    """Take down what the open page leads to; returns the addresses of its links."""
    tour.forms.update((action, name) for action, name in page.evaluate(FORMS))
    found = [each.split("#")[0] for each in page.evaluate(LINKS)]
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(page.url))
    tour.links.update(each.removeprefix(origin) for each in found)
    return found
