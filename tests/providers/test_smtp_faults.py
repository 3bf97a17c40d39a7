"""What becomes of messages when the server refuses, breaks off, falls silent, or the feed says stop."""

import random
import socket
from collections.abc import Iterator

import pytest

from app.channels.contract import Fault, Outcome, Outgoing, Reason, RunReport
from app.kernel import clock
from app.providers.smtp import SmtpTransport
from tests.providers.helpers import Batch, message, messages, settings
from tests.providers.script import Do, Moment, Script, at, random_faults
from tests.providers.servers import Server

ACCEPTED, BACK, UNCONFIRMED = Outcome.ACCEPTED, Outcome.NOT_TRANSMITTED, Outcome.UNCONFIRMED
BOTH_WAYS = pytest.mark.parametrize("pipelining", [True, False], ids=["pipelined", "lock-step"])


def send(server: Server, batch: Batch, connections: int = 4, **changes: object) -> RunReport:
    report = SmtpTransport(settings(server.port, **changes)).run(batch, connections)
    batch.assert_each_was_reported_once()
    server.wait_until_over()
    return report


def arrived(server: Server) -> set[int]:
    """The refs the server has, each once."""
    refs = [int(each.message_id.strip("<>").partition("@")[0]) for each in server.accepted]
    assert len(refs) == len(set(refs))
    return set(refs)


def to(*refs: int) -> set[str]:
    return {f"person{ref}@example.org" for ref in refs}


# --- refusals


@BOTH_WAYS
@pytest.mark.parametrize("stage", ["RCPT", "DATA", "END"])
def test_refused_and_deferred_messages_leave_the_others_alone(stage: str, pipelining: bool) -> None:
    rules = [
        at(stage, "451 4.3.0 Try again in 120 seconds", recipient=to(3, 4, 9)),
        at(stage, "550 5.1.1 <person7@example.org> is unknown", recipient=to(1, 7, 10)),
    ]
    with Server(Script(rules=rules, pipelining=pipelining)) as server:
        batch = Batch(messages(10))
        assert send(server, batch, 2) == RunReport(4)
    assert arrived(server) == batch.refs(ACCEPTED) == {2, 5, 6, 8}
    assert batch.refs(Outcome.DEFERRED) == {3, 4, 9}
    assert batch.refs(Outcome.REFUSED) == {1, 7, 10}
    assert batch.results[3].retry_after_seconds == 120.0
    refused = batch.results[7]
    assert (refused.fault, refused.reason, refused.code) == (Fault.RECIPIENT, Reason.INVALID_RECIPIENT, "550 5.1.1")
    assert refused.detail == "<…> is unknown"


def test_data_taken_in_spite_of_a_refused_recipient_is_ended_by_a_lone_dot() -> None:
    rules = [at("RCPT", "550 5.1.1 No", recipient=to(2, 3)), at("DATA", "354 go", recipient=to(2, 3))]
    with Server(Script(rules=rules)) as server:
        batch = Batch(messages(5))
        assert send(server, batch, 1).accepted == 3
    assert arrived(server) == {1, 4, 5}
    assert batch.handed == [1, 4, 5]
    assert server.visits[0].lone_dots == 2
    assert len(server.visits) == 1


def test_mail_refused_for_now_is_about_the_server_and_ends_the_run_after_five() -> None:
    with Server(Script(rules=[at("MAIL", "452 4.3.1 Out of space")])) as server:
        batch = Batch(messages(50))
        report = send(server, batch, 1)
    assert (report.fault, report.code) == (Fault.PROVIDER, "452 4.3.1")
    assert batch.counts[Outcome.DEFERRED] == 5
    assert not batch.handed


