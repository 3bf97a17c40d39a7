"""What a program may not send, and what it is told."""

from typing import Any

import pytest

from app.web.api.accounts import AccountBody
from app.web.api.bodies import MAX_BODY_BYTES, Body
from app.web.api.campaign_bodies import CampaignChange, RunBody
from app.web.api.contacts import AddressBody, ContactBody
from app.web.api.folders import FolderBody, MembersBody
from app.web.api.imports import ImportBody, StartBody
from app.web.api.mailboxes import MailboxBody
from app.web.api.suppressions import SuppressionBody
from tests.web.api.conftest import ACCOUNT, Program

JSON = "application/json"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b'{"name": "x",}', 400),
        (b'{"name": NaN}', 400),
        (b'{"name": 1e400}', 400),
        (b'{"name": "a", "name": "b"}', 400),
        (b'\xef\xbb\xbf{"name": "x"}', 400),
        (b'{"name": "\xff"}', 400),
        (b'{"name": "\\ud800"}', 400),
        (b"[" * 100_000, 400),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, 400),
        (b"[]", 422),
        (b'"name"', 422),
        (b"null", 422),
        (b"5", 422),
        (b"", 422),
        (b"{}", 422),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(admin_program: Program, body: bytes, status: int) -> None:
    answer = admin_program.call("POST", "/folder/", data=body, content_type=JSON)
    assert answer.status_code == status and answer.json["message"]
    assert admin_program.get("/folder/").json["count"] == 0


def test_json_under_another_name_is_refused(admin_program: Program) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        answer = admin_program.call("POST", "/folder/", data=b'{"name": "x"}', content_type=kind)
        assert answer.status_code == 415, kind


