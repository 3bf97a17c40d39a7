"""Campaigns of text messages over the whole way: the queue, a worker, a provider that answers, the ledger."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from flask import Flask, current_app
from sqlalchemy import select

from app.audience.addresses import phone_index
from app.audience.models import Suppression, SuppressionSource
from app.audience.suppressions import suppress
from app.campaigns import service as campaigns
from app.campaigns.lifecycle import CampaignStatus
from app.channels import gateways
from app.channels.contract import Channel, Reason
from app.channels.models import Gateway
from app.extensions import db
from app.kernel.db import transaction
from app.kernel.errors import InvalidInput
from app.sending import preview, service
from app.sending.journal import Mark
from app.sending.models import CampaignRecipient, SendBatch
from jobs import sending as jobs
from tests import factories
from tests.providers.twilio_server import DROP, SCRIPTED, TwilioServer, refused
from tests.sending import ledger
from tests.sending.test_path import status, tick_and_work

pytestmark = pytest.mark.usefixtures("true_counters")


@pytest.fixture()
def provider(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., TwilioServer]]:
    """Make a provider that behaves as a script says; this app sends to it."""
    running: list[TwilioServer] = []

    def start(script: SCRIPTED | None = None) -> TwilioServer:
        server = TwilioServer(script)
        server.__enter__()
        running.append(server)
        monkeypatch.setitem(app.config, "TWILIO_URL", server.url)
        return server

    yield start
    for server in running:
        server.__exit__(None, None, None)


def publish(people: int = 3, **values: object) -> int:
    """A published campaign of text messages."""
    with transaction():
        folder = factories.folder()
        factories.people_with_phones(people, folder)
        made = factories.text_campaign(folder, **values)  # type: ignore[arg-type]
        return campaigns.publish(made.id, factories.BY).id


def rows(campaign_id: int) -> list[CampaignRecipient]:
    db.session.rollback()
    query = select(CampaignRecipient).where(CampaignRecipient.campaign_id == campaign_id)
    return list(db.session.scalars(query.order_by(CampaignRecipient.seq)))


@contextmanager
def one_gateway() -> Iterator[Gateway]:
    with transaction():
        yield db.session.scalars(select(Gateway)).one()


def test_a_campaign_reaches_every_phone_once(provider: Callable[..., TwilioServer]) -> None:
    server = provider()
    campaign_id = publish(120)
    tick_and_work()
    assert status(campaign_id) is CampaignStatus.FINISHED
    assert len(server.taken) == len({form["To"] for form in server.taken}) == 120
    assert all(form["Body"].startswith("Hi Person ") for form in server.taken)
    sent = rows(campaign_id)
    assert {row.state for row in sent} == {"sent"}
    assert len({row.provider_id for row in sent}) == 120


def test_a_person_without_a_phone_and_a_shared_phone_are_skipped(provider: Callable[..., TwilioServer]) -> None:
    server = provider()
    with transaction():
        folder = factories.folder()
        factories.contact(folder, phone="+48501000001")
        factories.contact(folder, phone="+48501000001")
        factories.contact(folder)
        campaign_id = campaigns.publish(factories.text_campaign(folder).id, factories.BY).id
    tick_and_work()
    assert [form["To"] for form in server.taken] == ["+48501000001"]
    assert [row.reason for row in rows(campaign_id)] == [None, Reason.DUPLICATE_ADDRESS, Reason.NO_ADDRESS]


def test_only_a_suppression_of_text_messages_bars_a_phone(provider: Callable[..., TwilioServer]) -> None:
    server = provider()
    with transaction():
        folder = factories.folder()
        first = factories.contact(folder, phone="+48501000001")
        factories.contact(folder, phone="+48501000002")
        assert first.email_index is not None
        suppress(Channel.EMAIL, first.email_index, SuppressionSource.BY_HAND)
        suppress(Channel.SMS, phone_index("+48501000002"), SuppressionSource.BY_HAND)
        campaign_id = campaigns.publish(factories.text_campaign(folder).id, factories.BY).id
    tick_and_work()
    assert [form["To"] for form in server.taken] == ["+48501000001"]
    assert rows(campaign_id)[1].reason is Reason.SUPPRESSED


def test_an_opt_out_that_the_provider_knows_is_kept(provider: Callable[..., TwilioServer]) -> None:
    provider(lambda form, number: refused(400, 21610))
    campaign_id = publish(1)
    tick_and_work()
    (row,) = rows(campaign_id)
    assert (row.state, row.reason) == ("skipped", Reason.SUPPRESSED)
    entry = db.session.scalars(select(Suppression)).one()
    assert (entry.channel, entry.source) == (Channel.SMS, SuppressionSource.STOP_WORD)


def test_a_lost_answer_is_unconfirmed_and_not_sent_again(provider: Callable[..., TwilioServer]) -> None:
    server = provider(lambda form, number: DROP if number == 2 else None)
    campaign_id = publish(4)
    tick_and_work()
    assert ledger.states(campaign_id) == {"sent": 3, "unconfirmed": 1}
    assert len(server.taken) == 4


def test_a_refused_account_is_paused_and_goes_on_once_it_is_mended(provider: Callable[..., TwilioServer]) -> None:
    answers = [refused(401, 20003, "Authenticate")]
    server = provider(lambda form, number: answers[0] if answers else None)
    campaign_id = publish(5)
    tick_and_work()
    assert (status(campaign_id), server.taken) == (CampaignStatus.FAILED, [])
    assert ledger.states(campaign_id) == {"awaiting": 5}
    with one_gateway() as gateway:
        assert gateway.paused_reason == "20003 Authenticate"
        gateways.prepare(gateway, "a new token")
    answers.clear()
    with transaction():
        campaigns.start(campaign_id, factories.BY)
    tick_and_work()
    assert ledger.states(campaign_id) == {"sent": 5}


def test_a_busy_provider_is_left_alone_for_a_while(
    provider: Callable[..., TwilioServer], forward: Callable[[float], None]
) -> None:
    answers = [refused(503, 0)]
    provider(lambda form, number: answers[0] if answers else None)
    campaign_id = publish(3)
    tick_and_work()
    with one_gateway() as gateway:
        assert gateway.breaker_open_until is not None
    assert [(row.state, row.attempt) for row in rows(campaign_id)] == [("awaiting", 0)] * 3
    answers.clear()
    forward(31)
    tick_and_work()
    assert ledger.states(campaign_id) == {"sent": 3}


def test_a_claim_is_small_so_that_a_lost_host_leaves_few_unconfirmed(provider: Callable[..., TwilioServer]) -> None:
    provider()
    campaign_id = publish(200)
    jobs.settle_campaign(campaign_id)
    jobs.look_at_campaigns()
    with transaction():
        assert db.session.scalars(select(SendBatch.hi)).all() == [200]
        from app.sending import slices

        ready = slices.begin(campaign_id, "job")
        assert ready is not None
        assert ready.order.largest_claim == 50


def test_of_a_dead_worker_only_what_was_handed_over_is_unconfirmed(provider: Callable[..., TwilioServer]) -> None:
    provider()
    campaign_id = publish(4)
    jobs.settle_campaign(campaign_id)
    jobs.look_at_campaigns()
    order = ledger.order_of(campaign_id, "gone:1:1:1")
    found = ledger.take(order)
    ledger.journal_of(found, [(1, Mark.ACCEPTED), (2, Mark.HANDED_OVER)])  # type: ignore[arg-type]
    assert "unconfirmed" not in ledger.states(campaign_id)
    with transaction():
        batch = db.session.scalars(select(SendBatch)).one()
        batch.lease_until = batch.not_before
    ledger.sweep_all()
    assert sum(ledger.states(campaign_id).values()) == 4


def test_the_limits_of_a_gateway_hold(provider: Callable[..., TwilioServer]) -> None:
    server = provider()
    with transaction():
        gateway_id = factories.gateway(per_day=3).id
    campaign_id = publish(10, sender=db.session.get_one(Gateway, gateway_id))
    tick_and_work()
    assert len(server.taken) == 3
    with transaction():
        assert "limit per day" in campaigns.get(campaign_id).waiting_for


def test_a_test_goes_to_one_number_filled_with_the_first_person(provider: Callable[..., TwilioServer]) -> None:
    server = provider()
    with transaction():
        folder = factories.folder()
        factories.contact(folder, first_name="Ewa", phone="+48501000001")
        campaign_id = factories.text_campaign(folder).id
    service.send_test(campaign_id, "+48 600 100 200")
    assert (server.taken[0]["To"], server.taken[0]["Body"][:6]) == ("+48600100200", "Hi Ewa")
    with pytest.raises(InvalidInput) as refused_number:
        service.send_test(campaign_id, "me@example.org")
    assert refused_number.value.field == "to"


def test_the_preview_marks_what_a_person_lacks(app: Flask) -> None:
    with transaction():
        person = factories.contact(first_name="", phone="+48501000001")
        made = preview.of(factories.text_campaign(), person)
    assert made.missing == ("first_name",)
    assert made.text.startswith("Hi ⟦first_name⟧,")


def test_the_provider_is_told_where_to_report_when_it_can_reach_us(
    provider: Callable[..., TwilioServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = provider()
    monkeypatch.setitem(current_app.config, "PUBLIC_URL", "https://muster.example")
    publish(1)
    tick_and_work()
    assert server.taken[0]["StatusCallback"].startswith("https://muster.example/hooks/twilio/status/")