@BOTH_WAYS
@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "END"])
def test_a_refused_sender_ends_the_run_and_burns_nobody(stage: str, pipelining: bool) -> None:
    rules = [at(stage, "550 5.7.26 This sender is not authenticated", message=5)]
    with Server(Script(rules=rules, pipelining=pipelining)) as server:
        batch = Batch(messages(50))
        report = send(server, batch, 1)
    assert (report.fault, report.code, report.accepted) == (Fault.SENDER, "550 5.7.26", 4)
    assert batch.counts == {ACCEPTED: 4, BACK: len(batch.taken) - 4}
    assert all(batch.results[ref].fault is Fault.SENDER for ref in batch.refs(BACK))
    assert arrived(server) == {1, 2, 3, 4}


def test_451_on_a_tenth_and_550_on_a_fiftieth_are_told_apart_exactly() -> None:
    seen: dict[str, int] = {}
    faults = random_faults(tempfail=0.1, permfail=0.02, seed=7)

    def count(moment: Moment) -> str | Do | None:
        answer = faults(moment)
        if isinstance(answer, str):
            seen[answer[:3]] = seen.get(answer[:3], 0) + 1
        return answer

    with Server(Script(rules=[count])) as server:
        batch = Batch(messages(400))
        assert send(server, batch, 4).fault is None
    assert seen["451"] and seen["550"]
    assert batch.counts == {
        ACCEPTED: 400 - seen["451"] - seen["550"],
        Outcome.DEFERRED: seen["451"],
        Outcome.REFUSED: seen["550"],
    }
    assert arrived(server) == batch.refs(ACCEPTED)


def test_a_refusal_in_the_middle_of_the_content_counts_and_the_rest_does_not_follow() -> None:
    big = message(1, text="x" * 20_000_000)
    with Server(Script(rules=[at("content", "552 5.3.4 Too big", message=1)])) as server:
        batch = Batch([big, message(2)])
        report = send(server, batch, 1)
    assert report == RunReport(1)
    assert batch.results[1].reason is Reason.TOO_LARGE
    assert arrived(server) == {2}


# --- losing the connection


@BOTH_WAYS
@pytest.mark.parametrize("action", [Do.RESET, Do.CLOSE], ids=["reset", "closed"])
def test_exactly_the_messages_whose_reply_was_lost_are_unconfirmed(action: Do, pipelining: bool) -> None:
    lost = {2, 3, 17, 30, 40}
    rules = [at("END", action, recipient=to(*lost))]
    with Server(Script(rules=rules, pipelining=pipelining)) as server:
        batch = Batch(messages(40))
        assert send(server, batch, 3) == RunReport(35)
    assert batch.refs(UNCONFIRMED) == lost
    assert all(batch.results[ref].reason is Reason.REPLY_LOST for ref in lost)
    assert arrived(server) == set(range(1, 41))


def test_two_in_a_hundred_replies_lost_at_random_are_exactly_the_unconfirmed() -> None:
    with Server(Script(rules=[random_faults(accept_then_drop=0.02, seed=3)])) as server:
        batch = Batch(messages(500))
        assert send(server, batch, 4).fault is None
    dropped = {int(each.message_id[1:].partition("@")[0]) for each in server.accepted if not each.is_answered}
    assert dropped
    assert batch.refs(UNCONFIRMED) == dropped
    assert arrived(server) == set(range(1, 501))


@BOTH_WAYS
@pytest.mark.parametrize("answer", ["421 4.7.0 Enough for this connection", Do.CLOSE, Do.RESET], ids=str)
@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
def test_a_connection_lost_before_the_content_loses_no_message(stage: str, answer: str | Do, pipelining: bool) -> None:
    with Server(Script(rules=[at(stage, answer, nth=6)], pipelining=pipelining)) as server:
        batch = Batch(messages(30))
        assert send(server, batch, 2) == RunReport(30)
    assert arrived(server) == set(range(1, 31))
    assert max(visit.messages for visit in server.visits) == 5


