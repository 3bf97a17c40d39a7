"""The page where people subscribe a browser, as browsers, scanners and strangers ask for it."""

import json
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.audience import push_devices
from app.audience.push_models import PushDevice
from app.channels import web_push
from app.extensions import db
from app.kernel.signing import TokenPurpose, key_for, signer
from tests import factories
from tests.audience.test_push_devices import FCM, KEYS
from tests.web.conftest import Browser, SignIn, form_of

SUBSCRIPTION = {"endpoint": FCM, "expirationTime": None, "keys": {"p256dh": KEYS[0], "auth": KEYS[1]}}
AGENT = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}


@pytest.fixture()
def visitor(panel: Flask) -> Browser:
    """Somebody without an account."""
    return Browser(panel, panel.response_class, use_cookies=False)


@pytest.fixture()
def path(panel: Flask) -> str:
    """The page of a person."""
    web_push.ensure()
    link = push_devices.link(factories.contact().id)
    db.session.commit()
    return link.removeprefix(panel.config["PUBLIC_URL"])


def devices() -> list[PushDevice]:
    db.session.rollback()
    return list(db.session.scalars(select(PushDevice)))


def test_the_page_has_the_key_and_changes_nothing(visitor: Browser, path: str) -> None:
    page = visitor.get(path)
    assert page.status_code == 200
    assert web_push.get().public_key in page.text
    assert "Set-Cookie" not in page.headers
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; worker-src 'self'")
    assert "unsafe" not in policy
    assert devices() == []


def test_a_browser_is_subscribed_and_unsubscribed(visitor: Browser, path: str) -> None:
    assert visitor.post(f"{path}/device", json=SUBSCRIPTION, headers=AGENT).status_code == 204
    assert [device.name for device in devices()] == ["Firefox, Linux"]
    assert visitor.delete(f"{path}/device", json=SUBSCRIPTION).status_code == 204
    assert devices() == []


def test_a_browser_that_replaced_its_subscription_says_so_itself(visitor: Browser, path: str) -> None:
    visitor.post(f"{path}/device", json=SUBSCRIPTION)
    new = SUBSCRIPTION | {"endpoint": f"{FCM}2"}
    assert visitor.post("/push/renew", json={"old": FCM, "new": new}).status_code == 204
    assert visitor.post("/push/renew", json={"old": FCM, "new": new}).status_code == 404
    assert len(devices()) == 1


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "{",
        json.dumps({"endpoint": 7}),
        json.dumps(SUBSCRIPTION | {"endpoint": "http://169.254.169.254/"}),
        json.dumps(SUBSCRIPTION | {"endpoint": "file:///etc/passwd"}),
        json.dumps(SUBSCRIPTION | {"keys": {"p256dh": "AAAA", "auth": "AAAA"}}),
        json.dumps(SUBSCRIPTION | {"keys": []}),
        json.dumps(SUBSCRIPTION | {"more": "x" * 9000}),
    ],
)
def test_what_is_no_subscription_is_refused_in_words(visitor: Browser, path: str, body: str) -> None:
    answer = visitor.post(f"{path}/device", data=body, content_type="application/json")
    assert answer.status_code == 422
    assert answer.get_json()["error"]
    assert devices() == []


@pytest.mark.parametrize("token", ["made-up", "A" * 32, "%00", "renew"])
def test_a_made_up_link_has_a_page_that_says_so(visitor: Browser, path: str, token: str) -> None:
    page = visitor.get(f"/push/{token}")
    assert page.status_code == 404
    assert "<h1>" in page.text
    assert visitor.post(f"/push/{token}x/device", json=SUBSCRIPTION).status_code == 404


def test_a_link_that_ended_or_whose_person_is_gone_has_a_page_that_says_so(visitor: Browser, path: str) -> None:
    sign = signer(key_for(TokenPurpose.PUSH))
    for contact_id, ends in ((1, 1_700_000_000), (4_000_000, 4_000_000_000)):
        page = visitor.get(f"/push/{sign(contact_id, ends).decode()}")
        assert (page.status_code, "This link has ended" in page.text) == (404, True)


def test_the_link_of_a_test_message_subscribes_nobody(panel: Flask, visitor: Browser) -> None:
    path = push_devices.link(push_devices.NOBODY).removeprefix(panel.config["PUBLIC_URL"])
    assert "comes from a test message" in visitor.get(path).text
    answer = visitor.post(f"{path}/device", json=SUBSCRIPTION)
    assert (answer.status_code, answer.get_json()["error"][:15]) == (409, "This link comes")


def test_the_worker_keeps_its_address_and_loads_the_built_file(visitor: Browser) -> None:
    worker = visitor.get("/push/worker.js")
    assert worker.mimetype == "text/javascript"
    built = worker.text.split('"')[1]
    assert "showNotification" in visitor.get(built).text


def test_on_an_iphone_the_page_can_be_put_on_the_home_screen(visitor: Browser, path: str) -> None:
    manifest: dict[str, Any] = json.loads(visitor.get(f"{path}/app.webmanifest").text)
    assert (manifest["display"], manifest["start_url"]) == ("standalone", path)


def test_the_panel_shows_the_public_key_and_how_many_are_subscribed(
    admin: Browser, visitor: Browser, path: str
) -> None:
    visitor.post(f"{path}/device", json=SUBSCRIPTION, headers=AGENT)
    page = admin.get("/web-push/list/", follow_redirects=True).text
    sender = web_push.get()
    assert sender.public_key in page
    assert "1 browser is subscribed, of 1 person." in " ".join(page.split())
    assert web_push.settings_of(sender).private_key.hex() not in page
    (device,) = devices()
    assert "Firefox, Linux" in admin.get(f"/contacts/show/{device.contact_id}").text


def test_limits_are_changed_and_a_pause_is_over_once_a_person_saved(admin: Browser, path: str) -> None:
    sender = web_push.get()
    sender.paused_reason = "403"
    db.session.commit()
    edit = f"/web-push/edit/{sender.id}"
    saved = admin.post(edit, data=form_of(admin, edit) | {"per_hour": "500"}, follow_redirects=True)
    assert "were saved" in saved.text
    db.session.rollback()
    db.session.expire_all()
    assert (web_push.get().per_hour, web_push.get().paused_reason) == (500, None)


def test_a_manager_reads_and_an_analyst_does_not(sign_in: SignIn, path: str) -> None:
    sender_id = web_push.get().id
    assert sign_in("Campaign Manager").get(f"/web-push/show/{sender_id}").status_code == 200
    assert sign_in("Analyst").get(f"/web-push/show/{sender_id}").status_code in (302, 403)


def test_a_campaign_of_notifications_is_written_looked_at_and_tested(admin: Browser, path: str) -> None:
    made = factories.push_campaign(factories.folder(), target_url="")
    db.session.commit()
    page = admin.get(f"/campaigns/show/{made.id}").text
    assert "New things are here" in page
    edit = f"/campaigns/edit/{made.id}"
    form = form_of(admin, edit)
    assert form["subject"] == "News for {{ first_name }}"
    refused = admin.post(edit, data=form | {"target_url": "shop.example"}).text
    assert "Write the whole link" in refused
    admin.post(edit, data=form | {"target_url": "https://shop.example/", "icon_url": "https://shop.example/i.png"})
    db.session.expire_all()
    db.session.rollback()
    assert (made.target_url, made.icon_url) == ("https://shop.example/", "https://shop.example/i.png")
    assert "Your e-mail address" in admin.get(f"/text-messages/test/{made.id}").text
    check = admin.get(f"/launch/check/{made.id}").text
    assert "The notification has" in check
    assert "unsubscribe" not in check.lower()
