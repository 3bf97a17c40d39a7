"""Questions for messages whose answer was lost: what the provider knows settles them, and what it does not is said."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, update

from app.audience.models import Contact
from app.campaigns import service as campaigns
from app.campaigns.models import CampaignContent
from app.channels.contract import GatewaySettings, RememberedText
from app.extensions import db
from app.kernel import clock, queues
from app.kernel.db import in_transaction, transaction
from app.sending import enquiries, text_receipts
from app.sending import service as sending
from app.sending.enquiries import ASK_AFTER, LOOKED_BACK, Finding, Question, match, next_question
from app.sending.models import CampaignRecipient
from jobs import receipts as jobs
from tests import factories
from tests.providers.twilio_server import DROP, TwilioServer, refused
from tests.sending import ledger
from tests.sending.test_path import tick_and_work
from tests.sending.test_texts import provider, publish, rows

pytestmark = pytest.mark.usefixtures("true_counters")
__all__ = ["provider"]

NOON = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
NOWHERE = GatewaySettings("AC1", "AC1", "+15005550006", "http://127.0.0.1:1")


def question(**values: Any) -> Question:
    usual = {"seq": 1, "settings": NOWHERE, "to": "+48501000001", "words": "Hi Ann", "known": frozenset()}
    return Question(**usual | {"taken_at": NOON, "lost_at": NOON + timedelta(seconds=20)} | values)


def remembered(seconds: float = 5, body: str = "Hi Ann", provider_id: str = "SM1") -> RememberedText:
    return RememberedText(provider_id, body, "delivered", "", NOON + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("history", "finding"),
    [
        pytest.param([remembered()], Finding.FOUND, id="the same words in time"),
        pytest.param([remembered(-59)], Finding.FOUND, id="a clock a minute behind"),
        pytest.param([remembered(81)], Finding.UNKNOWN, id="too late to be this one"),
        pytest.param([remembered(-3600)], Finding.UNKNOWN, id="an hour before"),
        pytest.param([remembered(body="Hi Bob")], Finding.OTHER_WORDS, id="other words"),
        pytest.param([remembered(provider_id="SM9")], Finding.UNKNOWN, id="another campaign's"),
        pytest.param([], Finding.UNKNOWN, id="nothing"),
    ],
)
def test_a_message_is_known_by_its_words_and_its_time(history: list[RememberedText], finding: Finding) -> None:
    found, message = match(question(known=frozenset({"SM9"})), history)
    assert (found, message is not None) == (finding, finding is Finding.FOUND)


def test_questions_come_at_growing_distances_and_end() -> None:
    moments, now = [], NOON
    while (now := next_question(NOON, now)) != NOON + LOOKED_BACK:
        moments.append(now - NOON)
    assert tuple(moments) == ASK_AFTER


def lose_one(server: TwilioServer) -> tuple[int, dict[str, Any]]:
    """A campaign whose one answer was lost, and the message as Twilio would list it."""
    campaign_id = publish(1)
    tick_and_work()
    assert ledger.states(campaign_id) == {"unconfirmed": 1}
    return campaign_id, listed(server.taken[0])


def listed(form: dict[str, str], **values: Any) -> dict[str, Any]:
    return {
        "sid": "SM7",
        "to": form["To"],
        "from": form["From"],
        "body": form.get("Body", ""),
        "status": "delivered",
        "error_code": None,
        "direction": "outbound-api",
        "date_created": clock.utcnow().isoformat(),
        **values,
    }


Provider = Callable[..., TwilioServer]
Forward = Callable[[float], None]


def test_a_message_that_twilio_knows_is_settled_as_a_report_would(provider: Provider, forward: Forward) -> None:
    server = provider(lambda form, number: DROP)
    campaign_id, message = lose_one(server)
    server.remembered = [message | {"status": "sent"}]
    assert not enquiries.ask(campaign_id)  # too early: a report may come
    forward(181)
    assert enquiries.ask(campaign_id) == {Finding.FOUND: 1}
    (row,) = rows(campaign_id)
    assert (row.state, row.reason, row.provider_id, row.not_before) == ("sent", None, "SM7", None)
    assert (row.detail or "").startswith("The answer was lost; Twilio knows the message (asked on ")
    assert in_transaction(text_receipts.apply, campaign_id, 1, "SM7", "delivered", "")  # later reports count
    assert not enquiries.ask(campaign_id)
    assert len(server.taken) == 1


def test_what_did_not_arrive_keeps_its_code(provider: Provider, forward: Forward) -> None:
    server = provider(lambda form, number: DROP)
    campaign_id, message = lose_one(server)
    server.remembered = [message | {"status": "undelivered", "error_code": 30003}]
    forward(181)
    enquiries.ask(campaign_id)
    assert [(row.state, row.detail) for row in rows(campaign_id)] == [("undelivered", "30003")]


def test_what_twilio_does_not_know_stays_unconfirmed_says_so_and_is_asked_for_a_few_times(
    provider: Provider, forward: Forward
) -> None:
    server = provider(lambda form, number: DROP)
    campaign_id, _message = lose_one(server)
    for minutes in (4, 5, 10, 50, 310, 60):  # since the one before
        forward(minutes * 60)
        enquiries.ask(campaign_id)
    (row,) = rows(campaign_id)
    assert (row.state, row.reason, row.provider_id) == ("unconfirmed", "reply-lost", None)
    assert (row.detail or "").startswith("Twilio knows no such message (asked on ")
    assert (len(server.asked), len(server.taken)) == (len(ASK_AFTER), 1)


def test_other_words_to_the_same_number_are_not_taken_for_it(provider: Provider, forward: Forward) -> None:
    server = provider(lambda form, number: DROP)
    campaign_id, message = lose_one(server)
    with transaction():
        db.session.execute(update(Contact).values(first_name="Somebody else"))
    server.remembered = [message]
    forward(181)
    assert enquiries.ask(campaign_id) == {Finding.OTHER_WORDS: 1}
    (row,) = rows(campaign_id)
    assert row.state == "unconfirmed"
    assert (row.detail or "").startswith("Twilio knows a message of that minute to this number, with other words")


def test_a_template_of_whatsapp_is_known_by_its_words(provider: Provider, forward: Forward) -> None:
    server = provider(lambda form, number: DROP)
    with transaction():
        folder = factories.folder()
        (person,) = factories.people_on_whatsapp(1, folder)
        body = f"Hi {person.first_name}, your parcel no. 7 is here."
        campaign_id = campaigns.publish(factories.whatsapp_campaign(folder).id, factories.BY).id
    tick_and_work()
    server.remembered = [listed(server.taken[0], body=body, status="read")]
    forward(181)
    assert enquiries.ask(campaign_id) == {Finding.FOUND: 1}
    assert ledger.states(campaign_id) == {"delivered": 1}


def test_a_provider_that_does_not_answer_is_asked_again_later(provider: Provider, forward: Forward) -> None:
    server = provider(lambda form, number: DROP)
    campaign_id, message = lose_one(server)
    forward(181)
    enquiries.ask(campaign_id)  # tells us the address of the question
    path = server.asked[0]
    server.pages[path], server.remembered = refused(503, 0), [message]
    forward(900)
    assert enquiries.ask(campaign_id) == {Finding.NO_ANSWER: 1}
    assert not enquiries.ask(campaign_id)
    del server.pages[path]
    forward(601)
    assert enquiries.ask(campaign_id) == {Finding.FOUND: 1}


def test_a_campaign_that_is_deleted_while_the_provider_is_asked_is_asked_for_no_more(
    provider: Provider, forward: Forward, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = provider(lambda form, number: DROP)
    campaign_id = publish(2)
    tick_and_work()
    server.remembered = [listed(form, sid=f"SM{number}") for number, form in enumerate(server.taken)]
    answer = server.get

    def delete_and_answer(request: BaseHTTPRequestHandler) -> None:
        with app.app_context():
            in_transaction(sending.delete_campaign, campaign_id)
        answer(request)

    monkeypatch.setattr(server, "get", delete_and_answer)
    forward(181)
    assert not enquiries.ask(campaign_id)
    assert (len(server.asked), rows(campaign_id)) == (1, [])


@pytest.mark.parametrize("gone", ["person", "number", "gateway's id", "words"])
def test_nothing_is_asked_when_there_is_nothing_to_ask_with(provider: Provider, forward: Forward, gone: str) -> None:
    server = provider(lambda form, number: DROP)
    campaign_id, _message = lose_one(server)
    with transaction():
        if gone == "person":
            db.session.execute(update(CampaignRecipient).values(contact_id=0))
        elif gone == "number":
            db.session.execute(update(CampaignRecipient).values(address_index=bytes(16)))
        elif gone == "words":
            db.session.execute(delete(CampaignContent))
        else:
            db.session.execute(update(CampaignRecipient).values(sender_id=None))
    forward(181)
    assert not enquiries.ask(campaign_id)
    assert (server.asked, ledger.states(campaign_id)) == ([], {"unconfirmed": 1})


def test_the_bell_rings_once_a_minute_for_campaigns_that_have_something_to_ask_for(
    provider: Provider, forward: Forward
) -> None:
    server = provider(lambda form, number: DROP)
    campaign_id, message = lose_one(server)
    server.remembered = [message]
    bells = queues.queue(queues.QueueName.DEFAULT)
    bells.empty()
    jobs.ring_enquiries()
    assert [job.args for job in bells.jobs] == [[campaign_id]]
    bells.empty()
    jobs.ring_enquiries()
    assert bells.jobs == []
    forward(181)
    jobs.ask_for_texts(campaign_id)
    jobs.ring_enquiries()
    assert bells.jobs == []
    assert ledger.states(campaign_id) == {"delivered": 1}
