"""Mails of a bounce mailbox: what each kind of server writes is understood, everything else is left alone."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.channels.bounce_mail import Reading, Sort, read
from app.channels.contract import Reason
from app.channels.receipts import MailReceipt, ReceiptKind
from tests.channels import mails

HARD, SOFT, BLOCKED = ReceiptKind.HARD_BOUNCE, ReceiptKind.SOFT_BOUNCE, ReceiptKind.BLOCKED


def receipt(raw: bytes) -> MailReceipt:
    found = read(raw)
    assert found.sort is Sort.RECEIPT
    assert found.receipt is not None
    return found.receipt


GLOBAL = "Reporting-MTA: dns; mx\n\nFinal-Recipient: utf-8; zoë@people.example\nAction: failed\nStatus: 5.1.1\n"
TWO = (
    "Reporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; a@people.example\nAction: delayed\nStatus: 4.4.1\n\n"
    "Final-Recipient: rfc822; a@people.example\nAction: failed\nStatus: 5.2.2\n"
)
BOUNCES = [
    pytest.param(mails.failed(), HARD, Reason.INVALID_RECIPIENT, "5.1.1", id="postfix, no such user"),
    pytest.param(
        mails.failed("5.0.0", "smtp; 550 5.1.10 RESOLVER.ADR.RecipientNotFound"),
        HARD,
        Reason.INVALID_RECIPIENT,
        "5.1.10",
        id="a vague status, a code in the words",
    ),
    pytest.param(
        mails.failed("5.0.0", "smtp; 550 No such user here"), HARD, Reason.INVALID_RECIPIENT, "5.0.0", id="words alone"
    ),
    pytest.param(
        mails.failed("5.4.4", "X-Postfix; Host or domain name not found. Name service error"),
        HARD,
        Reason.INVALID_RECIPIENT,
        "5.4.4",
        id="no such domain",
    ),
    pytest.param(mails.failed("5.2.2", "smtp; 552 5.2.2 Over quota"), SOFT, Reason.MAILBOX_FULL, "5.2.2", id="full"),
    pytest.param(
        mails.failed("4.4.7", "smtp; 450 4.4.7 Delivery time expired"), SOFT, Reason.REJECTED, "4.4.7", id="given up"
    ),
    pytest.param(mails.failed("5.3.0", "smtp; 553 5.3.0 No"), SOFT, Reason.REJECTED, "5.3.0", id="some other no"),
    pytest.param(mails.failed("", "smtp; 571 Go away"), SOFT, Reason.REJECTED, "", id="no code at all"),
    pytest.param(
        mails.failed("5.7.1", "smtp; 550 5.7.1 Message looks like spam"),
        BLOCKED,
        Reason.REJECTED_CONTENT,
        "5.7.1",
        id="content",
    ),
    pytest.param(mails.failed("5.3.4", "smtp; 552 5.3.4 Too big"), BLOCKED, Reason.TOO_LARGE, "5.3.4", id="too large"),
    pytest.param(
        mails.report(GLOBAL, part="message/global-delivery-status"),
        HARD,
        Reason.INVALID_RECIPIENT,
        "5.1.1",
        id="RFC 6533",
    ),
    pytest.param(mails.report(TWO), SOFT, Reason.MAILBOX_FULL, "5.2.2", id="the worst of two"),
    pytest.param(mails.failed(action="failed (after 5 days)"), HARD, Reason.INVALID_RECIPIENT, "5.1.1", id="a comment"),
    pytest.param(mails.plain(mails.QMAIL), HARD, Reason.INVALID_RECIPIENT, "5.1.1", id="qmail"),
    pytest.param(
        mails.plain(
            mails.EXCHANGE, subject="Undeliverable: News", sender='"System Administrator" <postmaster@x.example>'
        ),
        HARD,
        Reason.INVALID_RECIPIENT,
        "5.1.1",
        id="Exchange in words",
    ),
    pytest.param(
        mails.plain("550 mailbox is full", subject="Mail delivery failed: returning message to sender"),
        SOFT,
        Reason.MAILBOX_FULL,
        "",
        id="Exim in words",
    ),
    pytest.param(mails.failed().replace(b'=_b"', b'=_c"'), SOFT, Reason.REJECTED, "", id="its parts do not open"),
    pytest.param(
        mails.plain("Nobody knows why.", subject="Undelivered mail"), SOFT, Reason.REJECTED, "", id="no reason at all"
    ),
]


@pytest.mark.parametrize(("raw", "kind", "reason", "code"), BOUNCES)
def test_bounces_are_understood(raw: bytes, kind: ReceiptKind, reason: Reason, code: str) -> None:
    found = receipt(raw)
    assert (found.kind, found.reason, found.code) == (kind, reason, code)
    assert "anna@people.example" not in found.detail


OTHERS = [
    pytest.param(mails.failed("4.4.1", "smtp; timeout", action="delayed"), Sort.PASSING, id="delayed"),
    pytest.param(mails.failed("2.0.0", "smtp; 250 ok", action="relayed"), Sort.PASSING, id="relayed"),
    pytest.param(mails.complaint("not-spam"), Sort.PASSING, id="not spam after all"),
    pytest.param(mails.complaint("auth-failure"), Sort.PASSING, id="a report on signatures"),
    pytest.param(
        mails.plain("Still trying.", subject="Warning: message delivery delayed 24 hours"),
        Sort.AUTOMATIC,
        id="a warning",
    ),
    pytest.param(
        mails.plain(
            "I am away.", subject="Absence", sender="anna@people.example", more="Auto-Submitted: auto-replied\n"
        ),
        Sort.AUTOMATIC,
        id="RFC 3834",
    ),
    pytest.param(
        mails.plain("Away.", subject="Out of office", sender="anna@people.example", more="Precedence: auto_reply\n"),
        Sort.AUTOMATIC,
        id="precedence",
    ),
    pytest.param(
        mails.plain("Away.", subject="Away", sender="a@people.example", more="X-Autoreply: yes\n"),
        Sort.AUTOMATIC,
        id="an older mark",
    ),
    pytest.param(
        mails.plain("5.1.1 user unknown", subject="Undeliverable: Re: News", sender="anna@people.example"),
        Sort.STRANGE,
        id="a person who writes like a server",
    ),
    pytest.param(mails.plain("Where is my parcel?", subject="Parcel"), Sort.STRANGE, id="a question"),
    pytest.param(
        mails.plain("Hello", sender="a@people.example", more="Auto-Submitted: no\n"), Sort.STRANGE, id="by a person"
    ),
    pytest.param(
        b"From: b@x.example\r\nContent-Type: message/rfc822\r\n\r\n" + mails.failed(),
        Sort.STRANGE,
        id="a forwarded one",
    ),
    pytest.param(mails.report("Reporting-MTA: dns; mx\n"), Sort.STRANGE, id="about nobody"),
    pytest.param(b"", Sort.STRANGE, id="nothing"),
    pytest.param(b"\xff\x00" * 1000, Sort.STRANGE, id="noise"),
    pytest.param(b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n" * 3000, Sort.STRANGE, id="a deep nest"),
]


@pytest.mark.parametrize(("raw", "sort"), OTHERS)
def test_what_decides_nothing_is_told_apart(raw: bytes, sort: Sort) -> None:
    assert read(raw) == Reading(sort)


@pytest.mark.parametrize("kind", ["abuse", "fraud", "opt-out"])
def test_a_complaint_is_understood(kind: str) -> None:
    assert receipt(mails.complaint(kind)).kind is ReceiptKind.COMPLAINT


def test_a_report_of_success_is_understood() -> None:
    assert receipt(mails.failed("2.1.5", "smtp; 250 ok", action="delivered")).kind is ReceiptKind.DELIVERED


def test_a_report_whose_end_was_not_read_is_understood() -> None:
    raw = mails.failed()
    assert receipt(raw[: raw.index(b"Dear Anna")]).kind is HARD


def test_the_date_of_the_report_is_that_of_the_receipt() -> None:
    assert receipt(mails.failed()).at == datetime(2026, 11, 26, 3, tzinfo=UTC)
    assert receipt(mails.failed().replace(b"Date: Thu, 26", b"Date: 99")).at is None


def test_a_mark_is_looked_for_where_the_mail_came_to_and_in_the_original_first() -> None:
    raw = mails.failed(
        to="bounces+one@shop.example", original="Message-ID: <two@shop.example>", more="Delivered-To: three\n"
    )
    keys = receipt(raw).keys
    assert keys[:4] == ("bounces+one@shop.example", "three", "<news@shop.example>", "<two@shop.example>")


def test_the_words_are_one_line_without_control_characters() -> None:
    found = receipt(mails.failed(said="smtp; 550 5.1.1 no\n \x1b[31m such <a@b.example>\n  user " + "x" * 400))
    assert found.detail.startswith("550 5.1.1 no [31m such <…> user xxx")
    assert len(found.detail) == 255


@given(st.binary(max_size=2000), st.integers(0, 3000), st.integers(0, 3000))
def test_whatever_is_in_a_mail_nothing_is_raised(noise: bytes, at: int, until: int) -> None:
    raw = mails.failed()
    read(raw[:at] + noise + raw[until:])
