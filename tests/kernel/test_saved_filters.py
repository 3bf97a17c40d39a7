"""The filters that people keep: their own, under names of their own, one of them to open a page with."""

import pytest
from flask import Flask
from sqlalchemy import delete

from app.extensions import db
from app.kernel import saved_filters
from app.kernel.db import transaction
from app.kernel.errors import Conflict, InvalidInput, NotFound
from app.kernel.saved_filters import SavedFilter
from tests.web.conftest import add_person

PAGE = "ContactView.list"


@pytest.fixture()
def ann(panel: Flask) -> int:
    return id_of(panel, "Campaign Manager")


@pytest.fixture()
def bob(panel: Flask) -> int:
    return id_of(panel, "Analyst")


def id_of(panel: Flask, role: str) -> int:
    name = add_person(panel, role)
    return int(panel.appbuilder.sm.find_user(name).id)  # type: ignore[attr-defined]


def save(user_id: int, name: str, query: str = "a=1", is_default: bool = False, page: str = PAGE) -> int:
    with transaction():
        return saved_filters.save(user_id, page, name, query, is_default).id


def names(user_id: int, page: str = PAGE) -> list[str]:
    return [each.name for each in saved_filters.of_page(user_id, page)]


def test_everybody_has_their_own_by_page_and_name(ann: int, bob: int) -> None:
    save(ann, "Poland")
    save(ann, "Aachen")
    save(bob, "Poland")
    save(ann, "Poland", page="FolderView.list")
    assert (names(ann), names(bob), names(ann, "FolderView.list")) == (["Aachen", "Poland"], ["Poland"], ["Poland"])


def test_a_page_opens_with_one_at_most(ann: int, bob: int) -> None:
    save(bob, "Theirs", is_default=True)
    first = save(ann, "First", is_default=True)
    save(ann, "Second", is_default=True)
    chosen = {each.name: each.is_default for each in saved_filters.of_page(ann, PAGE)}
    assert chosen == {"First": False, "Second": True}
    with transaction():
        saved_filters.change(ann, first, "First", True)
    assert [each.name for each in saved_filters.of_page(ann, PAGE) if each.is_default] == ["First"]
    assert saved_filters.of_page(bob, PAGE)[0].is_default


@pytest.mark.parametrize(
    ("name", "query", "words"),
    [
        pytest.param("  ", "a=1", "Give the filter a name", id="no name"),
        pytest.param("a\x07b", "a=1", "Give the filter a name", id="bell"),
        pytest.param("x" * 61, "a=1", "60 characters", id="long name"),
        pytest.param("POLAND", "a=1", "Choose a different name", id="taken"),
        pytest.param("New", "", "Nothing is filtered", id="nothing"),
        pytest.param("New", "q=" + "x" * 2000, "too long", id="long"),
        pytest.param("New", "q=ann%40people.example", "address of a person", id="address"),
    ],
)
def test_what_cannot_be_kept_says_why(ann: int, name: str, query: str, words: str) -> None:
    save(ann, "Poland")
    with pytest.raises(InvalidInput, match=words), transaction():
        saved_filters.save(ann, PAGE, name, query, False)
    assert names(ann) == ["Poland"]


def test_too_many_are_refused(ann: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_filters, "MOST", 1)
    save(ann, "One")
    with pytest.raises(Conflict, match="Delete one first"), transaction():
        saved_filters.save(ann, PAGE, "Two", "a=1", False)


def test_a_filter_is_renamed_and_deleted_by_its_owner_alone(ann: int, bob: int) -> None:
    mine = save(ann, "Poland")
    for step in (lambda: saved_filters.change(bob, mine, "Mine", False), lambda: saved_filters.remove(bob, mine)):
        with pytest.raises(NotFound), transaction():
            step()
    with transaction():
        saved_filters.change(ann, mine, " Polska   i  Litwa ", False)
    assert names(ann) == ["Polska i Litwa"]
    with transaction():
        saved_filters.remove(ann, mine)
    assert names(ann) == []


def test_filters_go_with_their_person(ann: int) -> None:
    save(ann, "Poland")
    people = SavedFilter.metadata.tables["ab_user"]
    roles = SavedFilter.metadata.tables["ab_user_role"]
    with transaction():
        db.session.execute(delete(roles).where(roles.c.user_id == ann))
        db.session.execute(delete(people).where(people.c.id == ann))
    assert names(ann) == []
