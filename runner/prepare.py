"""`python -m runner.prepare`: upgrades the database, makes the roles and the first admin, and fills the demo.

The last line of its output is JSON: {"admin_password": …} or, with exit code 1, {"error": a sentence}.
"""

import json
import logging
import os
import secrets
import sys

from alembic import command
from alembic.util import CommandError
from flask import current_app
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import func, select
from sqlalchemy.exc import DatabaseError, InterfaceError, OperationalError

from app import create_app
from app.channels import web_push
from app.extensions import db
from app.kernel.db import in_transaction
from app.kernel.errors import AppError
from app.web.users import make_admin


def prepare() -> str:
    """Do it all; returns the password of the admin it made, "" when there was one or the password was given."""
    with create_app(with_panel=False).app_context():
        migrate = current_app.extensions["migrate"].migrate
        command.upgrade(migrate.get_config(), "head")  # flask_migrate's own would end this process on an error
        in_transaction(web_push.ensure)
        is_first = db.session.scalar(select(func.count()).select_from(User)) == 0
        if current_app.config["DEMO"]:
            from demo import fill

            fill.fill(current_app.config)
        db.session.remove()
        db.engine.dispose()
    return _first_admin() if is_first else ""


def _first_admin() -> str:
    logging.getLogger("flask_appbuilder").setLevel(logging.ERROR)  # it warns that there is no user yet
    given = os.environ.get("MUSTER_ADMIN_PASSWORD")
    with create_app().app_context():
        password = given or secrets.token_urlsafe(12)
        is_new = make_admin(password)
    return "" if given or not is_new else password


def main() -> int:
    """Prepare, and say what went wrong in one sentence."""
    try:
        print(json.dumps({"admin_password": prepare()}))
    except CommandError as error:
        newer = "Can't locate revision" in str(error)
        sentence = (
            "The database was made by a newer version of Muster. Start that version, or restore an older backup."
            if newer
            else f"The database cannot be upgraded: {error}."
        )
        print(json.dumps({"error": sentence}))
        return 1
    except (OperationalError, InterfaceError, DatabaseError) as error:
        words = str(error.orig).strip().splitlines()[0]
        print(json.dumps({"error": f"The database does not answer as it should ({words}). Check DATABASE_URL."}))
        return 1
    except AppError as error:
        print(json.dumps({"error": str(error)}))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
