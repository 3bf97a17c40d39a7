"""A person's notices in the panel: which there are, how many are unread, and reading them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, update

from app.extensions import db
from app.kernel.errors import NotFound
from app.notices.models import Notice

MOST_COUNTED = 99


def unread(person_id: int) -> int:
    """How many a person has not read, up to MOST_COUNTED + 1."""
    some = select(Notice.id).where(*_unread(person_id)).limit(MOST_COUNTED + 1).subquery()
    return db.session.scalar(select(func.count()).select_from(some)) or 0


def latest(person_id: int, limit: int, before: int | None = None) -> Sequence[Notice]:
    """The newest that are shown; before: only those that are older than the one with this id."""
    query = select(Notice).where(Notice.person_id == person_id, Notice.is_shown.is_(True))
    if before is not None:
        query = query.where(Notice.id < before)
    return db.session.scalars(query.order_by(Notice.id.desc()).limit(limit)).all()


def read(person_id: int, notice_id: int, now: datetime) -> Notice:
    """One notice, read from now on. Raises NotFound, also for another person's."""
    notice = db.session.get(Notice, notice_id)
    if notice is None or notice.person_id != person_id:
        raise NotFound("There is no such notification. It may have been deleted.")
    notice.read_at = notice.read_at or now
    db.session.flush()
    return notice


def read_all(person_id: int, until_id: int, now: datetime) -> int:
    """Mark all as read that the person has seen, up to this id; returns how many were not."""
    some = update(Notice).where(*_unread(person_id), Notice.id <= until_id)
    return db.session.execute(some.values(read_at=now).execution_options(synchronize_session=False)).rowcount


def _unread(person_id: int) -> tuple[ColumnElement[bool], ...]:
    return Notice.person_id == person_id, Notice.is_shown.is_(True), Notice.read_at.is_(None)
