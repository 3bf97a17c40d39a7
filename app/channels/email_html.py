"""The HTML of an e-mail as it is sent: rules of <style> written into the tags, and nothing in it that could act.

What people wrote is never changed where they wrote it: this makes the copy that is sent and says what is not in it.
"""

import re
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from html import escape, unescape

import css_inline
import nh3

from app.channels import html_places
from app.channels.merge import Part, Slot, parse
from app.kernel.errors import InvalidInput

_ALLOWED = (
    "a abbr address area article aside b bdi bdo big blockquote br caption center cite code col colgroup dd del "
    "details dfn div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main map "
    "mark nav ol p picture pre q rp rt ruby s samp section small source span strike strong style sub summary sup "
    "table tbody td tfoot th thead time tr tt u ul var wbr"
)
TAGS = frozenset(_ALLOWED.split())
_OF_THE_HEAD = frozenset({"meta", "style", "title"})
_OF_A_DOCUMENT = frozenset({"html", "head", "body"})
# These go with everything in them; of other tags the words stay.
_WHOLE = (
    "applet audio canvas embed frameset iframe math noembed noframes noscript object script select svg template "
    "textarea title video xmp"
)
_WITH_CONTENT = frozenset(_WHOLE.split())
_URL_ATTRIBUTES = frozenset({"href", "src", "background", "cite", "longdesc", "poster", "lowsrc", "dynsrc"})
_FORBIDDEN = frozenset(
    {"action", "autofocus", "contenteditable", "formaction", "integrity", "is", "nonce", "ping", "srcdoc", "xlink:href"}
)
_SCHEMES = frozenset({"http", "https", "mailto", "tel", "sms", "cid"})
_KNOWN_BAD = frozenset({"javascript", "vbscript", "data", "file", "blob", "livescript", "about", "filesystem"})
_HARMLESS_META = frozenset({"content-type", "x-ua-compatible", "content-language"})

# noncharacters around the number of a field, while the HTML is read by others
_OPEN, _CLOSE = "\ufdd0", "\ufdd1"
_PLACE = re.compile(f"{_OPEN}([0-9]+){_CLOSE}")
# Each ends at the latest with the text: without that the time would grow with the square of what is never closed.
_COMMENT = re.compile(r"<!--(.*?)(?:-->|\Z)", re.DOTALL)
_TAG = re.compile(r"<([a-zA-Z][^\s/>]*)")
_CONDITION = re.compile(r"<!--(\[(?:if [^\]<>]*|endif)\])-->", re.IGNORECASE)  # how <![if …]> comes back
_DOCTYPE = re.compile(r"\s*(<!doctype\b[^<>]*>)", re.IGNORECASE)
_OPENED = {name: re.compile(rf"<{name}(?=[\s/>])", re.IGNORECASE) for name in ("html", "head", "body")}
_REST_OF_TAG = re.compile(r"(?:\"[^\"]*\"|'[^']*'|[^>\"'])*+>")
_END_OF_HEAD = re.compile(r"</head\s*>", re.IGNORECASE)
_END_OF_BODY = re.compile(r"</(?:body|html)\s*>", re.IGNORECASE)
_ACTS = re.compile(
    r"<\s*/?\s*(script|iframe|object|embed|form|applet|base|link)\b|\b(on[a-z]{3,})\s*=|(javascript|vbscript)\s*:", re.I
)
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_NOT_IN_A_SCHEME = re.compile(r"[\x00-\x20]")
_PICTURE = re.compile(r"data:image/(?:png|jpe?g|gif|webp)[;,]", re.IGNORECASE)
_CSS_ACTS = re.compile(
    r"(expression)\s*\(|(javascript|vbscript)\s*:|(-moz-binding|behaviou?r)\s*:|(@import)\b", re.IGNORECASE
)
_CSS_IMPORT = re.compile(r"@import\b(?:\"[^\"]*\"|'[^']*'|\([^)]*\)|[^;{}\"'(])*;?", re.IGNORECASE)
_CSS_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_CSS_ESCAPE = re.compile(r"\\([0-9a-fA-F]{1,6})\s?|\\(.)", re.DOTALL)
_STYLE = re.compile(r"(<style\b[^>]*>)(.*?)(</style\s*>|\Z)", re.IGNORECASE | re.DOTALL)

MOST_DEEP = 200
# Tags that stand inside each other when they are not closed; those of paragraphs, lists and tables end by themselves.
_NESTING = re.compile(
    r"<(?P<closing>/?)(?:a|abbr|address|article|aside|b|bdi|bdo|big|blockquote|center|cite|code|del|details|dfn|div|dl|em|"
    r"figure|font|footer|h[1-6]|header|i|ins|kbd|main|map|mark|nav|ol|pre|q|ruby|s|samp|section|small|span|strike|strong|"
    r"sub|sup|table|tt|u|ul|var|form|label|button|fieldset|picture|summary|o:\w+)(?=[\s/>])",
    re.IGNORECASE,
)
_INLINER = css_inline.CSSInliner(keep_style_tags=True, load_remote_stylesheets=False)


