"""What a supervisor or a load balancer asks: /healthz (the process answers) and /readyz (what it needs answers too)."""

import functools

from alembic.script import ScriptDirectory
from flask import Blueprint, Flask, current_app, jsonify
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response

from app.extensions import db
from app.kernel import queues

blueprint = Blueprint("health", __name__)


def register(app: Flask) -> None:
    """Add both addresses; they need no sign-in and tell no details."""
    app.register_blueprint(blueprint)


@blueprint.get("/healthz")
def healthz() -> Response:
    """200 as long as this process serves requests."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
def readyz() -> tuple[Response, int]:
    """200 when the database is there at the right version and Redis answers, else 503 naming what is missing."""
    names = missing()
    return jsonify(status="unready" if names else "ready", missing=names), 503 if names else 200


def missing() -> list[str]:
    """What this process needs and has not: database (away, or at another version), redis; empty when all is there."""
    return [name for name, check in (("database", _has_database), ("redis", _has_redis)) if not check()]


@functools.cache
def _heads(directory: str) -> frozenset[str]:
    # Read once: a probe comes every few seconds, and the migrations of a running process do not change.
    return frozenset(ScriptDirectory(directory).get_heads())


def _has_database() -> bool:
    try:
        found = set(db.session.scalars(text("SELECT version_num FROM alembic_version")))
    except SQLAlchemyError:
        return False
    return found == _heads(current_app.extensions["migrate"].directory)


def _has_redis() -> bool:
    try:
        return bool(queues.redis().ping())
    except RedisError:
        return False