def test_a_body_that_is_too_large_is_refused(admin_program: Program) -> None:
    body = b'{"name": "%s"}' % (b"x" * MAX_BODY_BYTES)
    assert admin_program.call("POST", "/folder/", data=body, content_type=JSON).status_code == 413


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"port": "25"}, "port"),
        ({"port": 25.0}, "port"),
        ({"port": 25.5}, "port"),
        ({"port": True}, "port"),
        ({"port": None}, "port"),
        ({"port": [25]}, "port"),
        ({"port": -1}, "port"),
        ({"port": 2**31}, "port"),
        ({"port": 2**64}, "port"),
        ({"port": 10**4000}, "port"),
        ({"name": 5}, "name"),
        ({"name": None}, "name"),
        ({"name": {"a": 1}}, "name"),
        ({"name": "x" * 100_000}, "name"),
        ({"name": "a\r\nb"}, "name"),
        ({"is_enabled": "true"}, "is_enabled"),
        ({"is_enabled": 1}, "is_enabled"),
        ({"security": "rot13"}, "security"),
        ({"security": 5}, "security"),
        ({"id": 5}, "id"),
        ({"paused_reason": "x"}, "paused_reason"),
        ({"secret_sealed": "x"}, "secret_sealed"),
        ({"uid": "x"}, "uid"),
        ({"created_at": "2026-01-01T00:00:00Z"}, "created_at"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_value_of_the_wrong_kind_is_refused_by_name(
    admin_program: Program, values: dict[str, Any], field: str
) -> None:
    answer = admin_program.post("/smtp_account/", ACCOUNT | values)
    if answer.status_code == 400 and field == "port":  # more digits than Python reads
        return
    assert (answer.status_code, answer.json["field"]) == (422, field), answer.text
    assert answer.json["message"]


@pytest.mark.parametrize("name", ["status", "id", "created_by", "revision", "lifecycle_serial", "content_version"])
def test_nobody_sets_what_the_server_keeps(admin_program: Program, name: str) -> None:
    account = admin_program.made("/smtp_account/", ACCOUNT)
    answer = admin_program.post("/campaign/", {"name": "Spring", "smtp_account_id": account, name: 1})
    assert (answer.status_code, answer.json["field"]) == (422, name)


@pytest.mark.parametrize("move", ["publish", "start", "stop", "unpublish", "end", "duplicate"])
def test_a_move_takes_no_values(admin_program: Program, move: str) -> None:
    pk = admin_program.campaign()
    answer = admin_program.post(f"/campaign/{pk}/{move}", {"force": True})
    assert (answer.status_code, answer.json["field"]) == (422, "force")


@pytest.mark.parametrize(
    "query",
    [
        "(((",
        "!(",
        "'",
        "(a:b)",
        "!(1,2)",
        "5",
        "(page:99999999999999999999)",
        "(page:-1)",
        "(page:x)",
        "(page_size:-1)",
        "(page_size:0)",
        "(page_size:1000000)",
        "(order_column:secret_sealed)",
        "(order_column:!(name))",
        "(order_column:name,order_direction:sideways)",
        "(filters:!((col:name,opr:nope,value:x)))",
        "(filters:!((col:uid,opr:eq,value:x)))",
        "(filters:!((col:name,opr:ct)))",
        "(filters:!((col:name,opr:ct,value:!(x))))",
        "(filters:!((col:name,opr:!(ct),value:x)))",
        "(filters:(col:name))",
        "(filters:!(name))",
        "(columns:!(secret_sealed))",
        "(" * 5000,
    ],
    ids=lambda query: query[:45],
)
def test_a_question_that_cannot_be_answered_is_refused(admin_program: Program, query: str) -> None:
    answer = admin_program.get("/smtp_account/", query_string={"q": query})
    assert answer.status_code == 400, answer.text
    assert answer.json["message"]


@pytest.mark.parametrize("pk", ["0", "7777", "99999999999999999999", "x", "-1", "1.5", "%00"])
def test_a_thing_that_is_not_there_is_404(admin_program: Program, pk: str) -> None:
    for resource in ("smtp_account", "folder", "contact", "import", "campaign"):
        assert admin_program.get(f"/{resource}/{pk}").status_code == 404
        assert admin_program.put(f"/{resource}/{pk}", {}).status_code == 404
    for path in ("campaign/{}/publish", "import/{}/cancel", "smtp_account/{}/test", "smtp_account/{}/mailbox/check"):
        assert admin_program.post("/" + path.format(pk)).status_code == 404
    for path in ("campaign/{}/report", "campaign/{}/recipients", "import/{}/errors", "folder/{}/contacts"):
        assert admin_program.get("/" + path.format(pk)).status_code == 404


def test_a_wrong_method_is_405_and_names_the_right_ones(admin_program: Program) -> None:
    answer = admin_program.call("PATCH", "/folder/1")
    assert answer.status_code == 405
    assert {"GET", "PUT", "DELETE"} <= set(answer.headers["Allow"].split(", "))
    overridden = admin_program.call("POST", "/folder/1", headers={"X-HTTP-Method-Override": "DELETE"})
    assert overridden.status_code == 405


NASTY: tuple[Any, ...] = (
    "\u0000",
    "x" * 70_000,
    "{{",
    2**63,
    1.5,
    None,
    [None],
    [2**40],
    {"a": None},
    "9999-12-31T23:59:59-12:00",
)
BODIES: tuple[tuple[str, str, type[Body], dict[str, Any]], ...] = (
    ("POST", "/smtp_account/", AccountBody, ACCOUNT | {"name": "Other"}),
    ("PUT", "/smtp_account/{account}", AccountBody, {}),
    ("PUT", "/smtp_account/{bounces}/mailbox", MailboxBody, {"host": "x.example", "username": "x", "secret": "x"}),
    ("POST", "/folder/", FolderBody, {}),
    ("PUT", "/folder/{folder}", FolderBody, {}),
    ("POST", "/folder/{folder}/contacts", MembersBody, {}),
    ("POST", "/contact/", ContactBody, {"email": "bo@people.example"}),
    ("POST", "/contact/find", AddressBody, {}),
    ("PUT", "/import/{file}", ImportBody, {}),
    ("POST", "/import/{file}/start", StartBody, {}),
    ("POST", "/suppression/", SuppressionBody, {}),
    ("PUT", "/campaign/{campaign}", CampaignChange, {}),
    ("POST", "/campaign/{campaign}/run", RunBody, {}),
)


def test_no_value_of_any_field_takes_the_server_down(admin_program: Program) -> None:
    campaign = admin_program.campaign()
    shown = admin_program.shown(f"/campaign/{campaign}")
    bounces = {"name": "Bounces", "bounce_address": "bounces@shop.example"}
    ids = {
        "campaign": campaign,
        "bounces": admin_program.made("/smtp_account/", ACCOUNT | bounces),
        "account": shown["smtp_account_id"],
        "folder": shown["folder_ids"][0],
        "file": admin_program.upload("/import/", b"E-mail\na@b.example\n", "people.csv").json["id"],
    }
    for method, path, schema, values in BODIES:
        for field in schema().load_fields:
            for value in NASTY:
                answer = admin_program.call(method, path.format(**ids), json=values | {field: value})
                assert answer.status_code < 500, (method, path, field, str(value)[:40])
