"""What a person or a program is told when something fails."""

import html
import io
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from app.extensions import db
from app.web.errors import TITLES
from tests.web.conftest import Browser


def said(page: str) -> tuple[str, str]:
    """The title and the sentence of an error page."""
    title = re.search(r"<h1[^>]*>([^<]+)</h1>", page)
    sentence = re.search(r'<p class="empty-subtitle">([^<]+)</p>', page)
    assert title and sentence, page
    return html.unescape(title[1]), html.unescape(sentence[1])


BUSY = OperationalError("SELECT", {}, Exception("database is locked"))
Fail = Callable[..., None]


@pytest.fixture()
def fail(panel: Flask) -> Iterator[Fail]:
    """Lets every statement about something fail from now on."""
    hooks = []

    def fail_with(error: Exception, about: str = "") -> None:
        def refuse(*arguments: Any) -> None:
            if about in arguments[2]:
                raise error

        event.listen(db.engine, "before_cursor_execute", refuse)
        hooks.append(refuse)

    yield fail_with
    for hook in hooks:
        event.remove(db.engine, "before_cursor_execute", hook)


def test_pages_say_what_happened_and_what_to_do(manager: Browser) -> None:
    page = manager.get("/nothing-here")
    assert page.status_code == 404
    assert said(page.text) == ("Not found", "There is nothing here. It may have been deleted.")
    page = manager.get("/users/list/")
    assert page.status_code == 403
    assert said(page.text) == ("Not allowed", "Your role does not allow this. Ask an administrator.")
    page = manager.get("/campaigns/action_post")
    assert page.status_code == 405
    assert said(page.text)[0] == "Not in this way"
    page = manager.get("/campaigns/list/?psize_CampaignView=x")
    assert page.status_code == 400
    assert said(page.text)[0] == "This cannot be read"
    assert "Campaigns" in page.text  # the menu is there to go on


def test_programs_get_json(manager: Browser) -> None:
    there = {"message": "There is nothing here. It may have been deleted."}
    assert manager.get("/api/v1/nothing-here").get_json() == there
    answer = manager.get("/nothing-here", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.get_json()) == (404, there)
    answer = manager.post("/api/v1/campaign/1")
    assert answer.status_code == 405
    assert {"GET", "PUT", "DELETE"} <= set(answer.headers["Allow"].split(", "))
    assert "message" in answer.get_json()


def test_a_person_who_is_not_signed_in_gets_the_page_without_a_menu(panel: Flask) -> None:
    page = Browser(panel, panel.response_class).get("/nothing-here")
    assert page.status_code == 404
    assert said(page.text)[0] == "Not found"
    assert "/campaigns/list/" not in page.text


def test_what_is_too_large_is_refused_with_words(manager: Browser, panel: Flask) -> None:
    big = {"file": (io.BytesIO(b"x" * 2048), "people.csv")}
    panel.config["MAX_CONTENT_LENGTH"], kept = 1024, panel.config["MAX_CONTENT_LENGTH"]
    try:
        page = manager.post("/imports/add", data=big, content_type="multipart/form-data")
    finally:
        panel.config["MAX_CONTENT_LENGTH"] = kept
    assert page.status_code == 413
    assert said(page.text) == ("Too large", "This file is too large.")


def test_a_crash_is_logged_without_what_was_sent(
    manager: Browser, fail: Fail, caplog: pytest.LogCaptureFixture
) -> None:
    fail(RuntimeError("boom"), "campaign")
    answer = manager.get("/campaigns/list/")
    assert answer.status_code == 500
    assert said(answer.text)[0] == "Something went wrong"
    assert "written to the log" in answer.text
    assert "boom" not in answer.text
    assert caplog.records[-1].endpoint == "CampaignView.list"  # type: ignore[attr-defined]


def test_a_busy_database_is_a_503(manager: Browser, fail: Fail) -> None:
    fail(BUSY, "campaign")
    page = manager.get("/campaigns/list/")
    assert page.status_code == 503
    assert said(page.text)[0] == "Not available at the moment"


def test_without_a_database_people_and_programs_get_a_503_with_words(manager: Browser, fail: Fail) -> None:
    fail(BUSY)
    page = manager.get("/campaigns/list/")
    assert page.status_code == 503
    assert "<h1>Not available at the moment</h1>" in page.text
    assert "The database is busy or not reachable." in page.text
    assert "nonce" not in page.headers["Content-Security-Policy"]
    answer = manager.get("/api/v1/campaign/")
    assert (answer.status_code, answer.get_json()["message"][:12]) == (503, "The database")


def test_every_title_has_words_of_its_own() -> None:
    assert {401, 403, 404, 405, 413, 429, 500, 503} <= set(TITLES)
    assert len({str(title) for title in TITLES.values()}) == len(TITLES)
