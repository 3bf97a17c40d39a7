"""The recipients of a report: filtered, in pages without gap, in bounded time, and as a file."""

import csv
import io
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import update

from app.audience.service import delete_contact
from app.campaigns import service as campaigns
from app.campaigns import statuses
from app.channels.contract import Reason
from app.extensions import db
from app.kernel.db import transaction
from app.kernel.errors import InvalidInput, NotFound
from app.reports import export, recipients
from app.reports.recipients import RecipientRow
from app.sending import engagement, labels
from app.sending.models import CampaignRecipient
from app.sending.selection import NO_LABEL, RecipientFilter
from app.sending.states import RecipientState, Shown
from jobs import sending as jobs
from tests import factories
from tests.reports.test_metrics import mixed_campaign
from tests.sending import ledger

EVERYBODY = RecipientFilter()


def seqs(campaign_id: int, asked: RecipientFilter = EVERYBODY, after: int = 0, size: int = 100) -> list[int]:
    with transaction():
        return [row.seq for row in recipients.page(campaign_id, asked, after, size).rows]


@pytest.mark.parametrize(
    ("shown", "seqs"),
    [
        (None, [1, 2, 3, 4, 5, 6]),
        (Shown.SENT, [2, 3]),
        (Shown.FAILED, [4]),
        (Shown.UNCONFIRMED, [5]),
        (Shown.AWAITING, [6]),
        (Shown.SKIPPED, [1]),
        (Shown.PROCESSING, []),
    ],
)
def test_recipients_are_listed_by_what_they_are_shown_as(app: Flask, shown: Shown | None, seqs: list[int]) -> None:
    campaign_id = mixed_campaign()
    with transaction():
        found = recipients.page(campaign_id, RecipientFilter(shown=shown), 0, 100).rows
    assert [row.seq for row in found] == seqs
    assert all(shown is None or row.shown is shown for row in found)


def test_pages_follow_each_other_without_gap_or_repetition_forward_and_back(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(7)
    with transaction():
        first = recipients.page(campaign_id, EVERYBODY, 0, 3)
        second = recipients.page(campaign_id, EVERYBODY, 3, 3)
        last = recipients.page(campaign_id, EVERYBODY, 6, 3)
        back = recipients.before(campaign_id, EVERYBODY, 7, 3)
    assert [[row.seq for row in page.rows] for page in (first, second, last)] == [[1, 2, 3], [4, 5, 6], [7]]
    assert [page.has_more for page in (first, second, last)] == [True, True, False]
    assert [row.seq for row in back.rows] == [4, 5, 6]


def test_a_recipient_is_shown_with_name_address_and_reason(app: Flask) -> None:
    campaign_id = mixed_campaign()
    with transaction():
        nobody, sent, *_ = recipients.page(campaign_id, EVERYBODY, 0, 10).rows
    assert (nobody.name, nobody.address, nobody.reason) == ("Nobody", "", Reason.NO_ADDRESS)
    assert sent.address.endswith("@people.example") and sent.attempt == 1
    assert sent.sending_at is not None and sent.done_at is not None and sent.sending_at <= sent.done_at


def test_the_second_address_is_shown_when_it_is_the_one_that_is_written_to(app: Flask) -> None:
    with transaction():
        people = factories.folder()
        factories.contact(people, second_email="office@people.example")
        made = factories.campaign(people, to_second_email=True)
        campaigns.publish(made.id, "me")
        campaign_id = made.id
    jobs.settle_campaign(campaign_id)
    with transaction():
        assert [row.address for row in recipients.page(campaign_id, EVERYBODY, 0, 10).rows] == ["office@people.example"]


def test_a_deleted_contact_keeps_its_row_without_name_and_address(app: Flask) -> None:
    campaign_id = mixed_campaign()
    with transaction():
        delete_contact(ledger.row(campaign_id, 2).contact_id)
    with transaction():
        row = recipients.page(campaign_id, RecipientFilter(shown=Shown.SENT), 0, 1).rows[0]
    assert (row.seq, row.name, row.address, row.state) == (2, "", "", RecipientState.SENT)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (RecipientFilter(reason=Reason.NO_ADDRESS), [1]),
        (RecipientFilter(reason=Reason.REPLY_LOST), [5]),
        (RecipientFilter(shown=Shown.SENT, reason=Reason.NO_ADDRESS), []),
        (RecipientFilter(fact="opened_at"), [2]),
        (RecipientFilter(seq=3), [3]),
        (RecipientFilter(contact_ids=()), []),
        (RecipientFilter(internal_status_id=NO_LABEL), [1, 2, 3, 4, 5, 6]),
    ],
)
def test_filters_meet(app: Flask, asked: RecipientFilter, expected: list[int]) -> None:
    campaign_id = mixed_campaign()
    with transaction():
        engagement.record_open(campaign_id, 2)
    assert seqs(campaign_id, asked) == expected


