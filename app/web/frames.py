"""HTML that people wrote, for a frame in which it may look as it likes and do nothing."""

import re
from collections.abc import Callable

from werkzeug.wrappers import Response

from app.sending import preview

_LOOKS = "default-src 'none'; img-src http: https: data:; style-src 'unsafe-inline'; font-src https: data:"
_TAGS = re.compile(r"""(<(?:!--.*?--|style\b.*?</style|title\b.*?</title|(?:"[^"]*"|'[^']*'|[^>"'])*)>)""", re.S | re.I)
_OWN_RULES = re.compile(r"@media\s*\(\s*prefers-color-scheme\s*:\s*dark\s*\)", re.I)
_TURNED = (
    "html{background:#fff;filter:invert(1) hue-rotate(180deg)}"
    "img,video,[background],[style*='background-image']{filter:invert(1) hue-rotate(180deg)}"
)


def framed(html: str) -> Response:
    """The page of a frame. Its links open in a new window, if the frame that shows it lets them."""
    policy = f"sandbox allow-popups allow-popups-to-escape-sandbox; {_LOOKS}"
    return Response(f"<base target=_blank>{html}", mimetype="text/html", headers={"Content-Security-Policy": policy})


def marked(html: str, mark: Callable[[str], str]) -> str:
    """The HTML of a preview with mark(field) in its text where a field is missing; in a tag the name stands alone."""
    pieces = _TAGS.split(html)
    return "".join(preview.marked(piece, mark if at % 2 == 0 else _name_alone) for at, piece in enumerate(pieces))


def _name_alone(field: str) -> str:
    return field


def darkened(html: str) -> str:
    """The HTML as mail programs in dark mode show it: by its own rules for that, or else with its colours turned."""
    if _OWN_RULES.search(html):
        return _OWN_RULES.sub("@media all", html)
    return f"<style>{_TURNED}</style>{html}"