@BOTH_WAYS
@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "END"])
def test_a_server_that_asks_to_be_sent_less_is_heard_at_every_stage(stage: str, pipelining: bool) -> None:
    with Server(Script(rules=[at(stage, "421 4.7.28 Rate limited", message=4)], pipelining=pipelining)) as server:
        batch = Batch(messages(9))
        report = send(server, batch, 1)
    assert (report.fault, report.slow_down) == (None, "421 4.7.28 Rate limited")
    assert arrived(server) == batch.refs(ACCEPTED)


def test_a_greeting_that_asks_to_be_sent_less_is_heard() -> None:
    with Server(Script(rules=[at("greeting", "421 4.7.0 Throttled, try later")])) as server:
        report = send(server, Batch(messages(3)), 2)
    assert (report.fault, report.slow_down) == (Fault.PROVIDER, "421 4.7.0 Throttled, try later")


def test_421_to_the_final_dot_gives_the_message_back() -> None:
    with Server(Script(rules=[at("END", "421 4.3.2 Shutting down", message=3)])) as server:
        batch = Batch(messages(6))
        assert send(server, batch, 1) == RunReport(5)
    assert batch.refs(BACK) == {3}
    assert batch.results[3].fault is Fault.PROVIDER
    assert arrived(server) == {1, 2, 4, 5, 6}


@pytest.mark.parametrize("action", [Do.CLOSE, Do.RESET])
def test_a_message_cut_off_in_its_content_was_not_transmitted(action: Do) -> None:
    big = message(2, text="x" * 20_000_000)
    with Server(Script(rules=[at("content", action, message=2)])) as server:
        batch = Batch([message(1), big, message(3)])
        assert send(server, batch, 1) == RunReport(2)
    assert batch.refs(BACK) == {2}
    assert 2 in batch.handed
    assert arrived(server) == {1, 3}


def test_an_answer_that_is_no_answer_after_the_dot_leaves_the_message_unconfirmed() -> None:
    with Server(Script(rules=[at("END", "354 Go on", message=2)])) as server:
        batch = Batch(messages(4))
        assert send(server, batch, 1) == RunReport(3)
    assert batch.refs(UNCONFIRMED) == {2}


def test_an_answer_too_many_closes_the_connection_before_it_is_taken_for_another() -> None:
    with Server(Script(rules=[at("END", "250 Ok\n250 Ok", nth=3)])) as server:
        batch = Batch(messages(9))
        report = send(server, batch, 1)
    # the second "250" answers MAIL, so that MAIL's own answers RCPT, RCPT's own answers DATA: and that is not 354
    assert report == RunReport(9)
    assert arrived(server) == set(range(1, 10))
    assert len(server.visits) > 1


def test_an_answer_given_before_the_content_is_not_taken_for_its_answer() -> None:
    rules = [at("DATA", "354 Go\n250 Ok", recipient=to(3)), at("END", "550 5.7.0 No", recipient=to(3))]
    with Server(Script(rules=rules)) as server:
        batch = Batch(messages(6))
        send(server, batch, 1)
    assert arrived(server) == batch.refs(ACCEPTED) == {1, 2, 4, 5, 6}


@BOTH_WAYS
def test_a_message_at_which_the_server_hangs_up_goes_back_and_the_others_go_on(pipelining: bool) -> None:
    with Server(Script(rules=[at("RCPT", Do.CLOSE, recipient=to(3))], pipelining=pipelining)) as server:
        batch = Batch(messages(9))
        assert send(server, batch, 1) == RunReport(8)
    assert batch.refs(BACK) == {3}
    assert arrived(server) == set(range(1, 10)) - {3}


def test_five_lost_connections_in_a_row_end_the_run() -> None:
    with Server(Script(rules=[at("END", Do.RESET)])) as server:
        batch = Batch(messages(200))
        report = send(server, batch, 1)
    assert report.fault is Fault.PROVIDER
    assert batch.counts[UNCONFIRMED] == 5
    assert arrived(server) == batch.refs(UNCONFIRMED)


