"""Notifications in a real browser: a person allows them, our sender encrypts one, the service worker shows it.

Only the browser's own push service is replaced, by one on this machine with keys of its own: Chromium would ask Google.
What it decrypts is given to the real service worker.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, CDPSession, Page, Playwright, expect
from sqlalchemy import select

from app.audience import push_devices
from app.audience.push_models import PushDevice
from app.channels import web_push
from app.channels.contract import Outcome
from app.extensions import db
from app.kernel.db import transaction
from app.sending import service as sending
from tests import factories
from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.browser.watch import window
from tests.providers.push_server import Browser, PushServer

BROWSER = Browser()
ANN, TARGET = "ann@people.example", "https://shop.example/spring"
SERVICE = """({ endpoint, keys }) => {
    const isOn = () => localStorage.getItem("subscribed") === "on";
    const keep = (value) => localStorage.setItem("subscribed", value);
    const toJSON = () => ({ endpoint, keys });
    const unsubscribe = async () => { keep("off"); return true; };
    const subscription = { endpoint, options: {}, keys, toJSON, unsubscribe };
    PushManager.prototype.getSubscription = async () => isOn() ? subscription : null;
    PushManager.prototype.subscribe = async () => { keep("on"); return subscription; };
}"""
SHOWN = """async () => {
    const registration = await navigator.serviceWorker.ready;
    const shown = await registration.getNotifications();
    return shown.map(({ title, body, tag, data }) => ({ title, body, tag, url: data.url }));
}"""
CLICK = """async () => {
    const opened = [];
    Object.defineProperty(Clients.prototype, "openWindow", { value: async (url) => { opened.push(url); } });
    const [notification] = await self.registration.getNotifications();
    self.dispatchEvent(new NotificationEvent("notificationclick", { notification }));
    return opened;
}"""


def written(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.fixture(scope="module")
def chromium(playwright: Playwright) -> Iterator[Chromium]:
    """The whole browser: its shell shows no notifications."""
    with closing(playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)) as browser:
        yield browser


@pytest.fixture()
def service(_live_app: Flask) -> Iterator[PushServer]:
    """The push service, to which subscriptions may lead."""
    before = _live_app.config["PUSH_SERVICES"]
    with PushServer() as server:
        _live_app.config["PUSH_SERVICES"] = (server.url,)
        yield server
    _live_app.config["PUSH_SERVICES"] = before


@pytest.fixture()
def visitor(chromium: Chromium, live: str, service: PushServer) -> Iterator[BrowserContext]:
    """A browser that allows notifications."""
    subscription = {
        "endpoint": f"{service.url}/device",
        "keys": {"p256dh": written(BROWSER.p256dh), "auth": written(BROWSER.auth)},
    }
    with window(chromium, live) as (context, watch):
        context.grant_permissions(["notifications"])
        context.add_init_script(f"({SERVICE})({json.dumps(subscription)})")
        yield context
        assert watch.faults == []


def a_link() -> str:
    """The link of a person who is there now."""
    with transaction():
        web_push.ensure()
        contact_id = factories.contact(email=ANN).id
    return push_devices.link(contact_id)


def devices() -> list[str]:
    db.session.rollback()
    found = list(db.session.scalars(select(PushDevice.name)))
    db.session.rollback()
    return found


def send_one(title: str) -> None:
    """Send a draft of a notification to Ann, as its page does."""
    with transaction():
        text = 'Dear {{ first_name | default: "you" }}, it is spring.'
        draft = factories.push_campaign(subject=title, text=text, target_url=TARGET, track_clicks=False).id
    report = sending.send_test(draft, ANN)
    assert report.result.outcome is Outcome.ACCEPTED, report.transcript


def deliver(session: CDPSession, registration_id: str, origin: str, payload: bytes) -> None:
    """Give the service worker what its push service would."""
    values: dict[str, Any] = {"origin": origin, "registrationId": registration_id, "data": payload.decode()}
    session.send("ServiceWorker.deliverPushMessage", values)


def registered(page: Page) -> tuple[CDPSession, str]:
    """A line to the browser's service workers, and the id of ours."""
    session = page.context.new_cdp_session(page)
    found: list[str] = []
    session.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: found.extend(each["registrationId"] for each in event["registrations"] if not each["isDeleted"]),
    )
    session.send("ServiceWorker.enable")
    page.wait_for_function("() => navigator.serviceWorker.controller !== null || navigator.serviceWorker.ready")
    assert found
    return session, found[-1]


def test_a_person_allows_notifications_gets_one_and_takes_it_back(
    visitor: BrowserContext, live: str, service: PushServer
) -> None:
    page = visitor.new_page()
    page.goto(a_link())
    page.get_by_role("button", name="Allow notifications").click()
    expect(page.locator("#said")).to_have_text("This browser shows our notifications.")
    assert [name.partition(",")[0] for name in devices()] == ["Chrome"]

    session, registration_id = registered(page)
    for title in ("Spring news", "Spring news again"):
        send_one(title)
        deliver(session, registration_id, live, BROWSER.read(service.pushed[-1].body))
        page.wait_for_function(f"async (title) => (await ({SHOWN})()).some((each) => each.title === title)", arg=title)
    shown = page.evaluate(SHOWN)
    assert [each["body"] for each in shown][-1] == "Dear you, it is spring."
    assert shown[-1]["url"] == TARGET
    (worker,) = visitor.service_workers
    assert worker.evaluate(CLICK) == [TARGET]

    page.reload()
    page.get_by_role("button", name="Stop notifications in this browser").click()
    expect(page.locator("#said")).to_have_text("You get no more notifications in this browser.")
    assert devices() == []


def test_a_browser_that_forbids_notifications_is_told_what_to_do(chromium: Chromium, live: str) -> None:
    with window(chromium, live) as (context, watch):
        page = context.new_page()
        page.goto(a_link())
        page.get_by_role("button", name="Allow notifications").click()  # who is not asked has said no
        expect(page.locator("#said")).to_contain_text("Notifications are forbidden for this page.")
        expect(page.get_by_role("button")).to_have_count(0)
        assert devices() == []
        assert watch.faults == []
