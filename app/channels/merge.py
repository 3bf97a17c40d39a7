"""The template grammar of every channel: fixed text and checked fields, nothing that could be evaluated.

A field is `{{ first_name }}` or `{{ first_name | default: "there" }}`; `{{ "{{" }}` stands for two literal braces.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import StrEnum
from html import escape, unescape
from typing import TypeAlias

from app.kernel.errors import InvalidInput
from app.kernel.texts import N_, Phrase

CONTACT_FIELDS = (
    "first_name",
    "last_name",
    "full_name",
    "email",
    "second_email",
    "phone",
    "company",
    "country",
    "language",
)
UNSUBSCRIBE_URL = "unsubscribe_url"
PUSH_LINK = "push_link"  # where a person subscribes a browser to notifications
URL_FIELDS = (UNSUBSCRIBE_URL, PUSH_LINK)  # links that we make; not in a subject
SIZE_LIMIT_BYTES = 2_000_000
WHERE = N_("Line %(line)s, column %(column)s: %(problem)s")

_ATTRIBUTE = re.compile(r"attributes\.[a-z0-9_]{1,40}")
_MARK = re.compile(r"\{\{|\{%|%7[Bb]%7[Bb]")
_QUOTES = str.maketrans("\u201c\u201d\u201e\u2018\u2019", '"""\'\'')  # as word processors write them
_INSIDE = re.compile(
    r"""\s* (?: (?P<literal>"[^"]*"|'[^']*')
              | (?P<name>[^\s|"']+) \s* (?: \| \s* (?P<filter>\w+) \s* (?: : \s* (?P<default>"[^"]*"|'[^']*') )? )? )
        \s*\Z""",
    re.VERBOSE,
)


class Part(StrEnum):
    """The parts of a message that carry fields; the value is the name of the form field."""

    SUBJECT = "subject"
    HTML = "html"
    TEXT = "text"


class MergeError(InvalidInput):
    """A template that cannot be used. line and column count from 1 and point at the field."""

    def __init__(self, message: str, /, part: Part, line: int, column: int, **values: object) -> None:
        super().__init__(WHERE, part.value, line=line, column=column, problem=Phrase(message, **values))
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True)
class Slot:
    """A place that a contact's value fills; default is plain text and stands in when the value is empty."""

    field: str
    default: str
    line: int
    column: int

    def source(self) -> str:
        """The slot as one would write it in a plain-text template."""
        if not self.default:
            return f"{{{{ {self.field} }}}}"
        quote = "'" if '"' in self.default else '"'
        return f"{{{{ {self.field} | default: {quote}{self.default}{quote} }}}}"


Template: TypeAlias = tuple[str | Slot, ...]


def parse(source: str, part: Part) -> Template:
    """The fixed texts and slots of a template, in order; no two fixed texts stand side by side.

    In HTML the inside of a field may carry entities, as rich-text editors write them (&quot;, &nbsp;).
    Raises MergeError naming line and column, and what to write instead.
    """
    if len(source) > SIZE_LIMIT_BYTES or len(source.encode("utf-8", "replace")) > SIZE_LIMIT_BYTES:
        raise InvalidInput(
            "The %(part)s is larger than 2 MB. Shorten it, or attach what is large as a file.", part, part=part
        )
    pieces: list[str | Slot] = []
    for piece in _pieces(source, part):
        if isinstance(piece, str) and pieces and isinstance(pieces[-1], str):
            pieces[-1] += piece
        elif piece:
            pieces.append(piece)
    return tuple(pieces)


def fields_of(template: Template) -> frozenset[str]:
    """The names of the fields that a template uses."""
    return frozenset(piece.field for piece in template if isinstance(piece, Slot))


def with_defaults(source: str, part: Part, default_of: Callable[[str], str]) -> str:
    """The template in which every slot without a default has one: default_of(its field), one line without quotes.

    Raises MergeError as parse does.
    """
    pieces = [piece if isinstance(piece, Slot) else escape_literal(piece) for piece in parse(source, part)]
    return "".join(
        piece if isinstance(piece, str) else replace(piece, default=piece.default or default_of(piece.field)).source()
        for piece in pieces
    )


