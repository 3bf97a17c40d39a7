"""The file of a report: made while it is downloaded, and followed by whoever waits for it."""

import logging
import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import Response, request, stream_with_context
from werkzeug.utils import secure_filename

from app.campaigns.models import Campaign
from app.kernel import headway
from app.kernel.errors import NotFound
from app.reports import export, workbook
from app.reports.recipients import RecipientRow
from app.sending import selection
from app.web import pace, security, words
from app.web.base import actor, may, unit_of_work
from app.web.views.report_filter import Asked

log = logging.getLogger(__name__)

TOKEN = re.compile(r"[\w-]{16}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file and who makes it."""

    media_type: str
    made_of: Callable[..., Iterator[str] | Iterator[bytes]]


KINDS = {
    "csv": Kind("text/csv", export.csv_of),
    "xlsx": Kind("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", workbook.xlsx_of),
}


def begin(campaign_id: int) -> str:
    """Let a file be followed that is asked for next; returns the token to ask for it with."""
    token = secrets.token_urlsafe(12)
    headway.Teller(_key(campaign_id, token), _whole(campaign_id)).tell(0)
    return token


def answer(campaign: Campaign, asked: Asked, kind: str) -> Response:
    """The recipients that the filter shows, as a file; who took it and by which filter is written down."""
    given = ",".join(sorted(name for name, value in asked.given.items() if value))
    log.info("report exported", extra={"campaign_id": campaign.id, "by": actor(), "filter": given, "kind": kind})
    by, is_filtered, with_addresses = actor(), not asked.filter.is_empty, may(security.READ, "Contact")
    name = secure_filename(campaign.name) or f"campaign-{campaign.id}"
    token = request.args.get("follow", "")
    make = partial(KINDS[kind].made_of, campaign.id, asked.filter, with_addresses)
    key, whole = _key(campaign.id, token) if token else "", _whole(campaign.id)
    unit_of_work(lambda: export.note(campaign, by, is_filtered))
    parts = followed(make, key, whole) if key else make(_words_of, lambda _reached: None)
    headers = {"Content-Disposition": f'attachment; filename="{name}-recipients.{kind}"'}
    return Response(stream_with_context(parts), mimetype=KINDS[kind].media_type, headers=headers)


def state(campaign_id: int, token: str) -> dict[str, Any]:
    """How far a file has come: headway (None when nobody makes it any more) and its pace."""
    told = headway.of(_key(campaign_id, token))
    return {"campaign_id": campaign_id, "token": token, "headway": told, "pace": pace.of_headway(told)}


def followed(make: Callable[..., Iterator[Any]], key: str, whole: int) -> Iterator[Any]:
    """The parts of the file, told under that key."""
    teller, is_whole = headway.Teller(key, whole), False
    try:
        yield from make(_words_of, teller.tell)
        teller.over()
        is_whole = True
    finally:
        if not is_whole:  # the person has broken it off, or it failed
            headway.forget(key)


def _whole(campaign_id: int) -> int:
    return selection.last_seq(campaign_id) + 1  # the recipients, and the end of the file


def _key(campaign_id: int, token: str) -> str:
    if not TOKEN.fullmatch(token):
        raise NotFound("There is no such file. Ask for it in the report.")
    return f"export-{campaign_id}-{actor()}-{token}"


def _words_of(row: RecipientRow) -> tuple[str, str, str]:
    return words.of(row.shown), words.of(row.reason), words.sentence(row.detail)
