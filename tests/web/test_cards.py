"""The wall of cards: what it shows to whom, where it leads, and what it costs."""

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select

from app.campaigns import groups, removal_log, service
from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import Campaign
from app.channels.contract import Reason
from app.extensions import db
from app.sending import progress
from app.sending.states import RecipientState
from tests import factories
from tests.web.conftest import Browser, form_of

WALL = "/dashboard/campaigns"
STATUS = CampaignStatus


def a_campaign(name: str = "Spring sale", status: CampaignStatus = STATUS.DRAFT, people: int = 2, **values: Any) -> int:
    made = factories.ready_campaign(people, name=name)
    made.status = status
    for column, value in values.items():
        setattr(made, column, value)
    db.session.commit()
    return made.id


def count(campaign_id: int, numbers: dict[RecipientState, int], **facts: int) -> None:
    progress.ensure(campaign_id)
    progress.move(campaign_id, numbers, **facts)
    db.session.commit()


def text_of(browser: Browser, path: str = WALL) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200, answer.headers
    return answer.text


def names(page: str) -> list[str]:
    return [html.unescape(each) for each in re.findall(r"data-name>([^<]+)</a>", page)]


def card(page: str, campaign_id: int) -> str:
    found = re.search(rf'<article[^>]*id="card-{campaign_id}".*?</article>', page, re.S)
    assert found, f"no card {campaign_id}"
    return html.unescape(found[0])


def words(part: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", part).split())


@contextmanager
def counted() -> Iterator[list[str]]:
    statements: list[str] = []

    def note(*arguments: object) -> None:
        statements.append(str(arguments[2]))

    event.listen(db.engine, "before_cursor_execute", note)
    yield statements
    event.remove(db.engine, "before_cursor_execute", note)


# --- what a card shows


def test_a_card_shows_status_group_audience_progress_failures_and_rates(manager: Browser) -> None:
    pk = a_campaign(status=STATUS.SENDING, waiting_for="waiting for the daily hours")
    groups.create("Shop", "", [pk], "me")
    count(pk, {RecipientState.SENT: 8, RecipientState.FAILED: 1, RecipientState.AWAITING: 1_191}, opened=4, clicked=2)
    shown = words(card(text_of(manager), pk))
    for said in ("sending", "Shop", "1,200 people", "8 / 1,200 sent", "1 failed", "waiting for the daily hours"):
        assert said in shown, shown
    assert "4 50.0 %" in shown and "2 25.0 %" in shown


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"status": STATUS.DRAFT}, "not published yet"),
        ({"status": STATUS.PAUSED}, "stopped; those who wait keep waiting"),
        ({"status": STATUS.PAUSED, "hold_reason": Reason.CAMPAIGN_UNPUBLISHED}, "Publish it, and they go on."),
        ({"status": STATUS.EXPIRED}, "Extend it, and they go on."),
        ({"status": STATUS.FAILED, "status_detail": "535 wrong password"}, "535 wrong password"),
        ({"status": STATUS.SCHEDULED, "waiting_for": "waiting for the start time"}, "waiting for the start time"),
    ],
)
def test_a_card_says_why_nothing_leaves(analyst: Browser, values: dict[str, Any], said: str) -> None:
    pk = a_campaign(**values)
    assert said in words(card(text_of(analyst), pk))


def test_a_draft_shows_who_would_get_it_and_no_failures(manager: Browser) -> None:
    pk = a_campaign(people=3)
    shown = words(card(text_of(manager), pk))
    assert "3 people" in shown and "failed" not in shown and "nothing sent yet" in shown


def test_a_name_is_written_as_text(manager: Browser) -> None:
    pk = a_campaign(name="<b>Sale</b> & more")
    assert "&lt;b&gt;Sale&lt;/b&gt; &amp; more" in text_of(manager)
    assert names(text_of(manager)) == ["<b>Sale</b> & more"] and card(text_of(manager), pk)


# --- which cards, in which order


