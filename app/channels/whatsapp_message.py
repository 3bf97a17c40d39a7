"""Messages of WhatsApp that follow a template: the values of its variables, compiled once and filled per recipient."""

import json
import re
from collections.abc import Iterable, Mapping

from app.channels.merge import UNSUBSCRIBE_URL, Part, Slot, Template, fields_of, parse
from app.channels.text_message import CompiledText
from app.kernel.errors import InvalidInput

FIELD = "template_values"  # of a campaign, which every refusal names
MAX_VALUE = 1024  # characters
PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_LINE = re.compile(r"\s*(\w{1,40})\s*=\s*(.*?)\s*")


def parse_values(source: str) -> dict[str, Template]:
    """What people wrote for the variables, one in each line as "1 = {{ first_name }}": name -> template.

    Raises InvalidInput with the line that cannot be read.
    """
    found: dict[str, Template] = {}
    for number, line in enumerate(source.splitlines(), 1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line)
        if match is None or not match[2]:
            raise InvalidInput("Line %(line)s: write a variable as 1 = {{ first_name }}.", FIELD, line=number)
        if match[1] in found:
            raise InvalidInput(
                "Line %(line)s: the variable %(name)s stands here twice.", FIELD, line=number, name=match[1]
            )
        try:
            found[match[1]] = parse(match[2], Part.TEXT)
        except InvalidInput as error:
            raise error.about(FIELD) from error
        if UNSUBSCRIBE_URL in fields_of(found[match[1]]):
            raise InvalidInput("A template has no unsubscribe link. Write in it that people can answer STOP.", FIELD)
    return found


def check_values(source: str, variables: Iterable[str]) -> None:
    """Check that each variable of the template has a value, and nothing else has. Raises InvalidInput."""
    given, wanted = set(parse_values(source)), set(variables)
    if missing := sorted(wanted - given):
        raise InvalidInput("The template has the variable %(name)s. Write what stands there.", FIELD, name=missing[0])
    if unknown := sorted(given - wanted):
        raise InvalidInput("The template has no variable %(name)s.", FIELD, name=unknown[0])


def compile_template(content_sid: str, source: str) -> CompiledText:
    """A template with its values, ready to be filled: render() gives the JSON of its variables. Raises InvalidInput."""
    values = parse_values(source)

    def render(person: Mapping[str, str]) -> str:
        return json.dumps({name: _filled(name, value, person) for name, value in values.items()}, ensure_ascii=False)

    return CompiledText(_fields(values), render, content_sid)


def compile_example(body: str, source: str) -> CompiledText:
    """The words of a template with its values in their places, to be looked at. Raises InvalidInput."""
    values = parse_values(source)

    def render(person: Mapping[str, str]) -> str:
        def filled(place: re.Match[str]) -> str:
            return _filled(place[1], values[place[1]], person) if place[1] in values else place[0]

        return PLACE.sub(filled, body)

    return CompiledText(_fields(values), render)


def _fields(values: Mapping[str, Template]) -> frozenset[str]:
    return frozenset().union(*map(fields_of, values.values()))


def _filled(name: str, value: Template, person: Mapping[str, str]) -> str:
    """A value for one person, in one line. Raises InvalidInput for what WhatsApp refuses."""
    pieces = [(person.get(piece.field) or piece.default) if isinstance(piece, Slot) else piece for piece in value]
    made = " ".join("".join(pieces).split())
    if not made:
        raise InvalidInput(
            "The variable %(name)s is empty for this person. Give its field a default.", FIELD, name=name
        )
    if len(made) > MAX_VALUE:
        raise InvalidInput(
            "The variable %(name)s has %(length)s characters; %(limit)s are allowed.",
            FIELD,
            name=name,
            length=len(made),
            limit=MAX_VALUE,
        )
    return made
