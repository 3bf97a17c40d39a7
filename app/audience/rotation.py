"""Sealing contacts, replies, devices and pieces of imports with the active key again, some at a time."""

from typing import Any

from sqlalchemy import func, not_, select, update
from sqlalchemy.sql.elements import ColumnElement

from app.audience import import_chunks, push_devices, replies
from app.audience.addresses import PURPOSE
from app.audience.models import Contact, ContactImport, ImportChunk, Reply
from app.audience.push_models import PushDevice
from app.extensions import db
from app.kernel.crypto import sealer

Row = type[Contact] | type[Reply] | type[PushDevice]
ROWS: tuple[tuple[Row, str], ...] = (
    (Contact, PURPOSE),
    (Reply, replies.PURPOSE),
    (PushDevice, push_devices.PURPOSE),
)


def _is_old(column: Any, purpose: str) -> ColumnElement[bool]:
    prefix = sealer(purpose).active_prefix
    return not_(func.substr(column, 1, len(prefix)) == prefix)


def count_old() -> int:
    """How many contacts, replies, devices and pieces of imports are sealed with another key than the active one."""
    return sum(
        db.session.scalar(select(func.count()).select_from(table).where(_is_old(table.sealed, purpose))) or 0
        for table, purpose in (*ROWS, (ImportChunk, import_chunks.PURPOSE))
    )


def reseal(limit: int) -> int:
    """Seal up to limit of these rows again in this transaction; returns how many, 0 when all are done."""
    return next((done for table, purpose in ROWS if (done := _reseal(table, purpose, limit))), 0)


def _reseal(table: Row, purpose: str, limit: int) -> int:
    seals = sealer(purpose)
    old = select(table.id, table.uid, table.sealed).where(_is_old(table.sealed, purpose))
    found = db.session.execute(old.order_by(table.id).limit(limit).with_for_update()).all()
    for pk, uid, sealed in found:
        again = update(table).where(table.id == pk).values(sealed=seals.seal(seals.open(sealed, uid), uid))
        db.session.execute(again.execution_options(synchronize_session=False))
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