def test_the_newest_campaign_is_first_and_the_order_can_be_chosen(manager: Browser) -> None:
    for name in ("Beta", "Alpha", "Gamma"):
        a_campaign(name)
    assert names(text_of(manager)) == ["Gamma", "Alpha", "Beta"]
    assert names(text_of(manager, f"{WALL}?sort=name")) == ["Alpha", "Beta", "Gamma"]
    assert names(text_of(manager, f"{WALL}?sort=-name")) == ["Gamma", "Beta", "Alpha"]
    offered = re.findall(r'href="/dashboard/campaigns\?sort=([\w-]+)"', text_of(manager))
    assert {"created", "name", "-name", "id", "-id", "modified", "-modified", "contacts", "-contacts"} < set(offered)
    assert {"activity", "-activity"} < set(offered)


def test_cards_are_searched_filtered_and_counted_by_status(manager: Browser) -> None:
    first, second = a_campaign("Spring sale"), a_campaign("Spring news", STATUS.PAUSED, created_by="ann")
    a_campaign("Autumn", STATUS.PAUSED)
    groups.create("Shop", "", [first, second], "me")
    db.session.commit()
    group_id = service.get(first).group_id
    for query, found in (
        ("q=spring", {"Spring sale", "Spring news"}),
        ("q=spring&status=paused", {"Spring news"}),
        (f"group={group_id}", {"Spring sale", "Spring news"}),
        ("group=none", {"Autumn"}),
        ("creator=ann", {"Spring news"}),
        ("q=winter", set()),
    ):
        assert set(names(text_of(manager, f"{WALL}?{query}"))) == found, query
    page = words(re.search(r'<nav class="pills".*?</nav>', text_of(manager, f"{WALL}?q=spring&status=ended"), re.S)[0])  # type: ignore[index]
    assert page == "All 2 draft 1 paused 1 ended 0"
    assert "Nothing matches" in text_of(manager, f"{WALL}?q=winter")


@pytest.mark.parametrize(
    "query",
    ["status=x", "sort=html", "sort=--name", "size=7", "size=x", "page=0", "page=x", "group=x", "group=99999999999"],
)
def test_a_made_up_address_is_refused(manager: Browser, query: str) -> None:
    assert manager.get(f"{WALL}?{query}").status_code == 404


def test_the_wall_has_pages_of_a_chosen_size(manager: Browser) -> None:
    folder, account = factories.folder(), factories.account()
    for number in range(12):
        factories.campaign(folder, sender=account, name=f"Number {number:02}")
    db.session.commit()
    first, second = (names(text_of(manager, f"{WALL}?size=10{more}")) for more in ("", "&page=2"))
    assert (len(first), second) == (10, ["Number 01", "Number 00"])
    page = text_of(manager, f"{WALL}?size=10&page=2&sort=name")
    assert "2 of 2" in page and 'rel="prev"' in page and 'rel="next"' not in page
    assert manager.get(f"{WALL}?size=10&page=9").headers["Location"] == f"{WALL}?size=10&page=2"
    assert re.findall(r">(10|25|50|100)</a>", page) == ["10", "25", "50", "100"]


# --- the table of the same campaigns


def test_the_switch_keeps_search_filters_order_and_size(manager: Browser) -> None:
    pk = a_campaign("Spring sale", STATUS.PAUSED)
    a_campaign("Spring news", created_by="ann")
    groups.create("Shop", "", [pk], "me")
    db.session.commit()
    group_id = service.get(pk).group_id
    query = f"q=spring&status=paused&group={group_id}&creator={factories.BY}&sort=-modified&size=50"
    table = html.unescape(re.search(r'href="(/campaigns/list/[^"]*)"', text_of(manager, f"{WALL}?{query}"))[1])  # type: ignore[index]
    page = text_of(manager, table)
    assert "Spring sale" in page and "Spring news" not in page
    back = html.unescape(re.search(r'href="(/dashboard/campaigns\?[^"]*)"', page)[1])  # type: ignore[index]
    assert sorted(back.partition("?")[2].split("&")) == sorted(query.split("&"))


