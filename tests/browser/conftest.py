"""A real browser on a real server: Chromium, the panel in a thread, CSRF and everything else as people have it."""

import shutil
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from app import create_app
from app.extensions import db
from jobs import runtime
from tests.conftest import empty
from tests.web.conftest import PASSWORD, add_person

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
]


class Quiet(WSGIRequestHandler):
    """Does not write a line for each request."""

    def log_request(self, *_args: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser of the machine."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine (install the package chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def _live_app(settings: dict[str, Any]) -> Iterator[Flask]:
    made = create_app(settings | {"RATELIMIT_ENABLED": False}, with_panel=True)
    yield made
    with made.app_context():
        db.engine.dispose()


@pytest.fixture()
def live(_live_app: Flask) -> Iterator[str]:
    """The address of the panel, served from a thread over an empty database; links in mails lead to it too."""
    server = make_server("127.0.0.1", 0, _live_app, threaded=True, request_handler=Quiet)
    address = f"http://127.0.0.1:{server.server_port}"
    _live_app.config["PUBLIC_URL"] = address
    runtime.use_app(_live_app)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    with _live_app.app_context():
        add_person(_live_app, "Admin")
        yield address
        server.shutdown()
        thread.join()
        server.server_close()
        empty(_live_app)


@pytest.fixture()
def context(chromium: Browser, live: str) -> Iterator[BrowserContext]:
    """A fresh window; nothing may fail on a page or be asked of another machine."""
    opened = chromium.new_context(base_url=live, viewport={"width": 1280, "height": 900})
    opened.set_default_timeout(15_000)
    faults: list[str] = []
    opened.on("weberror", lambda error: faults.append(str(error.error)))
    opened.on("request", lambda request: request.url.startswith((live, "data:")) or faults.append(request.url))
    opened.on("response", lambda answer: answer.status < 400 or faults.append(f"{answer.status} {answer.url}"))
    yield opened
    opened.close()
    assert faults == []


@pytest.fixture()
def page(context: BrowserContext) -> Page:
    """A page in which the administrator is signed in."""
    opened = context.new_page()
    opened.goto("/")
    opened.fill("#username", "admin")
    opened.fill("#password", PASSWORD)
    opened.click("input[type=submit]")
    opened.wait_for_url("**/campaigns/list/")
    return opened
