"""Settings of gunicorn (`gunicorn -c runner/web.py wsgi:app`): the app is made once and shared by the processes."""

from typing import Any

from app.extensions import db
from app.kernel import logs

worker_class = "gthread"
workers = 2
threads = 4
preload_app = True
graceful_timeout = 10
loglevel = "warning"

logs.configure()


def post_fork(server: Any, _worker: Any) -> None:
    """A forked process must not share the database connections that its parent opened."""
    with server.app.wsgi().app_context():
        db.engine.dispose(close=False)
