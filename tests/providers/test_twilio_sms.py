"""The transport of text messages against a server that answers, refuses, drops and hangs."""

import base64
from dataclasses import replace

import pytest

from app.channels.contract import Fault, GatewaySettings, Outcome, OutgoingText, SendResult
from app.providers.twilio_sms import TwilioTransport
from tests.conftest import free_port
from tests.providers.twilio_server import DROP, HANG, TwilioServer, refused

ACCOUNT = f"AC{'1' * 32}"


def settings(url: str, **values: object) -> GatewaySettings:
    made = GatewaySettings(ACCOUNT, ACCOUNT, "+15005550006", url, "secret", 2.0, 2.0)
    return replace(made, **values)  # type: ignore[arg-type]


class Batch:
    """A feed of so many messages. stops_after: so many hand-overs."""

    def __init__(self, count: int, stops_after: int | None = None) -> None:
        self.results: dict[int, SendResult] = {}
        self.handed: list[int] = []
        self._waiting = [OutgoingText(ref, f"+485010000{ref:02d}", f"Text {ref}") for ref in range(count)]
        self._stops_after = stops_after

    def take(self) -> OutgoingText | None:
        return self._waiting.pop(0) if self._waiting and self.tick() else None

    def hand_over(self, ref: int) -> bool:
        self.handed.append(ref)
        return True

    def report(self, ref: int, result: SendResult) -> None:
        assert ref not in self.results
        self.results[ref] = result

    def tick(self) -> bool:
        return self._stops_after is None or len(self.handed) < self._stops_after


def test_every_message_is_sent_once_and_reported_once() -> None:
    with TwilioServer() as server:
        batch = Batch(50)
        report = TwilioTransport(settings(server.url)).run(batch, 8)
    assert (report.accepted, report.fault) == (50, None)
    assert sorted(form["Body"] for form in server.taken) == sorted(f"Text {ref}" for ref in range(50))
    assert len({result.provider_id for result in batch.results.values()}) == 50


def test_a_request_says_who_whom_and_what() -> None:
    with TwilioServer() as server:
        message = OutgoingText(0, "+48501000001", "Zażółć 😀", "https://muster.example/hooks/1")
        TwilioTransport(settings(server.url, username="SK1")).send_one(message)
    assert server.taken == [
        {
            "To": "+48501000001",
            "From": "+15005550006",
            "Body": "Zażółć 😀",
            "StatusCallback": "https://muster.example/hooks/1",
        }
    ]
    assert base64.b64decode(server.headers[0]["Authorization"].split()[1]) == b"SK1:secret"


def test_a_template_of_whatsapp_goes_with_its_variables_and_without_words_of_our_own() -> None:
    with TwilioServer() as server:
        whatsapp = settings(server.url, sender="whatsapp:+15005550006")
        message = OutgoingText(0, "whatsapp:+48501000001", '{"1": "Ann"}', content_sid="HX1")
        TwilioTransport(whatsapp).send_one(message)
    assert server.taken == [
        {
            "To": "whatsapp:+48501000001",
            "From": "whatsapp:+15005550006",
            "ContentSid": "HX1",
            "ContentVariables": '{"1": "Ann"}',
        }
    ]


def test_a_picture_of_whatsapp_goes_as_the_address_where_it_is_fetched() -> None:
    with TwilioServer() as server:
        whatsapp = settings(server.url, sender="whatsapp:+15005550006")
        message = OutgoingText(0, "whatsapp:+48501000001", "Hi", media_url="https://muster.example/d/a-_1")
        TwilioTransport(whatsapp).send_one(message)
    assert server.taken == [
        {
            "To": "whatsapp:+48501000001",
            "From": "whatsapp:+15005550006",
            "Body": "Hi",
            "MediaUrl": "https://muster.example/d/a-_1",
        }
    ]


def test_a_messaging_service_sends_in_its_own_name() -> None:
    with TwilioServer() as server:
        service = f"MG{'2' * 32}"
        TwilioTransport(settings(server.url, sender=service)).send_one(OutgoingText(0, "+48501000001", "Hi"))
    assert server.taken[0]["MessagingServiceSid"] == service
    assert "From" not in server.taken[0]


def test_so_many_requests_are_made_at_once_and_no_more() -> None:
    with TwilioServer(delay_seconds=0.05) as server:
        TwilioTransport(settings(server.url)).run(Batch(40), 10)
    assert server.most_at_once == 10


def test_a_server_that_is_not_there_costs_nobody_an_attempt() -> None:
    batch = Batch(5)
    report = TwilioTransport(settings(f"http://127.0.0.1:{free_port()}")).run(batch, 2)
    assert report.fault is Fault.PROVIDER
    assert {result.outcome for result in batch.results.values()} == {Outcome.NOT_TRANSMITTED}
    assert len(batch.results) == len(batch.handed) <= 2


@pytest.mark.parametrize("what", [DROP, HANG])
def test_a_lost_answer_is_unconfirmed(what: str) -> None:
    with TwilioServer(lambda form, number: what if form["Body"] == "Text 1" else None) as server:
        batch = Batch(4)
        TwilioTransport(settings(server.url, answer_timeout_seconds=0.3)).run(batch, 1)
        assert len(server.taken) == 4
    outcomes = [batch.results[ref].outcome for ref in range(4)]
    assert outcomes == [Outcome.ACCEPTED, Outcome.UNCONFIRMED, Outcome.ACCEPTED, Outcome.ACCEPTED]


def test_a_provider_that_answers_nothing_is_left_alone_after_five() -> None:
    with TwilioServer(lambda form, number: refused(500, 0)) as server:
        batch = Batch(40)
        report = TwilioTransport(settings(server.url)).run(batch, 1)
    assert report.fault is Fault.PROVIDER
    assert [result.outcome for result in batch.results.values()] == [Outcome.UNCONFIRMED] * 5


def test_a_refused_sign_in_ends_the_run_and_burns_nobody() -> None:
    with TwilioServer(lambda form, number: refused(401, 20003, "Authenticate")) as server:
        batch = Batch(40)
        report = TwilioTransport(settings(server.url)).run(batch, 2)
    assert (report.fault, report.code, report.detail) == (Fault.SENDER, "20003", "Authenticate")
    assert {result.outcome for result in batch.results.values()} == {Outcome.NOT_TRANSMITTED}


def test_a_busy_provider_ends_the_run_and_nobody_loses_an_attempt() -> None:
    with TwilioServer(lambda form, number: refused(429, 20429) if number > 3 else None) as server:
        batch = Batch(40)
        report = TwilioTransport(settings(server.url)).run(batch, 1)
    assert (report.accepted, report.fault) == (3, Fault.PROVIDER)
    assert batch.results[3].outcome is Outcome.NOT_TRANSMITTED


def test_a_stop_lets_nothing_more_leave() -> None:
    with TwilioServer() as server:
        batch = Batch(40, stops_after=7)
        TwilioTransport(settings(server.url)).run(batch, 1)
    assert len(server.taken) <= 7
    assert set(batch.results) == set(batch.handed)


def test_a_test_message_tells_what_was_said() -> None:
    with TwilioServer(lambda form, number: refused(400, 21211, "The 'To' number is not valid")) as server:
        report = TwilioTransport(settings(server.url)).send_one(OutgoingText(0, "+48501000001", "Hi"))
    assert report.result.outcome is Outcome.REFUSED
    assert report.transcript[1] == "S: 21211 The 'To' number is not valid"
    assert "secret" not in "".join(report.transcript)
