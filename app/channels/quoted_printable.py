"""Quoted-printable in UTF-8 for bodies that are put together from pieces (RFC 2045 6.7).

Every piece begins at the start of a line and is followed by a soft line break, so no value can break the wrapping.
A full stop at the start of a line is encoded: no line of a body needs dot-stuffing (RFC 5321 4.5.2).
"""

import re
from functools import lru_cache
from html import escape
from urllib.parse import quote

SOFT_BREAK = b"=\r\n"
_LINE = 75  # 76 with the = of a soft break

_AS_IT_IS = {*range(33, 61), *range(62, 127), 9, 32}
_ENCODED = [chr(byte) if byte in _AS_IT_IS else f"={byte:02X}" for byte in range(256)]
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_PLAIN_TEXT = re.compile(r"[ -\-/-<>-~][ -<>-~]{0,74}")  # fits one line, no = and no . in front
_PLAIN_HTML = re.compile(r"[ !#-%(-\-/-;?-~][ !#-%(-;?-~]{0,74}")  # nor & < > " '
_CACHED_LENGTH = 200  # longer values are seldom met twice


def clean(text: str) -> str:
    """The text with LF line ends and without other control characters than tab."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def encode(text: str) -> bytes:
    """The text as lines of at most 76 characters with CRLF between them; the last has room for a soft line break."""
    lines: list[str] = []
    table = _ENCODED
    for raw in clean(text).encode("utf-8", "replace").split(b"\n"):
        line = "".join([table[byte] for byte in raw])
        if raw.endswith((b" ", b"\t")):
            line = line[:-1] + f"={raw[-1]:02X}"
        _wrap(line, lines)
    return "\r\n".join(lines).encode("ascii")


def _wrap(line: str, lines: list[str]) -> None:
    """Append the encoded line, cut by soft line breaks where it is too long."""
    start, end = 0, len(line)
    while True:
        dot = "=2E" if line.startswith(".", start) else ""
        start += 1 if dot else 0
        if len(dot) + end - start <= _LINE:
            lines.append(dot + line[start:])
            return
        cut = start + _LINE - len(dot)
        escape_at = line.rfind("=", cut - 2, cut)  # never inside =XX
        cut = escape_at if escape_at >= 0 else cut
        lines.append(f"{dot}{line[start:cut]}=")
        start = cut


def text_value(value: str) -> bytes:
    """A contact's value in the plain-text part."""
    if _PLAIN_TEXT.fullmatch(value):
        return value.encode("ascii")
    return _short(value) if len(value) <= _CACHED_LENGTH else encode(value)


def html_value(value: str) -> bytes:
    """A contact's value in the text or in a quoted attribute of HTML."""
    if _PLAIN_HTML.fullmatch(value):
        return value.encode("ascii")
    return _short_html(value) if len(value) <= _CACHED_LENGTH else encode(escape(value))


def url_value(value: str) -> bytes:
    """A contact's value as a component of a link: percent-encoded, in HTML as well as in plain text."""
    return encode(quote(clean(value), safe="", errors="replace"))


def address_value(value: str) -> bytes:
    """A contact's value in a mailto: or tel: link, where @ and + keep their meaning."""
    return encode(quote(clean(value), safe="@+", errors="replace"))


@lru_cache(maxsize=8192)
def _short(value: str) -> bytes:
    return encode(value)


@lru_cache(maxsize=8192)
def _short_html(value: str) -> bytes:
    return encode(escape(value))
