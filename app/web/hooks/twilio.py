"""What Twilio tells us: reports on messages, and what people write back. Signed by the account, and named by a token
that only we can make."""

import logging

from flask import Blueprint, Response, current_app, request
from sqlalchemy.exc import SQLAlchemyError

from app.audience.models import ReplyMeaning
from app.channels import gateways
from app.channels.contract import Channel
from app.channels.gateways import WHATSAPP_PREFIX
from app.channels.models import Gateway
from app.extensions import db
from app.kernel.db import in_transaction
from app.kernel.errors import AppError, InvalidInput, NotAllowed
from app.kernel.signing import TokenPurpose, key_for, read
from app.providers.callbacks import answer_for_twilio, is_of_twilio
from app.sending import replies, text_receipts
from app.sending.replies import Inbound

log = logging.getLogger(__name__)

hooks = Blueprint("hooks", __name__, url_prefix="/hooks")

# Only with Advanced Opt-Out (https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out).
OPT_OUT_TYPES = {"STOP": ReplyMeaning.STOP, "START": ReplyMeaning.START, "HELP": ReplyMeaning.HELP}


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
    form = _signed(text_receipts.gateway_of(campaign_id, seq))
    said = (form.get("MessageSid", ""), form.get("MessageStatus", ""), form.get("ErrorCode", ""))
    in_transaction(text_receipts.apply, campaign_id, seq, *said)
    return Response(status=204)


@hooks.route("/twilio/inbound/<token>", methods=["POST"])
def inbound(token: str) -> Response:
    """What somebody wrote to a gateway; answered with what Twilio is to say to them, in most cases nothing."""
    gateway_id, _ = read(key_for(TokenPurpose.INBOUND), token)
    form = _signed(gateways.get(gateway_id))
    media = form.get("NumMedia", "")
    told = Inbound(
        message_id=form.get("MessageSid", "")[:64],
        number=form.get("From", ""),
        text=form.get("Body", ""),
        media=int(media) if media.isdecimal() and len(media) < 4 else 0,
        meaning=OPT_OUT_TYPES.get(form.get("OptOutType", "").upper()),
    )
    if not told.message_id or not told.number:
        raise InvalidInput("This is no message: it has no MessageSid or no From.")
    channel = Channel.WHATSAPP if told.number.startswith(WHATSAPP_PREFIX) else Channel.SMS
    answer = in_transaction(replies.receive, gateway_id, channel, told)
    return Response(answer_for_twilio(answer), mimetype="text/xml")


def _signed(gateway: Gateway) -> dict[str, str]:
    """The form of this request. Raises NotAllowed when the account of the gateway has not signed it."""
    settings = gateways.settings_of(gateway)
    form = {name: request.form.get(name, "") for name in request.form}
    url = f"{current_app.config['PUBLIC_URL']}{request.path}"
    is_signed = not gateway.key_sid and is_of_twilio(
        settings.secret, url, form, request.headers.get("X-Twilio-Signature", "")
    )
    db.session.rollback()
    if not is_signed:
        raise NotAllowed("This request is not signed by the account of the gateway.")
    return form
