"""The table of answers: what each means for the message and for the connection."""

import pytest

from app.channels.contract import Fault, Outcome, Reason, SendResult
from app.providers.smtp_codes import Stage, classify, opening_fault, retry_hint, slow_down_words, without_address
from app.providers.smtp_replies import Reply

MAIL, RCPT, DATA, END = Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.END
REFUSED, DEFERRED, BACK = Outcome.REFUSED, Outcome.DEFERRED, Outcome.NOT_TRANSMITTED


def reply(text: str) -> Reply:
    return Reply(int(text[:3]), (text[4:],))


TABLE = [
    # the server as a whole
    (MAIL, "421 4.3.2 Shutting down", BACK, Fault.PROVIDER, None),
    (RCPT, "421 4.7.0 Too many connections", BACK, Fault.PROVIDER, None),
    (END, "421 4.3.0 Cannot go on", BACK, Fault.PROVIDER, None),
    (MAIL, "451 4.3.0 Queue trouble", DEFERRED, Fault.PROVIDER, Reason.REJECTED),
    (MAIL, "452 4.3.1 Out of space", DEFERRED, Fault.PROVIDER, Reason.REJECTED),
    (RCPT, "503 5.5.1 Send MAIL first", BACK, Fault.PROVIDER, None),
    (DATA, "503 Bad sequence", BACK, Fault.PROVIDER, None),
    # the sender
    (MAIL, "530 5.7.0 Authentication required", BACK, Fault.SENDER, None),
    (RCPT, "535 5.7.8 Signed out", BACK, Fault.SENDER, None),
    (MAIL, "550 5.1.8 Sender domain does not exist", BACK, Fault.SENDER, None),
    (MAIL, "553 5.7.1 Sender address rejected: not owned by user", BACK, Fault.SENDER, None),
    (MAIL, "550 No", BACK, Fault.SENDER, None),
    (RCPT, "554 5.7.1 Relay access denied", BACK, Fault.SENDER, None),
    (RCPT, "550 5.7.1 Unable to relay", BACK, Fault.SENDER, None),
    (END, "550 5.7.1 Unauthenticated email is not accepted", BACK, Fault.SENDER, None),
    (END, "550 5.7.26 This mail has been blocked because the sender is unauthenticated", BACK, Fault.SENDER, None),
    (END, "550 5.7.515 Access denied, sending domain does not meet the level", BACK, Fault.SENDER, None),
    (END, "550 5.7.23 SPF validation failed", BACK, Fault.SENDER, None),
    (END, "550 5.7.60 Client does not have permissions to send as this sender", BACK, Fault.SENDER, None),
    # the recipient
    (RCPT, "550 5.1.0 Address rejected", REFUSED, Fault.RECIPIENT, Reason.INVALID_RECIPIENT),
    (RCPT, "550 5.1.1 No such user", REFUSED, Fault.RECIPIENT, Reason.INVALID_RECIPIENT),
    (RCPT, "550 5.1.2 Bad destination system", REFUSED, Fault.RECIPIENT, Reason.INVALID_RECIPIENT),
    (RCPT, "501 5.1.3 Bad address syntax", REFUSED, Fault.RECIPIENT, Reason.INVALID_RECIPIENT),
    (RCPT, "551 5.1.6 Moved", REFUSED, Fault.RECIPIENT, Reason.INVALID_RECIPIENT),
    (RCPT, "556 5.1.10 Domain takes no mail", REFUSED, Fault.RECIPIENT, Reason.INVALID_RECIPIENT),
    (END, "550 5.1.1 User unknown", REFUSED, Fault.RECIPIENT, Reason.INVALID_RECIPIENT),
    (RCPT, "550 5.2.1 Mailbox disabled", REFUSED, Fault.RECIPIENT, Reason.INVALID_RECIPIENT),
    (DATA, "550 5.2.1 Mailbox disabled", REFUSED, Fault.RECIPIENT, Reason.INVALID_RECIPIENT),
    (RCPT, "550 No such user here", REFUSED, Fault.RECIPIENT, Reason.INVALID_RECIPIENT),
    (RCPT, "550 Requested action not taken: mailbox unavailable", REFUSED, Fault.RECIPIENT, Reason.INVALID_RECIPIENT),
    (RCPT, "550 Not today", REFUSED, Fault.RECIPIENT, Reason.REJECTED),
    (RCPT, "450 4.2.2 Mailbox full", DEFERRED, Fault.RECIPIENT, Reason.MAILBOX_FULL),
    (RCPT, "552 5.2.2 Over quota", DEFERRED, Fault.RECIPIENT, Reason.MAILBOX_FULL),
    (END, "552 5.2.2 Over quota", DEFERRED, Fault.RECIPIENT, Reason.MAILBOX_FULL),
    (RCPT, "552 Storage allocation exceeded", DEFERRED, Fault.RECIPIENT, Reason.MAILBOX_FULL),
    (END, "552 Mailbox is full", DEFERRED, Fault.RECIPIENT, Reason.MAILBOX_FULL),
    (RCPT, "450 4.7.1 Greylisted", DEFERRED, Fault.RECIPIENT, Reason.REJECTED),
    (RCPT, "451 4.3.0 Try later", DEFERRED, Fault.RECIPIENT, Reason.REJECTED),
    (RCPT, "452 4.5.3 Too many recipients", DEFERRED, Fault.RECIPIENT, Reason.REJECTED),
    (DATA, "451 Try later", DEFERRED, Fault.RECIPIENT, Reason.REJECTED),
    (END, "451 4.3.0 Try later", DEFERRED, Fault.RECIPIENT, Reason.REJECTED),
    (END, "450 Try later", DEFERRED, Fault.RECIPIENT, Reason.REJECTED),
    (RCPT, "553 5.6.7 SMTPUTF8 needed", REFUSED, Fault.RECIPIENT, Reason.NEEDS_SMTPUTF8),
    # the content
    (MAIL, "552 5.3.4 Message size exceeds limit", REFUSED, Fault.CONTENT, Reason.TOO_LARGE),
    (MAIL, "552 Message size exceeds limit", REFUSED, Fault.CONTENT, Reason.TOO_LARGE),
    (END, "552 5.3.4 Too big", REFUSED, Fault.CONTENT, Reason.TOO_LARGE),
    (END, "552 5.2.3 Too big for this mailbox", REFUSED, Fault.CONTENT, Reason.TOO_LARGE),
    (END, "523 Too large", REFUSED, Fault.CONTENT, Reason.TOO_LARGE),
    (END, "552 Message exceeds fixed maximum", REFUSED, Fault.CONTENT, Reason.TOO_LARGE),
    (END, "554 5.7.1 Spam message rejected", REFUSED, Fault.CONTENT, Reason.REJECTED_CONTENT),
    (END, "550 5.7.1 This message is likely unsolicited", REFUSED, Fault.CONTENT, Reason.REJECTED_CONTENT),
    (END, "550 5.7.0 Blocked by policy", REFUSED, Fault.CONTENT, Reason.REJECTED_CONTENT),
    (END, "554 Transaction failed", REFUSED, Fault.CONTENT, Reason.REJECTED_CONTENT),
    (END, "571 5.7.99 Something new", REFUSED, Fault.CONTENT, Reason.REJECTED_CONTENT),
    # whatever else
    (END, "550 5.0.0 No", REFUSED, Fault.RECIPIENT, Reason.REJECTED),
    (END, "599 No", REFUSED, Fault.RECIPIENT, Reason.REJECTED),
    (END, "354 Go on", Outcome.UNCONFIRMED, Fault.PROVIDER, Reason.REPLY_LOST),
    (END, "150 Hm", Outcome.UNCONFIRMED, Fault.PROVIDER, Reason.REPLY_LOST),
    (DATA, "250 Ok", BACK, Fault.PROVIDER, None),
    (MAIL, "334 What?", BACK, Fault.PROVIDER, None),
]


