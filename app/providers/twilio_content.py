"""The templates of WhatsApp as Twilio's Content API has them, with what WhatsApp says of them."""

import re
from typing import Any

from app.channels.contract import ContentTemplate, GatewaySettings
from app.providers.twilio_http import pages

FIRST_PAGE = "/v1/ContentAndApprovals?PageSize=100"
MOST_PAGES = 50
PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
TEXTS = ("body", "title", "header_text", "subtitle", "footer")  # where a type of content keeps words


def templates(settings: GatewaySettings) -> list[ContentTemplate]:
    """Every template of the account. Raises ReadingProblem."""
    listed = pages(settings, settings.content_url, FIRST_PAGE, _next_of, MOST_PAGES)
    return [each for page in listed for each in templates_of(page)]


def templates_of(page: dict[str, Any]) -> list[ContentTemplate]:
    """The templates of one page of the list."""
    found = [_template(each) for each in page.get("contents") or () if isinstance(each, dict)]
    return [each for each in found if each.content_sid]


def _next_of(page: dict[str, Any]) -> object:
    meta = page.get("meta")
    return meta.get("next_page_url") if isinstance(meta, dict) else None


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
