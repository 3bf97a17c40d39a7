"""The bodies of an e-mail as pieces: fixed text, and what is filled in per recipient; tracked links, pixel, footer."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias
from urllib.parse import quote

from app.channels import html_places
from app.channels.html_places import SENTINEL, Place
from app.channels.merge import UNSUBSCRIBE_URL, MergeError, Part, Slot, Template, fields_of
from app.channels.quoted_printable import SOFT_BREAK, encode
from app.kernel.errors import InvalidInput

LINK_LIMIT = 2000

_URL_IN_TEXT = re.compile(r"https?://[^\s<>\"\[\]]+", re.IGNORECASE)
_HOST_IN_TEXT = re.compile(rf"https?://[^/?#\s{SENTINEL}]+[/?#]", re.IGNORECASE)
_USER_IN_LINK = re.compile(r"https?://[^/?#]*@", re.IGNORECASE)
_AFTER_URL = ".,;:!?'*"
_FOOTER_STYLE = "font-size:12px;line-height:18px;color:#666666"


class FillKind(StrEnum):
    """What is filled in, and how it is encoded."""

    TEXT = "text"  # a contact's value in plain text
    HTML = "html"  # the same in HTML
    URL = "url"  # the same as a component of a link
    ADDRESS = "address"  # the same in a mailto: or tel: link
    TRACK_TOKEN = "track-token"
    UNSUBSCRIBE_TOKEN = "unsubscribe-token"
    DATE = "date"
    RECIPIENT = "recipient"
    NUMBER = "number"
    SUBJECT = "subject"


@dataclass(frozen=True, slots=True)
class Fill:
    """A place in the skeleton; field and default are those of a contact's value."""

    kind: FillKind
    field: str = ""
    default: str = ""


Piece: TypeAlias = str | Fill
Edit: TypeAlias = tuple[int, int, list[Piece]]  # start, end, what stands there instead

_KIND_OF_PLACE = {
    Place.HTML: FillKind.HTML,
    Place.WHOLE_URL: FillKind.HTML,  # a link that we made for the person
    Place.URL: FillKind.URL,
    Place.ADDRESS: FillKind.ADDRESS,
}


class Links:
    """Our own addresses in a message, and the targets of the tracked links by number; equal targets share one."""

    def __init__(self, public_url: str, *, is_tracking: bool) -> None:
        self.public_url = public_url
        self.is_tracking = is_tracking
        self.targets: list[str] = []
        self._numbers: dict[str, int] = {}

    def click(self, target: str) -> list[Piece]:
        """The address that leads to the target and is counted."""
        number = self._numbers.setdefault(target, len(self.targets))
        if number == len(self.targets):
            self.targets.append(target)
        return [f"{self.public_url}/c/", Fill(FillKind.TRACK_TOKEN), f"/{number}"]

    def unsubscribe(self) -> list[Piece]:
        """The address of the page that ends the subscription."""
        return [f"{self.public_url}/u/", Fill(FillKind.UNSUBSCRIBE_TOKEN)]

    def open_pixel(self) -> list[Piece]:
        """The picture that tells that a message was opened."""
        start, end = f'<img src="{self.public_url}/o/', '.gif" width="1" height="1" alt="">'
        return [start, Fill(FillKind.TRACK_TOKEN), end]


def html_pieces(template: Template, links: Links, *, has_pixel: bool) -> list[Piece]:
    """The HTML part: values escaped for where they stand, links tracked, footer when there is no unsubscribe link."""
    html = html_places.scan(template)
    edits: list[Edit] = []
    for link in html.links:
        _check_link(link.target, Part.HTML)
        if links.is_tracking:
            edits.append((link.start, link.end, ['"', *links.click(link.target), '"']))
    closing: list[Piece] = []
    if UNSUBSCRIBE_URL not in fields_of(template):
        closing += [f'\n<p style="{_FOOTER_STYLE}"><a style="color:#666666" href="', *links.unsubscribe()]
        closing.append('">Unsubscribe</a></p>\n')
    if has_pixel:
        closing += links.open_pixel()
    edits.append((html.end_of_body, html.end_of_body, closing))
    filled = [_filled(slot, place, links) for slot, place in html.slots]
    return _merged(_edited(html.source, edits, filled))


