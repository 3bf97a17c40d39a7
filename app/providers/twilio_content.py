"""The templates of WhatsApp as Twilio's Content API has them, with what WhatsApp says of them."""

import http.client
import json
import re
import ssl
from typing import Any
from urllib.parse import urlsplit

from app.channels.contract import ContentProblem, ContentTemplate, GatewaySettings
from app.providers.carriers import connection_to, words_of
from app.providers.twilio_http import headers_of

FIRST_PAGE = "/v1/ContentAndApprovals?PageSize=100"
MOST_PAGES = 50
MAX_PAGE_BYTES = 4_000_000
PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
TEXTS = ("body", "title", "header_text", "subtitle", "footer")  # where a type of content keeps words


def templates(settings: GatewaySettings) -> list[ContentTemplate]:
    """Every template of the account. Raises ContentProblem.

    Goes on only to pages of the same server: an address in an answer leads our sign-in nowhere else.
    """
    connection = connection_to(settings.content_url, settings.connect_timeout_seconds)
    headers, found, path = headers_of(settings), [], FIRST_PAGE
    try:
        connection.connect()
        connection.sock.settimeout(settings.answer_timeout_seconds)
        for _ in range(MOST_PAGES):
            page = _page(connection, path, headers)
            found += [_template(each) for each in page.get("contents") or () if isinstance(each, dict)]
            meta = page.get("meta")
            path = _local_path(meta.get("next_page_url") if isinstance(meta, dict) else None)
            if not path:
                break
    except (OSError, ssl.SSLError, http.client.HTTPException) as error:
        raise ContentProblem(words_of(error)) from error
    finally:
        connection.close()
    return [each for each in found if each.content_sid]


def _page(connection: http.client.HTTPConnection, path: str, headers: dict[str, str]) -> dict[str, Any]:
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read(MAX_PAGE_BYTES + 1)
    try:
        page = json.loads(body) if len(body) <= MAX_PAGE_BYTES else None
    except ValueError:
        page = None
    if answer.status != 200:
        said = page.get("message") if isinstance(page, dict) else ""
        raise ContentProblem(f"{answer.status} {said or answer.reason}".strip()[:255])
    if not isinstance(page, dict):
        raise ContentProblem("The answer cannot be read.")
    return page


def _local_path(address: object) -> str:
    if not isinstance(address, str) or not address:
        return ""
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}" if parts.path.startswith("/") else ""


def _template(found: dict[str, Any]) -> ContentTemplate:
    approval = found.get("approval_requests")
    approval = approval if isinstance(approval, dict) else {}
    types = found.get("types")
    body = _words(types if isinstance(types, dict) else {})
    named = found.get("variables")
    names = [*(named if isinstance(named, dict) else {}), *PLACE.findall(body)]
    return ContentTemplate(
        content_sid=str(found.get("sid") or "")[:34],
        name=str(approval.get("name") or found.get("friendly_name") or "")[:250],
        language=str(found.get("language") or "")[:16],
        category=str(approval.get("category") or "")[:40],
        status=str(approval.get("status") or "unsubmitted"),
        body=body,
        variables=tuple(sorted(dict.fromkeys(names), key=lambda name: (len(name), name))),
        why=str(approval.get("rejection_reason") or "")[:255],
    )


def _words(types: dict[str, Any]) -> str:
    """What of a template can be read, one text in each line."""
    parts = [kind for kind in types.values() if isinstance(kind, dict)]
    found = [kind[name] for kind in parts for name in TEXTS if isinstance(kind.get(name), str) and kind[name]]
    return "\n".join(dict.fromkeys(found))
