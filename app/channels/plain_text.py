"""The plain-text part of an e-mail, made from its HTML when nobody wrote one."""

import re

from inscriptis import get_text
from inscriptis.css_profiles import CSS_PROFILES
from inscriptis.model.config import ParserConfig

from app.channels.merge import Part, Slot, escape_literal, parse

# private-use characters hold the place of the fields while the HTML is laid out
_OPEN, _CLOSE = "\ue000", "\ue001"
_PLACE = re.compile(f"{_OPEN}([0-9]+){_CLOSE}")
_BLANK_LINES = re.compile(r"\n{3,}")
_LINK_THAT_SAYS_ITSELF = re.compile(r"\[(https?://[^\]\s]+)\]\(\1/?\)")
_LAYOUT = ParserConfig(css=CSS_PROFILES["strict"], display_links=True)


def from_html(html: str) -> str:
    """A plain-text template that says what the HTML template says: links as [words](address), fields intact.

    Raises MergeError as merge.parse does.
    """
    slots: list[str] = []
    marked: list[str] = []
    for piece in parse(html, Part.HTML):
        if isinstance(piece, Slot):
            marked.append(f"{_OPEN}{len(slots)}{_CLOSE}")
            slots.append(piece.source())
        else:
            marked.append(piece.replace(_OPEN, "").replace(_CLOSE, ""))
    source = "".join(marked)
    laid_out = get_text(source, _LAYOUT) if source.strip() else ""
    lines = "\n".join(line.rstrip() for line in laid_out.splitlines())
    lines = _LINK_THAT_SAYS_ITSELF.sub(r"\1", _BLANK_LINES.sub("\n\n", lines))
    text = escape_literal(lines.strip("\n"))
    filled = _PLACE.sub(lambda match: slots[int(match[1])], text)
    return filled + "\n" if filled else ""