def test_a_server_that_hangs_up_on_every_envelope_ends_the_run_with_nobody_burned() -> None:
    with Server(Script(rules=[at("MAIL", Do.CLOSE)])) as server:
        batch = Batch(messages(200))
        report = send(server, batch, 3)
    assert report.fault is Fault.PROVIDER
    assert set(batch.counts) == {BACK}
    assert len(server.visits) <= 15


@pytest.mark.parametrize("seed", range(6))
@BOTH_WAYS
def test_in_any_storm_what_is_reported_is_what_happened(seed: int, pipelining: bool) -> None:
    dice = random.Random(seed)
    troubles: list[str | Do] = ["421 4.3.2 Bye", "451 4.3.0 Later", "550 5.1.1 No", Do.CLOSE, Do.RESET]

    def storm(moment: Moment) -> str | Do | None:
        if moment.stage in ("MAIL", "RCPT", "DATA", "content", "END") and dice.random() < 0.02:
            return dice.choice([each for each in troubles if moment.stage != "MAIL" or each != "550 5.1.1 No"])
        return None

    with Server(Script(rules=[storm], pipelining=pipelining, split_replies=seed % 2 == 1)) as server:
        batch = Batch(messages(300), may_leave=lambda ref: ref % 50 != 0)
        report = send(server, batch, 3)
    dropped = {int(each.message_id[1:].partition("@")[0]) for each in server.accepted if not each.is_answered}
    # a reset may also take an answer with it that had left before
    assert batch.refs(ACCEPTED) <= arrived(server) <= batch.refs(ACCEPTED) | batch.refs(UNCONFIRMED)
    assert dropped <= batch.refs(UNCONFIRMED) <= set(batch.handed)
    assert not arrived(server) & (batch.refs(BACK) | batch.refs(Outcome.DEFERRED) | batch.refs(Outcome.REFUSED))
    assert report.accepted == len(batch.refs(ACCEPTED)) > 100


# --- no connection at all


@pytest.mark.parametrize("answer", ["421 4.3.2 Busy", "554 No service", Do.CLOSE, Do.RESET, "HTTP/1.1 200"], ids=str)
def test_a_server_that_does_not_greet_us_gets_one_try(answer: str | Do) -> None:
    with Server(Script(rules=[at("greeting", answer)])) as server:
        batch = Batch(messages(50))
        report = send(server, batch, 20)
    assert report.fault is Fault.PROVIDER
    assert len(server.visits) == 1
    assert batch.counts == {BACK: len(batch.taken)}


def test_a_refused_connection_and_an_unknown_name_give_everything_back() -> None:
    with Server() as server:
        pass
    for changes in ({}, {"host": "host.invalid"}, {"host": "x" * 300}, {"host": "a..b"}, {"port": 99999}):
        batch = Batch(messages(5))
        usual = {"port": server.port} | changes
        report = SmtpTransport(settings(**usual)).run(batch, 3)  # type: ignore[arg-type]
        assert report.fault is Fault.PROVIDER, changes
        assert report.detail
        assert batch.counts == {BACK: len(batch.taken)}
        batch.assert_each_was_reported_once()


def test_more_connections_than_the_server_allows_do_not_stop_the_others() -> None:
    rules = [at("greeting", "421 4.7.0 Too many connections", connection=set(range(3, 1000)))]
    with Server(Script(rules=rules, reply_delay=0.002)) as server:
        batch = Batch(messages(300))
        assert send(server, batch, 10) == RunReport(300)
    assert len(server.visits) <= 12


# --- silence


@pytest.mark.parametrize("stage", ["greeting", "EHLO", "MAIL", "RCPT", "DATA"])
def test_silence_before_the_content_gives_up_in_time_and_ticks_go_on(stage: str) -> None:
    with Server(Script(rules=[at(stage, Do.SILENCE)])) as server:
        batch = Batch(messages(30))
        started = clock.steady()
        report = send(server, batch, 3, reply_timeout_seconds=0.3)
    assert report.fault is Fault.PROVIDER
    assert clock.steady() - started < 4
    assert batch.counts == {BACK: len(batch.taken)}
    assert len(batch.ticks) >= 3
    batch.assert_ticks_went_on()


