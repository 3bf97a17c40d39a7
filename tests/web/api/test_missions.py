"""/api/v1/mission, /api/v1/campaign_group and /api/v1/internal_status."""

from typing import Any

import pytest
from flask import Flask

from app.web import security
from jobs import sending as jobs
from tests.web.api.conftest import Program, Speak
from tests.web.conftest import add_person


def client(program: Program, name: str = "Ada", **values: Any) -> int:
    return program.made("/contact/", {"first_name": name, "email": f"{name.lower()}@clients.example"} | values)


def mission(program: Program, **values: Any) -> int:
    usual = {"title": "Call", "contact_id": values.pop("contact_id", None) or client(program)}
    return program.made("/mission/", usual | values)


# --- groups


def test_a_group_has_exactly_the_campaigns_that_are_named(manager_program: Program, admin_program: Program) -> None:
    first = admin_program.campaign()
    second = manager_program.made("/campaign/", {"name": "Summer", "smtp_account_id": _account(manager_program)})
    group = manager_program.made("/campaign_group/", {"name": "Shop", "campaign_ids": [first]})
    shown = manager_program.shown(f"/campaign_group/{group}")
    assert (shown["name"], shown["description"], shown["campaigns"], shown["campaign_ids"]) == ("Shop", "", 1, [first])
    assert shown["created_by"] == "campaign-manager"
    other = manager_program.put(f"/campaign_group/{group}", {"campaign_ids": [second], "description": "All"})
    assert (other.json["result"]["campaign_ids"], other.json["result"]["description"]) == ([second], "All")
    manager_program.put(f"/campaign_group/{group}", {"name": "Shops"})
    listed = manager_program.get("/campaign_group/").json["result"]
    assert [(row["name"], row["campaigns"]) for row in listed] == [("Shops", 1)]
    assert manager_program.shown(f"/campaign/{second}")["group_id"] == group
    found = manager_program.get(f"/campaign/?q=(filters:!((col:group_id,opr:eq,value:{group})))").json["result"]
    assert [row["id"] for row in found] == [second]
    assert manager_program.delete(f"/campaign_group/{group}").status_code == 200
    assert manager_program.shown(f"/campaign/{second}")["group_id"] is None


def _account(program: Program) -> int:
    found: int = program.get("/smtp_account/").json["result"][0]["id"]
    return found


def test_a_campaign_is_put_into_a_group_and_taken_out(admin_program: Program) -> None:
    group = admin_program.made("/campaign_group/", {"name": "Shop"})
    campaign = admin_program.campaign(group_id=group)
    assert admin_program.shown(f"/campaign_group/{group}")["campaign_ids"] == [campaign]
    assert admin_program.put(f"/campaign/{campaign}", {"group_id": None}).json["result"]["group_id"] is None
    answer = admin_program.put(f"/campaign/{campaign}", {"group_id": 7777})
    assert (answer.status_code, answer.json["field"]) == (422, "group_id")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "Taken"}, "name"),
        ({"name": "New", "campaign_ids": [7777]}, "campaign_ids"),
        ({"name": "New", "campaigns": 3}, "campaigns"),
    ],
)
def test_a_refused_group_names_the_field(manager_program: Program, body: dict[str, Any], field: str) -> None:
    manager_program.made("/campaign_group/", {"name": "Taken"})
    answer = manager_program.post("/campaign_group/", body)
    assert (answer.status_code, answer.json["field"]) == (422, field)


# --- internal statuses


def test_an_internal_status_is_made_changed_and_deleted(manager_program: Program) -> None:
    pk = manager_program.made("/internal_status/", {"name": "Called", "color": "#2F54D9"})
    shown = manager_program.shown(f"/internal_status/{pk}")
    assert (shown["name"], shown["color"], shown["created_by"]) == ("Called", "#2f54d9", "campaign-manager")
    assert manager_program.put(f"/internal_status/{pk}", {"name": "Reached"}).json["result"]["name"] == "Reached"
    assert manager_program.delete(f"/internal_status/{pk}").status_code == 200
    assert manager_program.get(f"/internal_status/{pk}").status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "New"}, "color"),
        ({"name": "New", "color": "blue"}, "color"),
        ({"name": "New", "color": "#111111"}, "color"),
        ({"name": "Called", "color": "#222222"}, "name"),
    ],
)
def test_a_refused_internal_status_names_the_field(manager_program: Program, body: dict[str, Any], field: str) -> None:
    manager_program.made("/internal_status/", {"name": "Called", "color": "#111111"})
    answer = manager_program.post("/internal_status/", body)
    assert (answer.status_code, answer.json["field"]) == (422, field)


# --- missions


