"""What FAB leaves open is closed on every view and every API that is registered, ours and its own."""

import itertools
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask_appbuilder import ModelRestApi, ModelView
from werkzeug.routing import Rule

from app.channels import web_push
from app.kernel.db import in_transaction
from app.web.api.base import RestApi
from app.web.lists import TableView
from tests.web.api.conftest import Program
from tests.web.conftest import PASSWORD, Browser, add_person

pytestmark = pytest.mark.timeout(600)  # goes through every page of the panel

TOO_OLD = "This form is too old. Go back, load the page again and repeat your change."
UNSAFE = {"POST", "PUT", "DELETE", "PATCH"}
# Readers of messages and their browsers have no session, the dashboard compares the origin, the sign-in asks for a
# password.
WITHOUT_TOKEN = re.compile(r"public\.|push\.|(mail_)?hooks\.|rq_dashboard\.|LimitedSecurityApi\.login$")


@pytest.fixture()
def with_csrf(panel: Flask) -> Iterator[None]:
    """The panel as it runs: it asks for the token."""
    panel.config["WTF_CSRF_ENABLED"] = True
    yield
    panel.config["WTF_CSRF_ENABLED"] = False


@pytest.fixture()
def admin_program(panel: Flask) -> Program:
    """A program of the administrator."""
    body = {"username": add_person(panel, "Admin"), "password": PASSWORD, "provider": "db"}
    return Program(panel, Program(panel, "").post("/security/login", body).json["access_token"])


def changing(app: Flask) -> Iterator[tuple[Rule, str, str]]:
    """Every rule that changes something, with an address that fits it, for each of its methods."""
    for rule in app.url_map.iter_rules():
        if not WITHOUT_TOKEN.match(rule.endpoint):
            for method in sorted((rule.methods or set()) & UNSAFE):
                yield rule, re.sub(r"<[^>]*>", "1", rule.rule), method


def registered(app: Flask, kind: type) -> list[Any]:
    """The views or APIs of that kind."""
    return [view for view in app.appbuilder.baseviews if isinstance(view, kind)]  # type: ignore[attr-defined]


def search_filters(view: Any) -> Iterator[list[tuple[str, list[Any]]]]:
    """The columns that a list or API can be searched by, each with its filters; those that can be asked for together.

    Two relations cannot: FAB joins each to the table and not to the other.
    """
    found = view._filters.get_search_filters().items()
    yield [(column, filters) for column, filters in found if not view.datamodel.is_relation(column)]
    yield from ([(column, filters)] for column, filters in found if view.datamodel.is_relation(column))


def test_no_page_and_no_api_takes_a_change_from_a_cookie_without_the_token(
    panel: Flask, admin: Browser, with_csrf: None
) -> None:
    taken, seen = [], set()
    for rule, address, method in changing(panel):
        answer = admin.open(address, method=method, json={} if address.startswith("/api/") else None)
        seen.add(rule.endpoint)
        if answer.status_code != 400 or TOO_OLD not in answer.text:
            taken.append(f"{method} {rule.rule} ({rule.endpoint}): {answer.status_code}")
    assert taken == []
    assert {"CampaignView.add", "FolderApi.delete", "UserDBModelView.edit", "AuthDBView.logout"} <= seen


def test_a_token_of_a_program_needs_no_csrf_token(panel: Flask, admin_program: Program, with_csrf: None) -> None:
    asked = set()
    for rule, address, method in changing(panel):
        if address.startswith("/api/") and rule.endpoint != "LimitedSecurityApi.refresh":
            answer = admin_program.call(method, address.removeprefix("/api/v1"), json={})
            assert TOO_OLD not in answer.text, rule
            asked.add(rule.endpoint)
    assert "FolderApi.post" in asked
    assert admin_program.post("/folder/", {"name": "People"}).status_code == 201


def test_a_cookie_with_its_token_changes_over_the_api(admin: Browser, with_csrf: None) -> None:
    token = admin.token("/folders/add")
    for headers, status in (({}, 400), ({"X-CSRFToken": "x"}, 400), ({"X-CSRFToken": token}, 201)):
        assert admin.post("/api/v1/folder/", json={"name": "People"}, headers=headers).status_code == status


@pytest.mark.parametrize("path", ["users", "roles", "groups", "permissions", "resources", "permissions-resources"])
def test_people_and_roles_are_no_business_of_programs(admin_program: Program, path: str) -> None:
    for method in ("GET", "POST", "PUT", "DELETE"):
        assert admin_program.call(method, f"/security/{path}/").status_code == 404
        assert admin_program.call(method, f"/security/{path}/1").status_code == 404


def test_every_api_of_a_table_is_ours(panel: Flask) -> None:
    apis = registered(panel, ModelRestApi)
    assert len(apis) >= 6
    assert [api for api in apis if not isinstance(api, RestApi)] == []


