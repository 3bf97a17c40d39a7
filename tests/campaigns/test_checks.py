"""What a campaign must fulfil: the bad inputs of the catalogue, each refused on its field and in words."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.campaigns import checks
from app.campaigns import service as campaigns
from app.campaigns.models import Campaign, CampaignDocument, OwnHoliday
from app.extensions import db
from app.kernel import clock
from app.kernel.db import transaction
from app.kernel.errors import Conflict, InvalidInput, NotFound
from tests import factories
from tests.factories import BY

NOW = datetime(2026, 5, 4, 10, tzinfo=UTC)
SOON, LATER = NOW.replace(year=2099), NOW.replace(year=2100)
BAD: list[Any] = [
    # id, values, field, words
    ("no name", {"name": None}, "name", "Give the campaign a name"),
    ("empty name", {"name": ""}, "name", "Give the campaign a name"),
    ("name of blanks", {"name": " \t\u00a0 "}, "name", "Give the campaign a name"),
    ("invisible name", {"name": "\u200b\u200d\u2060"}, "name", "Give the campaign a name"),
    ("long name", {"name": "x" * 151}, "name", "151 characters; 150 are allowed"),
    ("name in two lines", {"name": "one\ntwo"}, "name", "one line"),
    ("name with NUL", {"name": "one\0two"}, "name", "control characters"),
    ("name with an escape", {"name": "one\x9btwo"}, "name", "control characters"),
    ("half a character", {"name": "one\ud83dtwo"}, "name", "control characters"),
    ("long description", {"description": "x" * 501}, "description", "501 characters; 500 are allowed"),
    ("description with NUL", {"description": "x\0"}, "description", "cannot be stored"),
    ("no account", {"smtp_account_id": None}, "smtp_account", "Choose the SMTP account"),
    ("account that is gone", {"smtp_account_id": 999_999}, "smtp_account", "Choose the SMTP account"),
    *(
        (f"subject with U+{ord(bad):04X}", {"subject": f"Hello{bad}Bcc: x@y.example"}, "subject", "one line")
        for bad in "\r\n\0\v\x1b\x85\u2028\u2029"
    ),
    ("long subject", {"subject": "x" * 501}, "subject", "501 characters"),
    ("open field", {"text": "Hi {{ first_name"}, "text", "not closed"),
    ("unknown field", {"html": "<p>{{ frist_name }}</p>"}, "html", "Line 1, column 4: .*Did you mean first_name"),
    ("unknown field in the subject", {"subject": "{{ nobody }}"}, "subject", "There is no field"),
    ("condition", {"text": "one\n{% if x %}"}, "text", "Line 2, column 1: .*no conditions"),
    ("code", {"html": "{{ ''.__class__ }}"}, "html", "cannot be read|no field"),
    ("sum", {"text": "{{ 10**10**8 }}"}, "text", "cannot be read|no field"),
    ("filter", {"text": "{{ first_name | attr }}"}, "text", "not a known addition"),
    ("5 MB", {"html": "x" * 5_000_000}, "html", "larger than 2 MB"),
    ("message with NUL", {"html": "<p>\0</p>"}, "html", "cannot be stored"),
    ("message with half a character", {"text": "\udfff"}, "text", "cannot be stored"),
    ("invented zone", {"zone": "Mars/Base"}, "zone", "“Mars/Base” is not a time zone"),
    *(
        (f"zone {zone}", {"zone": zone}, "zone", "not a time zone. Choose one such as")
        for zone in (
            "CST",
            "EST",
            "localtime",
            "Factory",
            "Etc/GMT+5",
            "+02:00",
            "europe/warsaw",
            "../etc/passwd",
            "x" * 70,
        )
    ),
    ("year 1", {"start_at": datetime(1, 1, 1, tzinfo=UTC)}, "start_at", "between 2000 and 2100"),
    ("year 9999", {"valid_until": datetime(9999, 12, 31, tzinfo=UTC)}, "valid_until", "between 2000 and 2100"),
    ("time without zone", {"valid_from": datetime(2099, 1, 1)}, "valid_from", "with its zone"),  # noqa: DTZ001
    ("end before start", {"start_at": LATER, "valid_until": SOON}, "valid_until", "after its start"),
    ("end before validity", {"valid_from": LATER, "valid_until": SOON}, "valid_until", "after its start"),
    (
        "end before the later of both",
        {"valid_from": NOW, "start_at": LATER, "valid_until": SOON},
        *("valid_until", "after its start"),
    ),
    ("end at the start", {"valid_from": SOON, "valid_until": SOON}, "valid_until", "after its start"),
    ("validity over", {"valid_until": datetime(2020, 1, 1, tzinfo=UTC)}, "valid_until", "already over"),
    ("empty hours", {"daily_from": time(9), "daily_until": time(9)}, "daily_until", "are the same"),
    ("hours without end", {"daily_from": time(9)}, "daily_until", "Give both daily hours"),
    ("hours without start", {"daily_until": time(9)}, "daily_until", "Give both daily hours"),
    ("country of three letters", {"holidays_country": "POL"}, "holidays_country", "code such as PL"),
    ("no country", {"holidays_country": "XX"}, "holidays_country", "code such as PL"),
    *(
        (f"{field} {bad!r}", {field: bad}, field, "whole number from 0 to")
        for field in ("delay_seconds", "customers_delay_seconds", "customers_batch_size")
        for bad in (-1, 10**9, 1.5, float("nan"), "abc", "1e3", True)
    ),
    ("delay without a batch", {"customers_delay_seconds": 60}, "customers_batch_size", "needs both"),
    ("batch without a delay", {"customers_batch_size": 60}, "customers_batch_size", "needs both"),
    ("unknown column", {"colour": "red"}, "colour", "cannot be set"),
    ("state set by hand", {"status": "sending"}, "status", "cannot be set"),
    ("key set by hand", {"id": 5}, "id", "cannot be set"),
]


@pytest.mark.parametrize(("values", "field", "words"), [pytest.param(*case[1:], id=case[0]) for case in BAD])
def test_a_bad_value_is_refused_on_its_field(app: Flask, values: dict[str, Any], field: str, words: str) -> None:
    with transaction():
        sender = factories.account()
    with pytest.raises(InvalidInput, match=words) as caught, transaction():
        factories.campaign(sender=sender, **values)
    assert caught.value.field == field
    assert db.session.scalar(select(func.count()).select_from(Campaign)) == 0


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"name": "Wyprzedaż 🎉👩‍👩‍👧"}, id="emoji"),
        pytest.param({"name": "מבצע חורף"}, id="right to left"),
        pytest.param({"name": "x" * 150}, id="longest name"),
        pytest.param({"name": "  trimmed  "}, id="blanks around"),
        pytest.param({"name": "🎉"}, id="emoji alone"),
        pytest.param({"description": "two\nlines"}, id="description in lines"),
        pytest.param({"subject": "x" * 500}, id="longest subject"),
        pytest.param({"subject": "", "html": "", "text": ""}, id="nothing written yet"),
        pytest.param({"start_at": datetime(2020, 1, 1, tzinfo=UTC)}, id="start in the past"),
        pytest.param({"start_at": SOON, "valid_until": LATER}, id="far away"),
        pytest.param({"daily_from": time(18), "daily_until": time(9)}, id="over midnight"),
        pytest.param({"zone": "Europe/Warsaw", "working_days_only": True, "holidays_country": "pl"}, id="holidays"),
        pytest.param({"zone": ""}, id="no zone is UTC"),
        pytest.param({"delay_seconds": 604_800}, id="longest delay"),
        pytest.param({"customers_delay_seconds": 60, "customers_batch_size": 100}, id="batches"),
        pytest.param({"delay_seconds": None}, id="no delay"),
        pytest.param({"text": "{{ attributes.size | default: 'M' }} {{ unsubscribe_url }}"}, id="fields"),
    ],
)
def test_a_good_value_is_stored(app: Flask, values: dict[str, Any]) -> None:
    with transaction():
        campaign_id = factories.campaign(**values).id
    db.session.remove()
    made = campaigns.get(campaign_id)
    kept = {"trimmed": "  trimmed  "}.get(made.name, made.name)
    for field, value in values.items():
        expected = {"zone": value or "UTC", "delay_seconds": value or 0, "holidays_country": str(value).upper()}
        assert (kept if field == "name" else getattr(made, field)) == expected.get(field, value)


def test_without_any_account_the_refusal_says_what_is_missing(app: Flask) -> None:
    with pytest.raises(InvalidInput, match="there is none yet. Create one first"):
        campaigns.create({"name": "First"}, [], BY)


def test_a_taken_name_is_refused(app: Flask) -> None:
    first = factories.campaign(name="Spring")
    with pytest.raises(InvalidInput, match="Another campaign has this name") as caught:
        factories.campaign(name=" Spring ", sender=first.smtp_account)
    assert caught.value.field == "name"
    campaigns.prepare_change(first, BY)  # its own name is no other's


def test_a_folder_that_is_gone_is_refused(app: Flask) -> None:
    sender = factories.account()
    with pytest.raises(InvalidInput, match="no folder with the id 999") as caught:
        campaigns.create({"name": "First", "smtp_account_id": sender.id}, [999], BY)
    assert caught.value.field == "folders"


def test_account_and_its_id_agree_after_either_is_set(app: Flask) -> None:
    first, second = factories.account(), factories.account()
    made = factories.campaign(sender=first)
    assert made.smtp_account is first
    made.smtp_account_id = second.id
    campaigns.prepare_change(made, BY)
    db.session.flush()
    assert made.smtp_account is second
    made.smtp_account = first
    campaigns.prepare_change(made, BY)
    db.session.flush()
    assert made.smtp_account_id == first.id


def test_an_account_that_a_form_cleared_is_missed(app: Flask) -> None:
    made = factories.campaign()
    assert made.smtp_account is not None
    made.smtp_account = None
    with pytest.raises(InvalidInput, match="Choose the SMTP account"):
        campaigns.prepare_change(made, BY)


# --- launch


def _launch_words(made: Campaign, **account: Any) -> str:
    assert made.smtp_account is not None
    for name, value in account.items():
        setattr(made.smtp_account, name, value)
    with pytest.raises(InvalidInput) as caught:
        checks.check_launch(made, clock.utcnow())
    return f"{caught.value.field}: {caught.value}"


def test_a_complete_campaign_may_be_launched(app: Flask) -> None:
    checks.check_launch(factories.ready_campaign(), clock.utcnow())


@pytest.mark.parametrize(
    ("values", "words"),
    [
        pytest.param({"subject": ""}, "subject: Write a subject", id="no subject"),
        pytest.param({"html": " \n", "text": "\t"}, "html: Write the message", id="no message"),
        pytest.param(
            {"html": "<p>&nbsp;<br></p><!-- nothing -->", "text": ""}, "html: Write the message", id="empty markup"
        ),
        pytest.param(
            {"html": '<img src="https://shop.example/a.png">', "text": ""},
            "html: Write the message",
            id="picture alone",
        ),
        pytest.param(
            # a window of minutes that ends long before the hours open
            {"valid_until": "in a minute", "daily_from": "in an hour", "daily_until": "in two hours"},
            "valid_until: There is no moment left",
            id="no moment left",
        ),
    ],
)
def test_an_incomplete_campaign_is_not_launched(app: Flask, values: dict[str, Any], words: str) -> None:
    now = clock.utcnow()
    if values.get("valid_until"):
        values = {
            "valid_until": now + timedelta(minutes=1),
            "daily_from": (now + timedelta(hours=1)).time().replace(microsecond=0),
            "daily_until": (now + timedelta(hours=2)).time().replace(microsecond=0),
        }
    assert _launch_words(factories.ready_campaign(**values)).startswith(words)


def test_a_campaign_without_people_is_not_launched(app: Flask) -> None:
    assert _launch_words(factories.campaign()).startswith("folders: Nobody is in the audience")
    assert _launch_words(factories.campaign(factories.folder())).startswith("folders: Nobody is in the audience")


def test_a_campaign_is_not_launched_through_an_account_that_does_not_work(app: Flask) -> None:
    assert "switched off" in _launch_words(factories.ready_campaign(), is_enabled=False)
    words = _launch_words(factories.ready_campaign(), paused_reason="535 5.7.8 Sign-in refused.")
    assert "paused: 535 5.7.8 Sign-in refused. Mend it" in words


def test_the_audience_counts_everybody_once(app: Flask) -> None:
    one, two = factories.folder(), factories.folder()
    factories.contacts(3, one)
    factories.contact(one, two)
    factories.contact(two)
    assert checks.audience_size(factories.campaign(one, two)) == 5
    assert checks.audience_size(factories.campaign()) == 0


# --- calendar


def test_the_window_of_a_campaign_holds_public_and_own_holidays(app: Flask) -> None:
    db.session.add(OwnHoliday(on_date=date(2026, 5, 5), name="Founders' day"))
    made = factories.campaign(zone="Europe/Warsaw", working_days_only=True, holidays_country="PL")
    days = checks.window_of(made, NOW).holidays
    assert {date(2026, 5, 5), date(2026, 5, 1), date(2026, 11, 11), date(2027, 1, 1)} <= days
    assert date(2026, 5, 6) not in days
    made.working_days_only = False
    assert checks.window_of(made, NOW).holidays == frozenset()


def test_the_zones_to_choose_from_are_places() -> None:
    zones = checks.zones()
    assert zones[0] == "UTC"
    assert {"Europe/Warsaw", "Asia/Kathmandu", "America/Argentina/Buenos_Aires"} <= set(zones)
    assert not {"EST", "localtime", "Etc/GMT+5", "Factory"} & set(zones)


# --- documents


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("offer.pdf", "offer.pdf"),
        ("C:\\Users\\anna\\offer.pdf", "offer.pdf"),
        ("../../etc/offer.pdf", "offer.pdf"),
        ("off\r\ner\u2028.pdf", "offer.pdf"),
        ("\u202efdp.offer.pdf", "fdp.offer.pdf"),
        ("..offer.pdf. ", "offer.pdf"),
        ("Żółw 🐢.pdf", "Żółw 🐢.pdf"),
        ("x" * 300 + ".pdf", "x" * 196 + ".pdf"),
    ],
)
def test_the_name_of_a_document_is_made_safe(given: str, kept: str) -> None:
    assert checks.document_name(given) == kept


@pytest.mark.parametrize("name", ["", " ", "...", "a/", "run.exe", "run.EXE. ", "a.pdf.js", "page.html", "pic.svg"])
def test_a_document_that_servers_refuse_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        checks.document_name(name)
    assert caught.value.field == "document"


@pytest.mark.parametrize(
    ("given", "data", "kept"),
    [
        ("application/pdf", b"%PDF-1.7", "application/pdf"),
        ("Text/CSV; name=x", b"a;b", "text/csv"),
        ("image/png", b"\x89PNG\r\n\x1a\n", "image/png"),
        ("image/png", b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("", b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("image/jpeg", b"%PDF-1.7", "application/octet-stream"),
        ("image/tiff", b"II*\x00", "image/tiff"),
        ("", b"a", "application/octet-stream"),
        ("text/plain\r\nX: y", b"a", "application/octet-stream"),
        ("nonsense", b"a", "application/octet-stream"),
    ],
)
def test_the_type_of_a_document_is_one_and_of_a_picture_the_bytes_tell_it(given: str, data: bytes, kept: str) -> None:
    assert checks.media_type(given, data) == kept


def test_documents_together_have_a_limit(app: Flask) -> None:
    made = factories.campaign()
    campaigns.attach(made.id, "a.pdf", "application/pdf", bytes(6 * 2**20))
    with pytest.raises(InvalidInput, match="10 MB") as caught:
        campaigns.attach(made.id, "b.pdf", "application/pdf", bytes(5 * 2**20))
    assert caught.value.field == "document"
    with pytest.raises(InvalidInput, match="empty"):
        campaigns.attach(made.id, "c.pdf", "application/pdf", b"")
    assert [document.name for document in checks.current_documents(made)] == ["a.pdf"]


def test_a_document_that_was_taken_off_makes_room(app: Flask) -> None:
    made = factories.campaign()
    first = campaigns.attach(made.id, "a.pdf", "application/pdf", bytes(6 * 2**20))
    campaigns.detach(first.id)
    campaigns.attach(made.id, "b.pdf", "application/pdf", bytes(6 * 2**20))
    assert [document.name for document in checks.current_documents(made)] == ["b.pdf"]
    assert db.session.get(CampaignDocument, first.id) is not None  # what was sent with it still names it
    with pytest.raises(NotFound, match="no such document"):
        campaigns.detach(first.id)


def test_a_campaign_that_is_over_takes_no_document(app: Flask) -> None:
    made = factories.campaign()
    document = campaigns.attach(made.id, "a.pdf", "application/pdf", b"x")
    campaigns.end(made.id, BY)
    with pytest.raises(Conflict, match="that is ended cannot be edited. Duplicate it"):
        campaigns.attach(made.id, "b.pdf", "application/pdf", b"x")
    with pytest.raises(Conflict, match="that is ended cannot be edited"):
        campaigns.detach(document.id)


def test_everything_that_keeps_a_campaign_from_starting_is_told_at_once(app: Flask) -> None:
    account = factories.account(name="Shop")
    made = factories.campaign(sender=account, subject="", html="", text="", valid_until=LATER)
    made.valid_until = NOW
    account.is_enabled = False
    problems = list(checks.launch_problems(made, NOW))
    assert [problem.field for problem in problems] == ["smtp_account", "subject", "html", "valid_until", "folders"]
    with pytest.raises(InvalidInput) as refused:
        checks.check_launch(made, NOW)
    assert str(refused.value) == str(problems[0])


def test_a_message_that_does_not_compile_is_one_of_the_problems(app: Flask) -> None:
    made = factories.ready_campaign()
    made.html = "<p>{{ first_name</p>"
    (problem,) = checks.launch_problems(made, NOW)
    assert problem.field == "html" and "not closed" in str(problem)
    made.text = ""
    (problem,) = checks.launch_problems(made, NOW)
    assert problem.field == "html" and "not closed" in str(problem)


def test_a_campaign_that_is_ready_has_no_problem(app: Flask) -> None:
    assert list(checks.launch_problems(factories.ready_campaign(), NOW)) == []
