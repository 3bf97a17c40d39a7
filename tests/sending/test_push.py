"""Campaigns of notifications over the whole way: the queue, a worker, a push service that reads, the ledger."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app.audience import push_devices
from app.audience.addresses import opener
from app.audience.push_models import PushDevice
from app.campaigns import service as campaigns
from app.campaigns.lifecycle import CampaignStatus
from app.channels import web_push
from app.channels.contract import Outcome, Reason
from app.channels.models import WebPushSender
from app.extensions import db
from app.kernel import clock
from app.kernel.db import in_transaction, transaction
from app.kernel.errors import InvalidInput
from app.kernel.signing import TokenPurpose, key_for, read
from app.reports import launch
from app.sending import engagement, preview, service
from app.sending.models import CampaignRecipient
from app.sending.writers import values_of
from tests import factories
from tests.providers.push_server import DROP, Browser, PushServer, Scripted
from tests.sending import ledger
from tests.sending.test_path import forward, status, tick_and_work

pytestmark = pytest.mark.usefixtures("true_counters")
BROWSER = Browser()


@pytest.fixture()
def push_service(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., PushServer]]:
    """Make a push service that behaves as a script says; subscriptions may lead to it."""
    running: list[PushServer] = []

    def start(script: Scripted | None = None) -> PushServer:
        server = PushServer(script)
        server.__enter__()
        running.append(server)
        monkeypatch.setitem(app.config, "PUSH_SERVICES", (server.url,))
        return server

    yield start
    for server in running:
        server.__exit__(None, None, None)


def publish(server: PushServer, *devices: int, **values: object) -> int:
    """A published campaign for as many people, each with so many devices: person 1 has /1/1, /1/2 and so on."""
    with transaction():
        folder = factories.folder()
        for person, count in enumerate(devices, 1):
            contact = factories.contact(folder)
            for number in range(1, count + 1):
                endpoint = f"{server.url}/{person}/{number}"
                factories.subscribed(contact, endpoint, p256dh=BROWSER.p256dh, auth=BROWSER.auth)
        made = factories.push_campaign(folder, **values)
        return campaigns.publish(made.id, factories.BY).id


def rows(campaign_id: int) -> list[CampaignRecipient]:
    db.session.rollback()
    query = select(CampaignRecipient).where(CampaignRecipient.campaign_id == campaign_id)
    return list(db.session.scalars(query.order_by(CampaignRecipient.seq)))


def device_count() -> int:
    db.session.rollback()
    return push_devices.count()[0]


def test_a_campaign_reaches_every_device_once_and_skips_who_has_none(push_service: Callable[..., PushServer]) -> None:
    server = push_service()
    campaign_id = publish(server, 1, 2, 0)
    tick_and_work()
    assert status(campaign_id) is CampaignStatus.FINISHED
    assert sorted(pushed.path for pushed in server.pushed) == ["/1/1", "/2/1", "/2/2"]
    assert [(row.state.value, row.reason) for row in rows(campaign_id)] == [
        ("sent", None),
        ("sent", None),
        ("skipped", Reason.NO_ADDRESS),
    ]
    shown = json.loads(BROWSER.read(server.pushed[0].body))
    assert (shown["title"].startswith("News for Person "), shown["body"]) == (True, "New things are here")
    assert {pushed.headers["Topic"] for pushed in server.pushed} == {f"campaign-{campaign_id}"}
    key, _claims = server.pushed[0].signed_by()
    assert key == web_push.get().public_key


def test_a_tap_is_counted_as_a_click(push_service: Callable[..., PushServer]) -> None:
    server = push_service()
    campaign_id = publish(server, 1)
    tick_and_work()
    url = json.loads(BROWSER.read(server.pushed[0].body))["url"]
    token, number = url.rsplit("/", 2)[-2:]
    assert read(key_for(TokenPurpose.TRACK), token) == (campaign_id, 1)
    assert engagement.click_target(campaign_id, 1, int(number)) == ("https://shop.example/new", True)


def test_devices_that_are_gone_are_forgotten(push_service: Callable[..., PushServer]) -> None:
    server = push_service(lambda path, _number: 410 if path in ("/1/1", "/2/1") else 201)
    campaign_id = publish(server, 1, 2)
    tick_and_work()
    assert [(row.state.value, row.reason) for row in rows(campaign_id)] == [
        ("failed", Reason.DEVICE_GONE),
        ("sent", None),
    ]
    assert device_count() == 1


def test_a_busy_service_is_tried_again_with_the_same_topic(push_service: Callable[..., PushServer]) -> None:
    server = push_service(lambda _path, number: (429, {"Retry-After": "30"}, b"") if number == 1 else 201)
    campaign_id = publish(server, 1)
    tick_and_work()
    (row,) = rows(campaign_id)
    assert (row.state.value, row.reason) == ("awaiting", Reason.SERVICE_AWAY)
    forward(60)
    tick_and_work()
    assert ledger.states(campaign_id) == {"sent": 1}
    assert len({pushed.headers["Topic"] for pushed in server.pushed}) == 1


def test_a_lost_answer_is_unconfirmed_and_not_sent_again(push_service: Callable[..., PushServer]) -> None:
    server = push_service(lambda path, _number: DROP if path == "/2/1" else 201)
    campaign_id = publish(server, 1, 1, 1)
    tick_and_work()
    assert ledger.states(campaign_id) == {"sent": 2, "unconfirmed": 1}
    assert len(server.pushed) == 3


def test_a_refused_key_pauses_the_sender_and_goes_on_once_a_person_saved_it(
    push_service: Callable[..., PushServer],
) -> None:
    answers = {"now": 403}
    server = push_service(lambda _path, _number: answers["now"])
    campaign_id = publish(server, *[1] * 40)
    tick_and_work()
    assert status(campaign_id) is CampaignStatus.FAILED
    assert set(ledger.states(campaign_id)) == {"awaiting"}
    answers["now"] = 201
    with transaction():
        sender = db.session.scalars(select(WebPushSender)).one()
        assert sender.paused_reason == "403"
        web_push.prepare(sender)
        campaigns.start(campaign_id, factories.BY)
    tick_and_work()
    forward(120)
    tick_and_work()
    assert ledger.states(campaign_id) == {"sent": 40}


def test_who_unsubscribed_since_the_plan_is_skipped(push_service: Callable[..., PushServer]) -> None:
    server = push_service()
    campaign_id = publish(server, 1, 1, start_at=clock.utcnow() + timedelta(hours=1))
    tick_and_work()
    with transaction():
        first = db.session.scalars(select(PushDevice).order_by(PushDevice.id)).first()
        assert first is not None
        push_devices.forget([first.id])
        campaign = campaigns.get(campaign_id)
        campaign.start_at = campaign.next_send_at = None
    tick_and_work()
    assert [pushed.path for pushed in server.pushed] == ["/2/1"]
    assert [row.reason for row in rows(campaign_id)] == [Reason.NO_ADDRESS, None]


def test_a_push_waits_no_longer_than_the_campaign_is_valid(push_service: Callable[..., PushServer]) -> None:
    server = push_service()
    publish(server, 1, valid_until=clock.utcnow() + timedelta(hours=2))
    tick_and_work()
    publish(server, 1)
    tick_and_work()
    first, second = (int(pushed.headers["TTL"]) for pushed in server.pushed)
    assert 7000 < first <= 7200
    assert second == 7 * 86400


def test_the_launch_check_counts_those_who_have_a_device(push_service: Callable[..., PushServer]) -> None:
    server = push_service()
    with transaction():
        folder = factories.folder()
        factories.subscribed(factories.contact(folder), f"{server.url}/1")
        factories.contact(folder)
        made = factories.push_campaign(folder)
        found = launch.people_of(made)
        assert (found.waiting, found.left_out) == (1, {Reason.NO_ADDRESS: 1})


def test_a_test_goes_to_the_devices_of_one_contact(push_service: Callable[..., PushServer]) -> None:
    server = push_service()
    with transaction():
        made = factories.push_campaign()
        factories.subscribed(factories.contact(email="me@example.org"), f"{server.url}/me")
        factories.contact(email="nobody@example.org")
        campaign_id = made.id
    assert service.send_test(campaign_id, "Me@example.org").result.outcome is Outcome.ACCEPTED
    assert [pushed.path for pushed in server.pushed] == ["/me"]
    with pytest.raises(InvalidInput) as refused:
        service.send_test(campaign_id, "nobody@example.org")
    assert refused.value.field == "to"


def test_a_preview_marks_what_is_missing(app: Flask) -> None:
    made = factories.push_campaign(subject="Hi {{ company }}", target_url="https://x.example/?l={{ language }}")
    shown = preview.of(made, factories.contact())
    assert (shown.subject, shown.text, shown.missing) == (
        "Hi ⟦company⟧",
        "New things are here",
        ("company", "language"),
    )


def test_the_keys_are_made_once_and_kept_sealed(app: Flask) -> None:
    first = web_push.ensure()
    assert web_push.ensure().public_key == first.public_key
    assert web_push.settings_of(first).private_key.hex().encode() not in (first.secret_sealed or b"")
    assert len(web_push.settings_of(first).private_key) == 32
    assert in_transaction(web_push.ensure).id == first.id


def test_the_link_to_subscribe_is_each_persons_own_in_texts_and_e_mails(app: Flask) -> None:
    person = factories.contact()
    addresses = opener()(person.sealed, person.uid)
    link = values_of(person, addresses, {"push_link"})["push_link"]
    assert push_devices.contact_of(link.rsplit("/")[-1]) == person.id
    assert "push_link" not in values_of(person, addresses, set())
    text = factories.text_campaign(text="Subscribe: {{ push_link }} or STOP")
    seen = preview.of(text, person).text
    assert push_devices.contact_of(seen.split()[1].rsplit("/")[-1]) == push_devices.NOBODY
    mail = factories.campaign(html='<p><a href="{{ push_link }}">Subscribe</a></p>', text="")
    assert f'href="{push_devices.link(push_devices.NOBODY)}"' in preview.of(mail, person).html