MADE_UP = (
    "(",
    "!(",
    "nonsense",
    "1",
    "!(1,2)",
    "'x",
    "(page:-1)",
    "(page:x)",
    "(page:100000)",
    "(page_size:0)",
    "(page_size:-1)",
    "(page_size:101)",
    "(page_size:99999999)",
    "(page_size:x)",
    "(page:!t)",
    "(page_size:!t)",
    "(order_column:nothing,order_direction:asc)",
    "(order_column:!(name),order_direction:asc)",
    "(order_column:id,order_direction:sideways)",
    "(order_column:id,order_direction:1)",
    "(filters:nothing)",
    "(filters:(col:name))",
    "(filters:!(name))",
    "(filters:!((col:name)))",
    "(filters:!((col:nothing,opr:eq,value:x)))",
    "(filters:!((col:id,opr:nothing,value:x)))",
    "(filters:!((col:id,opr:eq,value:!(1))))",
    "(filters:!((col:id,opr:eq,value:(a:b))))",
    "(filters:!((col:!(id),opr:eq,value:1)))",
    "(filters:!((col:id,opr:eq,value:1,more:1)))",
    "(columns:!(id))",
    "(keys:!(none))",
    "(nonsense:1)",
    "(" * 2000,
)


@pytest.mark.parametrize("made_up", MADE_UP, ids=lambda text: text[:40])
def test_every_api_refuses_what_it_cannot_read(panel: Flask, admin_program: Program, made_up: str) -> None:
    for api in registered(panel, ModelRestApi):
        answer = admin_program.get(f"/{api.resource_name}/", query_string={"q": made_up})
        assert answer.status_code == 400, (api.resource_name, answer.text)
        assert len(answer.json["message"].split()) > 2, answer.text
        assert "Traceback" not in answer.text


def refused_badly(status: Callable[[list[str]], int], filters: list[str]) -> Iterator[str]:
    """The filters that an address breaks on. Asked for all at once and then by halves: most addresses are well."""
    answered = status(filters)
    if answered == 200:
        return
    if len(filters) > 1:
        middle = len(filters) // 2
        yield from refused_badly(status, filters[:middle])
        yield from refused_badly(status, filters[middle:])
    elif answered != 400:
        yield f"{answered}: {filters[0]}"


def test_every_api_takes_each_of_its_filters_and_no_wrong_value(panel: Flask, admin_program: Program) -> None:
    broken, tried = [], 0
    for api in registered(panel, ModelRestApi):

        def status(filters: list[str], path: str = f"/{api.resource_name}/") -> int:
            q = f"(filters:!({','.join(filters)}))"
            return admin_program.get(path, query_string={"q": q}).status_code

        values = ("x", "1", "-1.5", "!t", "''", "99999999999999999999", "'%_'", "2026-02-31", "'\\u0000'")
        for value, columns in itertools.product(values, search_filters(api)):
            filters = [f"(col:{name},opr:{each.arg_name},value:{value})" for name, some in columns for each in some]
            broken += [f"{api.resource_name} {each}" for each in refused_badly(status, filters)]
            tried += len(filters)
    assert broken == []
    assert tried > 100


def arguments(view: Any) -> Iterator[str]:
    """Made-up addresses of a list."""
    name = type(view).__name__
    yield f"page_{name}=x"
    yield f"page_{name}=-1"
    yield f"page_{name}=99999999"
    yield f"psize_{name}=x"
    yield f"psize_{name}=0"
    yield f"psize_{name}=-5"
    yield f"psize_{name}=1000000"
    yield f"_oc_{name}=nothing&_od_{name}=asc"
    yield f"_oc_{name}={view.order_columns[0]}&_od_{name}=sideways" if view.order_columns else f"page_{name}=y"
    yield "_flt_0_nothing=1"
    yield "_flt_x_nothing=1"
    yield "_flt_0_=1"
    yield "_flt_=1"
    for column in list(view.search_columns)[:3]:
        yield f"_flt_99_{column}=1"
        yield f"_flt_-1_{column}=1"
        yield f"_flt_x_{column}=1"


def test_every_list_refuses_an_address_that_is_made_up(panel: Flask, admin: Browser) -> None:
    taken, tried = [], 0
    for view in registered(panel, ModelView):
        for query in arguments(view):
            answer = admin.get(f"{view.route_base}/list/?{query}")
            tried += 1
            if answer.status_code != 400:
                taken.append(f"{view.route_base}/list/?{query}: {answer.status_code}")
    assert taken == []
    assert tried > 100


def test_every_page_of_a_table_refuses_an_address_that_is_made_up(panel: Flask, admin: Browser) -> None:
    taken = []
    for view in registered(panel, ModelView):
        name = type(view).__name__
        for page, rest in (("show", "/1"), ("edit", "/1"), ("add", "")):
            for query in (f"page_{name}=x", f"xpage_{name}=x", f"psize_{name}=x", "_flt_9_id=1", "_oc_nothing=id"):
                address = f"{view.route_base}/{page}{rest}?{query}"
                if f"{view.endpoint}.{page}" in panel.view_functions and admin.get(address).status_code != 400:
                    taken.append(address)
    assert taken == []