@pytest.mark.parametrize(
    ("stage", "text", "outcome", "fault", "reason"), TABLE, ids=[f"{row[0].name}-{row[1]}" for row in TABLE]
)
def test_an_answer_means(stage: Stage, text: str, outcome: Outcome, fault: Fault, reason: Reason | None) -> None:
    result = classify(stage, reply(text)).result
    assert (result.outcome, result.fault, result.reason) == (outcome, fault, reason)
    assert text.startswith(result.code)
    assert result.code[:3] == text[:3]


@pytest.mark.parametrize("text", ["250 2.0.0 Ok: queued", "250 Ok", "200 Fine", "251 Will forward"])
def test_every_2xx_to_the_final_dot_is_an_acceptance(text: str) -> None:
    verdict = classify(END, reply(text))
    assert verdict.result.outcome is Outcome.ACCEPTED
    assert not verdict.closes


@pytest.mark.parametrize("stage", [MAIL, RCPT, DATA, END])
def test_every_code_has_a_meaning_and_a_fault_of_the_sender_burns_nobody(stage: Stage) -> None:
    for code in range(1000):
        result = classify(stage, Reply(code, ("",))).result
        assert (result.fault is None) is (result.outcome is Outcome.ACCEPTED)
        if result.fault is Fault.SENDER:
            assert result.outcome is Outcome.NOT_TRANSMITTED
        if result.outcome in (REFUSED, DEFERRED):
            assert result.reason is not None
            assert code // 100 == (5 if result.outcome is REFUSED else 4) or code == 552


@pytest.mark.parametrize(
    ("text", "closes"),
    [("421 Bye", True), ("451 Later", False), ("550 5.1.1 No", False), ("503 Out of step", True), ("250 Ok", True)],
)
def test_a_connection_is_closed_when_the_dialogue_is_broken(text: str, closes: bool) -> None:
    assert classify(DATA, reply(text)).closes is closes