class Kind(StrEnum):
    """What kind of thing is not sent."""

    TAG = "tag"
    ATTRIBUTE = "attribute"
    LINK = "link"  # name: its scheme
    STYLE = "style"  # name: the property or the rule


@dataclass(frozen=True, slots=True)
class Taken:
    """Something that people wrote and that is not sent, and how often. name as it is written in HTML or CSS."""

    kind: Kind
    name: str
    count: int

    def __str__(self) -> str:
        shown = {Kind.TAG: f"<{self.name}>", Kind.LINK: f"{self.name}:"}.get(self.kind, self.name)
        return f"{shown} ({self.count})" if self.count > 1 else shown


@dataclass(frozen=True, slots=True)
class Ready:
    """HTML as it is sent, still a template; taken: what was written and is not in it."""

    html: str
    taken: tuple[Taken, ...]


def ready(html: str) -> Ready:
    """The HTML template made ready to be sent, its fields intact.

    Nothing is fetched. Raises MergeError as merge.parse and html_places.scan do, with places in what was written, and
    InvalidInput for more than MOST_DEEP tags inside each other: parsers take the square of the time for them.
    """
    if not html.strip():
        return Ready("", ())
    template = parse(html, Part.HTML)
    html_places.scan(template)
    _check_depth(html)
    slots = [piece for piece in template if isinstance(piece, Slot)]
    numbers = iter(range(len(slots)))
    marked = "".join(
        f"{_OPEN}{next(numbers)}{_CLOSE}" if isinstance(piece, Slot) else piece.replace(_OPEN, "").replace(_CLOSE, "")
        for piece in template
    )
    cleaner = _Cleaner()
    made = cleaner.document(marked)
    if "<style" in made:
        made = _inlined(made)
    return Ready(_with_fields(made, slots), cleaner.report())


def _check_depth(html: str) -> None:
    depth = 0
    for tag in _NESTING.finditer(html):
        depth = max(depth - 1, 0) if tag["closing"] else depth + 1
        if depth > MOST_DEEP:
            raise InvalidInput(
                "The HTML has more than %(most)s tags inside each other. Close those that are open.",
                "html",
                most=MOST_DEEP,
            )


def _inlined(html: str) -> str:
    """The HTML with the rules of its <style> in the tags too. Rules that only <style> can say stay there."""
    if _OPENED["body"].search(html):
        return _INLINER.inline(html)
    rules = "\n".join(match[2] for match in _STYLE.finditer(html))
    return _INLINER.inline_fragment(html, rules)


def _with_fields(html: str, slots: list[Slot]) -> str:
    """The fields at their places again, quoted so that they may stand in an attribute; braces of the text stay text."""
    text = re.sub(r"\{(?=[{%])", "&#123;", html)
    return _PLACE.sub(lambda found: _quoted(slots[int(found[1])]), text)


def _quoted(slot: Slot) -> str:
    inside = escape(slot.source()[2:-2]).replace("{", "&#123;").replace("}", "&#125;")
    return f"{{{{{inside}}}}}"


