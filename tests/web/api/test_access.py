"""Who may call what: tokens, roles, cookies."""

import time
from typing import Any

import jwt
import pytest
from flask import Flask

from app import create_app
from app.extensions import db
from tests.conftest import empty
from tests.web.api.conftest import ACCOUNT, Program, Speak
from tests.web.conftest import PASSWORD, Browser, SignIn, add_person

RESOURCES = (
    "smtp_account",
    "folder",
    "contact",
    "import",
    "suppression",
    "campaign",
    "campaign_group",
    "internal_status",
    "mission",
)
OURS = {
    *("SmtpAccountApi", "FolderApi", "ContactApi", "ImportApi", "SuppressionApi", "CampaignApi"),
    *("GroupApi", "StatusApi", "MissionApi"),
}
LACKING = {("DELETE", "import"), ("PUT", "suppression")}  # routes that are not there, for anybody
ROLES = ("Admin", "Campaign Manager", "Analyst")


def login(panel: Flask, **values: Any) -> Any:
    body = {"username": add_person(panel, "Admin"), "password": PASSWORD, "provider": "db", "refresh": True}
    return Program(panel, "").post("/security/login", body | values)


def forged(panel: Flask, key: str, algorithm: str, **claims: Any) -> str:
    now = int(time.time())
    usual = {"sub": "1", "iat": now, "nbf": now, "exp": now + 60, "jti": "x", "type": "access", "fresh": True}
    return jwt.encode(usual | claims, key, algorithm=algorithm)


def test_without_a_token_nothing_is_told(panel: Flask) -> None:
    anonymous = Program(panel, "")
    for resource in RESOURCES:
        for answer in (
            anonymous.get(f"/{resource}/"),
            anonymous.get(f"/{resource}/1"),
            anonymous.post(f"/{resource}/", {}),
        ):
            assert answer.status_code == 401 and "security/login" in answer.json["message"]


def test_a_token_that_is_not_ours_is_401(panel: Flask) -> None:
    tokens = login(panel).json
    ours = panel.config["SECRET_KEY"]
    for token in (
        "garbage",
        "a.b.c",
        tokens["access_token"][:-3],
        tokens["refresh_token"],
        forged(panel, "another key of thirty-two characters", "HS256"),
        forged(panel, "", "none"),
        forged(panel, ours, "HS256", exp=int(time.time()) - 10),
        forged(panel, ours, "HS256", sub="7777"),
        forged(panel, ours, "HS512"),
    ):
        answer = Program(panel, token).get("/campaign/")
        assert answer.status_code == 401, token
        assert answer.json["message"]
    for header in ("Basic YTpi", "Bearer", "Bearer ", "nonsense"):
        answer = Program(panel, "").get("/campaign/", headers={"Authorization": header})
        assert answer.status_code == 401, header


def test_a_wrong_password_is_401(panel: Flask) -> None:
    assert login(panel, password="wrong").status_code == 401


def test_the_sign_in_is_limited(settings: dict[str, Any]) -> None:
    limited = create_app(settings | {"WTF_CSRF_ENABLED": False, "RATELIMIT_STORAGE_URI": "memory://"})
    with limited.app_context():
        answers = [login(limited, password="wrong").status_code for _ in range(7)]
        empty(limited)
        db.engine.dispose()
    assert answers == [401] * 5 + [429] * 2


# What a manager or an analyst may do with each resource: read, create, update, delete.
ALLOWED = {
    "Admin": dict.fromkeys(RESOURCES, "rcud"),
    "Campaign Manager": dict.fromkeys(RESOURCES, "rcud") | {"smtp_account": "r"},
    "Analyst": dict.fromkeys(("campaign", "campaign_group", "internal_status", "mission"), "r"),
}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_what_the_panel_lets_it(program_as: Speak, role: str) -> None:
    program = program_as(role)
    for resource in RESOURCES:
        allowed = ALLOWED[role].get(resource, "")
        for letter, method, path in (
            ("r", "GET", f"/{resource}/"),
            ("r", "GET", f"/{resource}/7777"),
            ("c", "POST", f"/{resource}/"),
            ("u", "PUT", f"/{resource}/7777"),
            ("d", "DELETE", f"/{resource}/7777"),
        ):
            answer = program.call(method, path)
            if (method, resource) in LACKING:
                assert answer.status_code == 405
            else:
                assert (answer.status_code != 403) == (letter in allowed), (resource, letter, answer.text)


