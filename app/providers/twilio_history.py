"""Which messages Twilio remembers having got from us for a number (GET Messages.json)."""

from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

from app.channels.contract import GatewaySettings, RememberedText
from app.providers.twilio_http import is_service, pages

PAGE_SIZE = 100
MOST_PAGES = 10  # a thousand messages to one number in a day or two is no person


def messages_to(settings: GatewaySettings, recipient: str, since: date) -> list[RememberedText]:
    """Those from our sender to this number (as OutgoingText.recipient has it) that were sent on that day (UTC) or
    later. Raises ReadingProblem."""
    asked = {"To": recipient, "DateSent>": since.isoformat(), "PageSize": str(PAGE_SIZE)}
    if not is_service(settings.sender):  # the number that a service chooses is not known here
        asked["From"] = settings.sender
    first = f"/2010-04-01/Accounts/{settings.account}/Messages.json?{urlencode(asked)}"
    found = [
        _remembered(each)
        for page in pages(settings, settings.base_url, first, _next_of, MOST_PAGES)
        for each in page.get("messages") or ()
        if isinstance(each, dict) and settings.sender in (each.get("from"), each.get("messaging_service_sid"))
    ]
    return [each for each in found if each is not None]


def _next_of(page: dict[str, Any]) -> object:
    return page.get("next_page_uri")


def _remembered(found: dict[str, Any]) -> RememberedText | None:
    """None for what is no message of ours, or has no time."""
    at, direction = _moment(found.get("date_created")), str(found.get("direction") or "")
    if at is None or not found.get("sid") or not direction.startswith("outbound"):
        return None
    return RememberedText(
        provider_id=str(found["sid"])[:64],
        body=str(found.get("body") or ""),
        status=str(found.get("status") or ""),
        code=str(found.get("error_code") or ""),
        at=at,
    )


def _moment(text: object) -> datetime | None:
    """A time as Twilio writes it in lists (RFC 2822), or as its newer parts do (ISO 8601)."""
    if not isinstance(text, str) or not text:
        return None
    try:
        found = datetime.fromisoformat(text) if text[:4].isdigit() else parsedate_to_datetime(text)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
