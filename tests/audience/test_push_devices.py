"""Browsers of people: who may subscribe one, which addresses are taken, and what is stored of them."""

from base64 import urlsafe_b64encode
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app.audience import push_devices, rotation, service
from app.audience.models import Contact
from app.audience.push_models import PushDevice
from app.extensions import db
from app.kernel import clock
from app.kernel.errors import Conflict, InvalidInput, NotFound
from tests import factories
from tests.providers.push_server import Browser

FCM = "https://fcm.googleapis.com/fcm/send/abc"
BROWSER = Browser()


def text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


KEYS = text(BROWSER.p256dh), text(BROWSER.auth)


@pytest.fixture()
def person(app: Flask) -> Iterator[Contact]:
    yield factories.contact()


def devices() -> list[PushDevice]:
    return list(db.session.scalars(select(PushDevice).order_by(PushDevice.id)))


def test_a_subscription_is_sealed_and_opens_as_it_was(person: Contact) -> None:
    device = push_devices.subscribe(person.id, FCM, *KEYS, "Firefox, Linux")
    assert b"fcm" not in device.sealed
    assert push_devices.of_people([person.uid]) == {
        person.uid: (BROWSER.device(FCM, device.id),),
    }


def test_the_same_browser_is_one_device_of_whoever_subscribed_it_last(person: Contact) -> None:
    other = factories.contact()
    push_devices.subscribe(person.id, FCM, *KEYS)
    push_devices.subscribe(person.id, FCM, *KEYS)
    push_devices.subscribe(other.id, FCM, *KEYS)
    assert [device.contact_id for device in devices()] == [other.id]


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://fcm.googleapis.com/x",
        "https://fcm.googleapis.com.evil.example/x",
        "https://evilfcm.googleapis.com.example/x",
        "https://user@fcm.googleapis.com/x",
        "https://fcm.googleapis.com:8443/x",
        "https://169.254.169.254/latest/meta-data",
        "https://127.0.0.1/x",
        "https://[::1]/x",
        "https://localhost/x",
        "http://127.0.0.1:6379/",
        "file:///etc/passwd",
        "https://",
        "",
        "https://[",
        f"https://fcm.googleapis.com/{'x' * 1000}",
        "https://fcm.googleapis.com/a b",
        "https://fcm.googleapis.com/\r\nHost: x",
    ],
)
def test_only_addresses_of_push_services_are_taken(person: Contact, endpoint: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        push_devices.subscribe(person.id, endpoint, *KEYS)
    assert refused.value.field == "endpoint"
    assert devices() == []


@pytest.mark.parametrize(
    "endpoint",
    [
        FCM,
        "https://updates.push.services.mozilla.com/wpush/v2/x",
        "https://wns2-db5p.notify.windows.com/w/?token=x",
        "https://web.push.apple.com/x",
    ],
)
def test_the_push_services_of_the_usual_browsers_are_known(person: Contact, endpoint: str) -> None:
    push_devices.subscribe(person.id, endpoint, *KEYS)
    assert len(devices()) == 1


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param((KEYS[0][:-4], KEYS[1]), id="a short point"),
        pytest.param((text(b"\x04" + bytes(64)), KEYS[1]), id="a point that is not on the curve"),
        pytest.param((KEYS[0], KEYS[1][:-2]), id="a short secret"),
        pytest.param(("ż", KEYS[1]), id="no base64"),
        pytest.param(("", ""), id="nothing"),
    ],
)
def test_keys_that_nothing_can_be_encrypted_for_are_refused(person: Contact, keys: tuple[str, str]) -> None:
    with pytest.raises(InvalidInput) as refused:
        push_devices.subscribe(person.id, FCM, *keys)
    assert refused.value.field == "keys"


def test_a_person_has_at_most_twenty_devices(person: Contact) -> None:
    for number in range(20):
        push_devices.subscribe(person.id, f"{FCM}{number}", *KEYS)
    with pytest.raises(Conflict):
        push_devices.subscribe(person.id, f"{FCM}20", *KEYS)
    other = factories.contact()
    push_devices.subscribe(other.id, f"{FCM}20", *KEYS)
    with pytest.raises(Conflict):
        push_devices.subscribe(person.id, f"{FCM}20", *KEYS)  # nor by taking over somebody else's
    push_devices.subscribe(person.id, f"{FCM}19", *KEYS)  # the same browser again is none more


def test_unsubscribing_forgets_only_ones_own_browser(person: Contact) -> None:
    other = factories.contact()
    push_devices.subscribe(other.id, FCM, *KEYS)
    push_devices.unsubscribe(person.id, FCM)
    assert len(devices()) == 1
    push_devices.unsubscribe(other.id, FCM)
    push_devices.unsubscribe(other.id, FCM)
    assert devices() == []


def test_a_browser_that_replaced_its_subscription_stays_its_persons(person: Contact) -> None:
    push_devices.subscribe(person.id, FCM, *KEYS, "Chrome, Android")
    push_devices.renew(FCM, f"{FCM}/new", *KEYS)
    assert [(device.contact_id, device.name) for device in devices()] == [(person.id, "Chrome, Android")]
    with pytest.raises(NotFound):
        push_devices.renew(FCM, f"{FCM}/other", *KEYS)


def test_devices_go_with_their_contact(person: Contact) -> None:
    push_devices.subscribe(person.id, FCM, *KEYS)
    service.delete_contact(person.id)
    db.session.expire_all()
    assert devices() == []


def test_devices_are_sealed_again_with_a_new_key(person: Contact) -> None:
    assert PushDevice in dict(rotation.ROWS)


def test_a_link_is_the_persons_own_and_ends(person: Contact, monkeypatch: pytest.MonkeyPatch) -> None:
    token = push_devices.link(person.id).rsplit("/")[-1]
    assert push_devices.contact_of(token) == person.id
    later = clock.utcnow() + timedelta(days=91)
    monkeypatch.setattr(clock, "utcnow", lambda: later)
    with pytest.raises(NotFound, match="ended"):
        push_devices.contact_of(token)


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox, Windows"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36", "Chrome, Android"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge, Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) Version/18.5 Safari/604.1", "Safari, iPhone"),
        ("curl/8", ""),
    ],
)
def test_a_device_is_named_as_people_call_it(user_agent: str, name: str) -> None:
    assert push_devices.name_of(user_agent) == name
