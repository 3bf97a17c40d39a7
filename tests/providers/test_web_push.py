"""The transport of web push against a service that decrypts, checks signatures, answers, refuses, drops and hangs."""

import os
from collections.abc import Sequence
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from app.channels.contract import Device, Fault, Outcome, OutgoingPush, PushSettings, Reason, SendResult
from app.kernel import clock
from app.providers.push_encryption import encrypt
from app.providers.web_push import WebPushTransport
from tests.conftest import free_port
from tests.providers.push_server import CURVE, DROP, HANG, Browser, PushServer, decoded

SETTINGS = PushSettings("https://muster.example", bytes(31) + b"\x07", 2.0, 2.0)
BROWSER = Browser()


class Batch:
    """A feed of one message for each of these tuples of devices."""

    def __init__(self, people: Sequence[tuple[Device, ...]], stops_after: int | None = None) -> None:
        self.results: dict[int, SendResult] = {}
        self.handed: list[int] = []
        self._waiting = [OutgoingPush(ref, devices, b"{}", "campaign-1", 60) for ref, devices in enumerate(people)]
        self._stops_after = stops_after

    def take(self) -> OutgoingPush | None:
        return self._waiting.pop(0) if self._waiting and self.tick() else None

    def hand_over(self, ref: int) -> bool:
        self.handed.append(ref)
        return True

    def report(self, ref: int, result: SendResult) -> None:
        assert ref not in self.results
        self.results[ref] = result

    def tick(self) -> bool:
        return self._stops_after is None or len(self.handed) < self._stops_after


def device(url: str, number: int = 1, path: str = "") -> Device:
    return BROWSER.device(f"{url}/push/{path or number}", number)


