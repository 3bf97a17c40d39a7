"""Text messages: compiled once per campaign version, filled per recipient."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from app.channels.merge import UNSUBSCRIBE_URL, Part, Slot, fields_of, parse
from app.channels.segments import MAX_UNITS, size_of
from app.kernel.errors import InvalidInput

MAX_BELOW_PICTURE = 1024  # what WhatsApp shows below a picture (Meta, "Image messages": caption)
Render = Callable[[Mapping[str, str]], str]


@dataclass(frozen=True, slots=True)
class CompiledText:
    """A campaign version ready to be filled.

    fields: the contact's values that it uses. render(values): the text as the phone shows it; values as
    CompiledEmail.render takes them. render raises InvalidInput for a text that is too long for one person.
    content_sid: the template of WhatsApp that is sent, "" for none; then render gives the JSON of its variables.
    picture_url: where the picture above the text is fetched, "" for none.
    """

    fields: frozenset[str]
    render: Render
    content_sid: str = ""
    picture_url: str = ""


def compile_text(text: str, links: Sequence[str], picture_url: str = "") -> CompiledText:
    """Check a template and make it ready; links: addresses of documents, which follow it each in a line of its own.
    picture_url: of the picture that is shown above it, "" for none.

    Raises InvalidInput (MergeError for fields) with what to change.
    """
    template = parse(text.strip(), Part.TEXT)
    if not template:
        raise InvalidInput("Write the message.", Part.TEXT)
    if UNSUBSCRIBE_URL in fields_of(template):
        raise InvalidInput("A text message has no unsubscribe link. Write that people can answer STOP.", Part.TEXT)
    check_length = _check_caption if picture_url else _check_length
    tail = "".join(f"\n{link}" for link in links)
    pieces = [(piece.field, piece.default) if isinstance(piece, Slot) else piece for piece in (*template, tail)]

    def render(values: Mapping[str, str]) -> str:
        filled = [piece if isinstance(piece, str) else values.get(piece[0]) or piece[1] for piece in pieces]
        made = "".join(filled).strip()
        if not made:
            raise InvalidInput("The message is empty for this person. Give its fields a default.", Part.TEXT)
        check_length(made)
        return made

    check_length("".join(piece for piece in pieces if isinstance(piece, str)))
    return CompiledText(fields_of(template), render, picture_url=picture_url)


def _check_length(text: str) -> None:
    if (units := size_of(text).units) > MAX_UNITS:
        raise InvalidInput(
            "The text message has %(length)s characters; %(limit)s are allowed. Shorten it.",
            Part.TEXT,
            length=units,
            limit=MAX_UNITS,
        )


def _check_caption(text: str) -> None:
    if len(text) > MAX_BELOW_PICTURE:
        raise InvalidInput(
            "Below a picture WhatsApp shows %(limit)s characters, and the text has %(length)s. Shorten it, or take the "
            "picture off.",
            Part.TEXT,
            length=len(text),
            limit=MAX_BELOW_PICTURE,
        )
