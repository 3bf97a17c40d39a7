"""Sending against a real socket: what travels, what comes back, how the feed is treated."""

import itertools
import smtplib
import time

import pytest

from app.channels.contract import Fault, Outcome, Outgoing, Reason, RunReport
from app.kernel import clock
from app.providers import smtp_loop
from app.providers.smtp import SmtpTransport
from tests.providers.helpers import Batch, message, messages, settings
from tests.providers.script import Script, at
from tests.providers.servers import Server


def send(server: Server, batch: Batch, connections: int = 4, **changes: object) -> RunReport:
    report = SmtpTransport(settings(server.port, **changes)).run(batch, connections)
    batch.assert_each_was_reported_once()
    server.wait_until_over()
    return report


@pytest.mark.parametrize("pipelining", [True, False], ids=["pipelined", "lock-step"])
@pytest.mark.parametrize("split", [False, True], ids=["whole", "split"])
@pytest.mark.parametrize("connections", [1, 5])
def test_every_message_arrives_whole_and_once(pipelining: bool, split: bool, connections: int) -> None:
    with Server(Script(pipelining=pipelining, split_replies=split)) as server:
        batch = Batch(messages(60, text="..dot\r\n" + "x" * 500))
        assert send(server, batch, connections) == RunReport(60)
    assert {each.message_id for each in server.accepted} == {f"<{ref}@shop.example>" for ref in range(1, 61)}
    assert len(server.accepted) == 60
    assert all(each.content.endswith(b"\r\n\r\n.dot\r\n" + b"x" * 500 + b"\r\n") for each in server.accepted)
    assert batch.counts == {Outcome.ACCEPTED: 60}
    assert sorted(batch.handed) == list(range(1, 61))
    assert all(visit.has_quit for visit in server.visits if visit.messages)


def test_a_long_message_arrives_whole() -> None:
    with Server() as server:
        batch = messages(3, text="y" * 70 + "\r\n" + "z" * 6_000_000)
        assert send(server, Batch(batch), 1).accepted == 3
    assert [each.content for each in server.accepted] == [each.content for each in batch]


def test_replies_of_many_lines_are_understood() -> None:
    replies = {"MAIL": "250-2.1.0 Ok\n250 2.1.0 go", "DATA": "354-start\n354 now", "END": "250-2.0.0 a\n250 2.0.0 b"}
    with Server(Script(rules=[at(stage, reply) for stage, reply in replies.items()])) as server:
        assert send(server, Batch(messages(10)), 2).accepted == 10


def test_a_message_costs_one_round_trip() -> None:
    """Where smtplib needs four. Replies take so long that what a busy machine takes beside them is little."""
    body = message(1).content
    with Server(Script(reply_delay=0.1)) as server:
        start = time.monotonic()
        with smtplib.SMTP("127.0.0.1", server.port) as client:
            client.ehlo()
            start = time.monotonic()
            for _ in range(3):
                client.sendmail("news@shop.example", "a@example.org", body)
            plain = (time.monotonic() - start) / 3
        start = time.monotonic()
        assert send(server, Batch(messages(12)), 1).accepted == 12
        ours = (time.monotonic() - start) / 15  # greeting, EHLO and the first envelope are three more
    assert plain / ours > 3.0  # 4 in principle; a busy machine takes its share


@pytest.mark.parametrize("pipelining", [True, False])
def test_messages_travel_in_groups_only_where_pipelining_is_offered(pipelining: bool) -> None:
    with Server(Script(pipelining=pipelining, reply_delay=0.005)) as server:
        assert send(server, Batch(messages(3)), 1).accepted == 3
    assert server.visits[0].verbs == ["EHLO", *["MAIL", "RCPT", "DATA"] * 3, "QUIT"]
    assert (server.visits[0].hurried > 0) is pipelining


def test_helo_where_ehlo_is_not_known() -> None:
    with Server(Script(rules=[at("EHLO", "500 What?")])) as server:
        assert send(server, Batch(messages(2)), 1).accepted == 2
    assert server.visits[0].verbs[:2] == ["EHLO", "HELO"]


def test_connections_are_opened_only_for_work() -> None:
    with Server() as server:
        assert send(server, Batch(messages(1)), 20).accepted == 1
        assert len(server.visits) == 1
    with Server() as server:
        assert send(server, Batch([]), 20) == RunReport(0)
        assert not server.visits
    with Server(Script(reply_delay=0.005)) as server:
        assert send(server, Batch(messages(200)), 6).accepted == 200
        assert server.open_most == 6