def test_what_only_one_of_them_knows_is_left_behind(manager: Browser) -> None:
    a_campaign()
    assert 'href="/campaigns/list/"' in text_of(manager, f"{WALL}?sort=-contacts")
    assert 'href="/dashboard/campaigns"' in text_of(manager, "/campaigns/list/?_flt_0_description=x&_flt_0_name=Spri")


def test_the_table_is_filtered_by_who_made_a_campaign(manager: Browser) -> None:
    a_campaign("Spring sale"), a_campaign("Autumn", created_by="ann")
    page = text_of(manager, "/campaigns/list/?_flt_0_created_by=ann")
    assert "Autumn" in page and "Spring sale" not in page


# --- what can be done


@pytest.mark.parametrize(
    ("status", "offered"),
    [
        (STATUS.DRAFT, "remove_client report run_on_folders publish edit duplicate delete_chosen end"),
        (STATUS.SCHEDULED, "remove_client report run_on_folders stop edit duplicate delete_chosen unpublish end"),
        (STATUS.SENDING, "remove_client report run_on_folders stop duplicate delete_chosen unpublish end"),
        (STATUS.PAUSED, "remove_client report run_on_folders start edit duplicate delete_chosen unpublish end"),
        (STATUS.FAILED, "remove_client report run_on_folders start edit duplicate delete_chosen end"),
        (STATUS.EXPIRED, "remove_client report run_on_folders edit duplicate delete_chosen end"),
        (STATUS.FINISHED, "remove_client report run_on_folders duplicate delete_chosen"),
        (STATUS.ENDED, "remove_client report run_on_folders duplicate delete_chosen"),
    ],
)
def test_a_card_offers_what_its_state_allows(manager: Browser, status: CampaignStatus, offered: str) -> None:
    pk = a_campaign(status=status)
    part = card(text_of(manager), pk)
    found = re.findall(rf'id="card-{pk}-(\w+)" title', part) + re.findall(r"/action/(unpublish|end)/", part)
    assert " ".join(found) == offered


def test_an_analyst_is_offered_the_report_alone(analyst: Browser) -> None:
    pk = a_campaign()
    page = text_of(analyst)
    assert re.findall(rf'id="card-{pk}-(\w+)" title', card(page, pk)) == ["report"]
    for hidden in ("New campaign", "Add internal status", "/action/", "/campaigns/run/"):
        assert hidden not in page
    assert "/action/" not in text_of(analyst, f"{WALL}/live?ids={pk}")


def test_the_icon_of_removing_has_the_number_of_those_who_were(manager: Browser) -> None:
    pk = a_campaign()
    removal_log.note(service.get(pk), factories.contact(), Reason.REMOVED_BY_USER, "me")
    db.session.commit()
    part = card(text_of(manager), pk)
    assert (
        "Remove client: Spring sale, 1 removed" in part
        and '<span class="count-dot" aria-hidden="true">1</span>' in part
    )


def test_every_icon_says_what_it_does_and_to_what(manager: Browser) -> None:
    pk = a_campaign()
    buttons = re.findall(
        rf'<(?:a|button) [^>]*id="card-{pk}-\w+" title="([^"]+)" aria-label="([^"]+)"', text_of(manager)
    )
    assert len(buttons) == 7
    assert all(label == f"{title}: Spring sale" for title, label in buttons)


@pytest.mark.parametrize(
    ("status", "action", "said"),
    [
        (STATUS.DRAFT, "publish", "Publish this? Sending begins at its time. In its audience: 3 people."),
        (STATUS.PAUSED, "start", "Let sending go on? In its audience: 1,010 people. Sent: 8."),
        (STATUS.SENDING, "stop", "Stop sending? Those who wait keep waiting. 1,000 people wait."),
        (STATUS.SENDING, "end", "End it for ever? Those who wait will never get it. 1,000 people wait."),
        (STATUS.SCHEDULED, "unpublish", "Take this back? Those who wait are marked as not sent. 1,000 people wait."),
        (STATUS.PAUSED, "delete_chosen", "Delete this with its recipients and its report? It has 1,010 recipients."),
    ],
)
@pytest.mark.parametrize("path", [WALL, "/campaigns/show/{}"])
def test_a_question_repeats_the_number_of_people(
    manager: Browser, status: CampaignStatus, action: str, said: str, path: str
) -> None:
    pk = a_campaign(status=status, people=3)
    if status is not STATUS.DRAFT:
        count(pk, {RecipientState.SENT: 8, RecipientState.FAILED: 2, RecipientState.AWAITING: 1_000})
    page = html.unescape(text_of(manager, path.format(pk)))
    found = re.search(rf'action="/campaigns/action/{action}/{pk}"[^>]*data-confirm="([^"]+)"', page)
    assert found and found[1].removeprefix("Spring sale: ") == said


