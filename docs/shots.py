"""`python -m docs.shots`: makes the pictures of the docs from a panel with invented data, in Chromium."""

import sys
import tempfile
import threading
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flask import Flask
from flask_migrate import upgrade
from playwright.sync_api import sync_playwright
from werkzeug.serving import make_server

import config
from app import create_app
from app.campaigns import service
from app.campaigns.lifecycle import CampaignStatus
from app.channels.contract import Reason
from app.extensions import db
from app.sending import progress
from app.sending.models import CampaignRecipient
from app.sending.states import RecipientState
from tests import factories
from tests.browser.conftest import ARGUMENTS, CHROMIUM, Quiet
from tests.web.conftest import PASSWORD, add_person

FOLDER = Path(__file__).resolve().parent / "images"
SIZE = {"width": 1280, "height": 860}
NAMES = ("Ann Nowak", "Bob Lis", "Cy Rak", "Dee Sowa", "Eve Zając", "Fay Wilk", "Gus Kos", "Hal Bór")
OUTCOMES = (
    (RecipientState.SENT, None, ""),
    (RecipientState.SENT, None, ""),
    (RecipientState.FAILED, Reason.INVALID_RECIPIENT, "550 5.1.1 The mailbox does not exist"),
    (RecipientState.SENT, None, ""),
    (RecipientState.SKIPPED, Reason.SUPPRESSED, ""),
    (RecipientState.SENT, None, ""),
    (RecipientState.SENDING, None, ""),
    (RecipientState.AWAITING, None, ""),
)


def invent() -> int:
    """A panel in use; returns the campaign whose report is shown."""
    sender = factories.account(name="Office mail")
    clients, press = factories.folder("Clients"), factories.folder("Press")
    factories.contacts(20, press)
    people = [
        factories.contact(clients, email=f"{first.lower()}@people.example", first_name=first, last_name=last)
        for first, last in (name.split() for name in NAMES)
    ]
    now = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
    for name, status, why, wait in (
        ("Christmas cards", CampaignStatus.DRAFT, "", None),
        ("Press news December", CampaignStatus.SCHEDULED, "its start", timedelta(days=7)),
        ("Service notice", CampaignStatus.FINISHED, "", None),
        ("Winter survey", CampaignStatus.PAUSED, "", None),
        ("Autumn sale", CampaignStatus.SENDING, "the delay between messages", timedelta(seconds=20)),
    ):
        made = factories.campaign(clients, sender=sender, name=name)
        made.status, made.waiting_for = status, why
        made.next_send_at = now + wait if wait else None
        made.changed_at = now
    rows = zip(people, OUTCOMES, strict=True)
    progress.ensure(made.id)
    for seq, (person, (state, reason, detail)) in enumerate(rows, 1):
        is_sent = state is RecipientState.SENT
        db.session.add(
            CampaignRecipient(
                campaign_id=made.id,
                seq=seq,
                contact_id=person.id,
                state=state,
                reason=reason,
                detail=detail,
                attempt=int(is_sent),
                sending_at=now + timedelta(seconds=20 * seq),
                done_at=now + timedelta(seconds=20 * seq + 1) if is_sent else None,
                opened_at=now + timedelta(minutes=9) if seq == 1 else None,
            )
        )
        progress.move(made.id, {state: 1}, opened=1)
    db.session.commit()
    return service.get(made.id).id


def take(address: str, campaign_id: int) -> None:
    """Sign in and photograph the pages."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(base_url=address, viewport=SIZE)
        page.goto("/login/")
        page.fill("#username", "admin")
        page.fill("#password", PASSWORD)
        page.click("input[type=submit]")
        for name, path in (("campaigns", "/campaigns/list/"), ("report", f"/reports/campaign/{campaign_id}")):
            page.goto(path)
            page.screenshot(path=FOLDER / f"{name}.png")
            print(FOLDER / f"{name}.png")
        browser.close()


def made_app(instance: str) -> Flask:
    """The whole app over a new database in that folder."""
    settings = config.load({"MUSTER_INSTANCE": instance}) | {"RATELIMIT_ENABLED": False}
    with create_app(settings, with_panel=False).app_context():
        upgrade()
        db.engine.dispose()
    return create_app(settings, with_panel=True)


def main() -> int:
    """Make all pictures."""
    if CHROMIUM is None:
        print("There is no Chromium on this machine. Install the package chromium.", file=sys.stderr)
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        app = made_app(stack.enter_context(tempfile.TemporaryDirectory()))
        with app.app_context():
            add_person(app, "Admin")
            campaign_id = invent()
            db.session.remove()
        server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
        stack.callback(server.server_close)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        stack.callback(thread.join)
        stack.callback(server.shutdown)
        take(f"http://127.0.0.1:{server.server_port}", campaign_id)
    return 0


if __name__ == "__main__":
    sys.exit(main())
