"""How we sign in at Twilio, and how lists are read there, page by page."""

import http.client
import json
import re
import ssl
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from app.channels.contract import GatewaySettings, ReadingProblem
from app.providers.carriers import connection_to, words_of

MAX_PAGE_BYTES = 4_000_000
SERVICE_SID = re.compile(r"MG[0-9a-f]{32}")


def headers_of(settings: GatewaySettings) -> dict[str, str]:
    """What goes with every request."""
    pair = f"{settings.username}:{settings.secret}".encode()
    return {
        "Authorization": f"Basic {b64encode(pair).decode()}",
        "Accept": "application/json",
        "User-Agent": "Muster",
    }


def is_service(sender: str) -> bool:
    """Whether a sender is a messaging service, which chooses among its numbers."""
    return SERVICE_SID.fullmatch(sender) is not None


def pages(
    settings: GatewaySettings, url: str, first: str, next_of: Callable[[dict[str, Any]], object], most: int
) -> Iterator[dict[str, Any]]:
    """The pages of a list, one after the other, at most so many. next_of: the address of the page after this one.

    Goes on only to pages of the same server: an address in an answer leads our sign-in nowhere else. Raises
    ReadingProblem.
    """
    connection = connection_to(url, settings.connect_timeout_seconds)
    headers, path = headers_of(settings), first
    try:
        connection.connect()
        connection.sock.settimeout(settings.answer_timeout_seconds)
        for _ in range(most):
            page = _page(connection, path, headers)
            yield page
            path = _local_path(next_of(page))
            if not path:
                break
    except (OSError, ssl.SSLError, http.client.HTTPException) as error:
        raise ReadingProblem(words_of(error)) from error
    finally:
        connection.close()


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
        raise ReadingProblem(f"{answer.status} {said or answer.reason}".strip()[:255])
    if not isinstance(page, dict):
        raise ReadingProblem("The answer cannot be read.")
    return page


def _local_path(address: object) -> str:
    if not isinstance(address, str) or not address:
        return ""
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}" if parts.path.startswith("/") else ""
