"""CSRF, sign-in limits, headers and the answers to what goes wrong."""

import contextvars
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from app import create_app
from app.campaigns import service
from app.extensions import db
from tests import factories
from tests.web.conftest import PASSWORD, Browser, add_person


@pytest.fixture()
def with_csrf(panel: Flask) -> Any:
    panel.config["WTF_CSRF_ENABLED"] = True
    yield
    panel.config["WTF_CSRF_ENABLED"] = False


def test_nothing_changes_without_the_token(manager: Browser, with_csrf: None) -> None:
    made = factories.ready_campaign(1)
    db.session.commit()
    paths = (
        f"action/publish/{made.id}",
        "action_post",
        f"delete/{made.id}",
        "add",
        f"edit/{made.id}",
        f"run/{made.id}",
    )
    for path in paths:
        assert manager.post(f"/campaigns/{path}", data={"action": "publish", "rowid": made.id}).status_code == 400, path
    assert "This form is too old" in manager.post("/imports/add").text
    token = manager.token(f"/campaigns/show/{made.id}")
    page = manager.post(f"/campaigns/action/publish/{made.id}", data={"csrf_token": token}, follow_redirects=True)
    assert "was published" in page.text


@pytest.mark.parametrize("path", ["delete/{}", "action/publish/{}", "action_post"])
def test_a_get_changes_nothing(manager: Browser, path: str) -> None:
    made = factories.ready_campaign(1)
    db.session.commit()
    assert manager.get(f"/campaigns/{path.format(made.id)}").status_code in (302, 405)
    db.session.rollback()
    assert service.get(made.id).status.value == "draft"


@pytest.fixture()
def two_processes(panel: Flask, settings: dict[str, Any]) -> Iterator[list[Browser]]:
    """Browsers of two web processes with the limits on, which know of each other by Redis only."""
    apps = [create_app(settings | {"WTF_CSRF_ENABLED": False, "RATELIMIT_ENABLED": True}) for _ in range(2)]
    yield [Browser(each, each.response_class) for each in apps]
    for each in apps:
        with each.app_context():
            db.engine.dispose()


@pytest.mark.parametrize(("path", "refusal"), [("/login/", 302), ("/api/v1/security/login", 401)])
def test_guessing_passwords_is_slowed_down(panel: Flask, two_processes: list[Browser], path: str, refusal: int) -> None:
    name = add_person(panel, "Analyst")
    kind = "json" if path.startswith("/api") else "data"

    def guess(number: int, password: str) -> Any:
        body = {"username": name, "password": password, "provider": "db"}
        return two_processes[number % 2].post(path, **{kind: body})

    assert [guess(number, "wrong").status_code for number in range(5)] == [refusal] * 5
    for number in range(2):
        answer = guess(number, PASSWORD)  # the right one, and not looked at
        assert answer.status_code == 429
        seconds = int(answer.headers["Retry-After"])
        assert 30 <= seconds <= 41
        message = answer.get_json()["message"] if kind == "json" else answer.text
        assert f"Too many tries. Wait {seconds} seconds and try again." in message
    assert two_processes[0].get("/login/").status_code == 200


def test_signing_out_is_no_try_to_sign_in(panel: Flask, two_processes: list[Browser]) -> None:
    name, browser = add_person(panel, "Analyst"), two_processes[0]
    for _ in range(5):
        assert browser.post("/login/", data={"username": name, "password": PASSWORD}).headers["Location"] == "/"
        assert browser.post("/logout/").status_code == 302
    assert browser.post("/login/", data={"username": name, "password": PASSWORD}).status_code == 429
    assert browser.post("/logout/").status_code == 302


def test_each_address_has_tries_of_its_own(panel: Flask, two_processes: list[Browser]) -> None:
    name, browser = add_person(panel, "Analyst"), two_processes[0]
    form = {"username": name, "password": PASSWORD}
    for _ in range(6):
        last = browser.post("/login/", data=form | {"password": "wrong"})
    assert last.status_code == 429
    elsewhere = browser.post("/login/", data=form, environ_overrides={"REMOTE_ADDR": "192.0.2.7"})
    assert elsewhere.status_code == 302


@pytest.mark.parametrize(
    "query",
    [
        "page_CampaignView=x",
        "psize_CampaignView=1000000",
        "psize_CampaignView=0",
        "_oc_CampaignView=html&_od_CampaignView=asc",
        "_flt_9_status=x",
        "_flt_0_html=x",
    ],
)
def test_a_made_up_list_address_is_refused(manager: Browser, query: str) -> None:
    assert manager.get(f"/campaigns/list/?{query}").status_code == 400


def test_lists_can_be_searched_by_name_and_state(manager: Browser) -> None:
    factories.ready_campaign(1, name="Spring sale")
    factories.ready_campaign(1, name="Autumn sale")
    db.session.commit()

    def found(query: str) -> set[str]:
        text = manager.get(f"/campaigns/list/?{query}").text
        return {name for name in ("Spring sale", "Autumn sale") if name in text}

    assert found("_flt_0_name=Spri") == {"Spring sale"}
    assert found("_flt_0_status=draft") == {"Spring sale", "Autumn sale"}
    assert found("_flt_1_status=draft") == set()
    assert found("_flt_0_status=nonsense") == set()
    assert found("") == {"Spring sale", "Autumn sale"}


def test_two_people_who_search_at_the_same_moment_do_not_share_their_filters(panel: Flask) -> None:
    view = next(each for each in panel.appbuilder.baseviews if type(each).__name__ == "CampaignView")  # type: ignore[attr-defined]

    def filters_of_a_request() -> Any:
        with panel.app_context(), panel.test_request_context("/campaigns/list/"):
            mine = view._filters
            mine.add_filter_index("name", 0, "mine")
            assert view._filters is mine
            return mine

    first, second = (contextvars.Context().run(filters_of_a_request) for _ in range(2))
    assert first is not second
    assert len(first.values) == len(second.values) == 1
    assert view._filters.values == []


def test_a_page_does_not_wait_for_a_writer(manager: Browser, panel: Flask) -> None:
    factories.ready_campaign(1, name="Spring sale")
    db.session.commit()
    with db.engine.connect() as writer:
        writer.exec_driver_sql("UPDATE campaign SET description = 'being written'")
        assert "Spring sale" in manager.get("/campaigns/list/").text
        writer.rollback()