ACTIONS = {
    "/campaign/7777/publish": {"Admin", "Campaign Manager"},
    "/campaign/7777/start": {"Admin", "Campaign Manager"},
    "/campaign/7777/stop": {"Admin", "Campaign Manager"},
    "/campaign/7777/unpublish": {"Admin", "Campaign Manager"},
    "/campaign/7777/end": {"Admin", "Campaign Manager"},
    "/campaign/7777/duplicate": {"Admin", "Campaign Manager"},
    "/campaign/7777/run": {"Admin", "Campaign Manager"},
    "/campaign/7777/test": {"Admin", "Campaign Manager"},
    "/campaign/7777/documents": {"Admin", "Campaign Manager"},
    "/smtp_account/7777/test": {"Admin", "Campaign Manager"},
    "/smtp_account/7777/mailbox/check": {"Admin", "Campaign Manager"},
    "/folder/7777/contacts": {"Admin", "Campaign Manager"},
    "/contact/find": {"Admin", "Campaign Manager"},
    "/import/7777/start": {"Admin", "Campaign Manager"},
    "/import/7777/cancel": {"Admin", "Campaign Manager"},
    "/mission/add_campaign": {"Admin", "Campaign Manager"},
}
READINGS = {
    "/campaign/7777/launch-check": set(ROLES),
    "/campaign/7777/report": set(ROLES),
    "/campaign/7777/reasons": set(ROLES),
    "/campaign/7777/recipients": set(ROLES),
    "/mission/7777/results": set(ROLES),
    "/smtp_account/7777/dns": {"Admin", "Campaign Manager"},
    "/smtp_account/7777/mailbox": {"Admin", "Campaign Manager"},
    "/folder/7777/contacts": {"Admin", "Campaign Manager"},
    "/import/7777/errors": {"Admin", "Campaign Manager"},
}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_only_its_actions(program_as: Speak, role: str) -> None:
    program = program_as(role)
    for path, roles in ACTIONS.items():
        assert (program.post(path).status_code != 403) == (role in roles), path
    for path, roles in READINGS.items():
        assert (program.get(path).status_code != 403) == (role in roles), path
    assert (program.delete("/campaign/7777/recipients/1").status_code != 403) == (role != "Analyst")
    assert (program.delete("/campaign/7777/documents/1").status_code != 403) == (role != "Analyst")


def test_every_route_of_the_api_is_in_these_tables(panel: Flask) -> None:
    usual = {"get_list", "get", "post", "put", "delete"}
    ours = {
        rule.rule.removeprefix("/api/v1").replace("<int:pk>", "7777")
        for rule in panel.url_map.iter_rules()
        if rule.endpoint.split(".")[0] in OURS and rule.endpoint.split(".")[1] not in usual
    }
    beside = {
        "/campaign/7777/recipients/<int:contact_id>",
        "/campaign/7777/documents/<int:document_id>",
        "/folder/7777/contacts/<int:contact_id>",
    }
    assert ours == {*ACTIONS, *READINGS, *beside}


def test_the_panels_cookie_reads_but_writes_only_with_its_token(settings: dict[str, Any]) -> None:
    strict = create_app(settings | {"RATELIMIT_ENABLED": False})
    with strict.app_context():
        name = add_person(strict, "Admin")
        browser = Browser(strict, strict.response_class, use_cookies=True)
        form = {"username": name, "password": PASSWORD, "csrf_token": browser.token("/login/")}
        assert browser.post("/login/", data=form).status_code == 302
        assert browser.get("/api/v1/folder/").status_code == 200
        assert browser.post("/api/v1/folder/", json={"name": "x"}).status_code == 400
        token = browser.token("/folders/add")
        made = browser.post("/api/v1/folder/", json={"name": "x"}, headers={"X-CSRFToken": token})
        assert made.status_code == 201
        assert browser.delete(f"/api/v1/folder/{made.json['id']}").status_code == 400
        empty(strict)
        db.engine.dispose()


def test_who_did_it_is_kept(manager_program: Program, admin_program: Program) -> None:
    admin_program.made("/smtp_account/", ACCOUNT)
    account = manager_program.get("/smtp_account/").json["result"][0]["id"]
    pk = manager_program.made("/campaign/", {"name": "Spring", "smtp_account_id": account})
    admin_program.put(f"/campaign/{pk}", {"subject": "Hi"})
    shown = manager_program.shown(f"/campaign/{pk}")
    assert (shown["created_by"], shown["changed_by"]) == ("campaign-manager", "admin")


@pytest.mark.filterwarnings("ignore:Multiple schemas resolved to the name", "ignore:.*added to the spec")
def test_the_description_covers_every_route(admin_program: Program, panel: Flask) -> None:
    described = admin_program.get("/_openapi").json
    for rule in panel.url_map.iter_rules():
        if rule.endpoint.split(".")[0] not in OURS:
            continue
        path = rule.rule.replace("<int:", "{").replace(">", "}")
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            operation = described["paths"][path][method.lower()]
            assert operation["summary"] and operation["security"], (path, method)
            assert {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"} == {
                *rule.arguments
            }
            assert {"401", "403", "404"} <= set(operation["responses"])
    account = described["components"]["schemas"]["SmtpAccountApi.get"]["properties"]
    assert "host" in account and "secret_sealed" not in account


def test_only_administrators_read_the_description(sign_in: SignIn, program_as: Speak) -> None:
    assert sign_in("Admin").get("/swagger/v1").status_code == 200
    assert sign_in("Analyst").get("/swagger/v1").status_code in (302, 403)
    assert program_as("Analyst").get("/_openapi").status_code == 403
