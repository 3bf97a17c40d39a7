"""What the address of a report asks for: a filter of its recipients and a place among them."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from werkzeug.datastructures import MultiDict

from app.channels.contract import Reason
from app.kernel.errors import InvalidInput, NotFound
from app.reports import recipients
from app.sending.selection import NO_LABEL, RecipientFilter
from app.sending.states import Shown
from app.web import words
from app.web.asked import midnight, number, one_of

SIZES = (10, 25, 50, 100)
USUAL_SIZE = 25
FACTS = {"opened": "opened_at", "clicked": "clicked_at", "unsubscribed": "unsubscribed_at"}
LONGEST_SEARCH = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """A filter and a place. given: the filter as it stood in the address, to be written into links and fields.

    problem: why the search finds nothing, for the field it was typed into.
    """

    filter: RecipientFilter
    given: dict[str, str]
    after: int
    before: int | None
    size: int
    problem: str = ""

    def link(self, **changed: Any) -> dict[str, Any]:
        """The arguments of a link with some of them changed; None takes one away."""
        size = {} if self.size == USUAL_SIZE else {"size": self.size}
        return {name: value for name, value in ({**self.given, **size} | changed).items() if value not in (None, "")}


def read(args: MultiDict[str, str], zone: str) -> Asked:
    """Read the address, without what was searched for. zone: whose days From and To are.

    Raises NotFound for what no link of ours says.
    """
    given = {name: args.get(name, "").strip() for name in ("state", "reason", "fact", "label", "from", "to", "q")}
    asked = RecipientFilter(
        shown=one_of(Shown, given["state"]),
        reason=one_of(Reason, given["reason"]),
        internal_status_id=number(given["label"], NO_LABEL) if given["label"] else None,
        fact=_fact(given["fact"]),
        from_at=midnight(given["from"], ZoneInfo(zone)),
        until_at=midnight(given["to"], ZoneInfo(zone), timedelta(days=1)),
    )
    size = number(args.get("size") or str(USUAL_SIZE), 1)
    if size not in SIZES:
        raise NotFound("There is no such page. Start at the first one.")
    before = number(args["before"], 1) if args.get("before") else None
    return Asked(asked, given, number(args.get("after") or "0", 0), before, size)


def find(asked: Asked, may_search_addresses: bool) -> Asked:
    """The same with its filter narrowed to what was searched for."""
    try:
        found = recipients.searched(asked.given["q"][:LONGEST_SEARCH], asked.filter, may_search_addresses)
    except InvalidInput as error:
        return replace(asked, filter=replace(asked.filter, contact_ids=()), problem=words.of_error(error))
    return replace(asked, filter=found)


def _fact(value: str) -> str:
    if value and value not in FACTS:
        raise NotFound("There is no such state. Choose one from the list.")
    return FACTS.get(value, "")
