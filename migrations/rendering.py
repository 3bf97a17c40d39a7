"""How our column types stand in migrations: as plain SQLAlchemy types, so that a migration needs no app code."""

from typing import Any

from app.kernel.db import EnumText, UtcDateTime


def render_item(kind: str, item: Any, context: Any) -> str | bool:
    """Alembic's hook: the source text for one of our types, or False for its own rendering."""
    if kind == "type" and isinstance(item, UtcDateTime):
        context.imports.add("from sqlalchemy.dialects import mysql")
        return "sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql', 'mariadb')"
    if kind == "type" and isinstance(item, EnumText):
        return f"sa.String({item.impl.length})"
    return False


def compare_type(
    context: Any, inspected: Any, metadata_column: Any, inspected_type: Any, metadata_type: Any
) -> bool | None:
    """Alembic's hook: our times and states compare by what they are in the database, the rest as Alembic does."""
    if isinstance(metadata_type, UtcDateTime):
        return "DATE" not in str(inspected_type).upper()
    if isinstance(metadata_type, EnumText):
        return bool(inspected_type.length != metadata_type.impl.length)
    return None
