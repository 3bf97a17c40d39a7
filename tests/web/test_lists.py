"""Lists over tables of any size: bounded counts and pages, texts compared as an index can, given up in time."""

import os
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert, select

from app.audience.models import Contact, Folder, Suppression, SuppressionSource
from app.channels.contract import Channel
from app.extensions import db
from app.kernel import clock
from app.kernel.errors import InvalidInput
from app.web import lists
from app.web.lists import AppInterface
from tests import factories
from tests.web.conftest import Browser

Ask = Callable[..., tuple[int, list[Any]]]


@pytest.fixture()
def ask(panel: Flask) -> Ask:
    """Asks for contacts as FAB does. flt: a column, an operator as the API names it, and a value."""
    interface = AppInterface(Contact, db.session)
    interface.shown_columns = ["first_name", "last_name", "folders"]

    def asked(
        *flt: tuple[str, str, str], order: tuple[str, str] = ("id", "desc"), page: int = 0, page_size: int = 25
    ) -> tuple[int, list[Any]]:
        filters = interface.get_filters(["first_name", "last_name", "company", "country"])
        for column, operator, value in flt:
            (found,) = (each for each in filters.get_search_filters()[column] if each.arg_name == operator)
            filters._add_filter(found, value)
        return interface.query(filters, *order, page=page, page_size=page_size)

    return asked


def names(rows: list[Any]) -> list[str]:
    return [row.last_name for row in rows]


def people(*last_names: str) -> None:
    for name in last_names:
        factories.contact(last_name=name)


def suppressed(count: int) -> None:
    """So many rows in a table that is easy to fill."""
    row = {"channel": Channel.EMAIL, "source": SuppressionSource.BY_HAND, "created_at": clock.utcnow()}
    rows = [row | {"address_index": os.urandom(16)} for _ in range(count)]
    db.session.execute(insert(Suppression), rows)
    db.session.commit()


@pytest.mark.parametrize(
    ("operator", "value", "found"),
    [
        ("sw", "no", ["Nowak", "Nowy"]),
        ("ew", "AK", ["Nowak", "Polak"]),
        ("ct", "ola", ["Polak"]),
        ("eq", "Nowy", ["Nowy"]),
        ("nsw", "no", ["100%", "50_50", "Polak"]),
        ("new", "ak", ["100%", "50_50", "Nowy"]),
        ("nct", "o", ["100%", "50_50"]),
        ("neq", "Nowak", ["100%", "50_50", "Nowy", "Polak"]),
        ("ct", "%", ["100%"]),
        ("sw", "50_", ["50_50"]),
        ("sw", "5__", []),
        ("ct", "/", []),
    ],
)
def test_texts_are_compared_without_case_and_signs_are_what_they_are(
    ask: Ask, operator: str, value: str, found: list[str]
) -> None:
    people("Nowak", "Nowy", "Polak", "100%", "50_50")
    count, rows = ask(("last_name", operator, value))
    assert sorted(names(rows)) == found
    assert count == len(found)


def test_the_beginning_of_a_text_is_found_through_an_index(ask: Ask) -> None:
    statement = str(AppInterface(Contact, db.session).apply_filters(
        db.session.query(Contact.id), _starting("Now")
    ))  # fmt: skip
    assert "lower(" not in statement.lower()


def _starting(text: str) -> Any:
    filters = AppInterface(Contact, db.session).get_filters(["last_name"])
    filters.add_filter_index("last_name", 0, text)
    return filters


def test_what_is_searched_by_its_beginning_comes_in_the_order_of_the_alphabet(ask: Ask) -> None:
    people("Nowy", "Nowak", "Nowicki")
    assert names(ask(("last_name", "sw", "now"))[1]) == ["Nowak", "Nowicki", "Nowy"]
    assert names(ask(("last_name", "sw", "now"), order=("last_name", "desc"))[1]) == ["Nowy", "Nowicki", "Nowak"]
    assert names(ask(("last_name", "ct", "now"))[1]) == ["Nowicki", "Nowak", "Nowy"]  # the newest first


