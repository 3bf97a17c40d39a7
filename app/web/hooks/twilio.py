"""Twilio's reports on text messages: signed by the account, and named by a token that only we can make."""

import logging

from flask import Blueprint, Response, current_app, request
from sqlalchemy.exc import SQLAlchemyError

from app.channels import gateways
from app.extensions import db
from app.kernel.db import in_transaction
from app.kernel.errors import AppError, NotAllowed
from app.kernel.signing import TokenPurpose, key_for, read
from app.providers.callbacks import is_of_twilio
from app.sending import text_receipts

log = logging.getLogger(__name__)

hooks = Blueprint("hooks", __name__, url_prefix="/hooks")


@hooks.errorhandler(AppError)
def _app_error(error: AppError) -> Response:
    return Response(str(error), error.status, mimetype="text/plain")


@hooks.errorhandler(SQLAlchemyError)
def _database_error(error: SQLAlchemyError) -> Response:
    db.session.rollback()
    log.warning("report without a database", extra={"error": type(error).__name__})
    return Response("Report again in a moment.", 503, mimetype="text/plain")


@hooks.route("/twilio/status/<token>", methods=["POST"])
def status(token: str) -> Response:
    """A report on one message. 204 means that what it says is committed, or was known already."""
    campaign_id, seq = read(key_for(TokenPurpose.CALLBACK), token)
    gateway = text_receipts.gateway_of(campaign_id, seq)
    settings = gateways.settings_of(gateway)
    form = {name: request.form.get(name, "") for name in request.form}
    url = f"{current_app.config['PUBLIC_URL']}{request.path}"
    is_signed = not gateway.key_sid and is_of_twilio(
        settings.secret, url, form, request.headers.get("X-Twilio-Signature", "")
    )
    db.session.rollback()
    if not is_signed:
        raise NotAllowed("This request is not signed by the account of the gateway.")
    said = (form.get("MessageSid", ""), form.get("MessageStatus", ""), form.get("ErrorCode", ""))
    in_transaction(text_receipts.apply, campaign_id, seq, *said)
    return Response(status=204)