def test_the_example_of_the_standard_comes_out_byte_by_byte() -> None:
    """RFC 8291, Appendix A."""
    once = ec.derive_private_key(int.from_bytes(decoded("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), "big"), CURVE)
    point = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
    body = encrypt(
        b"When I grow up, I want to be a watermelon",
        Device(1, "", decoded(point), decoded("BTBZMqHH6r4Tts7J_aSIgg")),
        decoded("DGv6ra1nlYgDCS1FRnbzlw"),
        once,
    )
    assert body == decoded(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_y"
        "l95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


def test_a_push_can_be_read_only_by_its_browser_and_says_who_sent_it() -> None:
    with PushServer() as server:
        message = OutgoingPush(0, (device(server.url),), '{"title": "Zażółć"}'.encode(), "campaign-7", 3600)
        report = WebPushTransport(SETTINGS).send_one(message)
    assert report.result == SendResult(Outcome.ACCEPTED)
    (pushed,) = server.pushed
    assert BROWSER.read(pushed.body).decode() == '{"title": "Zażółć"}'
    assert {name: pushed.headers[name] for name in ("TTL", "Topic", "Urgency", "Content-Encoding")} == {
        "TTL": "3600",
        "Topic": "campaign-7",
        "Urgency": "normal",
        "Content-Encoding": "aes128gcm",
    }
    key, claims = pushed.signed_by()
    assert decoded(key) == Browser(ec.derive_private_key(7, CURVE)).p256dh
    assert (claims["aud"], claims["sub"]) == (server.url, "https://muster.example")
    assert 0 < claims["exp"] - clock.utcnow().timestamp() <= 24 * 3600
    assert not any("/push/1" in line for line in report.transcript)  # the address of a device is a secret


def test_the_largest_payload_makes_a_body_of_4096_bytes() -> None:
    assert len(encrypt(os.urandom(3993), device("https://push.example"))) == 4096


@pytest.mark.parametrize(
    ("answer", "outcome", "fault", "reason"),
    [
        pytest.param(201, Outcome.ACCEPTED, None, None, id="taken"),
        pytest.param(404, Outcome.REFUSED, Fault.RECIPIENT, Reason.DEVICE_GONE, id="unknown"),
        pytest.param(410, Outcome.REFUSED, Fault.RECIPIENT, Reason.DEVICE_GONE, id="gone"),
        pytest.param(400, Outcome.NOT_TRANSMITTED, Fault.SENDER, None, id="our request"),
        pytest.param(401, Outcome.NOT_TRANSMITTED, Fault.SENDER, None, id="our token"),
        pytest.param(403, Outcome.NOT_TRANSMITTED, Fault.SENDER, None, id="our key"),
        pytest.param(413, Outcome.REFUSED, Fault.CONTENT, Reason.TOO_LARGE, id="too large"),
        pytest.param(429, Outcome.DEFERRED, Fault.RECIPIENT, Reason.SERVICE_AWAY, id="too many"),
        pytest.param(500, Outcome.DEFERRED, Fault.RECIPIENT, Reason.SERVICE_AWAY, id="broken"),
        pytest.param(503, Outcome.DEFERRED, Fault.RECIPIENT, Reason.SERVICE_AWAY, id="busy"),
        pytest.param(418, Outcome.REFUSED, Fault.RECIPIENT, Reason.REJECTED, id="anything else"),
        pytest.param((302, {"Location": "http://127.0.0.1:9/"}, b""), Outcome.REFUSED, Fault.RECIPIENT,
                     Reason.REJECTED, id="a redirect is not followed"),
        pytest.param(DROP, Outcome.UNCONFIRMED, Fault.PROVIDER, Reason.REPLY_LOST, id="closed without a word"),
        pytest.param(HANG, Outcome.UNCONFIRMED, Fault.PROVIDER, Reason.REPLY_LOST, id="no answer"),
    ],
)  # fmt: skip
def test_what_an_answer_means(answer: object, outcome: Outcome, fault: Fault | None, reason: Reason | None) -> None:
    patience = replace(SETTINGS, answer_timeout_seconds=0.3)
    with PushServer(lambda _path, _number: answer) as server:
        message = OutgoingPush(0, (device(server.url),), b"{}", "campaign-1", 60)
        result = WebPushTransport(patience).send_one(message).result
    assert (result.outcome, result.fault, result.reason) == (outcome, fault, reason)
    assert result.gone == ((1,) if reason is Reason.DEVICE_GONE else ())


def test_a_service_says_when_to_come_back() -> None:
    with PushServer(lambda _path, _number: (429, {"Retry-After": "120"}, b"slow down\n")) as server:
        result = WebPushTransport(SETTINGS).send_one(OutgoingPush(0, (device(server.url),), b"{}", "t", 60)).result
    assert (result.retry_after_seconds, result.code, result.detail) == (120, "429", "slow down")


@pytest.mark.parametrize(
    ("answers", "outcome", "gone"),
    [
        pytest.param({"1": 201, "2": 410}, Outcome.ACCEPTED, (2,), id="one took it, one is gone"),
        pytest.param({"1": 410, "2": 404}, Outcome.REFUSED, (1, 2), id="all are gone"),
        pytest.param({"1": 410, "2": 503}, Outcome.DEFERRED, (1,), id="one may take it later"),
        pytest.param({"1": DROP, "2": 503}, Outcome.UNCONFIRMED, (), id="one may have it"),
        pytest.param({"1": DROP, "2": 201}, Outcome.ACCEPTED, (), id="one has it for certain"),
        pytest.param({"1": 403, "2": 410}, Outcome.NOT_TRANSMITTED, (2,), id="our key, and one is gone"),
    ],
)
def test_a_person_with_several_devices(answers: dict[str, object], outcome: Outcome, gone: tuple[int, ...]) -> None:
    with PushServer(lambda path, _number: answers[path.rsplit("/")[-1]]) as server:
        devices = (device(server.url, 1), device(server.url, 2))
        result = WebPushTransport(SETTINGS).send_one(OutgoingPush(0, devices, b"{}", "t", 60)).result
    assert len(server.pushed) == 2
    assert (result.outcome, result.gone) == (outcome, gone)


def test_every_person_is_sent_to_once_over_connections_that_stay_open() -> None:
    with PushServer() as server:
        batch = Batch([(device(server.url, number),) for number in range(60)])
        report = WebPushTransport(SETTINGS).run(batch, 4)
    assert (report.accepted, report.fault) == (60, None)
    assert sorted(int(pushed.path.rsplit("/")[-1]) for pushed in server.pushed) == list(range(60))
    assert server.connections <= 4


def test_one_odd_device_neither_pauses_the_sender_nor_stops_the_others() -> None:
    with PushServer(lambda path, _number: 403 if path.endswith("odd") else 201) as server:
        away = BROWSER.device(f"http://127.0.0.1:{free_port()}/push/away", 8)
        people = [(device(server.url, 1),), (device(server.url, 9, "odd"),), (device(server.url, 2),), (away,)]
        batch = Batch([*people, (device(server.url, 3),)])
        report = WebPushTransport(SETTINGS).run(batch, 1)
    assert (report.accepted, report.fault) == (3, None)
    assert [(batch.results[ref].outcome, batch.results[ref].reason) for ref in (1, 3)] == [
        (Outcome.DEFERRED, Reason.REJECTED),
        (Outcome.DEFERRED, Reason.SERVICE_AWAY),
    ]


def test_a_key_that_is_refused_again_and_again_ends_the_run_and_burns_nobody() -> None:
    with PushServer(lambda _path, _number: (403, {}, b"bad key")) as server:
        batch = Batch([(device(server.url, number),) for number in range(20)])
        report = WebPushTransport(SETTINGS).run(batch, 1)
    assert (report.fault, report.code, report.detail) == (Fault.SENDER, "403", "bad key")
    assert len(server.pushed) == 3
    assert {result.outcome for result in batch.results.values()} == {Outcome.DEFERRED, Outcome.NOT_TRANSMITTED}


def test_a_service_that_cannot_be_reached_ends_the_run_before_anything_left() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    batch = Batch([(device(url, number),) for number in range(20)])
    report = WebPushTransport(SETTINGS).run(batch, 1)
    assert report.fault is Fault.PROVIDER
    assert len(batch.results) == 3


def test_after_stop_nothing_more_leaves() -> None:
    with PushServer(delay_seconds=0.02) as server:
        batch = Batch([(device(server.url, number),) for number in range(50)], stops_after=8)
        WebPushTransport(SETTINGS).run(batch, 4)
        assert len(server.pushed) <= 8
    assert sorted(batch.results) == sorted(batch.handed)


def test_so_many_requests_are_made_at_once_and_no_more() -> None:
    with PushServer(delay_seconds=0.05) as server:
        batch = Batch([(device(server.url, number),) for number in range(80)])
        assert WebPushTransport(SETTINGS).run(batch, 16).accepted == 80
    assert server.connections == 16
