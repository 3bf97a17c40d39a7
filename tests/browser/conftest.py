"""A real browser on a real server: Chromium, the panel in a thread, CSRF and everything else as people have it.

One browser and one server for the whole run. A test either has an empty panel to itself (live, context, page), or all
tests of a module share one that is in use (seeded, seeded_page) and leave it as they found it.
"""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, StorageState, expect, sync_playwright
from sqlalchemy import select
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wsgi import ClosingIterator

from app import create_app
from app.audience.models import Folder
from app.extensions import db
from jobs import runtime
from tests.browser import seed
from tests.browser.watch import PATIENCE_MS, Watch, sign_in, window
from tests.conftest import empty
from tests.web.conftest import add_person

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# The same engine without the browser's own windows, whose pages took as much again as ours (48 s of processor time for
# the tests of the cards, 27 s with the shell); it has no notifications.
SHELL = shutil.which("chromium-headless-shell") or CHROMIUM
ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
]

OpenAs = Callable[..., Page]


def closed(app: Flask) -> Callable[..., Iterator[bytes]]:
    """The app, whose answers are closed also when the browser goes away in the middle of one.

    werkzeug's server forgets it then, and the file that was being sent stays open.
    """

    def answer(environ: Any, start_response: Any) -> Iterator[bytes]:
        with closing(ClosingIterator(app(environ, start_response))) as body:
            yield from body

    return answer


class Quiet(WSGIRequestHandler):
    """Does not write a line for each request."""

    def log_request(self, *_args: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """What steers browsers."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine (install the package chromium)")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """The browser of the machine."""
    with closing(playwright.chromium.launch(executable_path=SHELL, args=ARGUMENTS)) as browser:
        yield browser


@pytest.fixture(scope="session")
def _live_app(settings: dict[str, Any]) -> Iterator[Flask]:
    made = create_app(settings | {"RATELIMIT_ENABLED": False}, with_panel=True)
    yield made
    with made.app_context():
        db.engine.dispose()


@pytest.fixture(scope="session")
def address(_live_app: Flask) -> Iterator[str]:
    """Where the panel is served, from a thread of its own; links in mails lead there too."""
    server = make_server("127.0.0.1", 0, closed(_live_app), threaded=True, request_handler=Quiet)
    found = f"http://127.0.0.1:{server.server_port}"
    _live_app.config["PUBLIC_URL"] = found
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture()
def live(_live_app: Flask, address: str) -> Iterator[str]:
    """The address of a panel in which there is one administrator and nothing else."""
    runtime.use_app(_live_app)
    with _live_app.app_context():
        assert db.session.scalar(select(Folder.id)) is None, "this module shares a panel in use: take seeded"
        add_person(_live_app, "Admin")
        yield address
        empty(_live_app)


@pytest.fixture()
def context(chromium: Browser, live: str) -> Iterator[BrowserContext]:
    """A fresh window; nothing may fail on a page or be asked of another machine."""
    with window(chromium, live) as (opened, watch):
        yield opened
    assert watch.faults == []


@pytest.fixture()
def page(context: BrowserContext) -> Page:
    """A page in which the administrator is signed in."""
    opened = context.new_page()
    sign_in(opened, "Admin")
    return opened


@pytest.fixture(scope="module")
def seeded(_live_app: Flask, address: str) -> Iterator[seed.Seed]:
    """A panel in use, shared by the tests of a module; live, context and page would empty it."""
    runtime.use_app(_live_app)
    with _live_app.app_context():
        yield seed.fill(_live_app)
        empty(_live_app)


@pytest.fixture(scope="module")
def keys(chromium: Browser, address: str, seeded: seed.Seed) -> dict[str, StorageState]:
    """The cookies of people who have signed in, by role."""
    found = {}
    for role in seed.ROLES:
        with window(chromium, address) as (opened, _watch):
            sign_in(opened.new_page(), role)
            found[role] = opened.storage_state()
    return found


@pytest.fixture()
def open_as(chromium: Browser, address: str, keys: dict[str, StorageState]) -> Iterator[OpenAs]:
    """Opens a page of the panel in use in a fresh window: open_as("Analyst", viewport=PHONE).

    Page.watch of it is its Watch; nothing may fail there.
    """
    watches: list[Watch] = []
    with ExitStack() as stack:

        def open_one(role: str = "Admin", **options: Any) -> Page:
            context, watch = stack.enter_context(window(chromium, address, storage_state=keys[role], **options))
            watches.append(watch)
            opened = context.new_page()
            opened.watch = watch  # type: ignore[attr-defined]
            return opened

        yield open_one
    assert [fault for watch in watches for fault in watch.faults] == []


@pytest.fixture()
def seeded_page(open_as: OpenAs) -> Page:
    """A page of the administrator in the panel in use."""
    return open_as()
