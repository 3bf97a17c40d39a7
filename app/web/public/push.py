"""Where a person lets a browser show our notifications, and takes that back: a page, its worker, and what they send."""

import json
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, current_app, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response as AnyResponse

from app.audience import push_devices
from app.channels import web_push
from app.kernel.db import in_transaction
from app.kernel.errors import AppError, InvalidInput
from app.web.public import pages

push = Blueprint("push", __name__, url_prefix="/push", template_folder="templates")

MAX_BODY_BYTES = 8192
HEADERS = {
    **pages.HEADERS,
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; form-action 'none'; "
    "frame-ancestors 'none'; base-uri 'none'",
}


@push.after_request
def _headers(response: AnyResponse) -> AnyResponse:
    response.headers.update(HEADERS)
    return response


push.register_error_handler(AppError, pages.on_app_error)
push.register_error_handler(SQLAlchemyError, pages.on_database_error)


@push.route("/worker.js", methods=["GET"])
def worker() -> Response:
    """The service worker. Its address stays the same, because a browser keeps one worker for each; its code is the
    built file, so that a new build is a new worker."""
    asset: Any = current_app.jinja_env.globals["asset"]
    code = f"importScripts({json.dumps(asset('push-worker.js'))});\n"
    return Response(code, mimetype="text/javascript")


@push.route("/<token>", methods=["GET"])
def ask(token: str) -> Response:
    """A page that explains and has a button. Opening it changes nothing: scanners open every link of a message."""
    if push_devices.contact_of(token) == push_devices.NOBODY:
        return pages.told(_("This link comes from a test message. It subscribes nobody."))
    template = current_app.jinja_env.get_template("public/push.html")
    shown = template.render(
        site=_site(),
        key=web_push.get().public_key,
        token=token,
        worker=url_for("push.worker"),
        language=get_locale(),
    )
    return Response(shown, mimetype="text/html")


@push.route("/<token>/app.webmanifest", methods=["GET"])
def manifest(token: str) -> Response:
    """What makes the page an app on the home screen: on an iPhone only such a one may show notifications."""
    start = url_for("push.ask", token=token)
    described = {"name": _site(), "short_name": _site(), "start_url": start, "display": "standalone"}
    return Response(json.dumps(described), mimetype="application/manifest+json")


@push.route("/<token>/device", methods=["POST", "DELETE"])
def device(token: str) -> Response:
    """Subscribe the browser that asks, or forget it."""
    contact_id, body = push_devices.contact_of(token), _body()
    if contact_id == push_devices.NOBODY:
        return pages.told(_("This link comes from a test message. It subscribes nobody."), status=409)
    if request.method == "DELETE":
        in_transaction(push_devices.unsubscribe, contact_id, _text(body, "endpoint"))
    else:
        name = push_devices.name_of(request.headers.get("User-Agent", ""))
        in_transaction(push_devices.subscribe, contact_id, *_subscription(body), name)
    return Response(status=204)


@push.route("/renew", methods=["POST"])
def renew() -> Response:
    """A browser replaced its subscription by itself: {"old": endpoint, "new": subscription}."""
    body = _body()
    new = body.get("new")
    in_transaction(push_devices.renew, _text(body, "old"), *_subscription(new if isinstance(new, dict) else {}))
    return Response(status=204)


def _site() -> str:
    return urlsplit(current_app.config["PUBLIC_URL"]).netloc


def _body() -> dict[str, Any]:
    if (request.content_length or 0) <= MAX_BODY_BYTES:
        body = request.get_json(force=True, silent=True)
        if isinstance(body, dict):
            return body
    raise InvalidInput("This is not what a browser sends. Open the page anew.")


def _subscription(body: dict[str, Any]) -> tuple[str, str, str]:
    """(endpoint, p256dh, auth) of what PushSubscription.toJSON() gives."""
    keys = body.get("keys")
    keys = keys if isinstance(keys, dict) else {}
    return _text(body, "endpoint"), _text(keys, "p256dh"), _text(keys, "auth")


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value.isascii():
        raise InvalidInput("This is not what a browser sends. Open the page anew.", name)
    return value
