"""The Flask extensions, made once and bound to an app in create_app. AppBuilder is not here: it is made per app."""

import flask_appbuilder.security.sqla.models as fab_tables
from flask_appbuilder import Model
from flask_appbuilder.models.sqla.base import SQLA
from flask_mail import Mail
from flask_wtf.csrf import CSRFProtect
from sqlalchemy import Sequence


def _drop_sequences() -> None:
    """FAB's ab_* keys carry Sequence defaults; MariaDB has sequences, so SQLAlchemy would ask for ones nobody made."""
    assert fab_tables.User.metadata is Model.metadata
    for table in Model.metadata.tables.values():
        for column in table.columns:
            if isinstance(column.default, Sequence):
                column.default = None
    Model.metadata._sequences.clear()


_drop_sequences()

db = SQLA(metadata=Model.metadata)
csrf = CSRFProtect()
mail = Mail()
