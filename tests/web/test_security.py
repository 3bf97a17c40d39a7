"""CSRF, sign-in limits, headers and the answers to what goes wrong."""

import contextvars
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError

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


def test_every_answer_carries_the_headers(manager: Browser) -> None:
    for path in ("/campaigns/list/", "/login/", "/nothing-here", "/static/live.js"):
        headers = manager.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["X-Frame-Options"] == "SAMEORIGIN"
        assert "frame-ancestors 'self'" in headers["Content-Security-Policy"]
    assert manager.get("/campaigns/list/").headers["Cache-Control"] == "no-store"


def test_guessing_passwords_is_slowed_down_in_the_form_and_in_the_api(panel: Flask, settings: dict[str, Any]) -> None:
    name = add_person(panel, "Analyst")
    limited = create_app(settings | {"WTF_CSRF_ENABLED": False, "RATELIMIT_ENABLED": True}, with_panel=True)
    browser = Browser(limited, limited.response_class)
    wrong = {"username": name, "password": "wrong", "provider": "db"}
    statuses = [browser.post("/api/v1/security/login", json=wrong).status_code for _ in range(7)]
    assert statuses == [401] * 5 + [429] * 2
    assert browser.post("/login/", data={"username": name, "password": PASSWORD}).status_code == 302
    statuses = [browser.post("/login/", data=wrong).status_code for _ in range(7)]
    assert statuses[-1] == 429
    with limited.app_context():
        db.engine.dispose()


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


def test_errors_are_sentences_in_the_form_the_caller_understands(manager: Browser) -> None:
    assert "There is nothing here" in manager.get("/nothing-here").text
    answer = manager.get("/api/v1/nothing-here")
    assert (answer.status_code, answer.get_json()["message"]) == (
        404,
        "There is nothing here. It may have been deleted.",
    )
    assert manager.get("/reports/campaign/99").status_code == 404


def test_a_crash_is_logged_without_what_was_sent(
    manager: Browser, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def crash(*_args: Any) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("app.web.views.report.live_values", crash)
    answer = manager.get("/reports/campaign/1")
    assert answer.status_code == 500
    assert "written to the log" in answer.text
    assert "boom" not in answer.text
    assert caplog.records[-1].endpoint == "ReportView.report"  # type: ignore[attr-defined]


def test_a_busy_database_is_a_503(manager: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_args: Any) -> None:
        raise OperationalError("SELECT", {}, Exception("database is locked"))

    monkeypatch.setattr("app.web.views.report.live_values", busy)
    assert manager.get("/reports/campaign/1").status_code == 503


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
