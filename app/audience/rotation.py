"""Sealing contacts and uploads with the active key again, some at a time."""

from sqlalchemy import func, not_, select
from sqlalchemy.sql.elements import ColumnElement

from app.audience.addresses import PURPOSE
from app.audience.models import Contact
from app.extensions import db
from app.kernel.crypto import sealer


def _is_old() -> ColumnElement[bool]:
    prefix = sealer(PURPOSE).active_prefix
    return not_(func.substr(Contact.sealed, 1, len(prefix)) == prefix)


def count_old() -> int:
    """How many contacts are sealed with another key than the active one."""
    return db.session.scalar(select(func.count()).select_from(Contact).where(_is_old())) or 0


def reseal(limit: int) -> int:
    """Seal up to limit contacts again in this transaction; returns how many, 0 when all are done."""
    seals = sealer(PURPOSE)
    found = db.session.scalars(select(Contact).where(_is_old()).limit(limit).with_for_update()).all()
    for contact in found:
        contact.sealed = seals.seal(seals.open(contact.sealed, contact.uid), contact.uid)
    db.session.flush()
    db.session.expunge_all()
    return len(found)
