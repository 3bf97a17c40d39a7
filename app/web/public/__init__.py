"""The pages behind the links of a message: unsubscribe, click and open. No session, no cookie, no account."""

from flask import Flask

from app.extensions import csrf


def register(app: Flask) -> None:
    """Register the public pages. A one-click unsubscribe comes from a mail provider, which has no CSRF token."""
    from app.web.public.pages import pages

    csrf.exempt(pages)
    app.register_blueprint(pages)