def test_a_mission_is_made_found_changed_and_deleted(manager_program: Program) -> None:
    contact = client(manager_program)
    pk = mission(manager_program, contact_id=contact, due_on="2026-12-24", priority="high", note="Soon")
    shown = manager_program.shown(f"/mission/{pk}")
    expected = {
        "title": "Call",
        "contact_id": contact,
        "assignee_id": None,
        "assignee_name": "",
        "due_on": "2026-12-24",
        "status": "open",
        "priority": "high",
        "note": "Soon",
        "closed_at": None,
    }
    assert {name: shown[name] for name in expected} == expected
    for filtered in (
        "(col:status,opr:eq,value:open)",
        "(col:priority,opr:eq,value:high)",
        f"(col:contact_id,opr:eq,value:{contact})",
        "(col:due_on,opr:lt,value:'2026-12-25')",
        "(col:title,opr:ct,value:al)",
    ):
        found = manager_program.get(f"/mission/?q=(filters:!({filtered}))")
        assert [row["id"] for row in found.json["result"]] == [pk], filtered
    closed = manager_program.put(f"/mission/{pk}", {"status": "done"}).json["result"]
    assert closed["status"] == "done" and closed["closed_at"] and closed["title"] == "Call"
    assert manager_program.delete(f"/mission/{pk}").status_code == 200
    assert manager_program.get("/mission/").json["count"] == 0


def test_an_assignee_is_a_user_and_shown_by_name(panel: Flask, manager_program: Program) -> None:
    add_person(panel, "Analyst")
    analyst = panel.appbuilder.sm.find_user("analyst").id  # type: ignore[attr-defined]
    pk = mission(manager_program, assignee_id=analyst)
    assert manager_program.shown(f"/mission/{pk}")["assignee_name"] == "Test Analyst"
    assert manager_program.put(f"/mission/{pk}", {"assignee_id": None}).json["result"]["assignee_name"] == ""
    answer = manager_program.put(f"/mission/{pk}", {"assignee_id": 7777})
    assert (answer.status_code, answer.json["field"]) == (422, "assignee_id")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"title": ""}, "title"),
        ({"contact_id": 7777}, "contact_id"),
        ({"contact_id": None}, "contact_id"),
        ({"due_on": "24.12.2026"}, "due_on"),
        ({"due_on": "2026-02-30"}, "due_on"),
        ({"due_on": 20261224}, "due_on"),
        ({"status": "asleep"}, "status"),
        ({"priority": "most"}, "priority"),
        ({"closed_at": None}, "closed_at"),
    ],
)
def test_a_refused_mission_names_the_field(manager_program: Program, body: dict[str, Any], field: str) -> None:
    usual = {"title": "Call", "contact_id": client(manager_program)}
    for answer in (
        manager_program.post("/mission/", usual | body),
        manager_program.put(f"/mission/{manager_program.made('/mission/', usual)}", body),
    ):
        assert (answer.status_code, answer.json["field"]) == (422, field)


def test_clients_join_a_campaign_and_what_became_of_them_is_told(
    manager_program: Program, admin_program: Program
) -> None:
    campaign = admin_program.campaign()
    first = mission(manager_program, contact_id=client(manager_program, "Bo"))
    second = mission(manager_program, contact_id=client(manager_program, "Cy", email="", phone="+48600100200"))
    answer = manager_program.post("/mission/add_campaign", {"mission_ids": [first, second], "campaign_id": campaign})
    nobody = {"already": 0, "removed": 0, "suppressed": 0, "without_client": 0, "closed": 0}
    assert answer.json["result"] == {"joins": 1, "no_address": 1} | nobody
    (result,) = manager_program.get(f"/mission/{first}/results").json["result"]
    assert (result["campaign_id"], result["campaign_name"], result["state"]) == (campaign, "Spring", None)
    manager_program.post(f"/campaign/{campaign}/publish", {})
    jobs.settle_campaign(campaign)
    (result,) = manager_program.get(f"/mission/{first}/results").json["result"]
    assert (result["state"], result["reason"], result["added_by"]) == ("awaiting", None, "campaign-manager")
    manager_program.put(f"/mission/{first}", {"status": "cancelled"})
    (result,) = manager_program.get(f"/mission/{first}/results").json["result"]
    assert (result["state"], result["reason"]) == ("skipped", "mission-closed")
    counts = manager_program.shown(f"/campaign/{campaign}/report")["counts"]
    assert (counts["awaiting"], counts["skipped"]) == (1, 2)


def test_adding_a_campaign_is_refused_in_words(manager_program: Program, admin_program: Program) -> None:
    campaign, pk = admin_program.campaign(), mission(manager_program, contact_id=client(manager_program, "Bo"))
    for body, status in (
        ({"mission_ids": [], "campaign_id": campaign}, 422),
        ({"mission_ids": [7777], "campaign_id": campaign}, 404),
        ({"mission_ids": [pk], "campaign_id": 7777}, 404),
        ({"campaign_id": campaign}, 422),
    ):
        answer = manager_program.post("/mission/add_campaign", body)
        assert answer.status_code == status and answer.json["message"], body
    manager_program.post(f"/campaign/{campaign}/end", {})
    answer = manager_program.post("/mission/add_campaign", {"mission_ids": [pk], "campaign_id": campaign})
    assert answer.status_code == 409


def test_adding_a_campaign_needs_the_right_to_add_recipients(
    panel: Flask, program_as: Speak, monkeypatch: pytest.MonkeyPatch
) -> None:
    grants = security._GRANTS[security.MANAGER]
    kept = tuple(each for each in grants["Campaign"] if each != security.ADD_RECIPIENTS)
    monkeypatch.setitem(grants, "Campaign", kept)
    monkeypatch.setattr(panel.appbuilder.sm, "_builtin_roles", security.roles())  # type: ignore[attr-defined]
    answer = program_as(security.MANAGER).post("/mission/add_campaign", {"mission_ids": [1], "campaign_id": 1})
    assert answer.status_code == 403
