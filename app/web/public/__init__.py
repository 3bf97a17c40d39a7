"""The pages behind the links of a message: unsubscribe, click, open, web push. No session, no cookie, no account."""

from flask import Flask

from app.extensions import csrf


def register(app: Flask) -> None:
    """Register the public pages. A one-click unsubscribe comes from a mail provider, and a renewal
    from a service worker: neither has a CSRF token, and the others have the token of their link."""
    from app.web.public.pages import pages
    from app.web.public.push import push

    for blueprint in (pages, push):
        csrf.exempt(blueprint)
        app.register_blueprint(blueprint)
