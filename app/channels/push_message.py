"""Notifications: compiled once per campaign version, filled per recipient into what the service worker reads."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from app.channels.merge import URL_FIELDS, Part, Slot, Template, fields_of, parse
from app.kernel.errors import InvalidInput

# A push service takes a body of 4,096 bytes (RFC 8030, 7.2): 86 of its head, 1 that ends the text, 16 of the seal.
MAX_PAYLOAD_BYTES = 4096 - 86 - 1 - 16
ICON, TARGET = "icon_url", "target_url"
HOST_IS_WRITTEN_OUT = re.compile(r"https?://[^\s/?#{}]+(?:[/?#]\S*)?", re.IGNORECASE)

# (the contact's values, recipient number) -> the payload
Render = Callable[[Mapping[str, str], int], bytes]
Token = Callable[[int, int], bytes]  # (campaign id, recipient number) -> URL-safe base64 without padding


@dataclass(frozen=True, slots=True)
class PushSource:
    """What a notification is made of. target_url: where it leads, "" for nowhere; it may hold fields after its host.
    icon_url: a picture, "" for none. track_clicks: whether who opens it is counted."""

    campaign_id: int
    title: str
    text: str
    icon_url: str
    target_url: str
    public_url: str
    track_clicks: bool


@dataclass(frozen=True, slots=True)
class CompiledPush:
    """A campaign version ready to be filled. links: the target when it is tracked; fields: the contact's values used.

    render raises InvalidInput for a notification that is too long, or empty, for one person.
    """

    links: tuple[str, ...]
    fields: frozenset[str]
    render: Render


def topic_of(campaign_id: int) -> str:
    """Of notifications with the same topic a push service and a browser keep the last."""
    return f"campaign-{campaign_id}"


def compile_push(source: PushSource, track_token: Token) -> CompiledPush:
    """Check a notification and make it ready. Raises InvalidInput (MergeError for fields) with what to change."""
    title, text = parse(source.title.strip(), Part.SUBJECT), parse(source.text.strip(), Part.TEXT)
    if not title:
        raise InvalidInput("Write a title.", Part.SUBJECT)
    target = check_target(source.target_url)
    check_icon(source.icon_url, source.public_url)
    used = fields_of(title) | fields_of(text) | fields_of(target)
    if used & set(URL_FIELDS):
        raise InvalidInput("A notification needs no such link: people end it in their browser.", Part.TEXT)
    is_tracked = bool(target) and source.track_clicks and not fields_of(target)

    def render(values: Mapping[str, str], seq: int) -> bytes:
        url = _filled(target, values, lambda value: quote(value, safe=""))
        if is_tracked:
            url = f"{source.public_url}/c/{track_token(source.campaign_id, seq).decode()}/0"
        shown = {"title": _filled(title, values).strip(), "body": _filled(text, values).strip()}
        if not shown["title"]:
            raise InvalidInput("The title is empty for this person. Give its fields a default.", Part.SUBJECT)
        return _payload(shown | {"icon": source.icon_url, "url": url, "tag": topic_of(source.campaign_id)})

    nobody = dict.fromkeys(used, "")
    if _filled(title, nobody).strip():
        render(nobody, 0)  # the length of what is the same for everybody
    return CompiledPush((source.target_url.strip(),) if is_tracked else (), used, render)


def check_target(url: str) -> Template:
    """The template of a link that may be opened. Raises InvalidInput."""
    target = parse(url.strip(), Part.TEXT)
    first = target[0] if target else ""
    is_alone = len(target) < 2
    is_good = isinstance(first, str) and HOST_IS_WRITTEN_OUT.fullmatch(first) is not None
    if target and (not is_good or not (is_alone or re.search(r"://[^/?#]+[/?#]", str(first)))):
        raise InvalidInput("Write the whole link, such as https://example.com/offer.", TARGET)
    if any(isinstance(piece, str) and re.search(r"\s", piece) for piece in target):
        raise InvalidInput("A link has no spaces.", TARGET)
    return target


def check_icon(url: str, public_url: str) -> None:
    """Refuse a picture that a browser would not load. Raises InvalidInput."""
    is_good = HOST_IS_WRITTEN_OUT.fullmatch(url) and url.startswith(("https://", f"{public_url}/"))
    if url and not is_good:
        raise InvalidInput("Write the whole address of a picture, beginning with https://.", ICON)


def _filled(template: Template, values: Mapping[str, str], encode: Callable[[str], str] = lambda value: value) -> str:
    pieces = (
        encode(values.get(piece.field) or piece.default) if isinstance(piece, Slot) else piece for piece in template
    )
    return "".join(pieces)


def _payload(shown: Mapping[str, str]) -> bytes:
    payload = json.dumps({key: value for key, value in shown.items() if value}, ensure_ascii=False).encode()
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise InvalidInput(
            "The notification has %(size)s bytes; %(limit)s are allowed. Shorten its text.",
            Part.TEXT,
            size=len(payload),
            limit=MAX_PAYLOAD_BYTES,
        )
    return payload