class _Cleaner:
    """Takes out what could act, and counts it."""

    def __init__(self) -> None:
        self.taken: Counter[tuple[Kind, str]] = Counter()

    def report(self) -> tuple[Taken, ...]:
        order = list(Kind)
        found = sorted(self.taken.items(), key=lambda each: (order.index(each[0][0]), each[0][1]))
        return tuple(Taken(kind, name, count) for (kind, name), count in found)

    def document(self, html: str) -> str:
        """A whole document keeps its head and the attributes of <html> and <body>; a part of one stays a part."""
        html = _COMMENT.sub(self.comment, html)
        blank = _COMMENT.sub(lambda found: " " * len(found[0]), html)  # tags in comments open nothing
        whole, head, body = (_opening(name, blank) for name in ("html", "head", "body"))
        if not (whole or head or body):
            return self.part(html, TAGS)
        doctype = _DOCTYPE.match(html)
        end_of_head = _END_OF_HEAD.search(blank)
        start = (
            body.start() - len("<body") if body else end_of_head.end() if end_of_head else whole.end() if whole else 0
        )
        head_start = head.end() if head else whole.end() if whole else doctype.end() if doctype else 0
        head_end = end_of_head.start() if end_of_head and end_of_head.start() <= start else start
        after = body.end() if body else start
        ends = [found.start() for found in _END_OF_BODY.finditer(blank) if found.start() >= after]
        return (
            f"{doctype[1] if doctype else '<!DOCTYPE html>'}\n{self.opening('html', whole)}<head>"
            f"{self.part(html[head_start:head_end], _OF_THE_HEAD)}</head>\n"
            f"{self.opening('body', body)}{self.part(html[after : ends[0] if ends else len(html)], TAGS)}</body></html>"
        )

    def opening(self, tag: str, found: re.Match[str] | None) -> str:
        """The opening tag with its harmless attributes."""
        attributes = found[0][:-1].rstrip("/") if found else ""
        div = self.part(f"<div{attributes}></div>", frozenset({"div"}))
        return f"<{tag}{div.removeprefix('<div').removesuffix('</div>')}"

    def part(self, html: str, tags: frozenset[str]) -> str:
        """What nh3 leaves of a part of a document."""
        for name in _TAG.findall(_STYLE.sub(r"\1\3", _COMMENT.sub("", html))):
            if name.lower() not in tags | _OF_A_DOCUMENT:
                self.taken[Kind.TAG, unescape(name.lower())[:40]] += 1
        named = {scheme.lower() for scheme in _SCHEME.findall(html)}
        clean = nh3.clean(
            html,
            tags=set(tags),
            clean_content_tags=set(_WITH_CONTENT - tags),
            attributes={},
            generic_attribute_prefixes={""},  # attribute() decides about each
            attribute_filter=self.attribute,
            url_schemes=set(_SCHEMES | _KNOWN_BAD | named),
            strip_comments=False,
            link_rel=None,
        )
        clean = _STYLE.sub(lambda found: f"{found[1]}{self.rules(found[2])}{found[3]}", clean)
        return _CONDITION.sub(r"<!\1>", clean)

    def comment(self, found: re.Match[str]) -> str:
        """A comment; one of Outlook's conditions is HTML to Outlook and goes as a whole when something in it acts."""
        acts = _ACTS.search(found[1]) if found[1].lstrip().startswith("[if") else None
        if acts is None:
            return found[0]
        name = next(group for group in acts.groups() if group).lower()
        self.taken[Kind.TAG if acts[1] else Kind.ATTRIBUTE if acts[2] else Kind.LINK, name] += 1
        return ""

    def attribute(self, tag: str, name: str, value: str) -> str | None:
        """The value that an attribute may have; None: not sent."""
        if tag not in TAGS and tag not in _OF_THE_HEAD:  # goes anyhow, and is told of as a whole
            return None
        if name.startswith("on") or name in _FORBIDDEN:
            self.without(Kind.ATTRIBUTE, name)
            return None
        if tag == "meta" and name == "http-equiv" and value.strip().lower() not in _HARMLESS_META:
            self.without(Kind.ATTRIBUTE, f"http-equiv={value.strip().lower()[:30]}")
            return None
        if name in _URL_ATTRIBUTES:
            scheme = _SCHEME.match(_NOT_IN_A_SCHEME.sub("", value))
            is_picture = tag in ("img", "source") or name == "background"
            if scheme and scheme[1].lower() not in _SCHEMES and not (is_picture and _PICTURE.match(value.strip())):
                self.without(Kind.LINK, scheme[1].lower()[:30])
                return None
        return self.declarations(value) if name == "style" else value

    def declarations(self, style: str) -> str | None:
        """The declarations of a style attribute that only describe looks."""
        if self.acting(style) is None:
            return style
        kept = [each for each in style.split(";") if not self.is_left_out(each)]
        return ";".join(kept) if "".join(kept).strip() and self.acting(";".join(kept)) is None else None

    def rules(self, css: str) -> str:
        """The rules of a <style> without imports; all of them go when something in them acts."""
        kept, imports = _CSS_IMPORT.subn("", css)
        if imports:
            self.taken[Kind.STYLE, "@import"] += imports
        return "" if self.is_left_out(kept) else kept

    def is_left_out(self, css: str) -> bool:
        name = self.acting(css)
        if name is not None:
            self.without(Kind.STYLE, name)
        return name is not None

    @staticmethod
    def acting(css: str) -> str | None:
        """The name of something in the CSS that acts, also when it is disguised with escapes and comments."""
        plain = _CSS_ESCAPE.sub(_unescaped, _CSS_COMMENT.sub("", css))
        found = _CSS_ACTS.search(plain)
        return next(group for group in found.groups() if group).lower() if found else None

    def without(self, kind: Kind, name: str) -> None:
        self.taken[kind, name] += 1


def _opening(name: str, html: str) -> re.Match[str] | None:
    """The rest of the first tag of this name, from its name on."""
    found = _OPENED[name].search(html)
    return _REST_OF_TAG.match(html, found.end()) if found else None


def _unescaped(found: re.Match[str]) -> str:
    if found[2] is not None:
        return found[2]
    code = int(found[1], 16)
    return chr(code) if 0 < code < 0x110000 else ""
