"""The history of the campaigns and what happened to each, in the panel."""

import re

import pytest
from sqlalchemy import select

from app.campaigns import service as campaigns
from app.extensions import db
from app.kernel import audit
from app.kernel.audit import AuditEvent, What
from app.kernel.db import transaction
from app.sending import service as sending
from app.web import events, words
from app.web.events import line
from app.web.views import history
from tests import factories
from tests.sending import ledger
from tests.web.conftest import Browser


@pytest.fixture()
def spring(panel: object) -> int:
    with transaction():
        return factories.ready_campaign(name="Spring sale").id


@pytest.fixture()
def gone(panel: object) -> int:
    with transaction():
        made = factories.ready_campaign(name="Winter sale").id
    with transaction():
        sending.delete_campaign(made)
    return made


def names(browser: Browser, query: str = "") -> list[str]:
    page = browser.get(f"/history/?{query}")
    assert page.status_code == 200
    return re.findall(r'data-label="Name"><div><a href="[^"]+">([^<]+)<', page.text)


def test_every_campaign_is_shown_and_leads_to_what_is_left_of_it(analyst: Browser, spring: int, gone: int) -> None:
    page = analyst.get("/history/").text
    assert f'href="/campaigns/show/{spring}">Spring sale<' in page
    assert f'href="/history/campaign/{gone}">Winter sale<' in page
    about = analyst.get(f"/history/campaign/{gone}").text
    assert "This campaign was deleted" in about and "Campaign created" in about and "Campaign deleted" in about
    assert f"/campaigns/show/{gone}" not in about


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["Winter sale", "Spring sale"]),
        ("sort=oldest", ["Spring sale", "Winter sale"]),
        ("sort=created", ["Spring sale", "Winter sale"]),
        ("sort=name", ["Spring sale", "Winter sale"]),
        ("sort=-name", ["Winter sale", "Spring sale"]),
        ("sort=-activity", ["Winter sale", "Spring sale"]),
        ("sort=-contacts&status=deleted", ["Winter sale"]),
        ("q=spr", ["Spring sale"]),
        ("status=deleted", ["Winter sale"]),
        ("status=draft", ["Spring sale"]),
        ("status=sending", []),
        ("by=tester", ["Winter sale", "Spring sale"]),
        ("by=nobody", []),
    ],
)
def test_the_history_is_searched_sorted_and_filtered(
    manager: Browser, spring: int, gone: int, query: str, expected: list[str]
) -> None:
    assert names(manager, query) == expected


def test_further_campaigns_are_a_page_away_with_the_same_filter(
    manager: Browser, spring: int, gone: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "PAGE_SIZE", 1)
    page = manager.get("/history/?q=sale").text
    (further,) = re.findall(r'id="next-page" rel="next" href="([^"]+)"', page)
    assert "q=sale" in further
    assert names(manager, further.partition("?")[2].replace("&amp;", "&")) == ["Spring sale"]


@pytest.mark.parametrize(
    "path",
    [
        "/history/?status=nothing",
        "/history/?sort=colour",
        "/history/?after=x",
        "/history/campaign/987654",
        "/history/campaign/99999999999999",
    ],
)
def test_what_no_link_says_is_refused(manager: Browser, path: str) -> None:
    assert manager.get(path).status_code == 404


def test_the_page_of_a_campaign_tells_what_happened_and_leads_to_all_of_it(
    manager: Browser, spring: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = manager.get(f"/campaigns/show/{spring}").text
    assert "Campaign created" in page and "tester" in page and "Show all" not in page
    monkeypatch.setattr(history, "SHOWN_AT_ONCE", 2)
    with transaction():
        campaigns.publish(spring, "ann")
        campaigns.stop(spring, "ann")
    page = manager.get(f"/campaigns/show/{spring}").text
    assert page.index("Sending stopped") < page.index("Campaign published")
    assert "Campaign created" not in page and f'href="/history/campaign/{spring}">Show all' in page
    assert "Campaign created" in manager.get(f"/history/campaign/{spring}").text


def test_the_page_of_a_campaign_shows_its_numbers_once_there_are_some(manager: Browser, spring: int) -> None:
    assert 'id="numbers"' not in manager.get(f"/campaigns/show/{spring}").text
    campaign_id = ledger.sending_campaign(4)
    part = manager.get(f"/campaigns/show/{campaign_id}").text.partition('id="numbers"')[2].partition("</dl>")[0]
    assert re.findall(r'datagrid-content m-0">([^<]+)<', part) == ["4", "4 · 100.0 %"]


@pytest.mark.parametrize(
    ("what", "detail", "expected"),
    [
        (What.CAMPAIGN_CHANGE, {"fields": ["html", "start_at"], "revision": 3}, "Message (HTML), Start at · version 3"),
        (What.CAMPAIGN_CHANGE, {"fields": ["brand_new"]}, "brand new"),
        (What.CAMPAIGN_RUN, {"folders": [1]}, "1 folder"),
        (What.CAMPAIGN_MISSIONS, {"missions": [1, 2]}, "2 missions"),
        (What.CAMPAIGN_REMOVE_CLIENT, {"contact_id": 12345}, "Contact number 12,345"),
        (What.CAMPAIGN_DUPLICATE, {"copy_id": 7}, "The copy has the number 7."),
        (What.CAMPAIGN_CREATE, {"copy_of": 7}, "A copy of campaign number 7."),
        (What.CAMPAIGN_CREATE, {}, ""),
        (What.CAMPAIGN_FAIL, {"reason": "Write a subject."}, "Write a subject."),
        (What.CAMPAIGN_EXPORT, {"is_filtered": True}, "What a filter showed"),
        (What.AUDIT_EXPORT, {"is_filtered": False}, "Everything"),
        (What.GROUP_CHANGE, {"into": [1, 2], "out": [3]}, "2 campaigns put in · 1 campaign taken out"),
        (What.PERSON_SIGN_IN, {}, ""),
    ],
)
def test_an_event_is_told_in_words(what: What, detail: dict[str, object], expected: str, panel: object) -> None:
    assert events.more(AuditEvent(what=what, detail=detail)) == expected


@pytest.mark.parametrize("what", What)
def test_no_event_breaks_a_page_when_its_detail_is_empty(what: What, admin: Browser) -> None:
    with transaction():
        audit.note(what, 5, "Name")
    assert words.of(what) in admin.get("/operations/audit/").text


def test_events_lead_to_what_they_are_about_for_whoever_may_see_it(panel: object, admin: Browser) -> None:
    with transaction():
        group = factories.campaign().id
        for what in (What.GROUP_CHANGE, What.GROUP_DELETE, What.MISSION_CLOSE, What.IMPORT_START):
            audit.note(what, group)
    page = admin.get("/operations/audit/").text
    assert f'href="/campaign-groups/show/{group}"' in page and f'href="/missions/show/{group}"' in page
    db.session.rollback()
    event = db.session.scalars(select(AuditEvent).where(AuditEvent.what == What.GROUP_DELETE)).one()
    assert line(event).address == ""
