"""The filters that a person keeps, on every page that has some: the menu of them, and the one that a page opens with.

A generated list keeps whatever its address says; the other pages are named here with the arguments they keep.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import Flask, current_app, g, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from app.campaigns.models import CampaignGroup, InternalStatus
from app.extensions import db
from app.kernel import saved_filters
from app.kernel.saved_filters import SavedFilter
from app.web import security
from app.web.base import may
from app.web.filters import number
from app.web.lists import ARGUMENT, TableView

RESOURCE = "SavedFilter"
CARDS = ("q", "status", "group", "creator", "channel", "sort", "size")
PAGES: dict[str, tuple[str, ...]] = {
    "CardsView.cards": CARDS,
    "CalendarView.calendar": CARDS[:5],
    "ReportView.report": ("state", "reason", "fact", "label", "from", "to", "q", "size"),
    "AuditView.index": ("by", "what", "campaign", "from", "to"),
    "HistoryView.index": ("q", "status", "by", "sort"),
}
# An argument that names a row of a table -> the table, and what people call it.
THINGS: dict[str, tuple[Any, Any]] = {
    "group": (CampaignGroup, _l("Group")),
    "label": (InternalStatus, _l("Internal status")),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A filter in the menu. address: the page with it, "" when the page cannot read it any more."""

    filter_id: int
    name: str
    address: str
    is_default: bool
    is_active: bool


@dataclass(frozen=True, slots=True)
class Menu:
    """The menu of a page. save: where the filter of the page is saved, "" without one or when it is kept already;
    problem: what the active filter asks for and is no more."""

    entries: list[Entry]
    save: str
    problem: str


def init_app(app: Flask) -> None:
    """Open pages with the filter that a person chose for them, and give the templates the menu."""
    app.before_request(_open_default)
    app.jinja_env.globals["kept_filters"] = menu


def query_of(page: str, args: MultiDict[str, str]) -> str:
    """What of an address is kept: the question, not the place among its answers. "" for a page that keeps nothing."""
    names, is_table = PAGES.get(page, ()), _table(page) is not None
    found = [(name, value) for name, value in args.items(multi=True) if value and _is_kept(name, names, is_table)]
    return urlencode(sorted(found))


def menu() -> Menu | None:
    """The menu of this page; None for a page without filters, and for those who may keep none."""
    page = request.endpoint or ""
    if not _keeps(page) or not may(security.CREATE, RESOURCE):
        return None
    query = query_of(page, request.args)
    entries = [_entry(each, query) for each in _mine(page)]
    is_kept = any(each.is_active for each in entries)
    save = url_for("FilterView.add", page=page, query=query) if query and not is_kept else ""
    return Menu(entries, save, _problem(page) if is_kept else "")


def page_of(name: str) -> str:
    """The page of that name when it keeps filters, else ""."""
    return name if _keeps(name) else ""


def _is_kept(name: str, names: tuple[str, ...], is_table: bool) -> bool:
    found = ARGUMENT.match(name) if is_table else None
    return name in names or (found is not None and found[1] != "page_")


def _keeps(page: str) -> bool:
    return page in PAGES or _table(page) is not None


def _table(page: str) -> TableView | None:
    """The view of a generated list."""
    endpoint, _dot, method = page.rpartition(".")
    views = current_app.appbuilder.baseviews  # type: ignore[attr-defined]
    found = next((view for view in views if view.endpoint == endpoint), None) if method == "list" else None
    return found if isinstance(found, TableView) else None


def _mine(page: str) -> list[SavedFilter]:
    if "kept_filters" not in g:  # asked once for a page
        g.kept_filters = saved_filters.of_page(current_user.id, page)
    found: list[SavedFilter] = g.kept_filters
    return found


def _arguments(each: SavedFilter) -> MultiDict[str, str]:
    return MultiDict(parse_qsl(each.query))


def _address(each: SavedFilter) -> str:
    return url_for(each.page, **{**(request.view_args or {}), **_arguments(each).to_dict(flat=False)})


def _entry(each: SavedFilter, query: str) -> Entry:
    view, arguments = _table(each.page), _arguments(each)
    is_readable = view is None or all(view.is_readable(*pair) for pair in arguments.items(multi=True))
    address = _address(each) if is_readable else ""
    return Entry(each.id, each.name, address, each.is_default, each.query == query)


def _open_default() -> Response | None:
    """The way to the filter that the page opens with.

    Who takes the filters away on the page itself sees everything: the browser says that they come from there.
    """
    page = request.endpoint or ""
    is_plain = request.method == "GET" and not request.args and "X-Requested-With" not in request.headers
    if not is_plain or not _keeps(page) or not current_user.is_authenticated:
        return None
    if urlsplit(request.referrer or "").path == request.path or not may(security.CREATE, RESOURCE):
        return None
    chosen = next((each for each in _mine(page) if each.is_default), None)
    address = _entry(chosen, "").address if chosen is not None else ""
    return redirect(address) if address else None


def _problem(page: str) -> str:
    """What the address of this page asks for and was deleted, as a sentence; "" when everything is there."""
    view = _table(page)
    gone = list(_gone_of_table(view)) if view is not None else list(_gone())
    if not gone:
        return ""
    return _(
        "This filter asks for something that was deleted: %(what)s. Choose anew and save it, or delete the filter.",
        what=", ".join(gone),
    )


def _gone() -> Iterator[str]:
    for name, (table, words) in THINGS.items():
        pk = number(request.args.get(name, ""))
        if pk and db.session.get(table, pk) is None:
            yield str(words)


def _gone_of_table(view: TableView) -> Iterator[str]:
    choices: Mapping[str, Any] = getattr(view, "choice_filters", {})
    for name, value in request.args.items(multi=True):
        column = name.split("_", 3)[-1] if name.startswith("_flt_") else ""
        if column in choices:
            is_there = value in {str(each) for each, _words in choices[column].choices()}
        elif column and view.datamodel.is_relation(column):
            pk = number(value)
            is_there = pk is not None and view.datamodel.get_related_obj(column, pk) is not None
        else:
            continue
        if not is_there:
            yield str(view.label_columns.get(column, column))