def test_every_table_of_the_panel_is_checked(panel: Flask) -> None:
    views = registered(panel, ModelView)
    assert len(views) >= 12
    assert [view for view in views if not isinstance(view, TableView)] == []


@pytest.mark.parametrize(
    "query",
    [
        "_flt_0_login_count=1.5",
        "_flt_1_login_count=x",
        "_flt_2_login_count=",
        "_flt_3_login_count=99999999999999999999",
        "_flt_1_active=x",
        "_flt_1_last_login=2026-02-31",
        "_flt_3_last_login=x",
        "_flt_0_roles=7777",
        "_flt_0_roles=x",
    ],
)
def test_a_value_that_a_column_cannot_hold_finds_nothing(admin: Browser, query: str) -> None:
    assert "Nothing matches" in admin.get(f"/users/list/?{query}").text


@pytest.mark.parametrize(
    "query", ["_flt_0_login_count=1", "_flt_1_login_count=-1", "_flt_0_active=y", "_flt_1_active=n", "_flt_0_roles={}"]
)
def test_a_value_that_a_column_holds_finds_its_rows(panel: Flask, admin: Browser, analyst: Browser, query: str) -> None:
    role = panel.appbuilder.sm.find_role("Analyst").id  # type: ignore[attr-defined]
    assert "analyst@example.org" in admin.get(f"/users/list/?{query.format(role)}").text


def test_a_number_is_no_text_of_other_entries(admin_program: Program) -> None:
    # For MariaDB every text without digits equals the number 0.
    admin_program.post("/folder/", {"name": "People"})
    for value, found in (("0", 0), ("People", 1)):
        q = f"(filters:!((col:name,opr:eq,value:{value})))"
        assert admin_program.get("/folder/", query_string={"q": q}).json["count"] == found


def test_every_list_takes_each_of_its_filters_and_no_wrong_value(panel: Flask, admin: Browser) -> None:
    in_transaction(web_push.ensure)
    broken, tried = [], 0
    for view in registered(panel, ModelView):
        address = f"{view.route_base}/list/"
        if admin.get(address).status_code == 302:  # there is only one entry: no list
            continue

        def status(filters: list[str], address: str = address) -> int:
            return admin.get(f"{address}?{'&'.join(filters)}").status_code

        values = ("x", "1", "99999999999999999999", "%25_", "2026-02-31", "%00", "")
        for value, columns in itertools.product(values, search_filters(view)):
            filters = [f"_flt_{number}_{name}={value}" for name, some in columns for number in range(len(some))]
            broken += [f"{address} {each}" for each in refused_badly(status, filters)]
            tried += len(filters)
    assert broken == []
    assert tried > 1000


def test_a_row_that_is_not_there_is_a_404_on_every_view(panel: Flask, admin: Browser) -> None:
    broken = []
    for view in registered(panel, ModelView):
        for page in ("show", "edit"):
            for pk in ("7777", "99999999999999999999", "x", "1%00", "-1"):
                address = f"{view.route_base}/{page}/{pk}"
                if f"{view.endpoint}.{page}" in panel.view_functions and admin.get(address).status_code not in (
                    404,
                    403,
                ):
                    broken.append(f"{address}: {admin.get(address).status_code}")
    assert broken == []


def test_an_action_needs_its_rows_on_every_view(panel: Flask, admin: Browser) -> None:
    tried = 0
    for view in registered(panel, ModelView):
        for name in view.actions:
            for pk in ("7777", "99999999999999999999", "x"):
                assert admin.post(f"{view.route_base}/action/{name}/{pk}").status_code == 404, (view, name, pk)
                answer = admin.post(f"{view.route_base}/action_post", data={"action": name, "rowid": pk})
                assert answer.status_code == 404, (view, name, pk)
                tried += 1
        for address, data in (("/action/nothing/1", {}), ("/action_post", {"action": "nothing"}), ("/action_post", {})):
            assert admin.post(f"{view.route_base}{address}", data=data).status_code == 404, (view, address)
    assert tried > 30


def test_a_role_is_copied_and_a_password_changed_by_the_actions_of_fab(panel: Flask, admin: Browser) -> None:
    sm = panel.appbuilder.sm  # type: ignore[attr-defined]
    person = sm.find_user(add_person(panel, "Analyst"))
    answer = admin.post(f"/users/action/resetpasswords/{person.id}")
    assert answer.location == f"/resetpassword/form?pk={person.id}"
    admin.post("/roles/action_post", data={"action": "copyrole", "rowid": sm.find_role("Analyst").id})
    copied = sm.find_role("Analyst copy")
    assert copied is not None
    admin.post(f"/roles/delete/{copied.id}")
    assert sm.find_role("Analyst copy") is None
