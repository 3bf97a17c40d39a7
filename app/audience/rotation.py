"""Sealing contacts and the pieces of imports with the active key again, some at a time, while others read them."""

from typing import Any

from sqlalchemy import func, not_, select
from sqlalchemy.sql.elements import ColumnElement

from app.audience import import_chunks
from app.audience.addresses import PURPOSE
from app.audience.models import Contact, ContactImport, ImportChunk
from app.extensions import db
from app.kernel.crypto import sealer


def _is_old(column: Any, purpose: str) -> ColumnElement[bool]:
    prefix = sealer(purpose).active_prefix
    return not_(func.substr(column, 1, len(prefix)) == prefix)


def count_old() -> int:
    """How many contacts and pieces of imports are sealed with another key than the active one."""
    tables = ((Contact, PURPOSE), (ImportChunk, import_chunks.PURPOSE))
    return sum(
        db.session.scalar(select(func.count()).select_from(table).where(_is_old(table.sealed, purpose))) or 0
        for table, purpose in tables
    )


def reseal(limit: int) -> int:
    """Seal up to limit contacts again in this transaction; returns how many, 0 when all are done."""
    seals = sealer(PURPOSE)
    old = select(Contact).where(_is_old(Contact.sealed, PURPOSE)).order_by(Contact.id).limit(limit).with_for_update()
    found = db.session.scalars(old).all()
    for contact in found:
        contact.sealed = seals.seal(seals.open(contact.sealed, contact.uid), contact.uid)
    db.session.flush()
    db.session.expunge_all()
    return len(found)


def reseal_chunk(_limit: int) -> int:
    """Seal one piece (1 MiB) of an import again in this transaction; returns 0 when all are done."""
    seals = sealer(import_chunks.PURPOSE)
    old = (
        select(ImportChunk, ContactImport.uid)
        .join(ContactImport, ContactImport.id == ImportChunk.import_id)
        .where(_is_old(ImportChunk.sealed, import_chunks.PURPOSE))
        .order_by(ImportChunk.import_id, ImportChunk.kind, ImportChunk.number)
        .limit(1)
        .with_for_update(of=ImportChunk)
    )
    found = db.session.execute(old).first()
    if found is None:
        return 0
    chunk, uid = found
    identity = import_chunks.identity(uid, chunk.kind, chunk.number)
    chunk.sealed = seals.seal(seals.open(chunk.sealed, identity), identity)
    db.session.flush()
    db.session.expunge_all()
    return 1