def test_a_change_leads_back_to_the_card_with_its_filters(manager: Browser) -> None:
    pk = a_campaign()
    page = text_of(manager, f"{WALL}?q=spring&status=draft&size=50")
    (query,) = set(re.findall(r'name="cards" value="([^"]*)"', page))
    assert html.unescape(query) == "q=spring&status=draft&size=50"
    answer = manager.post(f"/campaigns/action/publish/{pk}", data={"cards": html.unescape(query)})
    assert answer.headers["Location"] == f"{WALL}?q=spring&status=draft&size=50#card-{pk}-name"
    assert service.get(pk).status is STATUS.SCHEDULED
    assert "was published" in text_of(manager)
    answer = manager.post(f"/campaigns/action/delete_chosen/{pk}", data={"cards": "q=spring"})
    assert answer.headers["Location"] == f"{WALL}?q=spring"


@pytest.mark.parametrize("given", ["//evil.example/", "https://evil.example", "status=x", "page=0", "next=//e.example"])
def test_the_way_back_is_never_out_of_the_wall(manager: Browser, given: str) -> None:
    answer = manager.post(f"/campaigns/action/stop/{a_campaign()}", data={"cards": given})
    assert re.fullmatch(r"/dashboard/campaigns#card-\d+-name", answer.headers["Location"])


def test_the_edit_form_and_a_new_campaign_lead_back_to_the_wall(manager: Browser) -> None:
    pk = a_campaign()
    address = re.search(rf'href="(/campaigns/edit/{pk}[^"]*)"', text_of(manager, f"{WALL}?q=spring"))[1]  # type: ignore[index]
    answer = manager.post(address, data=form_of(manager, address))
    assert answer.headers["Location"] == f"{WALL}?q=spring"
    values = form_of(manager, "/campaigns/add?cards=") | {"name": "New"}
    assert manager.post("/campaigns/add?cards=", data=values).headers["Location"] == WALL
    assert "saved as a draft" in text_of(manager)
    manager.post(f"/campaigns/edit/{pk}", data=form_of(manager, f"/campaigns/edit/{pk}"))
    assert manager.post(f"/campaigns/action/duplicate/{pk}").headers["Location"] == f"/campaigns/show/{pk}"


def test_without_an_account_a_new_campaign_is_refused_on_the_wall(admin: Browser) -> None:
    page = admin.get("/campaigns/add?cards=", follow_redirects=True)
    assert page.request.path == WALL
    assert "needs an SMTP account" in page.text and 'href="/smtp-accounts/add"' in page.text


def test_running_on_folders_says_how_many_people_they_hold(manager: Browser, analyst: Browser) -> None:
    pk = a_campaign(people=2)
    more = factories.folder("More")
    factories.contacts(3, more)
    db.session.commit()
    folders = [each.id for each in service.get(pk).folders]
    address = f"/campaigns/run/{pk}/people"
    assert f'hx-get="{address}"' in text_of(manager, f"/campaigns/run/{pk}")
    assert text_of(manager, f"{address}?folders={more.id}") == "In these folders: 3 people."
    assert text_of(manager, f"{address}?folders={more.id}&folders={folders[0]}") == "In these folders: 5 people."
    assert text_of(manager, f"{address}?folders=x") == ""
    assert analyst.get(address).status_code == 403


# --- what stays fresh