def escape_literal(text: str) -> str:
    """Fixed text written so that parse() gives it back unchanged."""
    return text.replace("{{", '{{ "{{" }}').replace("{%", '{{ "{%" }}')


def _pieces(source: str, part: Part) -> Iterator[str | Slot]:
    position = 0
    while mark := _MARK.search(source, position):
        line = source.count("\n", 0, mark.start()) + 1
        column = mark.start() - source.rfind("\n", 0, mark.start())
        if mark[0] == "{%":
            raise MergeError(
                "{% … %} is not available here: there are fields, no conditions and no loops. Remove it.",
                part,
                line,
                column,
            )
        if mark[0] != "{{":
            if part is not Part.HTML:  # only an editor of HTML writes braces like this
                yield source[position : mark.end()]
                position = mark.end()
                continue
            raise MergeError(
                "The braces of a field are written as %7B%7B in this link. Write them as {{ and }}.", part, line, column
            )
        end = _end_of_field(source, mark.end())
        if end < 0:
            raise MergeError(
                "A field begins with {{ and is not closed. Close it with }} on the same line as it begins.",
                part,
                line,
                column,
            )
        yield source[position : mark.start()]
        yield _field(source[mark.end() : end], part, line, column)
        position = end + 2
    yield source[position:]


def _end_of_field(source: str, start: int) -> int:
    """Index of the }} that closes the field begun before start; -1 when there is none. Quoted braces do not count."""
    limit = source.find("\n", start)
    inside = source[start : limit if limit >= 0 else len(source)][:2000]
    quote, index = "", 0
    while index < len(inside):
        char = inside[index]
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'" and inside.find(char, index + 1) >= 0:
            quote = char
        elif inside.startswith("}}", index):
            return start + index
        elif inside.startswith("{{", index):
            return -1
        index += 1
    return source.find("}}", start, start + len(inside))  # an apostrophe that opened no quotation


def _field(inside: str, part: Part, line: int, column: int) -> str | Slot:
    markup = part is Part.HTML
    text = unescape(inside) if markup else inside
    match = _INSIDE.match(text) or _INSIDE.match(text.translate(_QUOTES))
    if match is None:
        raise MergeError(
            '“%(text)s” cannot be read. Write a field as {{ first_name }} or {{ first_name | default: "there" }}.',
            part,
            line,
            column,
            text=_shown(text),
        )
    if literal := match["literal"]:
        return escape(literal[1:-1]) if markup else literal[1:-1]
    if match["filter"] is not None and (match["filter"] != "default" or match["default"] is None):
        raise MergeError(
            "“%(text)s” is not a known addition to a field. "
            "The only one is default, with a text in quotes: %(example)s.",
            part,
            line,
            column,
            text=_shown(match["filter"]),
            example=f'{{{{ {match["name"]} | default: "there" }}}}',
        )
    _check_name(match["name"], part, line, column)
    return Slot(match["name"], (match["default"] or "")[1:-1], line, column)


def _check_name(name: str, part: Part, line: int, column: int) -> None:
    known = CONTACT_FIELDS if part is Part.SUBJECT else (*CONTACT_FIELDS, *URL_FIELDS)
    if name in known or _ATTRIBUTE.fullmatch(name):
        return
    if name in URL_FIELDS:
        raise MergeError(
            "%(name)s is a link and cannot stand in the subject. Move it to the text.", part, line, column, name=name
        )
    near = get_close_matches(name.lower(), known, n=3)
    own = f"attributes.{name}" if _ATTRIBUTE.fullmatch(f"attributes.{name}") else "attributes.<name>"
    if name.startswith("attributes."):
        hint = N_("After attributes. come 1 to 40 of a-z, 0-9 and _.")
    elif near:
        hint = N_("Did you mean %(names)s? A field of your own is written %(own)s.", names=", ".join(near), own=own)
    else:
        hint = N_("Known are %(names)s. A field of your own is written %(own)s.", names=", ".join(known), own=own)
    raise MergeError("There is no field “%(name)s”. %(hint)s", part, line, column, name=_shown(name), hint=hint)


def _shown(text: str) -> str:
    """Somebody's text, short and printable, for a sentence."""
    clean = "".join(char if char.isprintable() else " " for char in text.strip())
    return f"{clean[:40]}{'…' if len(clean) > 40 else ''}"
