"""What providers call: reports on messages. Signed, without session, cookie or account."""

from flask import Flask

from app.extensions import csrf


def register(app: Flask) -> None:
    """Register the hooks. A provider has no CSRF token; its signature is checked instead."""
    from app.web.hooks import mail, twilio

    for hooks in (twilio.hooks, mail.hooks):
        csrf.exempt(hooks)
        app.register_blueprint(hooks)
