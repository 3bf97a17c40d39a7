"""The bell, the page of notifications and what a person is told: everybody's own."""

import re

import pytest
from flask import Flask
from sqlalchemy import event, select

from app.extensions import db
from app.kernel import clock
from app.kernel.audit import Subject
from app.notices import choices
from app.notices.models import MailState, Notice, NoticeKind, Scope, Way
from tests.web.conftest import Browser, form_of


def id_of(name: str) -> int:
    found = db.session.scalar(select(choices.people_table().c.id).where(choices.people_table().c.username == name))
    db.session.rollback()
    assert found
    return int(found)


def told(person: str, number: int = 1, **values: object) -> list[int]:
    usual = {"kind": NoticeKind.FINISHED, "about": Subject.CAMPAIGN, "about_id": 1, "name": "Spring sale"}
    person_id, made = id_of(person), []
    for each in range(number):
        notice = Notice(person_id=person_id, key=f"event-{each}", happened_at=clock.utcnow(), **usual | values)
        db.session.add(notice)
        db.session.flush()
        made.append(notice.id)
    db.session.commit()
    return made


def test_the_bell_counts_what_is_unread_in_one_statement(manager: Browser, panel: Flask) -> None:
    told("campaign-manager", 3)
    statements: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda _c, _u, statement, *_: statements.append(statement))
    page = manager.get("/notifications/bell").text
    assert "3 unread notifications" in page and ">3<" in page
    assert len([each for each in statements if " notice" in each]) == 1


def test_without_news_the_bell_shows_nothing_and_the_page_says_what_will_come(manager: Browser) -> None:
    assert "unread" not in manager.get("/notifications/bell").text
    assert "Nothing yet." in manager.get("/notifications/").text


def test_every_page_has_the_bell(manager: Browser) -> None:
    assert manager.get("/campaigns/list/").text.count('class="bell-mark"') == 2


def test_opening_one_reads_it_and_leads_to_the_campaign(manager: Browser) -> None:
    (notice_id,) = told("campaign-manager")
    answer = manager.post(f"/notifications/{notice_id}/open")
    assert answer.status_code == 302 and answer.location == "/history/campaign/1"
    assert "unread" not in manager.get("/notifications/bell").text


def test_nobody_reads_what_another_person_was_told(manager: Browser, analyst: Browser) -> None:
    (notice_id,) = told("campaign-manager")
    assert analyst.post(f"/notifications/{notice_id}/open").status_code == 404
    assert "Spring sale" not in analyst.get("/notifications/").text
    assert "1 unread" in manager.get("/notifications/bell").text


def test_reading_all_leaves_what_came_after_the_page_was_shown(manager: Browser) -> None:
    first, _second = told("campaign-manager", 2)
    manager.post("/notifications/read", data={"until": str(first)})
    assert "1 unread" in manager.get("/notifications/bell").text


def test_the_page_goes_on_with_older_ones(manager: Browser) -> None:
    ids = told("campaign-manager", 51)
    page = manager.get("/notifications/").text
    assert page.count('class="notice is-unread"') == 50
    older = re.search(r"before=(\d+)", page)
    assert older and older[1] == str(ids[1])
    assert manager.get(f"/notifications/?before={older[1]}").text.count('class="notice is-unread"') == 1


def test_a_mail_that_could_not_be_sent_is_said(manager: Browser) -> None:
    told("campaign-manager", mail_state=MailState.FAILED, mail_error="550 no such user")
    assert "The e-mail could not be sent: 550 no such user" in manager.get("/notifications/").text


def test_what_is_only_mailed_is_not_in_the_panel(manager: Browser) -> None:
    told("campaign-manager", is_shown=False)
    assert "Spring sale" not in manager.get("/notifications/").text


def test_what_a_person_chose_is_kept_and_shown_again(manager: Browser) -> None:
    fields = form_of(manager, "/notifications/settings")
    assert fields["finished_panel"] == ["own"]
    answer = manager.post(
        "/notifications/settings",
        data={**fields, "failed_email": "all", "upcoming_panel": "none", "lead_minutes": "15"},
    )
    assert answer.status_code == 302
    person = choices.of(id_of("campaign-manager"))
    assert person.scopes[NoticeKind.FAILED, Way.EMAIL] is Scope.ALL
    assert person.scopes[NoticeKind.UPCOMING, Way.PANEL] is Scope.NONE
    assert person.lead_minutes == 15
    assert form_of(manager, "/notifications/settings")["failed_email"] == ["all"]


@pytest.mark.parametrize("wrong", [{"failed_email": "everything"}, {"lead_minutes": "7"}])
def test_a_made_up_choice_changes_nothing(manager: Browser, wrong: dict[str, str]) -> None:
    fields = form_of(manager, "/notifications/settings")
    assert manager.post("/notifications/settings", data={**fields, **wrong}).status_code == 200
    assert choices.of(id_of("campaign-manager")).scopes == choices.USUAL
