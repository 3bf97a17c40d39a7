"""The audit log's events: written with the change, by whom it says, without an address."""

import pytest
from flask import Flask
from sqlalchemy import select

from app.extensions import db
from app.kernel import audit, clock
from app.kernel.audit import AuditEvent, Subject, What
from app.kernel.db import transaction

pytestmark = pytest.mark.usefixtures("app")


def events() -> list[AuditEvent]:
    db.session.rollback()
    return list(db.session.scalars(select(AuditEvent).order_by(AuditEvent.id)))


def test_an_event_says_what_happened_to_what_by_whom_and_when() -> None:
    before = clock.utcnow()
    with transaction():
        audit.note(What.CAMPAIGN_RUN, 7, "Spring sale", "ann", folders=[3, 4])
    (event,) = events()
    assert (event.what, event.subject, event.subject_id, event.name) == (
        What.CAMPAIGN_RUN,
        Subject.CAMPAIGN,
        7,
        "Spring sale",
    )
    assert (event.done_by, event.detail) == ("ann", {"folders": [3, 4]})
    assert before <= event.happened_at <= clock.utcnow()


def test_an_event_is_taken_back_with_its_change() -> None:
    with pytest.raises(LookupError), transaction():
        audit.note(What.CAMPAIGN_STOP, 7, "Spring sale", "ann")
        raise LookupError
    assert events() == []


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Spring sale @ home", "Spring sale @ home"),
        ("Mail to ann@shop.example", "Mail to …"),
        ("Re: <ann.b+c@shop.example>, and more", "Re: <…>, and more"),
        ("ala@przykład.pl", "…"),
        ("", ""),
    ],
)
def test_an_address_is_in_no_event(text: str, kept: str) -> None:
    with transaction():
        audit.note(What.CAMPAIGN_FAIL, 7, text, reason=text, others=[text])
    (event,) = events()
    assert event.name == kept
    assert event.detail == {"reason": kept, "others": [kept]}


def test_long_texts_and_lists_are_cut() -> None:
    with transaction():
        audit.note(What.CAMPAIGN_FAIL, 7, "n" * 300, "b" * 100, reason="r" * 900, ids=list(range(900)))
    (event,) = events()
    assert (len(event.name), len(event.done_by), len(event.detail["reason"])) == (200, 64, 500)
    assert event.detail["ids"] == list(range(100))


def test_who_acts_is_the_service_s_word_then_the_person_of_the_request_then_muster() -> None:
    audit.act_as(lambda: "ann")
    with transaction():
        audit.note(What.CAMPAIGN_STOP, 1, by="bob")
        audit.note(What.CAMPAIGN_STOP, 2)
    audit.act_as(lambda: "")
    with transaction():
        audit.note(What.CAMPAIGN_STOP, 3)
    audit.act_as(None)
    with transaction():
        audit.note(What.CAMPAIGN_STOP, 4)
    assert [event.done_by for event in events()] == ["bob", "ann", audit.MUSTER, audit.MUSTER]


@pytest.mark.parametrize("what", What)
def test_every_kind_of_event_is_about_something(what: What, app: Flask) -> None:
    assert what.value.startswith(f"{what.subject}.")
