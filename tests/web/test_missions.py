"""Missions in the panel: lists and filters, the client's search, adding a campaign, closing."""

import html
import re
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select

from app.audience import service as audience
from app.campaigns import service as campaigns
from app.extensions import db
from app.kernel import clock
from app.kernel.db import transaction
from app.missions import service as missions
from app.missions.models import Mission
from app.missions.states import MissionPriority, MissionStatus
from app.web import security
from jobs import sending as jobs
from tests import factories
from tests.factories import BY
from tests.sending import ledger
from tests.web.conftest import Browser, SignIn, add_person, form_of

S = MissionStatus


def a_mission(**values: Any) -> int:
    with transaction():
        return factories.mission(**values).id


def stored(mission_id: int) -> Mission:
    db.session.rollback()
    return db.session.get_one(Mission, mission_id, populate_existing=True)


def titles(page: str) -> list[str]:
    """The missions of a list, in its order."""
    return re.findall(r'<td class="is-main"[^>]*><a [^>]*>([^<]+)</a>', page)


def flashed(browser: Browser, path: str = "/missions/list/") -> str:
    return html.unescape(browser.get(path).text)


def user_id(name: str) -> int:
    found = db.session.scalar(select(User.id).where(User.username == name))
    db.session.rollback()
    assert found is not None
    return found


# --- writing


def test_a_mission_is_written_with_a_client_and_an_assignee(manager: Browser, panel: Flask) -> None:
    with transaction():
        client = factories.contact(first_name="Ada", last_name="Lovelace").id
    me = user_id("campaign-manager")
    form = form_of(manager, f"/missions/add?client={client}")
    assert form["contact_id"] == [str(client)]  # filled in by the address
    data = form | {"title": "Call her", "assignee_id": me, "due_on": "2026-12-24", "priority": "high", "note": "Soon"}
    assert manager.post("/missions/add", data=data).status_code == 302
    (mission_id,) = db.session.scalars(select(Mission.id)).all()
    made = stored(mission_id)
    assert (made.contact_id, made.assignee_id, made.assignee_name) == (client, me, "Test Campaign Manager")
    assert (made.due_on, made.priority, made.created_by) == (
        date(2026, 12, 24),
        MissionPriority.HIGH,
        "campaign-manager",
    )
    page = manager.get(f"/missions/show/{mission_id}").text
    for words in ("Call her", "Ada Lovelace", "Test Campaign Manager", "24 Dec 2026", "high", "Soon"):
        assert words in page, words


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"title": ""}, "needs a title"),
        ({"contact_id": ""}, "Choose the client"),
        ({"contact_id": "12345"}, "no such contact"),
        ({"assignee_id": "12345"}, "no such user"),
        ({"due_on": "soon"}, "date"),
        ({"status": "asleep"}, "valid choice"),
    ],
)
def test_a_refusal_is_said_at_its_field_and_what_was_written_is_kept(
    manager: Browser, values: dict[str, str], words: str
) -> None:
    with transaction():
        client = factories.contact(first_name="Ada", last_name="Lovelace").id
    data = {"title": "Call her", "contact_id": client, "status": "open", "priority": "normal", "note": "Soon"}
    answer = manager.post("/missions/add", data=data | values)
    assert answer.status_code == 200
    assert re.search(rf'<div class="invalid-feedback">[^<]*{words}', answer.text, re.I)
    assert re.search(r">\s*Soon</textarea>", answer.text)
    assert db.session.scalars(select(Mission.id)).all() == []


def test_the_form_does_not_load_the_contacts(manager: Browser) -> None:
    with transaction():
        factories.contacts(3)
    page = manager.get("/missions/add").text
    assert "Person " not in page and 'data-source="/clients/search"' in page


def test_somebody_who_may_not_sign_in_any_more_keeps_the_mission_and_gets_no_new_one(
    manager: Browser, panel: Flask
) -> None:
    add_person(panel, "Analyst")
    gone = user_id("analyst")
    mission_id = a_mission(assignee_id=gone, assignee_name="Test Analyst")
    with transaction():
        db.session.get_one(User, gone).active = False
    assert "Test Analyst" not in manager.get("/missions/add").text
    form = form_of(manager, f"/missions/edit/{mission_id}")
    assert form["assignee_id"] == [str(gone)]
    assert manager.post(f"/missions/edit/{mission_id}", data=form | {"note": "more"}).status_code == 302
    assert stored(mission_id).assignee_name == "Test Analyst"


# --- lists


