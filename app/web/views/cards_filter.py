"""What the address of the wall of cards asks for, and the same question put to the table of campaigns."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import url_for
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict

from app.campaigns.lifecycle import CampaignStatus
from app.channels.contract import Channel
from app.kernel.errors import NotFound
from app.reports.cards import NO_GROUP, Sort, Wanted
from app.web.asked import number
from app.web.filters import TEXT_FILTERS, Contains
from app.web.forms.groups import NO_GROUP as WITHOUT

SIZES = (10, 25, 50, 100)
USUAL_SIZE, USUAL_SORT = 25, "-created"
MOST_PAGES = 10_000
LONGEST_SEARCH = 150
QUESTION = ("q", "status", "group", "creator", "channel")
NAMES = (*QUESTION, "sort")

# What people choose from, as it stands in the address: a minus turns an order round.
SORTS: dict[str, Any] = {
    "-created": _l("Newest first"),
    "created": _l("Oldest first"),
    "name": _l("Name: A to Z"),
    "-name": _l("Name: Z to A"),
    "-id": _l("Number: highest first"),
    "id": _l("Number: lowest first"),
    "-modified": _l("Changed last first"),
    "modified": _l("Changed longest ago first"),
    "-contacts": _l("Most contacts first"),
    "contacts": _l("Fewest contacts first"),
    "-activity": _l("Latest activity first"),
    "activity": _l("Longest without activity first"),
}

# What the wall and the table both know: name in the address of the wall -> in that of the table.
CONTAINS = f"_flt_{TEXT_FILTERS.index(Contains)}_name"
IN_TABLE = {"q": CONTAINS, "status": "_flt_0_status", "group": "_flt_0_group_id", "creator": "_flt_0_created_by"}
COLUMNS = {"name": "name", "modified": "changed_at"}
TABLE_ORDER, TABLE_WAY, TABLE_SIZE = "_oc_CampaignView", "_od_CampaignView", "psize_CampaignView"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and a page of its answer. given: the question as it stood in the address; page counts from 1."""

    wanted: Wanted
    given: dict[str, str]
    page: int
    size: int

    @property
    def is_filtered(self) -> bool:
        """Whether something narrows the campaigns down."""
        return any(self.given[name] for name in QUESTION)

    @property
    def sort(self) -> str:
        """The order as it stands in the address."""
        return self.given["sort"] or USUAL_SORT

    def link(self, **changed: Any) -> dict[str, Any]:
        """The arguments of a link with some of them changed; None takes one away. The page is the first again."""
        size = {} if self.size == USUAL_SIZE else {"size": self.size}
        return {name: value for name, value in ({**self.given, **size} | changed).items() if value not in (None, "")}

    def here(self) -> dict[str, Any]:
        """The arguments of a link to this very page."""
        return self.link(page=self.page if self.page > 1 else None)

    @property
    def query(self) -> str:
        """All of it as it stands behind the question mark."""
        return urlencode(self.here())

    def table(self) -> dict[str, Any]:
        """The arguments of the table for the same question, as far as it knows it."""
        found = {theirs: self.given[ours] for ours, theirs in IN_TABLE.items() if self.given[ours]}
        column = COLUMNS.get(self.sort.removeprefix("-"))
        if column:
            found |= {TABLE_ORDER: column, TABLE_WAY: "desc" if self.sort.startswith("-") else "asc"}
        if self.size != USUAL_SIZE:
            found[TABLE_SIZE] = str(self.size)
        return found

    def calendar(self) -> dict[str, Any]:
        """The arguments of the calendar for the same question: it has an order of its own, and no pages."""
        return {name: self.given[name] for name in QUESTION if self.given[name]}


def read(args: MultiDict[str, str]) -> Asked:
    """Read the address. Raises NotFound for what no link of ours says."""
    given = {name: args.get(name, "").strip() for name in NAMES}
    sort, is_down = order_of(given["sort"])
    if given["sort"] == USUAL_SORT:
        given["sort"] = ""
    given["q"] = given["q"][:LONGEST_SEARCH]
    wanted = Wanted(
        text=given["q"],
        status=_one_of(CampaignStatus, given["status"]),
        channel=_one_of(Channel, given["channel"]),
        group_id=_group(given["group"]),
        creator=given["creator"],
        sort=sort,
        is_down=is_down,
    )
    size = number(args.get("size") or str(USUAL_SIZE), 1)
    if size not in SIZES:
        raise NotFound("There is no such page. Start at the first one.")
    return Asked(wanted, given, number(args.get("page") or "1", 1, MOST_PAGES), size)


def order_of(name: str) -> tuple[Sort, bool]:
    """An order as it stands in the address, and whether it goes down; the usual one for "". Raises NotFound."""
    found = name or USUAL_SORT
    if found not in SORTS:
        raise NotFound("There is no such order. Choose one from the list.")
    return Sort(found.removeprefix("-")), found.startswith("-")


def of_table(args: MultiDict[str, str]) -> dict[str, Any]:
    """The arguments of the wall for the question that the table shows, as far as the wall knows it."""
    found = {ours: args[theirs] for ours, theirs in IN_TABLE.items() if args.get(theirs)}
    sort = next((ours for ours, theirs in COLUMNS.items() if args.get(TABLE_ORDER) == theirs), "")
    if sort:
        found["sort"] = f"-{sort}" if args.get(TABLE_WAY) == "desc" else sort
    if args.get(TABLE_SIZE) in {str(size) for size in SIZES if size != USUAL_SIZE}:
        found["size"] = args[TABLE_SIZE]
    return found


def address(query: str, campaign_id: int | None = None) -> str:
    """The wall with the filters of that query, at one of its cards; without any when nobody can read them."""
    try:
        asked = read(MultiDict(parse_qsl(query)))
    except NotFound:
        asked = read(MultiDict())
    anchor = None if campaign_id is None else f"card-{campaign_id}-name"
    return url_for("CardsView.cards", **asked.here(), _anchor=anchor)


def _one_of(kind: Any, value: str) -> Any:
    if not value:
        return None
    if value not in set(kind):
        raise NotFound("There is no such state. Choose one from the list.")
    return kind(value)


def _group(value: str) -> int | None:
    if not value:
        return None
    return NO_GROUP if value == WITHOUT else number(value, 1)
