"""Signing in and out: a copied cookie or token dies with the sign-in it was copied from."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from sqlalchemy import event, func, select

from app.extensions import db
from app.kernel import clock, sign_ins
from app.kernel.db import transaction
from app.kernel.sign_ins import SignIn
from app.web import sessions
from tests.web.conftest import PASSWORD, Browser, add_person
from tests.web.conftest import SignIn as SignInAs

NEW_PASSWORD = "another long password"
PAGE = "/campaigns/list/"


def copy_of(browser: Browser) -> Browser:
    """Another browser with the same cookie, as a thief would have it."""
    cookie = browser.get_cookie("muster_session")
    assert cookie
    other = Browser(browser.application, browser.application.response_class, use_cookies=True)
    other.set_cookie("muster_session", cookie.value)
    return other


def is_in(browser: Browser) -> bool:
    """Whether the panel still knows the person of that browser."""
    return bool(browser.get(PAGE).status_code == 200)


def content(browser: Browser) -> dict[str, Any]:
    """What the session cookie of a browser says."""
    cookie = browser.get_cookie("muster_session")
    reader = SecureCookieSessionInterface().get_signing_serializer(browser.application)
    assert cookie and reader
    return dict(reader.loads(cookie.value))


def reset_own(browser: Browser) -> None:
    answer = browser.post("/resetmypassword/form", data={"password": NEW_PASSWORD, "conf_password": NEW_PASSWORD})
    assert answer.status_code == 302


def person(panel: Flask, name: str) -> Any:
    return panel.appbuilder.sm.find_user(name)  # type: ignore[attr-defined]


def set_active(admin: Browser, panel: Flask, name: str, active: bool) -> None:
    """What the administrator does on the page of a user."""
    user = person(panel, name)
    form = {
        "first_name": user.first_name,
        "last_name": user.last_name,
        "username": user.username,
        "email": user.email,
        "roles": [str(role.id) for role in user.roles],
    }
    answer = admin.post(f"/users/edit/{user.id}", data=form | ({"active": "y"} if active else {}))
    assert answer.status_code == 302
    db.session.rollback()
    assert person(panel, name).active is active


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(panel: Flask) -> None:
    add_person(panel, "Analyst")
    form = {"username": "analyst", "password": PASSWORD}
    written = Browser(panel, panel.response_class).post("/login/", data=form).headers["Set-Cookie"]
    assert written.startswith("muster_session=")
    assert "HttpOnly" in written
    assert "SameSite=Lax" in written
    assert "Secure" not in written  # the public address of the tests is http
    assert "Domain" not in written


def test_a_copied_cookie_dies_at_the_sign_out_and_no_other_does(sign_in: SignInAs) -> None:
    here, elsewhere = sign_in("Analyst"), sign_in("Analyst")
    stolen = copy_of(here)
    assert is_in(stolen)
    assert here.post("/logout/").status_code == 302
    assert not is_in(here)
    assert not is_in(stolen)
    assert is_in(elsewhere)


def test_an_own_new_password_ends_all_other_sessions(sign_in: SignInAs) -> None:
    here, elsewhere, another = sign_in("Analyst"), sign_in("Analyst"), sign_in("Campaign Manager")
    reset_own(here)
    assert is_in(here)
    assert not is_in(elsewhere)
    assert is_in(another)


def test_a_new_password_from_the_administrator_ends_all_sessions(
    admin: Browser, sign_in: SignInAs, panel: Flask
) -> None:
    theirs = sign_in("Analyst")
    pk = person(panel, "analyst").id
    form = {"password": NEW_PASSWORD, "conf_password": NEW_PASSWORD}
    assert admin.post(f"/resetpassword/form?pk={pk}", data=form).status_code == 302
    assert not is_in(theirs)
    assert is_in(admin)


def test_a_deactivated_person_is_out_and_stays_out_when_let_in_again(
    admin: Browser, sign_in: SignInAs, panel: Flask
) -> None:
    theirs = sign_in("Analyst")
    set_active(admin, panel, "analyst", False)
    assert not is_in(theirs)
    assert theirs.post("/login/", data={"username": "analyst", "password": PASSWORD}).headers["Location"] != "/"
    set_active(admin, panel, "analyst", True)
    assert not is_in(theirs)
    assert is_in(sign_in("Analyst"))


def test_other_changes_of_a_person_end_nothing(admin: Browser, sign_in: SignInAs, panel: Flask) -> None:
    theirs = sign_in("Analyst")
    set_active(admin, panel, "analyst", True)
    sign_in("Analyst")  # counts the sign-ins of the person
    assert is_in(theirs)


def test_a_deleted_person_is_out(admin: Browser, sign_in: SignInAs, panel: Flask) -> None:
    theirs = sign_in("Analyst")
    assert admin.post(f"/users/delete/{person(panel, 'analyst').id}").status_code == 302
    db.session.rollback()
    assert person(panel, "analyst") is None
    assert not is_in(theirs)


def test_nothing_of_an_earlier_session_stays_when_somebody_signs_in(panel: Flask, sign_in: SignInAs) -> None:
    planted = sign_in("Campaign Manager")
    planted.get("/lang/pl")
    planted.get(PAGE)
    thief, before = copy_of(planted), content(planted)
    planted.post("/logout/")
    add_person(panel, "Analyst")
    planted.get("/login/")
    planted.post("/login/", data={"username": "analyst", "password": PASSWORD})
    after = content(planted)
    assert after["sign_in"] != before["sign_in"]
    assert after["_user_id"] != before["_user_id"]
    assert set(after) == {"_user_id", "_fresh", "_id", "locale", "sign_in", "seen"}
    assert after["locale"] == "pl"
    assert is_in(planted)
    assert not is_in(thief)


def test_a_second_sign_in_of_a_browser_ends_its_first(panel: Flask, sign_in: SignInAs) -> None:
    browser = sign_in("Analyst")
    stolen = copy_of(browser)
    with browser.session_transaction() as held:
        held["seen"] = 0  # nobody was here for long: the sign-in page shows again
    assert not is_in(browser)
    browser.post("/login/", data={"username": "analyst", "password": PASSWORD})
    assert is_in(browser)
    assert not is_in(stolen)


def test_a_session_ends_when_nobody_is_there(sign_in: SignInAs, monkeypatch: pytest.MonkeyPatch) -> None:
    busy, asleep, polling = (sign_in("Analyst") for _ in range(3))
    real, limit = clock.utcnow, busy.application.permanent_session_lifetime
    for part in (0.4, 0.8, 1.2):
        monkeypatch.setattr(clock, "utcnow", lambda part=part: real() + part * limit)
        assert is_in(busy)
        is_still_in = polling.get(PAGE, headers={"HX-Request": "true"}).status_code == 200
        assert is_still_in is (part < 1)
    assert not is_in(asleep)


def test_a_session_ends_after_a_week_however_busy(sign_in: SignInAs, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = sign_in("Analyst")
    real = clock.utcnow
    for hours in range(10, 7 * 24, 10):
        monkeypatch.setattr(clock, "utcnow", lambda hours=hours: real() + timedelta(hours=hours))
        assert is_in(browser)
    monkeypatch.setattr(clock, "utcnow", lambda: real() + sessions.LONGEST)
    assert not is_in(browser)
    monkeypatch.undo()
    sign_in("Analyst")
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(SignIn)) == 2  # this one has not ended on our clock


def test_those_that_have_ended_are_forgotten_at_the_next(panel: Flask) -> None:
    add_person(panel, "Analyst")
    pk = person(panel, "analyst").id
    with transaction():
        sign_ins.begin(pk, clock.utcnow() - timedelta(seconds=1))
    with transaction():
        key = sign_ins.begin(pk, clock.utcnow() + timedelta(hours=1))
    assert db.session.scalars(select(SignIn.id)).all() == [key]


def test_a_cookie_of_another_person_gives_nobody(sign_in: SignInAs, panel: Flask) -> None:
    browser = sign_in("Analyst")
    add_person(panel, "Admin")
    with browser.session_transaction() as held:
        held["_user_id"] = str(person(panel, "admin").id)
    assert not is_in(browser)


def test_a_get_from_elsewhere_signs_nobody_out(sign_in: SignInAs, panel: Flask) -> None:
    browser = sign_in("Analyst")
    page = browser.get("/logout/")
    assert page.status_code == 200
    assert re.search(r'<form method="post" action="/logout/">', page.text)
    assert is_in(browser)
    panel.config["WTF_CSRF_ENABLED"] = True
    try:
        assert browser.post("/logout/").status_code == 400
        assert is_in(browser)
        token = browser.token("/logout/")
        assert browser.post("/logout/", data={"csrf_token": token}).status_code == 302
    finally:
        panel.config["WTF_CSRF_ENABLED"] = False
    assert not is_in(browser)
    assert browser.get("/logout/").headers["Location"] == "/"


def test_the_menu_signs_out_by_a_form(analyst: Browser) -> None:
    page = analyst.get(PAGE).text
    assert re.search(r'<form method="post" action="/logout/">', page)
    assert not re.search(r'href="/logout/?"', page)


def test_a_request_asks_once_for_the_person_and_a_file_never(analyst: Browser) -> None:
    asked: list[str] = []

    def note(*arguments: Any) -> None:
        asked.append(arguments[2])

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        analyst.get(PAGE)
        about = [text for text in asked if "ab_user" in text or "ab_role" in text or "sign_in" in text]
        assert len(about) == 1, about
        asked.clear()
        assert analyst.get("/static/logo.svg").status_code == 200
        assert asked == []
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def test_a_fragment_leads_the_whole_page_to_the_sign_in(analyst: Browser) -> None:
    analyst.post("/logout/")
    answer = analyst.get(PAGE, headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (401, "/login/")
    assert answer.text == ""


class Token:
    """A program with the tokens of one sign-in at the API."""

    def __init__(self, panel: Flask) -> None:
        body = {"username": add_person(panel, "Analyst"), "password": PASSWORD, "provider": "db", "refresh": True}
        self.browser = Browser(panel, panel.response_class, use_cookies=False)
        self.given = self.browser.post("/api/v1/security/login", json=body).get_json()

    def status(self, token: str = "access_token") -> int:
        """What the API answers to the access token, or to the refresh token where that belongs."""
        headers = {"Authorization": f"Bearer {self.given[token]}"}
        if token == "access_token":
            return int(self.browser.get("/api/v1/campaign/", headers=headers).status_code)
        answer = self.browser.post("/api/v1/security/refresh", headers=headers)
        self.given |= answer.get_json()
        return int(answer.status_code)

    def works(self) -> list[int]:
        """What the access token and then the refresh token get."""
        return [self.status(), self.status("refresh_token")]


def test_tokens_die_with_the_password_and_with_the_person(panel: Flask, admin: Browser, sign_in: SignInAs) -> None:
    token = Token(panel)
    assert token.works() == [200, 200]
    assert token.status() == 200  # the one that came of the refreshing
    reset_own(sign_in("Analyst"))
    assert token.works() == [401, 401]
    panel.appbuilder.sm.reset_password(person(panel, "analyst").id, PASSWORD)  # type: ignore[attr-defined]
    token = Token(panel)
    set_active(admin, panel, "analyst", False)
    assert token.works() == [401, 401]
    set_active(admin, panel, "analyst", True)
    assert token.works() == [401, 401]


def test_a_refreshed_token_begins_no_other_sign_in(panel: Flask) -> None:
    token = Token(panel)
    token.works()
    rows = db.session.scalars(select(SignIn)).all()
    assert len(rows) == 1
    lasts = rows[0].ends_at - rows[0].began_at
    assert abs(lasts - panel.config["JWT_REFRESH_TOKEN_EXPIRES"]) < timedelta(seconds=1)


def test_a_sign_out_in_the_browser_leaves_programs_alone(panel: Flask, sign_in: SignInAs) -> None:
    token = Token(panel)
    sign_in("Analyst").post("/logout/")
    assert token.works() == [200, 200]
