"""What the browser is told about our pages: strict everywhere, looser only where a page of others needs it."""

import re
from pathlib import Path

import pytest
from flask import Flask

from tests.web.conftest import Browser

PAGES = (
    "/campaigns/list/",
    "/login/",
    "/nothing-here",
    "/static/logo.svg",
    "/users/list/",
    "/campaigns/add",
    "/imports/add",
)


@pytest.mark.parametrize("path", PAGES)
def test_every_answer_carries_the_headers(manager: Browser, path: str) -> None:
    headers = manager.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["X-Frame-Options"] == "SAMEORIGIN"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "frame-ancestors 'self'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]


def test_pages_are_not_kept(manager: Browser) -> None:
    assert manager.get("/campaigns/list/").headers["Cache-Control"] == "no-store"


def test_each_answer_has_a_nonce_of_its_own_on_all_its_scripts(manager: Browser) -> None:
    seen = set()
    for _ in range(2):
        answer = manager.get("/campaigns/list/")
        nonce = re.search(r"script-src 'self' 'nonce-([\w-]{20,})'", answer.headers["Content-Security-Policy"])
        assert nonce
        seen.add(nonce[1])
        assert set(re.findall(r"<script([^>]*)>", answer.text)) and all(
            f'nonce="{nonce[1]}"' in attributes for attributes in re.findall(r"<script([^>]*)>", answer.text)
        )
    assert len(seen) == 2


def test_no_template_styles_or_acts_inline(panel: Flask) -> None:

    for template in (Path(panel.root_path) / "web").rglob("*.html"):
        inline = re.search(r"\s(style|on[a-z]+)=[\"']", template.read_text())
        assert not inline, f"{template.name}: {inline}"


def test_https_is_asked_for_only_where_the_public_address_has_it(panel: Flask, manager: Browser) -> None:
    assert "Strict-Transport-Security" not in manager.get("/login/").headers
    panel.config["SESSION_COOKIE_SECURE"] = True
    try:
        assert "max-age" in panel.test_client().get("/login/").headers["Strict-Transport-Security"]
    finally:
        panel.config["SESSION_COOKIE_SECURE"] = False
