"""What a browser may do with our pages: the headers of every answer, and a nonce per request for our scripts."""

import secrets

from flask import Flask, current_app, g, request
from werkzeug.wrappers import Response

_SELF = "'self'"


def init_app(app: Flask) -> None:
    """Give templates csp_nonce(), which FAB's own ask for too, and show_pictures(); put the headers on every answer."""
    app.jinja_env.globals["csp_nonce"] = csp_nonce
    app.jinja_env.globals["show_pictures"] = show_pictures
    app.after_request(_headers)


def csp_nonce() -> str:
    """The nonce of this request."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return str(g.csp_nonce)


def show_pictures() -> None:
    """Let the page of this request show pictures from anywhere, as messages have them."""
    g.csp_pictures = " http: https:"


def content_policy() -> str:
    """Nothing from elsewhere, nothing inline without the nonce; frames show our own pages only."""
    pictures = f"{_SELF} data: blob:{g.get('csp_pictures', '')}"
    mine = f"{_SELF} 'nonce-{g.csp_nonce}'" if "csp_nonce" in g else _SELF
    return (
        f"default-src {_SELF}; script-src {mine}; style-src {mine}; img-src {pictures}; font-src {_SELF}; "
        f"connect-src {_SELF}; frame-src {_SELF}; form-action {_SELF}; frame-ancestors {_SELF}; base-uri {_SELF}; "
        "object-src 'none'"
    )


def _headers(response: Response) -> Response:
    headers = response.headers
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("X-Frame-Options", "SAMEORIGIN")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
    headers.setdefault("Content-Security-Policy", content_policy())
    if current_app.config["SESSION_COOKIE_SECURE"]:  # the public address is https
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if request.endpoint not in ("static", "appbuilder.static"):
        headers.setdefault("Cache-Control", "no-store")
    return response