def test_equal_names_are_ordered_by_the_next_column_of_the_index_and_then_by_number(ask: Ask) -> None:
    for first in ("Bob", "Ann", "Bob"):
        factories.contact(last_name="Smith", first_name=first)
    _count, rows = ask(order=("last_name", "asc"))
    assert [row.first_name for row in rows] == ["Ann", "Bob", "Bob"]
    assert rows[1].id < rows[2].id
    assert [row.id for row in ask(order=("last_name", "desc"))[1]] == [row.id for row in reversed(rows)]


@pytest.mark.parametrize("total", [lists.FEW - 1, lists.FEW + 30], ids=["few", "many"])
@pytest.mark.parametrize("flt", [(), (("first_name", "sw", "Person"),)], ids=["all", "filtered"])
def test_the_pages_of_a_list_are_all_its_entries_once(ask: Ask, total: int, flt: Any) -> None:
    factories.contacts(total)
    seen = []
    for page in range(-(-total // 100)):
        count, rows = ask(*flt, page=page, page_size=100)
        assert (count, getattr(count, "has_more", None)) == (total, False)
        seen += [row.id for row in rows]
    assert sorted(seen) == sorted(db.session.scalars(select(Contact.id)))
    if not flt:
        assert seen == sorted(seen, reverse=True)


def test_a_page_behind_the_last_one_is_empty(ask: Ask) -> None:
    people("Nowak")
    assert ask(page=3) == (1, [])
    assert ask(("last_name", "sw", "N"), page=3) == (1, [])


def test_a_list_is_counted_and_paged_up_to_a_bound_and_says_so(manager: Browser) -> None:
    suppressed(lists.MOST + 1)
    first = manager.get("/suppressions/list/").text
    assert "More than 10,000 entries" in first
    assert "The pages end here" not in first
    last = manager.get(f"/suppressions/list/?page_SuppressionView={lists.MOST // 25 - 1}").text
    assert "The pages end here: filter the list to see the others." in last
    assert len(re.findall(r'name="rowid"|class="is-actions"', last)) == 25
    behind = manager.get(f"/suppressions/list/?page_SuppressionView={lists.MOST // 25}")
    assert behind.status_code == 422
    assert "end at entry 10000" in behind.text


def test_exactly_as_many_as_the_bound_are_counted(manager: Browser) -> None:
    suppressed(lists.MOST)
    assert "10,000 entries" in (page := manager.get("/suppressions/list/").text)
    assert "More than" not in page


def test_no_list_goes_behind_the_bound(ask: Ask) -> None:
    with pytest.raises(InvalidInput):
        ask(page=lists.MOST // 100, page_size=100)


def test_a_list_that_takes_too_long_says_so_and_keeps_its_filters(panel: Flask, manager: Browser) -> None:
    factories.contacts(2000)
    db.session.commit()
    view = next(each for each in panel.appbuilder.baseviews if each.endpoint == "ContactView")  # type: ignore[attr-defined]
    view.datamodel.seconds = 0
    try:
        page = manager.get("/contacts/list/?_flt_2_first_name=nobody")
    finally:
        del view.datamodel.seconds
    assert page.status_code == 200
    assert "This takes too long" in page.text
    assert "nobody" in page.text
    assert "This takes too long" not in manager.get("/contacts/list/?_flt_2_first_name=nobody").text


def test_wide_columns_that_a_list_does_not_show_are_not_read(ask: Ask) -> None:
    people("Nowak")
    db.session.commit()
    _count, (contact,) = ask()
    assert "sealed" not in contact.__dict__
    assert contact.__dict__["folders"] == []


def test_lists_of_people_come_with_their_roles(admin: Browser) -> None:
    assert "Admin" in admin.get("/users/list/").text


def test_small_tables_are_still_listed_whole_for_selects(panel: Flask) -> None:
    factories.folder("Clients")
    assert names_of(AppInterface(Folder, db.session).query()[1]) == ["Clients"]


def names_of(rows: list[Any]) -> list[str]:
    return [row.name for row in rows]
