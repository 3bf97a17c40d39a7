"""What a reader of a message reaches, and mail scanners a thousand times: each request is one or two small reads, and
only the first open or click writes."""

import json
import logging
from collections.abc import Callable
from io import BytesIO

from flask import Blueprint, Response, current_app, redirect, request, send_file
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response as AnyResponse

from app.campaigns import images
from app.campaigns.models import CampaignDocument
from app.extensions import db
from app.kernel import clock
from app.kernel.db import in_transaction
from app.kernel.errors import AppError, NotFound
from app.kernel.signing import TokenPurpose, key_for, read
from app.sending import engagement
from app.sending.service import TEST_SEQ
from app.web import words

log = logging.getLogger(__name__)

pages = Blueprint("public", __name__, template_folder="templates")

PIXEL = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; font-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",  # the token stands in the address
    "X-Robots-Tag": "noindex, nofollow",
}
FOR_EVER = "public, max-age=31536000, immutable"
AWAY = _l("We cannot look this up right now. Try again in a few minutes.")


@pages.after_request
def _headers(response: AnyResponse) -> AnyResponse:
    is_kept = response.headers.get("Cache-Control") == FOR_EVER
    response.headers.update(HEADERS)
    if is_kept:
        response.headers.update({"Cache-Control": FOR_EVER, "Content-Security-Policy": "default-src 'none'; sandbox"})
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"  # web mail shows it on its own pages
    return response


def told(sentence: str, status: int = 200) -> Response:
    """A sentence, in JSON for a script that sent some, else as a page."""
    if request.mimetype == "application/json":
        return Response(json.dumps({"error": sentence}), status, mimetype="application/json")
    return page(sentence, status=status)


def on_app_error(error: AppError) -> Response:
    """What went wrong, in words."""
    return told(words.of_error(error), error.status)


def on_database_error(error: SQLAlchemyError) -> Response:
    """The reader can only come back later."""
    db.session.rollback()
    log.warning("public page without a database", extra={"endpoint": request.endpoint, "error": type(error).__name__})
    return told(str(AWAY), 503)


pages.register_error_handler(AppError, on_app_error)
pages.register_error_handler(SQLAlchemyError, on_database_error)


@pages.route("/u/<token>", methods=["GET"])
def ask(token: str) -> Response:
    """A page with a button. Opening it changes nothing: scanners open every link of a message."""
    campaign_id, seq = read(key_for(TokenPurpose.UNSUBSCRIBE), token)
    if seq == TEST_SEQ:
        return page(_("This link comes from a test message. Nobody's subscription hangs on it."))
    if engagement.is_unsubscribed(campaign_id, seq):
        return page(_("You are unsubscribed. We send nothing more to this address."))
    return page(_("Do you want to stop getting messages from us at this address?"), button=_("Unsubscribe"))


@pages.route("/u/<token>", methods=["POST"])
def unsubscribe(token: str) -> Response:
    """The button of the page, or a mail provider's one-click request (RFC 8058), whatever the body says."""
    campaign_id, seq = read(key_for(TokenPurpose.UNSUBSCRIBE), token)
    if seq != TEST_SEQ:
        in_transaction(engagement.unsubscribe, campaign_id, seq)
    return page(_("You are unsubscribed. We send nothing more to this address."))


@pages.route("/c/<token>/<number>", methods=["GET"])
def follow(token: str, number: str) -> AnyResponse:
    """On to the target of a tracked link, which is never taken from the address. HEAD, as scanners ask, is no click."""
    campaign_id, seq = read(key_for(TokenPurpose.TRACK), token)
    if not (number.isascii() and number.isdigit() and len(number) < 6):
        raise NotFound("This link leads nowhere. Copy the whole link from the message.")
    target, is_first = engagement.click_target(campaign_id, seq, int(number))
    if is_first and request.method == "GET":
        _noted(engagement.record_click, campaign_id, seq)
    return redirect(target, 302)


@pages.route("/d/<token>", methods=["GET"])
def document(token: str) -> AnyResponse:
    """A document of a text message, for as long as its link lasts. Always a download: it may hold anything."""
    document_id, ends = read(key_for(TokenPurpose.DOCUMENT), token)
    found = db.session.get(CampaignDocument, document_id)
    if found is None or clock.utcnow().timestamp() > ends:
        raise NotFound("This link has ended. Ask whoever sent it to you for a new one.")
    answer = send_file(BytesIO(found.data), found.media_type, as_attachment=True, download_name=found.name)
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


@pages.route("/o/<token>.gif", methods=["GET"])
def pixel(token: str) -> Response:
    """Always the same picture, whatever the token and the state of the database: a reader sees no broken image."""
    try:
        campaign_id, seq = read(key_for(TokenPurpose.TRACK), token)
        if request.method == "GET" and engagement.is_first_open(campaign_id, seq):
            _noted(engagement.record_open, campaign_id, seq)
    except NotFound:
        pass
    except SQLAlchemyError as error:
        db.session.rollback()
        log.warning("open not looked up", extra={"error": type(error).__name__})
    return Response(PIXEL, mimetype="image/gif")


@pages.route("/i/<token>.<ending>", methods=["GET"])
def image(token: str, ending: str) -> Response:
    """A picture of a message. The same address always shows the same picture, so whoever asked once keeps it."""
    media_type, data = images.shown(token)
    if images.ENDINGS[media_type] != ending:
        raise NotFound("There is no such picture.")
    return Response(data, mimetype=media_type, headers={"Cache-Control": FOR_EVER})


def _noted(record: Callable[[int, int], None], campaign_id: int, seq: int) -> None:
    """Write a fact. The reader gets what they came for even when that fails."""
    try:
        in_transaction(record, campaign_id, seq)
    except SQLAlchemyError as error:
        ids = {"campaign_id": campaign_id, "seq": seq}
        log.warning("engagement not recorded", extra=ids | {"error": type(error).__name__})


def page(sentence: str, button: str = "", status: int = 200) -> Response:
    """A page with one sentence, and a button if there is something to do."""
    # Not render_template: what the panel adds to every template would load the session and its person.
    template = current_app.jinja_env.get_template("public/page.html")
    shown = template.render(title=_("Your subscription"), sentence=sentence, button=button, language=get_locale())
    return Response(shown, status, mimetype="text/html")
