"""People with a role, and browsers without JavaScript for them."""

import contextvars
import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, has_app_context
from flask.testing import FlaskClient
from werkzeug.security import generate_password_hash

from app.extensions import db

PASSWORD = "a long password for tests"
_HASH = generate_password_hash(PASSWORD, "pbkdf2:sha256:1")


class Browser(FlaskClient):
    """A test client whose every request has contexts of its own, as on a server; the test's are not seen by it."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        if has_app_context():
            db.session.rollback()  # on SQLite an open transaction of the test would lock the request out
        return contextvars.Context().run(super().open, *args, **{"buffered": True} | kwargs)

    def token(self, path: str) -> str:
        """The CSRF token of a page."""
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.get(path).text)
        assert found, f"no token in {path}"
        return found[1]


def form_of(browser: Browser, path: str) -> dict[str, Any]:
    """What a browser would send back for the form of that page, unchanged."""
    page = browser.get(path)
    assert page.status_code == 200, page.headers
    return form_in(page.text)


def form_in(page: str) -> dict[str, Any]:
    """What a browser would send back for the form in that page, unchanged."""
    fields: dict[str, Any] = {}
    for tag in re.findall(r"<input [^>]*>", page):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        kind = re.search(r'type="(\w+)"', tag)
        if not name or (kind and kind[1] in ("file", "password")):
            continue
        if kind and kind[1] in ("checkbox", "radio") and " checked" not in tag:
            continue
        fields[name[1]] = html.unescape(value[1]) if value else ""
    for name, body in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', page, re.S):
        fields[name] = html.unescape(body).strip()
    for name, body in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', page, re.S):
        fields[name] = list(map(html.unescape, re.findall(r'<option selected value="([^"]*)"', body)))
    return fields


SignIn = Callable[[str], Browser]


def add_person(app: Flask, role: str) -> str:
    """A person with that role; returns the user name."""
    sm = app.appbuilder.sm  # type: ignore[attr-defined]
    name = role.lower().replace(" ", "-")
    if sm.find_user(name) is None:
        added = sm.add_user(name, "Test", role, f"{name}@example.org", sm.find_role(role), hashed_password=_HASH)
        assert added
    db.session.rollback()
    return name


@pytest.fixture()
def sign_in(panel: Flask) -> SignIn:
    """A browser in which a person of that role is signed in."""

    def sign_in_as(role: str) -> Browser:
        name = add_person(panel, role)
        browser = Browser(panel, panel.response_class, use_cookies=True)
        answer = browser.post("/login/", data={"username": name, "password": PASSWORD})
        assert answer.status_code == 302
        return browser

    return sign_in_as


@pytest.fixture()
def admin(sign_in: SignIn) -> Browser:
    """A browser of the administrator."""
    return sign_in("Admin")


@pytest.fixture()
def manager(sign_in: SignIn) -> Browser:
    """A browser of a campaign manager."""
    return sign_in("Campaign Manager")


@pytest.fixture()
def analyst(sign_in: SignIn) -> Browser:
    """A browser of an analyst."""
    return sign_in("Analyst")
