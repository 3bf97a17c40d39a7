"""Alembic's entry: runs the numbered migrations with the app's own engine and metadata."""

import sys
from pathlib import Path

from alembic import context
from flask import current_app

sys.path.insert(0, str(Path(__file__).parent))
from rendering import compare_type, render_item  # a script folder, not a package

migrate = current_app.extensions["migrate"]


def run() -> None:
    """Upgrade or downgrade over one connection. On MySQL every statement commits by itself."""
    with migrate.db.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=migrate.db.metadata,
            render_item=render_item,
            compare_type=compare_type,
            render_as_batch=True,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
