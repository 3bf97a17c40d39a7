"""What the templates of generated pages ask for: the current menu entry, the quick search, words for empty lists."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import Flask, render_template, request, url_for
from flask_appbuilder import AppBuilder
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from app.web import security
from app.web.base import may
from app.web.words import of_role

# What the entries of the menu are called; their names are FAB's ids and parts of permissions.
MENU = {
    "Dashboard": _l("Dashboard"),
    "Campaigns": _l("Campaigns"),
    "Calendar": _l("Calendar"),
    "Active campaigns": _l("Active campaigns"),
    "Groups": _l("Groups"),
    "History": _l("History"),
    "Content": _l("Content"),
    "Templates": _l("Templates"),
    "Documents": _l("Documents"),
    "Removals": _l("Removals"),
    "Audience": _l("Audience"),
    "Contacts": _l("Contacts"),
    "Folders": _l("Folders"),
    "Imports": _l("Imports"),
    "Suppressions": _l("Suppressions"),
    "Missions": _l("Missions"),
    "Settings": _l("Settings"),
    "SMTP accounts": _l("SMTP accounts"),
    "Limits": _l("Limits"),
    "Internal statuses": _l("Internal statuses"),
    "Own holidays": _l("Own holidays"),
    "Campaign fields": _l("Campaign fields"),
    "Demo": _l("Demo"),
    "Inbox": _l("Inbox"),
    "Operations": _l("Operations"),
    "Queues and workers": _l("Queues and workers"),
    "RQ dashboard": _l("RQ dashboard"),
    "Audit log": _l("Audit log"),
    "Security": _l("Security"),
    "List Users": _l("Users"),
    "List Roles": _l("Roles"),
    "List Groups": _l("Groups of users"),
}
FABS_LISTS = frozenset({"List Users", "List Roles", "List Groups"})

# Pages that belong to an entry of the menu beside those under its own address.
BELONG = {"/dashboard/campaigns": "/campaigns"}
# Entries whose address is the beginning of another one's.
ALONE = frozenset({"/dashboard"})

# Asked about in red, because nothing brings back what they take away.
DANGER_ACTIONS = frozenset({"delete_chosen", "end", "unpublish", "muldelete", "delete_failed"})


@dataclass(frozen=True, slots=True)
class QuickSearch:
    """The search field beside the filters: the first column that holds text, asked whether it contains the words.

    others: the filters that are active beside it, each [column, operator, value].
    """

    column: str
    field: str
    value: str
    others: list[Sequence[Any]]


def init_app(app: Flask, appbuilder: AppBuilder) -> None:
    """Give the templates their functions."""
    app.jinja_env.filters["is_current"] = is_current
    app.jinja_env.globals.update(
        appbuilder=appbuilder,  # FAB gives it to the pages of its views only
        locale=lambda: str(get_locale() or "en"),
        danger_actions=DANGER_ACTIONS,
        quick_search=quick_search,
        permission_table=permission_table,
        shown_name=shown_name,
        modal_mark=partial(modal_mark, appbuilder),
        empty_list=partial(empty_list, appbuilder),
        words_before_delete=partial(words_before_delete, appbuilder),
        may_hear=partial(may, security.READ, "Notice"),
    )


def is_current(item: Any) -> bool:
    """Whether a menu entry leads to the page that is open, or to the list that this page belongs to."""
    address = item.get_url()
    base = str(address or "").removesuffix("list/").rstrip("/")
    bases = [each for each in (base, BELONG.get(base)) if each]
    here = request.path
    return any(here.rstrip("/") == each or (each not in ALONE and here.startswith(f"{each}/")) for each in bases)


def quick_search(
    searches: dict[str, Sequence[str]], columns: Iterable[str], active: Sequence[Sequence[Any]]
) -> QuickSearch | None:
    """The quick search of a list; None when no column can be asked whether it contains something."""
    contains = _("Contains")
    for column in columns:
        if contains in searches.get(column, ()):
            field = f"_flt_{list(searches[column]).index(contains)}_{column}"
            others = [each for each in active if (each[0], each[1]) != (column, contains)]
            return QuickSearch(column, field, request.args.get(field, ""), others)
    return None


def shown_name(arguments: dict[str, Any]) -> str:
    """What a page that shows one thing is called: the thing's name; nothing when it has none."""
    columns = arguments.get("include_columns", ())
    for name in ("name", "title", "username", "file_name"):
        if name in columns:
            return str(arguments["value_columns"][list(columns).index(name)] or "")
    return ""


def permission_table(granted: Iterable[Any]) -> list[tuple[str, list[str]]]:
    """The permissions of a role by what they are for, each pair [view, permission] or a row of FAB's table."""
    table: dict[str, list[str]] = defaultdict(list)
    for each in granted:
        view, permission = each if isinstance(each, list | tuple) else (str(each.view_menu), str(each.permission))
        table[str(MENU.get(view) or of_role(view))].append(of_role(permission))
    return [(view, sorted(permissions)) for view, permissions in sorted(table.items())]


def _view(appbuilder: AppBuilder, endpoint: str) -> Any:
    return next((view for view in appbuilder.baseviews if getattr(view, "endpoint", None) == endpoint), None)


def modal_mark(appbuilder: AppBuilder, endpoint: str) -> str:
    """The attribute that opens the forms of a view in a modal; nothing for a view whose forms need a page."""
    view = _view(appbuilder, endpoint)
    return Markup(" data-modal-form") if view is not None and getattr(view, "has_short_form", True) else ""


def words_before_delete(appbuilder: AppBuilder, endpoint: str, pk: Any) -> str:
    """What deleting an entry of a view touches beside it."""
    view = _view(appbuilder, endpoint)
    return str(view.words_before_delete(pk)) if hasattr(view, "words_before_delete") else ""


def empty_list(appbuilder: AppBuilder, endpoint: str, can_add: bool) -> str:
    """What a list says when it has nothing to show: that the filters match nothing, or what to do first."""
    view = _view(appbuilder, endpoint)
    return Markup(
        render_template(
            "_empty_list.html",
            is_filtered=any(name.startswith("_flt_") for name in request.args),
            words=getattr(view, "empty_words", ""),
            add_address=url_for(f"{endpoint}.add") if can_add else "",
            endpoint=endpoint,
        )
    )


def name_people_views(appbuilder: AppBuilder) -> None:
    """FAB calls its menu entries "List Users" and the like; the panel names things, in the person's language."""
    for category in appbuilder.menu.menu:
        for entry in (category, *category.childs):
            entry.label = MENU.get(entry.name, entry.label)
    for view in appbuilder.baseviews:
        title = str(getattr(getattr(view, "list_title", None), "_args", ("",))[0])
        if title in FABS_LISTS:
            view.list_title = MENU[title]
