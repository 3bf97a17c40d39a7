"""The application factory: the only place where the rings meet."""

from collections.abc import Mapping
from typing import Any

from flask import Flask


def create_app(
    config: Mapping[str, Any] | None = None, *, with_panel: bool = True, with_migrations: bool = True
) -> Flask:
    """Make an app for this configuration (config.load() by default).

    with_panel=False leaves out every view: for workers, migrations and commands, and because FAB must not touch a
    database that is not upgraded yet. with_migrations=False leaves out Alembic, 9 MB that a worker never needs.
    """
    import config as settings
    from app import cli, extensions
    from app.kernel import crypto, db, queues

    app = Flask(__name__, template_folder="web/templates", static_folder="web/static")
    app.config.from_mapping(config if config is not None else settings.load())
    extensions.db.init_app(app)
    extensions.mail.init_app(app)
    crypto.init_app(app)
    queues.init_app(app)
    cli.init_app(app)
    with app.app_context():
        from app import models  # noqa: F401  every table, one list

        db.configure(extensions.db.engine)
        if with_migrations:
            from flask_migrate import Migrate

            Migrate(app, extensions.db, directory=str(settings.ROOT / "migrations"))
        if with_panel:
            from app import web

            extensions.csrf.init_app(app)
            web.init_app(app)
    return app