def test_missions_are_filtered_by_status_assignee_due_and_priority(manager: Browser) -> None:
    me, today = user_id("campaign-manager"), clock.utcnow().date()
    a_mission(title="late", due_on=today - timedelta(days=1), assignee_id=me, assignee_name="Me")
    a_mission(title="today", due_on=today, priority="urgent", status=S.WAITING)
    a_mission(title="next", due_on=today + timedelta(days=6), assignee_id=me + 99, assignee_name="Other")
    a_mission(title="far", due_on=today + timedelta(days=60))
    a_mission(title="free")
    a_mission(title="closed", due_on=today - timedelta(days=9), status=S.DONE)
    expected = {
        "": ["late", "today", "next", "far", "free", "closed"],
        "_flt_0_status=not-closed": ["late", "today", "next", "far", "free"],
        "_flt_0_status=done": ["closed"],
        "_flt_0_assignee_id=me": ["late"],
        "_flt_0_assignee_id=nobody": ["today", "far", "free", "closed"],
        f"_flt_0_assignee_id={me + 99}": ["next"],
        "_flt_0_due_on=overdue": ["late"],
        "_flt_0_due_on=today": ["today"],
        "_flt_0_due_on=week": ["today", "next"],
        "_flt_0_due_on=none": ["free"],
        "_flt_0_priority=urgent": ["today"],
        "_flt_0_title=fa": ["far"],
        "_flt_0_status=not-closed&_flt_0_assignee_id=me": ["late"],
    }
    for query, found in expected.items():
        if "title" in query:
            query = query.replace("_flt_0", f"_flt_{_contains(manager)}")
        assert titles(manager.get(f"/missions/list/?{query}").text) == found, query
    for query in ("_flt_0_status=asleep", "_flt_0_assignee_id=x", "_flt_0_due_on=never", "_flt_0_priority=most"):
        assert "Nothing matches" in manager.get(f"/missions/list/?{query}").text


def _contains(browser: Browser) -> int:
    found = re.search(r'name="_flt_(\d)_title"', browser.get("/missions/list/").text)
    assert found
    return int(found[1])


def test_only_what_is_open_and_late_is_marked_overdue(manager: Browser) -> None:
    past = clock.utcnow().date() - timedelta(days=2)
    a_mission(title="late", due_on=past)
    a_mission(title="closed", due_on=past, status=S.CANCELLED)
    assert manager.get("/missions/list/").text.count('class="is-overdue"') == 1


