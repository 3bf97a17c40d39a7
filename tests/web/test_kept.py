"""Kept filters on the pages: saved, applied, renamed, deleted, opened with, and said to be out of date."""

import html
import re
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from flask import Flask

from app.campaigns import groups, statuses
from app.extensions import db
from tests import factories
from tests.web.conftest import Browser

WALL = "/dashboard/campaigns"
# page, what it asks, and what of that is kept
PAGES = [
    (WALL, "status=draft&sort=-name&page=1", "sort=-name&status=draft"),
    ("/calendar/", "q=sale", "q=sale"),
    ("/campaigns/list/", "_flt_0_status=draft&page_CampaignView=0", "_flt_0_status=draft"),
    (
        "/contacts/list/",
        "_oc_ContactView=last_name&_od_ContactView=asc",
        "_oc_ContactView=last_name&_od_ContactView=asc",
    ),
    ("/missions/list/", "_flt_0_status=open", "_flt_0_status=open"),
    ("/removals/list/", "_flt_0_restored_at=out&psize_RemovalView=50", "_flt_0_restored_at=out&psize_RemovalView=50"),
    ("/history/", "status=draft&after=0", "status=draft"),
    ("/operations/audit/", "by=admin&before=99", "by=admin"),
    ("/users/list/", "_flt_0_username=a", "_flt_0_username=a"),
]


def saving_address(browser: Browser, page: str) -> str:
    """Where the page says that its filter is saved; "" when it offers nothing to save."""
    shown = browser.get(page)
    assert shown.status_code == 200, (page, shown.headers)
    found = re.search(r'href="(/filters/add\?[^"]+)"', shown.text)
    return html.unescape(found[1]) if found else ""


def save(browser: Browser, page: str, name: str = "Mine", **form: str) -> None:
    answer = browser.post(saving_address(browser, page), data={"name": name, "back": page, **form})
    assert answer.status_code == 302 and answer.headers["Location"] == page, answer.text


def links(browser: Browser, page: str) -> dict[str, str]:
    """The kept filters that a page offers: name -> address."""
    shown = browser.get(page, headers={"Referer": f"http://localhost{page}"}).text
    part = shown[shown.index("kept-filters") :]
    found = re.findall(
        r'<a class="dropdown-item" href="([^"]+)"[^>]*>(?:(?!</a>).)*?<span>([^<]+?)(?: <span|</span>)', part, re.S
    )
    return {html.unescape(name): html.unescape(address) for address, name in found}


@pytest.mark.parametrize(("path", "query", "kept"), PAGES)
def test_every_page_with_filters_keeps_its_question_and_not_its_place(
    admin: Browser, path: str, query: str, kept: str
) -> None:
    factories.ready_campaign()
    groups.create("Shop", "", [], "me")
    db.session.commit()
    address = saving_address(admin, f"{path}?{query}")
    assert parse_qs(urlsplit(address).query)["query"] == [kept]
    save(admin, f"{path}?{query}")
    assert links(admin, path) == {"Mine": f"{path}?{kept}"}


def test_the_report_of_every_campaign_knows_the_same_filters(manager: Browser) -> None:
    first, second = (factories.ready_campaign().id for _ in range(2))
    db.session.commit()
    save(manager, f"/reports/campaign/{first}?state=Failed")
    assert links(manager, f"/reports/campaign/{second}") == {"Mine": f"/reports/campaign/{second}?state=Failed"}


def test_a_bare_page_and_a_kept_filter_offer_nothing_to_save(manager: Browser) -> None:
    page = "/contacts/list/?_flt_0_country=PL"
    assert saving_address(manager, "/contacts/list/") == ""
    save(manager, page)
    assert saving_address(manager, page) == ""


def test_a_filter_is_everybodys_own(manager: Browser, analyst: Browser) -> None:
    factories.ready_campaign()
    db.session.commit()
    save(manager, f"{WALL}?status=draft")
    assert links(manager, WALL) and not links(analyst, WALL)
    assert analyst.post("/filters/delete/1").status_code == 404
    assert analyst.get("/filters/edit/1").status_code == 404


def test_a_page_opens_with_the_filter_that_was_chosen_for_it(manager: Browser) -> None:
    save(manager, "/contacts/list/?_flt_0_country=PL", is_default="y")
    answer = manager.get("/contacts/list/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/contacts/list/?_flt_0_country=PL")
    assert manager.get("/folders/list/").status_code == 200


