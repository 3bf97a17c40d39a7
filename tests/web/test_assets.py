"""The built front end: named by its content, compressed, kept for ever; and what is said when it was not built."""

import json
import re
from pathlib import Path

import pytest
from flask import Flask

from app.kernel.errors import Unavailable
from app.web import assets
from tests import styles
from tests.web.conftest import Browser


def stylesheet(page: str) -> str:
    return page[page.index('rel="stylesheet" href="') :].split('"')[3]


def test_a_page_names_files_that_are_there_and_browsers_keep_them(panel: Flask, manager: Browser) -> None:
    address = stylesheet(manager.get("/campaigns/list/").text)
    answer = manager.get(address, headers={"Accept-Encoding": "br"})
    assert answer.status_code == 200
    assert answer.headers["Content-Encoding"] == "br"
    assert "immutable" in answer.headers["Cache-Control"]
    plain = manager.get(address, headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert len(plain.data) > 5 * len(answer.data)


def test_the_name_follows_from_the_content() -> None:
    assert assets.HASHED.search("/static/dist/core-DITSAGLF.css")
    assert not assets.HASHED.search("/static/dist/manifest.json")


def test_every_icon_that_a_template_names_is_in_the_file(panel: Flask) -> None:
    root = Path(panel.root_path) / "web"
    drawn = set(json.loads((root / "front" / "icons.json").read_text()))
    for template in root.rglob("*.html"):
        for part in template.read_text().split("lib.icon('")[1:]:
            assert part.split("'")[0] in drawn, template
    for view in panel.appbuilder.baseviews:  # type: ignore[attr-defined]
        for action in (getattr(view, "actions", None) or {}).values():
            assert assets.FAB_ICONS.get(action.icon, action.icon) in drawn, (view, action.icon)
    for category in panel.appbuilder.menu.menu:  # type: ignore[attr-defined]
        for entry in category.childs:
            if entry.name != "-":
                assert assets.FAB_ICONS.get(entry.icon, entry.icon) in drawn, entry.name


def test_every_class_that_a_template_names_has_its_styles(panel: Flask) -> None:
    gone = styles.left_out()
    assert "accordion-item" in gone  # which no page of ours has: else nothing was left out, and this asks nothing
    for template in (Path(panel.root_path) / "web" / "templates").rglob("*.html"):
        for value in re.findall(r'class="([^"]*)"', template.read_text(encoding="utf-8")):
            missing = gone & set(re.findall(r"[\w-]+", value))
            assert not missing, f"{template}: {missing}. Run 'make front'."


def test_without_a_build_the_start_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="make front"):
        assets.init_app(Flask(__name__, root_path=str(tmp_path)))
