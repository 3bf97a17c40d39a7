"""`python -m docs.shots`: photographs every page of the panel, in light, in dark and on a phone, with invented data.

All pictures go to build/shots to be looked at; those that the docs show go to docs/images as well. Fails when a page
does: what goes wrong in the browser is what the tests in a browser watch for.
"""

import re
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from flask_migrate import upgrade
from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.serving import make_server

import config
from app import create_app
from app.campaigns.lifecycle import CampaignStatus
from app.extensions import db
from tests.browser import moments, seed, tour
from tests.browser.conftest import ARGUMENTS, CHROMIUM, Quiet
from tests.browser.watch import PHONE, sign_in, window

ROOT = Path(__file__).resolve().parents[1]
ALL, SHOWN = ROOT / "build/shots", ROOT / "docs/images"
LOOKS: dict[str, dict[str, Any]] = {
    "light": {},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": PHONE, "has_touch": True, "is_mobile": True},
}
WIDE_MOMENTS = frozenset({"menu", "keys"})  # what a phone has behind its menu button


def guide(seeded: seed.Seed) -> dict[str, str | Callable[[Page], None]]:
    """The pictures of the docs: what is shown, or how to get there."""
    sending = seeded.campaigns[CampaignStatus.SENDING]
    return {
        "cards": "/dashboard/campaigns",
        "campaigns": "/campaigns/list/",
        "calendar": moments.month,
        "editor": moments.writing,
        "steps": moments.schedule,
        "campaign": f"/campaigns/show/{sending}",
        "report": f"/reports/campaign/{sending}",
        "contacts": "/contacts/list/",
        "import": f"/imports/map/{seeded.open_import}",
        "groups": "/campaign-groups/list/",
        "missions": "/missions/list/",
        "add-campaign": moments.adding_campaign,
        "smtp-accounts": "/smtp-accounts/list/",
    }


def file_name(path: str) -> str:
    """/campaigns/show/7 as campaigns-show."""
    return re.sub(r"[^a-z]+", "-", path.lower()).strip("-") or "start"


@contextmanager
def served(instance: str) -> Iterator[tuple[str, seed.Seed]]:
    """The address of a panel in use, in that folder."""
    settings = config.load({"MUSTER_INSTANCE": instance}) | {"RATELIMIT_ENABLED": False}
    with create_app(settings, with_panel=False).app_context():
        upgrade()
        db.engine.dispose()
    app: Flask = create_app(settings, with_panel=True)
    with app.app_context():
        seeded = seed.fill(app)
        db.session.remove()
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seeded
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def everything(browser: Browser, address: str, look: str) -> list[str]:
    """Photograph every kind of page and every moment in one look; returns what went wrong."""
    with window(browser, address, **LOOKS[look]) as (context, watch):
        page = context.new_page()
        page.goto("/login/")
        page.screenshot(path=ALL / f"login-{look}.png")
        sign_in(page, "Admin")

        def take(path: str) -> None:
            page.screenshot(path=ALL / f"{file_name(path)}-{look}.png", full_page=True)

        tour.take(page, take)
        watch.forgiven.add(404)
        for name, step in moments.ALL.items():
            if look != "phone" or name not in WIDE_MOMENTS:
                step(page)
                page.screenshot(path=ALL / f"moment-{name}-{look}.png")
    return watch.faults


def pictures(browser: Browser, address: str, seeded: seed.Seed) -> list[str]:
    """Photograph what the docs show; returns what went wrong."""
    with window(browser, address) as (context, watch):
        page = context.new_page()
        sign_in(page, "Admin")
        for name, place in guide(seeded).items():
            if isinstance(place, str):
                page.goto(place)
            else:
                place(page)
            page.wait_for_load_state("networkidle")
            page.screenshot(path=SHOWN / f"{name}.png")
    return watch.faults


def main() -> int:
    """Make all pictures; 1 when a page failed."""
    if CHROMIUM is None:
        print("There is no Chromium on this machine. Install the package chromium.", file=sys.stderr)
        return 1
    ALL.mkdir(parents=True, exist_ok=True)
    for old in ALL.glob("*.png"):
        old.unlink()
    with ExitStack() as stack:
        address, seeded = stack.enter_context(served(stack.enter_context(tempfile.TemporaryDirectory())))
        browser = stack.enter_context(sync_playwright()).chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        stack.callback(browser.close)
        faults = [fault for look in LOOKS for fault in everything(browser, address, look)]
        faults += pictures(browser, address, seeded)
    print(f"{len(list(ALL.glob('*.png')))} pictures in {ALL.relative_to(ROOT)}, those of the docs in docs/images")
    for fault in faults:
        print(fault, file=sys.stderr)
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