def test_today_is_the_day_of_the_person(manager: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    midnight = clock.utcnow().replace(year=2026, month=11, day=24, hour=23, minute=30)
    monkeypatch.setattr(clock, "utcnow", lambda: midnight)
    a_mission(title="due on the 24th", due_on=date(2026, 11, 24))
    assert 'class="is-overdue"' not in manager.get("/missions/list/").text
    manager.set_cookie("zone", "Europe/Warsaw")  # where the 25th has begun
    assert 'class="is-overdue"' in manager.get("/missions/list/").text


def test_priorities_are_ordered_by_what_they_mean(manager: Browser) -> None:
    for priority in ("normal", "urgent", "low", "high"):
        a_mission(title=priority, priority=priority)
    order = "_oc_MissionView=priority&_od_MissionView="
    assert titles(manager.get(f"/missions/list/?{order}asc").text) == ["low", "normal", "high", "urgent"]
    assert titles(manager.get(f"/missions/list/?{order}desc").text) == ["urgent", "high", "normal", "low"]


def test_the_usual_questions_say_how_many(manager: Browser) -> None:
    a_mission(due_on=date(2020, 1, 1), assignee_id=user_id("campaign-manager"), assignee_name="Me")
    a_mission()
    a_mission(status=S.DONE)
    page = manager.get("/missions/list/").text
    counts = re.findall(r'class="pill"[^>]*>([^<]+?)\s*(?:<span class="pill-count">(\d+)</span>)?</a>', page)
    assert counts == [("All", ""), ("Not closed", "2"), ("Mine", "1"), ("Overdue", "1")]


def test_a_list_of_missions_asks_for_its_clients_at_once(manager: Browser) -> None:
    from sqlalchemy import event

    def statements() -> int:
        seen: list[str] = []
        listener = lambda *args: seen.append(args[2])  # noqa: E731
        event.listen(db.engine, "before_cursor_execute", listener)
        manager.get("/missions/list/")
        event.remove(db.engine, "before_cursor_execute", listener)
        return len(seen)

    a_mission()
    first = statements()
    for _ in range(5):
        a_mission()
    assert statements() == first


# --- the search for a client


def test_clients_are_searched_by_the_beginnings_of_their_names(manager: Browser) -> None:
    with transaction():
        ada = factories.contact(first_name="Ada", last_name="Lovelace", company="Engines Ltd").id
        factories.contact(first_name="Adam", last_name="Smith")
        factories.contact(first_name="100%", last_name="Wool")

    def search(words: str) -> list[str]:
        answer = manager.get("/clients/search", query_string={"q": words})
        return [each["text"] for each in answer.json["result"]]

    assert search("ada") == ["Ada Lovelace · Engines Ltd", "Adam Smith"]
    assert search("ada love") == search("engines") == search("Love ad") == ["Ada Lovelace · Engines Ltd"]
    assert search("100%") == ["100% Wool"]
    assert search("%") == search("_") == search("") == search("ovelace") == []
    assert manager.get("/clients/search?q=love").json["result"][0]["id"] == ada


def test_who_may_not_read_contacts_searches_none(analyst: Browser) -> None:
    assert analyst.get("/clients/search?q=ada").status_code in (302, 403)


# --- adding a campaign


def test_the_clients_of_chosen_missions_join_a_campaign(manager: Browser) -> None:
    campaign_id = ledger.sending_campaign(1)
    with transaction():
        there = factories.contact()
        campaigns.get(campaign_id)
        audience.add_to_folder(campaigns.get(campaign_id).folders[0].id, [there.id])
        ids = [factories.mission().id, factories.mission().id, factories.mission(there).id]
        ids.append(factories.mission(factories.contact(email=None)).id)
    chosen = {"action": "add_campaign", "rowid": ids}
    answer = manager.post("/missions/action_post", data=chosen)
    assert answer.status_code == 302
    page = manager.get(answer.headers["Location"]).text
    assert "The clients of 4 missions join the campaign, each once." in page
    assert 'type="reset"' in page and ">Submit<" in page
    data = {"ids": ",".join(map(str, ids)), "campaign_id": campaign_id}
    assert manager.post("/missions/add-campaign", data=data).headers["Location"] == "/missions/list/"
    assert "2 clients join, 1 is on it already, 1 has no e-mail address." in flashed(manager)
    jobs.settle_campaign(campaign_id)
    assert ledger.counters(campaign_id) == {"awaiting": 4, "skipped": 1}
    manager.post("/missions/add-campaign", data=data)
    jobs.settle_campaign(campaign_id)
    assert ledger.counters(campaign_id) == {"awaiting": 4, "skipped": 1}


def test_only_campaigns_that_take_people_are_offered(manager: Browser) -> None:
    with transaction():
        factories.campaign(name="A draft")
        ended = factories.campaign(name="An ended one").id
        campaigns.end(ended, BY)
        over = factories.campaign(name="Over", valid_until=clock.utcnow() + timedelta(hours=1))
        over.valid_until = clock.utcnow() - timedelta(hours=1)
    mission_id = a_mission()
    page = manager.get(f"/missions/add-campaign?ids={mission_id}").text
    assert "A draft · draft" in page and "An ended one" not in page and "Over ·" not in page
    answer = manager.post("/missions/add-campaign", data={"ids": mission_id, "campaign_id": ended})
    assert answer.status_code == 200 and "takes nobody in" in answer.text


@pytest.mark.parametrize(
    ("ids", "words"), [("", "at least one mission"), ("12345", "no such mission"), ("x,,-1", "at least one mission")]
)
def test_adding_a_campaign_to_nothing_is_refused(manager: Browser, ids: str, words: str) -> None:
    with transaction():
        campaign_id = factories.campaign().id
    answer = manager.post("/missions/add-campaign", data={"ids": ids, "campaign_id": campaign_id})
    assert answer.status_code == 200 and words in answer.text


def test_a_campaign_must_be_chosen(manager: Browser) -> None:
    answer = manager.post("/missions/add-campaign", data={"ids": a_mission(), "campaign_id": ""})
    assert answer.status_code == 200 and "Choose a campaign." in answer.text


def test_from_the_page_of_one_mission_it_leads_back_there(manager: Browser) -> None:
    mission_id = a_mission()
    with transaction():
        campaign_id = factories.campaign(name="Reminder").id
    assert f"/missions/add-campaign?ids={mission_id}" in manager.get(f"/missions/show/{mission_id}").text
    answer = manager.post("/missions/add-campaign", data={"ids": mission_id, "campaign_id": campaign_id})
    assert answer.headers["Location"] == f"/missions/show/{mission_id}"
    page = flashed(manager, f"/missions/show/{mission_id}")
    assert "1 client joins." in page and "Reminder" in page and "not planned yet" in page


def test_adding_a_campaign_needs_the_right_to_add_recipients(
    panel: Flask, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    grants = security._GRANTS[security.MANAGER]
    kept = tuple(each for each in grants["Campaign"] if each != security.ADD_RECIPIENTS)
    monkeypatch.setitem(grants, "Campaign", kept)
    monkeypatch.setattr(panel.appbuilder.sm, "_builtin_roles", security.roles())  # type: ignore[attr-defined]
    browser, mission_id = sign_in(security.MANAGER), a_mission()
    assert 'value="add_campaign"' not in browser.get("/missions/list/").text
    assert "/missions/add-campaign" not in browser.get(f"/missions/show/{mission_id}").text
    assert browser.get(f"/missions/add-campaign?ids={mission_id}").status_code == 403
    assert browser.post("/missions/add-campaign", data={"ids": mission_id, "campaign_id": 1}).status_code == 403
    assert 'value="finish"' in browser.get("/missions/list/").text


# --- closing


@pytest.mark.parametrize(("name", "status"), [("finish", S.DONE), ("cancel", S.CANCELLED)])
def test_closing_several_takes_their_clients_out_and_says_so(
    manager: Browser, name: str, status: MissionStatus
) -> None:
    campaign_id = ledger.sending_campaign(1)
    first, second = a_mission(title="First"), a_mission(title="Second")
    with transaction():
        missions.add_campaign([first], campaign_id, BY)
    jobs.settle_campaign(campaign_id)
    assert manager.post("/missions/action_post", data={"action": name, "rowid": [first, second]}).status_code == 302
    page = flashed(manager)
    assert "First was closed." in page and "Second was closed." in page and "Its client left 1 campaign." in page
    assert [stored(mission_id).status for mission_id in (first, second)] == [status, status]
    assert ledger.counters(campaign_id) == {"awaiting": 1, "stopped": 1}


def test_the_form_closes_as_well_and_the_page_shows_what_became_of_it(manager: Browser) -> None:
    campaign_id = ledger.sending_campaign(1)
    mission_id = a_mission()
    with transaction():
        missions.add_campaign([mission_id], campaign_id, BY)
    jobs.settle_campaign(campaign_id)
    fragment = manager.get(f"/missions/results/{mission_id}").text
    assert "Awaiting" in fragment and "<html" not in fragment
    form = form_of(manager, f"/missions/edit/{mission_id}")
    manager.post(f"/missions/edit/{mission_id}", data=form | {"status": "done"})
    page = flashed(manager, f"/missions/show/{mission_id}")
    assert "Its client left 1 campaign." in page and "mission closed" in page
    assert "/missions/add-campaign" not in page and "/missions/action/finish" not in page


def test_the_sentence_about_messages_that_left_or_are_held(manager: Browser) -> None:
    campaign_id, other = ledger.sending_campaign(1), ledger.sending_campaign(1)
    client = ledger.row(campaign_id, 1).contact_id
    with transaction():
        contact = audience.get_contact(client)
        mission_id = factories.mission(contact).id
        missions.add_campaign([mission_id], campaign_id, BY)  # where a folder holds the client
        missions.add_campaign([mission_id], other, BY)
    jobs.settle_campaign(other)
    order = ledger.order_of(other)
    for _ in range(2):
        ledger.keep(order, ledger.take(order))
    manager.post(f"/missions/action/finish/{mission_id}")
    page = flashed(manager, f"/missions/show/{mission_id}")
    assert "In 1 campaign the client stays" in page and "1 message had left already" in page


def test_a_mission_of_a_deleted_client_is_shown(manager: Browser) -> None:
    mission_id = a_mission()
    with transaction():
        audience.delete_contact(missions.get(mission_id).contact_id or 0)
    assert "deleted client" in manager.get("/missions/list/").text
    page = manager.get(f"/missions/show/{mission_id}").text
    assert "deleted client" in page and "/missions/add-campaign" not in page
    form = form_of(manager, f"/missions/edit/{mission_id}")
    assert manager.post(f"/missions/edit/{mission_id}", data=form | {"note": "gone"}).status_code == 302


def test_deleting_says_what_goes_with_it(manager: Browser) -> None:
    mission_id = a_mission()
    assert "leaves the campaigns whose message has not left yet" in manager.get("/missions/list/").text
    assert manager.post(f"/missions/delete/{mission_id}").status_code == 302
    assert db.session.scalars(select(Mission.id)).all() == []


def test_an_analyst_reads_missions_and_changes_none(analyst: Browser) -> None:
    mission_id = a_mission(title="Call them")
    assert "Call them" in analyst.get("/missions/list/").text
    page = analyst.get(f"/missions/show/{mission_id}").text
    for hidden in ("/missions/edit", "/missions/action", "/missions/add-campaign", "/contacts/show"):
        assert hidden not in page
    assert analyst.get(f"/missions/results/{mission_id}").status_code == 200
    for path in ("/missions/add", f"/missions/edit/{mission_id}", f"/missions/add-campaign?ids={mission_id}"):
        assert analyst.get(path).status_code == 403
    for name in ("add_campaign", "finish", "cancel"):
        assert analyst.post(f"/missions/action/{name}/{mission_id}").status_code == 403
        assert analyst.post("/missions/action_post", data={"action": name, "rowid": mission_id}).status_code == 403
    assert stored(mission_id).status is S.OPEN