@pytest.mark.parametrize("leave_delay", [0.0, 0.05], ids=["at once", "late"])
def test_connections_are_renewed_after_their_number_of_messages(leave_delay: float) -> None:
    with Server(Script(leave_delay=leave_delay)) as server:
        assert send(server, Batch(messages(25)), 2, messages_per_connection=4).accepted == 25
    assert max(visit.messages for visit in server.visits) == 4
    assert sum(visit.messages for visit in server.visits) == 25
    assert server.open_most <= 2
    assert all(visit.has_quit for visit in server.visits if visit.messages)


def test_messages_that_come_slowly_are_waited_for_with_no_open_transaction() -> None:
    seen: list[list[str]] = []

    def slowly(server: Server):  # type: ignore[no-untyped-def]
        for ref in (1, 2, 3):
            yield message(ref)
            for _ in range(3):
                seen.extend(visit.verbs[-1:] for visit in server.visits)
                yield 0.02

    with Server() as server:
        batch = Batch(slowly(server))
        assert send(server, batch, 5).accepted == 3
        assert len(server.visits) == 1
    assert seen.count(["DATA"]) >= 3
    assert ["MAIL"] not in seen


def test_waiting_costs_no_processor_time() -> None:
    with Server() as server:
        used = time.process_time()
        assert send(server, Batch([message(1), 0.5, message(2)]), 5).accepted == 2
        assert time.process_time() - used < 0.3


def test_an_idle_connection_is_closed_politely_and_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp_loop, "IDLE_SECONDS", 0.1)
    with Server() as server:
        batch = Batch([message(1), 0.4, message(2)])
        assert send(server, batch, 3).accepted == 2
    assert [visit.messages for visit in server.visits] == [1, 1]
    assert all(visit.has_quit for visit in server.visits if visit.messages)


def test_a_server_that_closes_an_idle_connection_is_no_error() -> None:
    with Server(Script(rules=[at("END", "250 Ok\n421 Bye", nth=1)])) as server:
        batch = Batch([message(1), 0.1, message(2), 0.1, message(3)])
        report = send(server, batch, 1)
    assert report == RunReport(3)
    assert len(server.visits) == 3


# --- what is offered


def test_size_is_named_and_respected() -> None:
    big = message(2, text="x" * 2000)
    with Server(Script(extensions=["SIZE 1500"])) as server:
        batch = Batch([message(1), big, message(3)])
        assert send(server, batch, 1) == RunReport(2)
    assert [each.sender for each in server.accepted] == [f"<news@shop.example> SIZE={len(message(1).content)}"] * 2
    result = batch.results[2]
    assert (result.outcome, result.fault, result.reason) == (Outcome.REFUSED, Fault.CONTENT, Reason.TOO_LARGE)
    assert server.messages == 2


def test_8bitmime_only_where_needed_and_offered() -> None:
    eight = message(2, text="zażółć")
    for extensions, expected in ((["8BITMIME"], " BODY=8BITMIME"), ([], "")):
        with Server(Script(extensions=extensions)) as server:
            assert send(server, Batch([message(1), eight]), 1).accepted == 2
        assert [each.sender.removeprefix("<news@shop.example>") for each in server.accepted] == ["", expected]
        assert server.accepted[1].content == eight.content


@pytest.mark.parametrize("flag", [True, False])
def test_an_address_in_utf8_goes_only_where_smtputf8_is_offered(flag: bool) -> None:
    foreign = message(1, "üser@example.org", needs_smtputf8=flag)
    with Server(Script(extensions=["SMTPUTF8", "8BITMIME"])) as server:
        assert send(server, Batch([foreign, message(2)]), 1).accepted == 2
    senders = [each.sender for each in server.accepted]
    assert senders == ["<news@shop.example> SMTPUTF8 BODY=8BITMIME", "<news@shop.example>"]
    with Server() as server:
        batch = Batch([foreign, message(2)])
        assert send(server, batch, 1).accepted == 1
    assert server.messages == 1
    assert (batch.results[1].outcome, batch.results[1].reason) == (Outcome.REFUSED, Reason.NEEDS_SMTPUTF8)


# --- guards

EVIL = [
    "a@b.example\r\nDATA",
    "a@b.example\n",
    "a\0@b.example",
    "a@b.example> SIZE=1",
    "<a@b.example",
    "a b@c.example",
    "a\t@b.example",
    "a\x7f@b.example",
    "",
]


