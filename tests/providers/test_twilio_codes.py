"""What Twilio's answers mean, line by line."""

import json

import pytest

from app.channels.contract import Fault, Outcome, Reason
from app.providers.twilio_codes import Answer, result_of

SENDER, PROVIDER, RECIPIENT, CONTENT = Fault.SENDER, Fault.PROVIDER, Fault.RECIPIENT, Fault.CONTENT
BACK, LOST, REFUSED = Outcome.NOT_TRANSMITTED, Outcome.UNCONFIRMED, Outcome.REFUSED

TABLE = [
    (429, 20429, BACK, PROVIDER, None),
    (503, None, BACK, PROVIDER, None),
    (500, None, LOST, PROVIDER, Reason.REPLY_LOST),
    (502, None, LOST, PROVIDER, Reason.REPLY_LOST),
    (504, None, LOST, PROVIDER, Reason.REPLY_LOST),
    (401, 20003, BACK, SENDER, None),
    (403, 20005, BACK, SENDER, None),
    (404, 20404, BACK, SENDER, None),
    (400, 21606, BACK, SENDER, None),
    (400, 21659, BACK, SENDER, None),
    (400, 21660, BACK, SENDER, None),
    (400, 30034, BACK, SENDER, None),
    (400, 21610, REFUSED, RECIPIENT, Reason.SUPPRESSED),
    (400, 21211, REFUSED, RECIPIENT, Reason.INVALID_RECIPIENT),
    (400, 21214, REFUSED, RECIPIENT, Reason.INVALID_RECIPIENT),
    (400, 21217, REFUSED, RECIPIENT, Reason.INVALID_RECIPIENT),
    (400, 21614, REFUSED, RECIPIENT, Reason.INVALID_RECIPIENT),
    (400, 21408, REFUSED, RECIPIENT, Reason.REJECTED),
    (400, 21612, REFUSED, RECIPIENT, Reason.REJECTED),
    (400, 21602, REFUSED, CONTENT, Reason.REJECTED_CONTENT),
    (400, 21617, REFUSED, CONTENT, Reason.REJECTED_CONTENT),
    (400, 63003, REFUSED, RECIPIENT, Reason.INVALID_RECIPIENT),
    (400, 63024, REFUSED, RECIPIENT, Reason.INVALID_RECIPIENT),
    (400, 63016, REFUSED, CONTENT, Reason.OUTSIDE_WINDOW),
    (429, 63018, BACK, PROVIDER, None),
    (400, 63018, BACK, PROVIDER, None),
    (400, 63038, BACK, PROVIDER, None),
    (400, 63007, BACK, SENDER, None),
    (400, 63049, REFUSED, RECIPIENT, Reason.REJECTED),
    (400, 63041, REFUSED, CONTENT, Reason.REJECTED_CONTENT),
    (400, 21656, REFUSED, CONTENT, Reason.REJECTED_CONTENT),
    (400, 12300, REFUSED, CONTENT, Reason.MEDIA_REFUSED),
    (400, 21620, REFUSED, CONTENT, Reason.MEDIA_REFUSED),
    (400, 21623, REFUSED, CONTENT, Reason.MEDIA_REFUSED),
    (400, 63019, REFUSED, CONTENT, Reason.MEDIA_REFUSED),
    (400, 63021, REFUSED, CONTENT, Reason.REJECTED_CONTENT),
    (400, 11751, REFUSED, CONTENT, Reason.TOO_LARGE),
    (400, 30019, REFUSED, CONTENT, Reason.TOO_LARGE),
    (400, 63034, REFUSED, CONTENT, Reason.TOO_LARGE),
    (400, 99999, REFUSED, RECIPIENT, Reason.REJECTED),
]


def answer(status: int, code: int | None, message: str = "no", retry_after: str = "") -> Answer:
    return Answer(status, json.dumps({"code": code, "message": message}).encode(), retry_after)


@pytest.mark.parametrize(
    ("status", "code", "outcome", "fault", "reason"), TABLE, ids=[f"{line[0]} {line[1]}" for line in TABLE]
)
def test_an_error_has_its_outcome(
    status: int, code: int | None, outcome: Outcome, fault: Fault, reason: Reason | None
) -> None:
    found = result_of(answer(status, code))
    assert (found.outcome, found.fault, found.reason) == (outcome, fault, reason)
    assert found.code == str(code or status)


def test_a_message_is_accepted_with_its_id() -> None:
    found = result_of(Answer(201, b'{"sid": "SM1", "status": "queued"}'))
    assert (found.outcome, found.provider_id) == (Outcome.ACCEPTED, "SM1")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"sid": null}'])
def test_a_good_answer_without_an_id_is_not_believed(body: bytes) -> None:
    assert result_of(Answer(201, body)).outcome is Outcome.UNCONFIRMED


def test_the_numbers_in_the_words_are_not_kept() -> None:
    found = result_of(answer(400, 21211, "The 'To' number +48 501-502-503 is not valid\x00."))
    assert found.detail == "The 'To' number … is not valid ."


def test_the_hint_when_to_come_back_is_kept() -> None:
    assert result_of(answer(429, 20429, retry_after="7")).retry_after_seconds == 7
    assert result_of(answer(429, 20429, retry_after="soon")).retry_after_seconds is None
