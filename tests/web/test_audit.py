"""The audit log in the panel: for administrators, filtered, page by page, as a file; and who acts in a request."""

import csv
import io
import re

import pytest
from sqlalchemy import select

from app.campaigns import service as campaigns
from app.extensions import db
from app.kernel import audit
from app.kernel.audit import AuditEvent, What
from app.kernel.db import transaction
from app.web.views import audit as view
from tests import factories
from tests.web.conftest import Browser, form_of

PAGE = "/operations/audit/"


@pytest.fixture()
def campaign_id(panel: object) -> int:
    """A campaign that Ann has published and stopped."""
    with transaction():
        made = factories.ready_campaign(name="Spring sale").id
        campaigns.publish(made, "ann")
        campaigns.stop(made, "ann")
    return made


def events(what: What) -> list[AuditEvent]:
    db.session.rollback()
    return list(db.session.scalars(select(AuditEvent).where(AuditEvent.what == what)))


def titles(browser: Browser, query: str = "") -> list[str]:
    page = browser.get(f"{PAGE}?{query}")
    assert page.status_code == 200
    return re.findall(r'data-label="What">([^<]+)<', page.text)


def test_only_administrators_read_the_log(manager: Browser, analyst: Browser) -> None:
    for browser in (manager, analyst):
        for path in (PAGE, f"{PAGE}events.csv"):
            assert browser.get(path).status_code in (302, 403)
        assert "Audit log" not in browser.get("/history/").text
    assert events(What.AUDIT_EXPORT) == []


def test_the_log_shows_the_newest_first_with_who_what_and_about_what(admin: Browser, campaign_id: int) -> None:
    with transaction():
        audit.note(What.CAMPAIGN_FAIL, campaign_id, "Spring sale", reason="The SMTP account News is switched off.")
    assert titles(admin, "campaign=pring") == [
        "Campaign failed",
        "Sending stopped",
        "Campaign published",
        "Campaign created",
    ]
    page = admin.get(PAGE).text
    assert "The SMTP account News is switched off." in page
    assert f'href="/history/campaign/{campaign_id}">Spring sale<' in page


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("by=ann", ["Sending stopped", "Campaign published"]),
        ("by=nobody", []),
        ("what=campaign.stop", ["Sending stopped"]),
        ("campaign=nothing", []),
        ("by=ann&to=2020-01-01", []),
        ("by=ann&from=2020-01-01", ["Sending stopped", "Campaign published"]),
        ("what=person.sign-in", ["Signed in"]),
    ],
)
def test_the_log_is_filtered(admin: Browser, campaign_id: int, query: str, expected: list[str]) -> None:
    assert titles(admin, query) == expected


@pytest.mark.parametrize("query", ["what=nothing", "from=yesterday", "to=9999-12-31", "before=x", "before=0"])
def test_a_made_up_address_is_refused(admin: Browser, query: str) -> None:
    assert admin.get(f"{PAGE}?{query}").status_code == 404


def test_older_events_are_a_page_away(admin: Browser, campaign_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view, "PAGE_SIZE", 2)
    first = admin.get(f"{PAGE}?campaign=pring").text
    assert titles(admin, "campaign=pring") == ["Sending stopped", "Campaign published"]
    (older,) = re.findall(r'id="next-page" rel="next" href="([^"]+)"', first)
    query = older.partition("?")[2].replace("&amp;", "&")
    assert titles(admin, query) == ["Campaign created"]
    assert 'id="next-page"' not in admin.get(f"{PAGE}?{query}").text


def test_the_file_has_what_the_filter_shows_and_is_noted(
    admin: Browser, campaign_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view, "PORTION", 1)
    with transaction():
        audit.note(What.CAMPAIGN_STOP, campaign_id, "=1+1", "ann")
    answer = admin.get(f"{PAGE}events.csv?by=ann")
    assert answer.mimetype == "text/csv" and answer.text.startswith("\ufeff")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [row["what"] for row in rows] == ["Sending stopped", "Sending stopped", "Campaign published"]
    assert rows[0]["name"] == "'=1+1" and rows[0]["subject_number"] == str(campaign_id)
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", rows[0]["time"])
    (event,) = events(What.AUDIT_EXPORT)
    assert (event.done_by, event.detail) == ("admin", {"is_filtered": True})


def test_a_signing_in_is_noted_with_the_name_at_the_page_and_at_the_api(panel: object, admin: Browser) -> None:
    assert [event.done_by for event in events(What.PERSON_SIGN_IN)] == ["admin"]
    body = {"username": "admin", "password": "a long password for tests", "provider": "db"}
    assert admin.post("/api/v1/security/login", json=body).status_code == 200
    assert [event.done_by for event in events(What.PERSON_SIGN_IN)] == ["admin", "admin"]


def test_who_is_signed_in_does_what_a_service_knows_no_name_for(manager: Browser, admin: Browser) -> None:
    with transaction():
        contact_id = factories.contact().id
    assert manager.post(f"/contacts/delete/{contact_id}").status_code == 302
    (event,) = events(What.CONTACT_DELETE)
    assert (event.subject_id, event.done_by) == (contact_id, "campaign-manager")
    written = {"name": "News", "host": "mail.example.org", "security": "none", "from_email": "news@shop.example"}
    fields = form_of(admin, "/smtp-accounts/add") | written | {"auth": "auto", "is_enabled": "y"}
    admin.post("/smtp-accounts/add", data=fields)
    (event,) = events(What.ACCOUNT_CREATE)
    assert (event.name, event.done_by) == ("News", "admin")
    assert admin.post(f"/smtp-accounts/delete/{event.subject_id}").status_code == 302
    assert [event.done_by for event in events(What.ACCOUNT_DELETE)] == ["admin"]


def test_an_export_of_a_report_is_noted_and_its_reading_is_not(analyst: Browser, campaign_id: int) -> None:
    analyst.get(f"/reports/campaign/{campaign_id}")
    assert events(What.CAMPAIGN_EXPORT) == []
    assert analyst.get(f"/reports/campaign/{campaign_id}/recipients.csv?state=Sent").status_code == 200
    (event,) = events(What.CAMPAIGN_EXPORT)
    assert (event.subject_id, event.done_by, event.detail) == (campaign_id, "analyst", {"is_filtered": True})