@pytest.mark.parametrize("address", EVIL)
def test_an_address_that_would_be_a_command_never_touches_the_wire(address: str) -> None:
    with Server() as server:
        batch = Batch([message(1), message(2, recipient=address), message(3)])
        assert send(server, batch, 1) == RunReport(2)
    assert server.messages == 2
    result = batch.results[2]
    assert (result.outcome, result.fault, result.reason) == (Outcome.REFUSED, Fault.RECIPIENT, Reason.INVALID_RECIPIENT)
    assert 2 not in batch.handed


@pytest.mark.parametrize("address", EVIL[:-1])
def test_a_sender_that_would_be_a_command_ends_the_run_and_burns_nobody(address: str) -> None:
    with Server() as server:
        batch = Batch([message(1, mail_from=address.encode()), message(2)])
        report = send(server, batch, 1)
    assert report.fault is Fault.SENDER
    assert not server.visits
    assert (batch.results[1].outcome, batch.results[1].fault) == (Outcome.NOT_TRANSMITTED, Fault.SENDER)


def test_a_message_whose_last_line_is_not_ended_is_refused() -> None:
    with Server() as server:
        batch = Batch([Outgoing(1, b"a@b.example", b"c@d.example", b"Subject: x\r\n\r\nno end"), message(2)])
        assert send(server, batch, 1).accepted == 1
    assert (batch.results[1].outcome, batch.results[1].fault) == (Outcome.REFUSED, Fault.CONTENT)


def test_thousands_of_refused_addresses_do_not_hold_up_the_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a clock that goes on by 20 ms whenever it is asked, a tick is due after every few rounds of the loop."""
    moments = itertools.count(100.0, 0.02)
    monkeypatch.setattr(clock, "steady", lambda: next(moments))
    with Server() as server:
        batch = Batch([message(ref, recipient="a b") for ref in range(1, 5001)] + [message(5001)])
        assert send(server, batch, 2).accepted == 1
    assert len(batch.ticks) > 20


# --- test message


def test_a_test_message_shows_the_dialogue_with_the_secret_masked() -> None:
    with Server(Script(auth="PLAIN", username="shop", secret="s3cret")) as server:
        transport = SmtpTransport(settings(server.port, username="shop", secret="s3cret"))
        report = transport.send_one(message(1, "me@example.org"))
    assert report.result.outcome is Outcome.ACCEPTED
    lines = list(report.transcript)
    assert lines[1:4] == ["S: 220 test.example ESMTP", "C: EHLO localhost", "S: 250-test.example"]
    assert "C: AUTH PLAIN ****" in lines
    size = len(message(1, "me@example.org").content)
    assert lines[-9:] == [
        "S: 250 2.1.0 Ok",
        "C: RCPT TO:<me@example.org>",
        "S: 250 2.1.5 Ok",
        "C: DATA",
        "S: 354 End data with <CR><LF>.<CR><LF>",
        f"C: ({size} bytes of message)",
        "C: .",
        "S: 250 2.0.0 Ok: queued as 1",
        "C: QUIT",
    ]
    assert not any("s3cret" in line or "AHNob3AAczNjcmV0" in line for line in lines)


@pytest.mark.parametrize("auth", ["PLAIN", "LOGIN", "XOAUTH2"])
def test_a_refused_test_message_shows_why_without_the_secret(auth: str) -> None:
    def echo(moment):  # type: ignore[no-untyped-def]
        return f"535 5.7.8 What is {moment.line}, s3cret?" if moment.stage == "AUTH" else None

    with Server(Script(auth=auth, rules=[echo])) as server:
        report = SmtpTransport(settings(server.port, username="shop", secret="s3cret")).send_one(message(1))
    assert (report.result.outcome, report.result.fault) == (Outcome.NOT_TRANSMITTED, Fault.SENDER)
    assert report.result.code == "535 5.7.8"
    everything = "\n".join([*report.transcript, report.result.detail])
    assert "What is AUTH" in everything
    for secret in ("s3cret", "AHNob3AAczNjcmV0", "czNjcmV0", "dXNlcj1zaG9w"):
        assert secret not in everything


def test_a_test_message_to_nowhere_is_reported_too() -> None:
    with Server() as server:
        pass
    report = SmtpTransport(settings(server.port)).send_one(message(1))
    assert (report.result.outcome, report.result.fault) == (Outcome.NOT_TRANSMITTED, Fault.PROVIDER)
    assert "refused" in report.result.detail