def test_the_fresh_part_keeps_the_cards_of_the_page_in_their_places(manager: Browser) -> None:
    first, second = a_campaign("Alpha"), a_campaign("Beta")
    address = html.unescape(re.search(r'id="live" hx-get="([^"]+)"', text_of(manager, f"{WALL}?status=draft"))[1])  # type: ignore[index]
    db.session.get_one(Campaign, second).status = STATUS.SENDING
    a_campaign("Newer")
    part = text_of(manager, address)
    assert names(part) == ["Beta", "Alpha"]  # one that matches no more stays where people see it
    assert "<html" not in part and "sending" in words(card(part, second))
    assert html.unescape(re.search(r'id="live" hx-get="([^"]+)"', part)[1]) == address  # type: ignore[index]
    manager.post(f"/campaigns/action/delete_chosen/{first}")
    assert names(text_of(manager, address)) == ["Beta"]


def test_the_fresh_part_knows_the_page_that_it_is_on(manager: Browser) -> None:
    folder, account = factories.folder(), factories.account()
    for _ in range(11):
        factories.campaign(folder, sender=account)
    db.session.commit()
    address = html.unescape(re.search(r'id="live" hx-get="([^"]+)"', text_of(manager, f"{WALL}?size=10&page=2"))[1])  # type: ignore[index]
    assert "?cards=size%3D10%26page%3D2" in text_of(manager, address)


def test_made_up_ids_show_nothing(manager: Browser) -> None:
    a_campaign()
    for ids in ("", "x", "-1", "9" * 30, ",,", "1;2"):
        assert names(text_of(manager, f"{WALL}/live?ids={ids}")) == []


@pytest.mark.parametrize("number", [2, 20])
def test_the_page_and_its_fresh_part_ask_the_same_for_few_and_for_many(manager: Browser, number: int) -> None:
    folder, account = factories.folder(), factories.account()
    for _ in range(number):
        count(factories.campaign(folder, sender=account).id, {RecipientState.SENT: 1})
    found = db.session.scalars(select(Campaign.id)).all()
    manager.get(WALL)
    with counted() as statements:
        manager.get(WALL)
    assert len(statements) <= 12, statements
    with counted() as statements:
        manager.get(f"{WALL}/live?ids={','.join(map(str, found))}")
    assert len(statements) <= 9, statements
    assert not any("campaign_recipient" in each for each in statements)


# --- the first run


def test_an_empty_panel_says_what_to_do_first_and_what_is_done(admin: Browser) -> None:
    page = text_of(admin)
    for link in ("/smtp-accounts/add", "/imports/add", "/campaigns/steps/new"):
        assert f'href="{link}"' in page
    assert names(page) == [] and "data-page-search" not in page
    factories.account()
    db.session.commit()
    page = text_of(admin)
    assert 'href="/smtp-accounts/add"' not in page and 'href="/imports/add"' in page
    factories.contact()
    db.session.commit()
    assert 'href="/imports/add"' not in text_of(admin)
    a_campaign()
    assert "Your first campaign" not in text_of(admin)
    assert "Your first campaign" not in text_of(admin, f"{WALL}?q=nothing")


def test_a_gateway_is_a_sender_to_begin_with(admin: Browser) -> None:
    factories.gateway()
    db.session.commit()
    page = text_of(admin)
    assert "Add a gateway" in page and "Add an SMTP account" not in page and 'href="/smtp-accounts/add"' not in page


def test_the_first_steps_of_another_role_are_left_to_it(manager: Browser, analyst: Browser) -> None:
    assert 'href="/smtp-accounts/add"' not in text_of(manager) and 'href="/imports/add"' in text_of(manager)
    assert re.findall(r'href="/(?:imports|campaigns|smtp-accounts)/add', text_of(analyst)) == []


# --- the menu


@pytest.mark.parametrize("path", [WALL, "/campaigns/list/", "/campaigns/show/{}"])
def test_the_menu_marks_the_campaigns_on_all_their_pages(panel: Flask, manager: Browser, path: str) -> None:
    page = text_of(manager, path.format(a_campaign()))
    marked = re.findall(r'class="rail-link" href="([^"]+)" aria-current="page"', page)
    assert marked == [WALL]
