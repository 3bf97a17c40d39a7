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
# What a page leads to: [addresses of its links, [address, name of the action] of its forms].
FOUND = """(page, here) => {
    const whole = (address) => new URL(address || here, here);
    const buttons = [...page.querySelectorAll("button[formaction]")];
    const forms = [...page.querySelectorAll("form[method=post]")].flatMap((form) => {
        const action = whole(form.getAttribute("action")).pathname;
        const chosen = [...page.querySelectorAll(`button[name=action][form="${form.id}"]`)];
        return chosen.length ? chosen.map((each) => [action, each.value]) : [[action, ""]];
    });
    return [
        [...page.querySelectorAll("a[href]")].map((each) => whole(each.getAttribute("href")).href),
        [...buttons.map((each) => [whole(each.getAttribute("formaction")).pathname, ""]), ...forms],
    ];
}"""
OPEN = f"() => ({FOUND})(document, location.href)"
# The same of a page that is read and not shown: its parts are asked for by scripts, which do not run.
READ = f"""async (path) => {{
    const answer = await fetch(path);
    if (!answer.ok) throw new Error(`${{answer.status}} ${{path}}`);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    return ({FOUND})(page, answer.url);
}}"""


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


def take(page: Page, look: Callable[[str], None] | None = None) -> Tour:
    """Go through everything from the start page on, one page of each kind. look: called on each page, which is open
    then; without it pages are read and not opened."""
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
        tour.pages.append(path)
        if look is None:
            found = _note(page, tour, *page.evaluate(READ, path))
        else:
            page.goto(path)
            look(path)
            found = note(page, tour)
        if depth < DEPTH:
            waiting.extend((each, depth + 1) for each in found)
    return tour


def note(page: Page, tour: Tour) -> list[str]:
    """Take down what the open page leads to; returns the addresses of its links."""
    return _note(page, tour, *page.evaluate(OPEN))


def _note(page: Page, tour: Tour, links: list[str], forms: list[list[str]]) -> list[str]:
    tour.forms.update((action, name) for action, name in forms)
    found = [each.split("#")[0] for each in links]
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(page.url))
    tour.links.update(each.removeprefix(origin) for each in found)
    return found