@pytest.mark.parametrize(
    ("stage", "text", "fault"),
    [
        (Stage.GREETING, "421 Busy", Fault.PROVIDER),
        (Stage.GREETING, "554 No service", Fault.PROVIDER),
        (Stage.EHLO, "451 Later", Fault.PROVIDER),
        (Stage.EHLO, "550 Bad name", Fault.SENDER),
        (Stage.STARTTLS, "454 TLS not available", Fault.PROVIDER),
        (Stage.STARTTLS, "502 No", Fault.SENDER),
        (Stage.AUTH, "454 4.7.0 Temporary failure", Fault.PROVIDER),
        (Stage.AUTH, "530 5.7.0 STARTTLS first", Fault.SENDER),
        (Stage.AUTH, "534 5.7.9 Too weak", Fault.SENDER),
        (Stage.AUTH, "535 5.7.8 Wrong", Fault.SENDER),
        (Stage.AUTH, "538 5.7.11 Encryption required", Fault.SENDER),
    ],
)
def test_a_refusal_before_the_first_message_is_about(stage: Stage, text: str, fault: Fault) -> None:
    assert opening_fault(stage, reply(text)) is fault


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("Greylisted, please try again in 300 seconds", 300.0),
        ("try again in 5 minutes", 300.0),
        ("Greylisted for 5 minutes", 300.0),
        ("Please retry after 90s", 90.0),
        ("wait 2 hours", 7200.0),
        ("try again in about 10 min.", 600.0),
        ("blocked for 900000 seconds", 86_400.0),
        ("try again later", None),
        ("queued as 300 seconds", None),
        ("in 300 secondhand", None),
        ("", None),
    ],
)
def test_a_hint_when_to_try_again_is_read(words: str, seconds: float | None) -> None:
    assert retry_hint(words) == seconds


def test_a_hint_is_part_of_a_refusal_for_now_only() -> None:
    assert classify(RCPT, reply("450 4.7.1 try again in 60 seconds")).result.retry_after_seconds == 60.0
    assert classify(RCPT, reply("550 5.7.1 try again in 60 seconds")).result.retry_after_seconds is None


def test_detail_is_short_and_without_control_characters() -> None:
    result = classify(RCPT, Reply(550, ("5.1.1 bad\x00\x1b[31m\tuser", "5.1.1 " + "x" * 400))).result
    assert result.code == "550 5.1.1"
    assert result.detail.startswith("bad [31m user xxx")
    assert len(result.detail) == 255


def test_the_address_of_the_recipient_is_taken_out_of_the_words() -> None:
    result = SendResult(REFUSED, Fault.RECIPIENT, Reason.REJECTED, "550", "<Ann@Example.org>: unknown", 5.0)
    assert without_address(result, b"ann@example.org") == SendResult(
        REFUSED, Fault.RECIPIENT, Reason.REJECTED, "550", "<…>: unknown", 5.0
    )
    assert without_address(result, b"bob@example.org") is result


@pytest.mark.parametrize(
    ("code", "words", "kept"),
    [
        ("421 4.7.0", "[TSS04] Messages from 192.0.2.1 temporarily deferred", True),
        ("421 4.7.28", "Our system has detected an unusual rate of unsolicited mail", True),
        ("451 4.7.650", "The mail server has been temporarily rate limited", True),
        ("451 4.7.500", "Server busy. Please try again later", True),
        ("454", "Throttling failure: Maximum sending rate exceeded.", True),
        ("450 4.7.1", "Error: too many messages from you", True),
        ("421", "Too fast, slow down", True),
        ("451", "Domain example.org has exceeded the max emails per hour (100/100)", True),
        ("452 4.3.1", "Daily sending quota reached", True),
        ("452", "Mailbox quota exceeded", False),
        ("452 4.5.3", "Too many recipients", False),
        ("421", "Service not available, closing transmission channel", False),
        ("421 4.4.2", "Timeout exceeded", False),
        ("421 4.3.2", "Shutting down", False),
        ("421 4.7.0", "Too many connections", False),
        ("421 4.7.0", "Too many messages on this connection", False),
        ("450 4.7.1", "Recipient address rejected: Greylisted, see the rate limits", False),
        ("451 4.7.1", "Please try again later", False),
        ("450 4.2.1", "The user is receiving mail at a rate that prevents more", False),
        ("550 5.7.1", "Rate limit exceeded", False),
        ("", "No answer in time.", False),
    ],
)
def test_which_answers_ask_to_be_sent_less(code: str, words: str, kept: bool) -> None:
    assert slow_down_words(code, words) == (f"{code} {words}" if kept else "")


def test_the_words_of_who_asks_hold_no_address() -> None:
    assert slow_down_words("450 4.7.1", "<anna@x.example>: rate limit") == "450 4.7.1 … rate limit"