def test_a_black_hole_gives_up_in_time() -> None:
    with Server(Script(blackhole=True)) as server:
        batch = Batch(messages(30))
        report = send(server, batch, 20, reply_timeout_seconds=0.3)
    assert (report.fault, batch.counts) == (Fault.PROVIDER, {BACK: len(batch.taken)})
    assert len(server.visits) == 1


def test_a_port_that_never_takes_the_connection_gives_up_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        batch = Batch(messages(3))
        report = SmtpTransport(settings(port, connect_timeout_seconds=0.3)).run(batch, 2)
        for filler in fillers:
            filler.close()
    assert report.fault is Fault.PROVIDER
    batch.assert_ticks_went_on()


def test_silence_after_the_dot_is_unconfirmed_after_its_own_time() -> None:
    with Server(Script(rules=[at("END", Do.SILENCE, recipient=to(2, 3))])) as server:
        batch = Batch(messages(12))
        report = send(server, batch, 3, accept_timeout_seconds=0.4)
    assert report == RunReport(10)
    assert batch.refs(UNCONFIRMED) == {2, 3}
    assert arrived(server) == set(range(1, 13))


# --- stop and hand_over


def test_stop_hands_nothing_more_over_and_waits_for_what_left() -> None:
    def goes_on(batch: Batch) -> bool:
        return len(batch.handed) < 4

    def endless() -> Iterator[Outgoing]:
        for ref in range(1, 100_000):
            yield message(ref)

    with Server(Script(accept_delay=0.3)) as server:
        batch = Batch(endless(), goes_on=goes_on)
        report = send(server, batch, 4)
    assert report == RunReport(4)
    assert batch.counts == {ACCEPTED: 4, BACK: 4}
    assert all(batch.results[ref].fault is None for ref in batch.refs(BACK))
    assert arrived(server) == batch.refs(ACCEPTED) == set(batch.handed)


def test_stop_while_a_reply_is_lost_leaves_it_unconfirmed() -> None:
    with Server(Script(rules=[at("END", Do.SILENCE)])) as server:
        batch = Batch(messages(20), goes_on=lambda batch: not batch.handed)
        report = send(server, batch, 1, accept_timeout_seconds=0.3)
    assert report == RunReport(0)
    assert batch.counts == {UNCONFIRMED: 1, BACK: 1}


@pytest.mark.parametrize("stage", ["greeting", "EHLO", "MAIL", "DATA"])
def test_stop_is_quick_while_the_server_is_silent(stage: str) -> None:
    with Server(Script(rules=[at(stage, Do.SILENCE)])) as server:
        batch = Batch(messages(20), goes_on=lambda batch: len(batch.ticks) < 4)
        assert send(server, batch, 5) == RunReport(0)
        assert clock.steady() - batch.stopped_at < 0.5
    assert not batch.handed
    assert batch.counts == {BACK: len(batch.taken)}


def test_stop_before_the_start_takes_nothing() -> None:
    with Server() as server:
        batch = Batch(messages(20), goes_on=lambda batch: False)
        assert send(server, batch, 5) == RunReport(0)
    assert not batch.taken
    assert not server.visits


@BOTH_WAYS
def test_a_message_that_may_not_leave_any_more_does_not_leave(pipelining: bool) -> None:
    barred = {2, 3, 11, 20}
    with Server(Script(pipelining=pipelining)) as server:
        batch = Batch(messages(20), may_leave=lambda ref: ref not in barred)
        assert send(server, batch, 2) == RunReport(16)
    assert batch.refs(BACK) == barred
    assert all(batch.results[ref].fault is None for ref in barred)
    assert arrived(server) == set(range(1, 21)) - barred
    assert not any(visit.lone_dots for visit in server.visits)