def test_clearing_the_filters_on_the_page_shows_everything(manager: Browser) -> None:
    page = "/contacts/list/?_flt_0_country=PL"
    save(manager, page, is_default="y")
    assert manager.get("/contacts/list/", headers={"Referer": f"http://localhost{page}"}).status_code == 200


def test_a_form_that_was_sent_and_a_part_of_a_page_are_never_led_elsewhere(manager: Browser) -> None:
    save(manager, "/contacts/list/?_flt_0_country=PL", is_default="y")
    assert manager.get("/contacts/list/", headers={"X-Requested-With": "fetch"}).status_code == 200


def test_a_filter_is_renamed_and_deleted(manager: Browser) -> None:
    save(manager, "/contacts/list/?_flt_0_country=PL")
    page = manager.get("/contacts/list/").text
    (pk,) = re.findall(r'href="/filters/edit/(\d+)"', page)
    assert 'value="Mine"' in manager.get(f"/filters/edit/{pk}").text
    answer = manager.post(f"/filters/edit/{pk}", data={"name": "Poland", "back": "/contacts/list/"})
    assert answer.headers["Location"] == "/contacts/list/" and list(links(manager, "/contacts/list/")) == ["Poland"]
    manager.post(f"/filters/delete/{pk}")
    assert links(manager, "/contacts/list/") == {}


def test_a_taken_name_is_said_in_the_form(manager: Browser) -> None:
    save(manager, "/contacts/list/?_flt_0_country=PL")
    address = saving_address(manager, "/contacts/list/?_flt_0_country=DE")
    answer = manager.post(address, data={"name": "mine"})
    assert answer.status_code == 200 and "Choose a different name" in answer.text


@pytest.mark.parametrize("back", ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example", ""])
def test_a_form_leads_back_to_this_server_only(manager: Browser, back: str) -> None:
    address = saving_address(manager, "/contacts/list/?_flt_0_country=PL")
    assert manager.post(address, data={"name": "Mine", "back": back}).headers["Location"] == "/"


def test_a_page_without_filters_keeps_none(manager: Browser) -> None:
    for page in ("DashboardView.index", "nowhere", "ContactView.show"):
        assert manager.get(f"/filters/add?{urlencode({'page': page, 'query': 'q=1'})}").status_code == 404


def test_what_no_page_asks_is_not_kept(manager: Browser) -> None:
    address = f"/filters/add?{urlencode({'page': 'CardsView.cards', 'query': 'evil=1'})}"
    assert "Nothing is filtered" in manager.post(address, data={"name": "Mine"}).text


def test_a_filter_of_a_deleted_group_says_so(panel: Flask, manager: Browser) -> None:
    factories.ready_campaign()
    group = groups.create("Shop", "", [], "me")
    db.session.commit()
    pages = (f"{WALL}?group={group.id}", f"/campaigns/list/?_flt_0_group_id={group.id}")
    for page in pages:
        save(manager, page)
        assert "was deleted" not in manager.get(page).text
    groups.delete(group.id)
    db.session.commit()
    for page in pages:
        assert "This filter asks for something that was deleted: Group." in manager.get(page).text


def test_a_filter_of_a_deleted_internal_status_says_so(manager: Browser) -> None:
    campaign, label = factories.ready_campaign(), statuses.create("Client", "#2f54d9", "me")
    db.session.commit()
    page = f"/reports/campaign/{campaign.id}?label={label.id}"
    save(manager, page)
    statuses.delete(label.id)
    db.session.commit()
    assert "was deleted: Internal status." in manager.get(page).text


def test_a_filter_that_the_page_cannot_read_any_more_is_shown_without_a_link(manager: Browser) -> None:
    save(manager, "/contacts/list/?_flt_0_country=PL")
    kept = db.session.scalars(db.select(db.metadata.tables["saved_filter"].c.id)).one()
    table = db.metadata.tables["saved_filter"]
    db.session.execute(table.update().where(table.c.id == kept).values(query="_flt_0_gone=1", is_default=True))
    db.session.commit()
    shown = manager.get("/contacts/list/")
    assert shown.status_code == 200 and "fits this page no more" in shown.text
