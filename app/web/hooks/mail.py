"""What providers of e-mail report. Only what is signed counts, and 204 means that it is committed, or was known."""

import logging

from flask import Blueprint, Response, current_app, request
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException
from werkzeug.utils import import_string

from app.channels import receipt_hooks
from app.channels.receipt_models import ReceiptHook
from app.channels.receipts import MailReceipt, ReceiptWay
from app.extensions import db
from app.kernel import clock, queues
from app.kernel.db import in_transaction
from app.kernel.errors import AppError, NotAllowed, Unavailable
from app.providers import mailgun, postmark, sendgrid, ses
from app.providers.report_values import Malformed
from app.sending import mail_receipts
from app.sending.mail_receipts import Taken

log = logging.getLogger(__name__)

hooks = Blueprint("mail_hooks", __name__, url_prefix="/hooks")

MAX_BODY_BYTES = 4 * 2**20
TOGETHER = 100  # reports in one transaction
NOT_SIGNED = "This request is not signed as the page Receipts says, or reports are not taken there."


@hooks.errorhandler(AppError)
def _app_error(error: AppError) -> Response:
    db.session.rollback()
    return Response(str(error), error.status, mimetype="text/plain")


@hooks.errorhandler(HTTPException)
def _http_error(error: HTTPException) -> Response:
    return Response(error.description, error.code, mimetype="text/plain")


@hooks.errorhandler(Malformed)
def _malformed(_error: Malformed) -> Response:
    return Response("This body is no report.", 400, mimetype="text/plain")


@hooks.errorhandler(SQLAlchemyError)
def _database_error(error: SQLAlchemyError) -> Response:
    db.session.rollback()
    log.warning("report without a database", extra={"error": type(error).__name__})
    return Response("Report again in a moment.", 503, mimetype="text/plain")


@hooks.route("/ses", methods=["POST"])
def by_ses() -> Response:
    """Amazon SES, by way of a topic of SNS; the topic is confirmed when it is the one that was named."""
    topic, _secret = _settings(ReceiptWay.SES)
    message = ses.envelope(_body())
    fetch: ses.Fetch = import_string(current_app.config["FETCH"])
    try:
        is_signed = message.get("TopicArn") == topic and ses.is_signed(message, fetch, clock.utcnow())
        _require(is_signed)
        if message["Type"] == "SubscriptionConfirmation":
            address = message.get("SubscribeURL")
            _require(isinstance(address, str) and ses.is_of_sns(address))
            fetch(str(address))
            log.info("topic confirmed", extra={"way": ReceiptWay.SES.value})
    except OSError as error:
        log.warning("Amazon SNS does not answer", extra={"error": type(error).__name__})
        raise Unavailable("Amazon SNS does not answer. Report again in a moment.") from error
    return _take(ReceiptWay.SES, ses.read(message) if message["Type"] == "Notification" else [])


@hooks.route("/sendgrid", methods=["POST"])
def by_sendgrid() -> Response:
    """SendGrid: many events at once."""
    public_key, _secret = _settings(ReceiptWay.SENDGRID)
    body = _body()
    told = {name: request.headers.get(name, "") for name in (sendgrid.TIMESTAMP, sendgrid.SIGNATURE)}
    _require(sendgrid.is_signed(public_key, told, body, clock.utcnow()))
    return _take(ReceiptWay.SENDGRID, sendgrid.read(body))


@hooks.route("/postmark", methods=["POST"])
def by_postmark() -> Response:
    """Postmark: one event."""
    _setting, password = _settings(ReceiptWay.POSTMARK)
    _require(postmark.is_signed(password, request.headers.get("Authorization", "")))
    return _take(ReceiptWay.POSTMARK, postmark.read(_body()))


@hooks.route("/mailgun", methods=["POST"])
def by_mailgun() -> Response:
    """Mailgun: one event, whose token counts once."""
    _setting, key = _settings(ReceiptWay.MAILGUN)
    told = mailgun.report(_body())
    _require(mailgun.is_signed(key, told, clock.utcnow()))
    token = mailgun.token_of(told)
    if _was_told(token):
        return Response(status=204)
    answer = _take(ReceiptWay.MAILGUN, mailgun.read(told))
    if answer.status_code == 204:
        _remember(token)
    return answer


def _body() -> bytes:
    request.max_content_length = MAX_BODY_BYTES
    return request.get_data(cache=False)


def _settings(way: ReceiptWay) -> tuple[str, str]:
    """The setting and the secret that reports of this provider are checked with. Raises NotAllowed without them."""
    hook = receipt_hooks.find(way)
    _require(receipt_hooks.is_on(hook))
    assert isinstance(hook, ReceiptHook)
    found = hook.setting, receipt_hooks.secret_of(hook)
    db.session.rollback()
    return found


def _require(is_signed: bool) -> None:
    if not is_signed:
        raise NotAllowed(NOT_SIGNED)


def _take(way: ReceiptWay, told: list[MailReceipt]) -> Response:
    """Take all that was told, each by itself; 503 when some of it comes too early and is to be told again."""
    taken: list[Taken] = []
    for first in range(0, len(told), TOGETHER):
        taken += in_transaction(mail_receipts.take_all, told[first : first + TOGETHER], way)
    if Taken.LATER in taken:
        raise Unavailable("Some of these messages are being written down. Report again in a moment.")
    return Response(status=204)


def _key(token: str) -> str:
    return f"muster:mailgun:{token[:100]}"


def _was_told(token: str) -> bool:
    try:
        return bool(queues.redis().exists(_key(token)))
    except RedisError:  # taken again it changes nothing
        return False


def _remember(token: str) -> None:
    try:
        queues.redis().set(_key(token), 1, ex=2 * mailgun.TOLD_WITHIN)
    except RedisError as error:
        log.warning("token not remembered", extra={"error": type(error).__name__})