def text_pieces(template: Template, links: Links) -> list[Piece]:
    """The plain-text part: values as they are (percent-encoded inside a link), links tracked, footer as in HTML."""
    source = html_places.joined(template).rstrip("\r\n") + "\n"
    slots = [piece for piece in template if isinstance(piece, Slot)]
    in_link: set[int] = set()
    edits: list[Edit] = []
    for match in _URL_IN_TEXT.finditer(source):
        url = _without_sentence(match[0])
        first = source.count(SENTINEL, 0, match.start())
        if count := url.count(SENTINEL):
            if not _HOST_IN_TEXT.match(url):
                slot = slots[first]
                raise MergeError(
                    "%(slot)s cannot be the host of a link. Write it as https://example.com/{{ … }}.",
                    Part.TEXT,
                    slot.line,
                    slot.column,
                    slot=f"{{{{ {slot.field} }}}}",
                )
            in_link.update(range(first, first + count))
        else:
            _check_link(url, Part.TEXT)
            if links.is_tracking:
                edits.append((match.start(), match.start() + len(url), links.click(url)))
    if UNSUBSCRIBE_URL not in fields_of(template):
        edits.append((len(source), len(source), ["\nUnsubscribe: ", *links.unsubscribe(), "\n"]))
    filled = [
        _filled(slot, Place.URL, links) if number in in_link else _filled_text(slot, links)
        for number, slot in enumerate(slots)
    ]
    return _merged(_edited(source, edits, filled))


def encoded(pieces: Iterable[Piece]) -> list[bytes | Fill]:
    """A body in quoted-printable: every filled value stands on a line of its own between soft line breaks."""
    result: list[bytes | Fill] = []
    at_line_start = True
    for piece in pieces:
        if isinstance(piece, str):
            data = encode(piece)
            at_line_start = data.endswith(b"\r\n")
            result.append(data)
        else:
            result += [piece, SOFT_BREAK] if at_line_start else [SOFT_BREAK, piece, SOFT_BREAK]
            at_line_start = True
    return result


def _filled(slot: Slot, place: Place, links: Links) -> list[Piece]:
    if slot.field != UNSUBSCRIBE_URL:
        return [Fill(_KIND_OF_PLACE[place], slot.field, slot.default)]
    start, *rest = links.unsubscribe()
    if place in (Place.URL, Place.ADDRESS) and isinstance(start, str):
        return [quote(start, safe=""), *rest]
    return [start, *rest]


def _filled_text(slot: Slot, links: Links) -> list[Piece]:
    return links.unsubscribe() if slot.field == UNSUBSCRIBE_URL else [Fill(FillKind.TEXT, slot.field, slot.default)]


def _edited(source: str, edits: list[Edit], filled: list[list[Piece]]) -> Iterator[Piece]:
    """The source with the edits made and the slots filled, in order."""
    slots = iter(filled)
    position = 0
    for start, end, pieces in [*sorted(edits, key=lambda edit: edit[:2]), (len(source), len(source), [])]:
        for text in html_places.split(source, position, start):
            if text is None:
                yield from next(slots)
            else:
                yield text
        yield from pieces
        position = end


def _merged(pieces: Iterable[Piece]) -> list[Piece]:
    """The pieces with neighbouring fixed texts joined."""
    result: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, str) and result and isinstance(result[-1], str):
            result[-1] += piece
        elif piece:
            result.append(piece)
    return result


def _without_sentence(url: str) -> str:
    """The link without what belongs to the sentence around it: a closing bracket that it did not open, full stops."""
    depth = 0
    for index, char in enumerate(url):
        depth += (char == "(") - (char == ")")
        if depth < 0:
            url = url[:index]
            break
    return url.rstrip(_AFTER_URL)


def _check_link(target: str, part: Part) -> None:
    """Refuse links that mislead or that no mail program follows."""
    shown = target[:60]
    if len(target) > LINK_LIMIT:
        raise InvalidInput(
            "The link %(link)s… is longer than %(limit)s characters. Shorten it.", part, link=shown, limit=LINK_LIMIT
        )
    if _USER_IN_LINK.match(target):
        raise InvalidInput(
            "The link %(link)s has an @ before its host, as in fraud. Write the host alone.", part, link=shown
        )
