"""Where the fields and links of an HTML template stand, which decides how a value is escaped there.

Attributes are read as HTML 5 reads them (quotes of both kinds or none, capitals, entities). What stands in a place
where escaping cannot make it safe is refused.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from html import unescape
from html.entities import html5

from app.channels.merge import URL_FIELDS, MergeError, Part, Slot, Template
from app.kernel.errors import InvalidInput
from app.kernel.texts import N_

MOST_ATTRIBUTES = 200  # of one tag: parsers compare each with all before it (100,000 took six seconds, measured)
SENTINEL = "\ufdd0"  # a noncharacter: stands for a slot while the source is read as one string

TOO_MANY = N_("A tag <%(tag)s> has more than %(most)s attributes. Take out those that nobody needs.")

_TOKEN = re.compile(
    r"<!--\[if[^\]>]*\]>(?:<!-->)?"  # Outlook's conditions: what they hold is HTML
    r"|<!\[endif\]-->|<!--(?:-?>|.*?(?:--!?>|\Z))|<[!?][^>]*(?:>|\Z)|<(?P<closing>/?)(?P<tag>[a-zA-Z][^\s/>]*)",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(
    r"""[\s/]*(?:(?P<end>>)
        |(?P<name>[^\s/>][^\s/>=]*)(?:\s*=\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^\s>"'][^\s>]*)?))?)""",
    re.VERBOSE,
)
_ENTITY = re.compile(r"&(?:#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[A-Za-z][A-Za-z0-9]*;?)(?P<next>=?)")
_URL_ATTRIBUTES = {"href", "src", "action", "formaction", "background", "cite", "data", "poster", "xlink:href"}
_NO_FIELDS_IN = {"style", "srcdoc", "srcset", "imagesrcset", "ping"}
_RAW_TEXT = {"script", "style"}
_ONLY_TEXT = {"title", "textarea"}
_HOST_IS_WRITTEN_OUT = re.compile(rf"https?://[^/?#\\\s{SENTINEL}]+[/?#]", re.IGNORECASE)
_ADDRESS_SCHEME = re.compile(r"(?:mailto|tel|sms):", re.IGNORECASE)


class Place(StrEnum):
    """How a value is escaped where its slot stands."""

    HTML = "html"
    URL = "url"  # a component of a link
    ADDRESS = "address"  # inside a mailto: or tel: link
    WHOLE_URL = "whole-url"  # one of our own links, as it is


@dataclass(frozen=True, slots=True)
class Link:
    """A link without fields: its attribute value stands at start:end of the source, quotes included."""

    start: int
    end: int
    target: str


@dataclass(frozen=True, slots=True)
class Html:
    """An HTML template as one string with SENTINEL for each slot, and what stands where."""

    source: str
    slots: tuple[tuple[Slot, Place], ...]
    links: tuple[Link, ...]
    end_of_body: int


def scan(template: Template) -> Html:
    """Read the template.

    Raises MergeError for a field where no value could be safe, InvalidInput for a tag of more than MOST_ATTRIBUTES.
    """
    return _Scanner(template).run()


class _Scanner:
    """One pass over the source; slots are met, and taken, in the order of the template."""

    def __init__(self, template: Template) -> None:
        self.source = joined(template)
        self.slots = [piece for piece in template if isinstance(piece, Slot)]
        self.places: list[Place] = []
        self.links: list[Link] = []
        self.end_of_body = len(self.source)

    def run(self) -> Html:
        position = 0
        while token := _TOKEN.search(self.source, position):
            self.take_html(position, token.end() if not token["tag"] else token.start())
            position = self.read_tag(token) if token["tag"] else token.end()
        self.take_html(position, len(self.source))
        slots = tuple(zip(self.slots, self.places, strict=True))
        return Html(self.source, slots, tuple(self.links), self.end_of_body)

    def take_html(self, start: int, end: int) -> None:
        self.places += [Place.HTML] * self.source.count(SENTINEL, start, end)

    def refuse_slot(self, start: int, end: int, why: str, **values: object) -> None:
        if SENTINEL in self.source[start:end]:
            raise self.error(why, **values)

    def error(self, why: str, **values: object) -> MergeError:
        slot = self.slots[len(self.places)]
        return MergeError(why, Part.HTML, slot.line, slot.column, slot=f"{{{{ {slot.field} }}}}", **values)

    def read_tag(self, token: re.Match[str]) -> int:
        """Take the attributes of the tag and, of script and title, the content. Returns where to read on."""
        tag = token["tag"].lower()
        self.refuse_slot(token.start(), token.end(), N_("%(slot)s cannot be the name of a tag. Put it between tags."))
        position, first_href, number = token.end(), True, 0
        while attribute := _ATTRIBUTE.match(self.source, position):
            position = attribute.end()
            if attribute["end"]:
                break
            number += 1
            if number > MOST_ATTRIBUTES:
                raise InvalidInput(TOO_MANY, "html", tag=tag[:20], most=MOST_ATTRIBUTES)
            self.refuse_slot(
                *attribute.span("name"), N_("%(slot)s stands inside a tag. Put it between tags or in quotes.")
            )
            is_href = attribute["name"].lower() == "href"
            if not self.read_slots(attribute) and is_href and first_href and tag in ("a", "area"):
                self.read_link(attribute)
            first_href = first_href and not is_href
        else:
            position = len(self.source)  # a tag that never ends: browsers show nothing after it
        if token["closing"]:
            if tag == "body":
                self.end_of_body = token.start()
            return position
        return self.skip_content(tag, position)

    def skip_content(self, tag: str, position: int) -> int:
        if tag not in _RAW_TEXT and tag not in _ONLY_TEXT:
            return position
        closing = re.compile(rf"</{tag}(?=[\s/>])", re.IGNORECASE).search(self.source, position)
        end = closing.start() if closing else len(self.source)
        if tag in _RAW_TEXT:
            self.refuse_slot(position, end, N_("%(slot)s cannot stand in <%(tag)s>. Put it in the text."), tag=tag)
        self.take_html(position, end)
        return end

    def read_slots(self, attribute: re.Match[str]) -> bool:
        """Give every slot of the attribute value its place. Returns whether there is any."""
        start, end, quoted = _value_span(attribute)
        value = self.source[start:end]
        if SENTINEL not in value:
            return False
        name = attribute["name"].lower()
        if not quoted:
            raise self.error(N_('%(slot)s stands in an attribute without quotes. Write %(name)s="…".'), name=name)
        if name in _NO_FIELDS_IN or name.startswith("on"):
            why = N_("%(slot)s cannot stand in %(name)s, where a value could do harm. Put it in the text.")
            raise self.error(why, name=name)
        for match in re.finditer(SENTINEL, value):
            self.places.append(self.place_in_url(value[: match.start()]) if name in _URL_ATTRIBUTES else Place.HTML)
        return True

    def place_in_url(self, before: str) -> Place:
        prefix = re.sub(r"[\t\n\r]", "", attribute_text(before)).lstrip()
        slot = self.slots[len(self.places)]
        if not prefix and slot.field in URL_FIELDS:
            return Place.WHOLE_URL
        if _ADDRESS_SCHEME.match(prefix):
            return Place.ADDRESS
        earlier = self.places[-1] if prefix.startswith(SENTINEL) and self.places else None
        if _HOST_IS_WRITTEN_OUT.match(prefix) or prefix.startswith("#") or earlier in (Place.WHOLE_URL, Place.URL):
            return Place.URL
        why = N_("%(slot)s cannot be the host of a link or a whole link. Write it as https://example.com/{{ … }}.")
        raise self.error(why)

    def read_link(self, attribute: re.Match[str]) -> None:
        start, end, quoted = _value_span(attribute)
        target = re.sub(r"[\t\n\r]", "", attribute_text(self.source[start:end])).strip()
        if target.lower().startswith(("http://", "https://")):
            wide = 1 if quoted else 0
            self.links.append(Link(start - wide, end + wide, target))


def joined(template: Template) -> str:
    """The template as one string, with SENTINEL for each slot."""
    return "".join(SENTINEL if isinstance(piece, Slot) else piece.replace(SENTINEL, "") for piece in template)


def split(source: str, start: int, end: int) -> Iterator[str | None]:
    """The fixed texts of source[start:end], with None for each slot."""
    for number, text in enumerate(source[start:end].split(SENTINEL)):
        if number:
            yield None
        if text:
            yield text


def attribute_text(raw: str) -> str:
    """What an attribute says: entities decoded as HTML 5 does it in attributes (&copy=2 stays as it is)."""

    def decoded(match: re.Match[str]) -> str:
        entity = match[0][: len(match[0]) - len(match["next"])]
        if entity.endswith(";") or entity.startswith("&#"):
            return unescape(entity) + match["next"]
        return unescape(entity) if not match["next"] and entity[1:] in html5 else match[0]

    return _ENTITY.sub(decoded, raw) if "&" in raw else raw


def _value_span(attribute: re.Match[str]) -> tuple[int, int, bool]:
    """Start and end of an attribute's value without quotes, and whether it has quotes."""
    for group in ("double", "single"):
        if attribute[group] is not None:
            return (*attribute.span(group), True)
    return (*attribute.span("bare"), False) if attribute["bare"] is not None else (0, 0, False)