@pytest.mark.parametrize("asked", [RecipientFilter(shown=Shown.PROCESSING), RecipientFilter(fact="clicked_at")])
def test_what_the_counters_do_not_know_is_not_looked_for(
    app: Flask, monkeypatch: pytest.MonkeyPatch, asked: RecipientFilter
) -> None:
    campaign_id = mixed_campaign()
    monkeypatch.setattr(recipients, "_windows", lambda *_args: pytest.fail("rows were read"))
    assert seqs(campaign_id, asked) == []


def test_nobody_looks_further_than_the_last_one_that_the_counters_know(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign_id = mixed_campaign()
    monkeypatch.setattr(recipients, "WINDOW_ROWS", 1)
    monkeypatch.setattr(recipients, "PATIENCE_SECONDS", -1)
    with transaction():
        found = recipients.page(campaign_id, RecipientFilter(shown=Shown.SKIPPED), 0, 10)
    assert ([row.seq for row in found.rows], found.searched_to) == ([1], None)


def test_days_are_half_open(app: Flask) -> None:
    campaign_id = mixed_campaign()
    with transaction():
        done_at = db.session.get_one(CampaignRecipient, (campaign_id, 2)).done_at
        db.session.execute(
            update(CampaignRecipient).where(CampaignRecipient.seq != 2).values(done_at=None, sending_at=None)
        )
    assert done_at is not None
    assert seqs(campaign_id, RecipientFilter(from_at=done_at, until_at=done_at + timedelta(seconds=1))) == [2]
    assert seqs(campaign_id, RecipientFilter(until_at=done_at)) == []
    assert seqs(campaign_id, RecipientFilter(from_at=done_at + timedelta(microseconds=1))) == []


def test_a_person_is_found_by_address_name_and_number(app: Flask) -> None:
    with transaction():
        people = factories.folder()
        factories.contact(people, email="ann@people.example", first_name="Ann", last_name="Kowalska")
        factories.contact(people, email="bob@people.example", first_name="Bob", last_name="Nowak")
        made = factories.campaign(people)
        campaigns.publish(made.id, "me")
        campaign_id = made.id
    jobs.settle_campaign(campaign_id)
    for text, expected in {
        "bob@people.example": [2],
        "Kowal": [1],
        "#2": [2],
        "nobody@people.example": [],
        " ": [1, 2],
    }.items():
        with transaction():
            asked = recipients.searched(text, EVERYBODY, may_search_addresses=True)
        assert seqs(campaign_id, asked) == expected, text
    for text in ("600100200", "not@@an@address"):
        with pytest.raises(InvalidInput), transaction():
            recipients.searched(text, EVERYBODY, may_search_addresses=True)


def test_a_rare_state_is_searched_in_windows_until_the_time_is_up(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign_id = ledger.sending_campaign(9)
    with transaction():
        db.session.get_one(CampaignRecipient, (campaign_id, 8)).reason = Reason.REJECTED
    monkeypatch.setattr(recipients, "WINDOW_ROWS", 3)
    asked = RecipientFilter(reason=Reason.REJECTED)
    assert seqs(campaign_id, asked) == [8]
    monkeypatch.setattr(recipients, "PATIENCE_SECONDS", -1)
    with transaction():
        first = recipients.page(campaign_id, asked, 0, 5)
        assert (first.rows, first.has_more, first.searched_to) == ([], False, 3)
        second = recipients.page(campaign_id, asked, 3, 5)
        third = recipients.page(campaign_id, asked, 6, 5)
    assert (second.searched_to, [row.seq for row in third.rows], third.searched_to) == (6, [8], None)
    with transaction():
        assert [(seq, [row.seq for row in part]) for seq, part in recipients.every(campaign_id, asked, 2)] == [
            (3, []),
            (6, []),
            (8, [8]),
        ]


def test_the_way_back_is_searched_in_windows_too(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign_id = ledger.sending_campaign(9)
    with transaction():
        for seq in (2, 3, 8):
            db.session.get_one(CampaignRecipient, (campaign_id, seq)).reason = Reason.REJECTED
    monkeypatch.setattr(recipients, "WINDOW_ROWS", 3)
    asked = RecipientFilter(reason=Reason.REJECTED)
    with transaction():
        last = recipients.before(campaign_id, asked, 2**31 - 1, 2)
        first = recipients.before(campaign_id, asked, 3, 2)
    assert ([row.seq for row in last.rows], last.has_before, last.has_more) == ([3, 8], True, True)
    assert ([row.seq for row in first.rows], first.has_before, first.has_more) == ([2, 3], False, True)
    monkeypatch.setattr(recipients, "PATIENCE_SECONDS", -1)
    with transaction():
        some = recipients.before(campaign_id, asked, 8, 1)
        more = recipients.before(campaign_id, asked, 5, 1)
    assert ([row.seq for row in some.rows], some.searched_to) == ([], 5)
    assert ([row.seq for row in more.rows], more.searched_to, more.has_before) == ([3], None, True)


def test_a_rare_internal_status_is_found_without_reading_the_others(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign_id = ledger.sending_campaign(30)
    with transaction():
        status_id = statuses.create("Called", "#2f54d9", "me").id
        labels.put(campaign_id, [2, 11, 20, 29], status_id)
        for seq in (3, 20):
            db.session.get_one(CampaignRecipient, (campaign_id, seq)).reason = Reason.REJECTED
    monkeypatch.setattr(recipients, "WINDOW_ROWS", 2)
    monkeypatch.setattr(recipients, "PATIENCE_SECONDS", -1)
    asked = RecipientFilter(reason=Reason.REJECTED, internal_status_id=status_id)
    with transaction():
        first = recipients.page(campaign_id, asked, 0, 5)
        second = recipients.page(campaign_id, asked, 11, 5)
        back = recipients.before(campaign_id, asked, 31, 1)
    assert (first.rows, first.searched_to) == ([], 11)
    assert ([row.seq for row in second.rows], second.searched_to) == ([20], 29)
    assert ([row.seq for row in back.rows], back.searched_to) == ([20], 20)


def test_a_name_of_many_is_looked_for_among_the_recipients(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with transaction():
        people, others = factories.folder(), factories.folder()
        for _ in range(3):
            factories.contact(others, first_name="Anna", last_name="Aaa")
        factories.contact(people, first_name="Bob", last_name="Nowak")
        factories.contact(people, first_name="Anna", last_name="Zzz", company="Garden Tools")
        campaign = factories.campaign(people)
        campaigns.publish(campaign.id, "me")
        campaign_id = campaign.id
    jobs.settle_campaign(campaign_id)
    monkeypatch.setattr(recipients, "MOST_NAMES", 2)
    for text, expected in {
        "Anna": [2],
        "anna  Zz": [2],
        "Anna Garden": [2],
        "Garden Tools": [2],
        "Tools": [],
        "Anna No": [],
    }.items():
        with transaction():
            asked = recipients.searched(text, EVERYBODY, may_search_addresses=False)
        assert seqs(campaign_id, asked) == expected, text
    with transaction():
        assert recipients.searched("Anna", EVERYBODY, may_search_addresses=False).names == "Anna"


@pytest.mark.parametrize("text", ["ann@people.example", "+48600100200"])
def test_an_address_is_searched_only_for_those_who_may_see_it(app: Flask, text: str) -> None:
    with pytest.raises(InvalidInput, match="may read contacts"), transaction():
        recipients.searched(text, EVERYBODY, may_search_addresses=False)


def test_internal_statuses_are_put_on_and_taken_off_without_touching_the_state(app: Flask) -> None:
    campaign_id = mixed_campaign()
    with transaction():
        status_id = statuses.create("Called", "#2f54d9", "me").id
    with transaction():
        assert labels.put(campaign_id, [1, 2, 99], status_id) == 2
    asked = RecipientFilter(internal_status_id=status_id)
    assert seqs(campaign_id, asked) == [1, 2]
    assert seqs(campaign_id, replace(asked, shown=Shown.SENT)) == [2]
    with transaction():
        labels.put(campaign_id, [2], None)
    assert seqs(campaign_id, asked) == [1]
    with transaction():
        assert recipients.page(campaign_id, RecipientFilter(seq=2), 0, 1).rows[0].state is RecipientState.SENT
    with pytest.raises(NotFound), transaction():
        labels.put(campaign_id, [1], status_id + 1)


def words(row: RecipientRow) -> tuple[str, str, str]:
    return row.shown.value, row.reason.value if row.reason else "", row.detail


def lines(
    campaign_id: int,
    asked: RecipientFilter = EVERYBODY,
    with_addresses: bool = True,
    tell: export.Tell = lambda _reached: None,
) -> list[dict[str, str]]:
    text = "".join(export.csv_of(campaign_id, asked, with_addresses, words, tell))
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_the_file_holds_what_the_filter_shows(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign_id = mixed_campaign()
    monkeypatch.setattr(export, "PORTION", 2)
    told: list[int] = []
    found = lines(campaign_id, tell=told.append)
    assert told == [2, 4, 6]
    assert [line["number"] for line in found] == ["1", "2", "3", "4", "5", "6"]
    assert (found[0]["name"], found[0]["status"], found[0]["reason"]) == ("Nobody", "Skipped", "no-address")
    assert found[1]["address"].endswith("@people.example")
    assert found[1]["done_at"].endswith("Z") and "T" in found[1]["done_at"]
    assert [line["number"] for line in lines(campaign_id, RecipientFilter(shown=Shown.SENT))] == ["2", "3"]
    assert {line["address"] for line in lines(campaign_id, with_addresses=False)} == {""}


def test_the_file_says_over_which_account_each_message_went(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(4)
    with transaction():
        own = campaigns.get(campaign_id).sender
        assert own is not None
        name, stand_in, gone = own.name, factories.account(name="=Stand-in"), factories.account(name="Gone")
        for seq, carrier in ((1, own), (2, stand_in), (3, gone)):
            db.session.get_one(CampaignRecipient, (campaign_id, seq)).sender_id = carrier.id
        db.session.delete(gone)
    assert [line["sent_over"] for line in lines(campaign_id)] == [name, "'=Stand-in", "", ""]


@pytest.mark.parametrize("text", ["=1+1", "+48600", "-2", "@cmd", "\tx", "\rx"])
def test_a_spreadsheet_calculates_nothing(text: str) -> None:
    assert export.harmless(text) == f"'{text}"
    assert export.harmless(f"a{text}") == f"a{text}"
