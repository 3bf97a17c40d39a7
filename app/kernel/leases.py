"""Who leads: a row lease in the database, so that of any number of schedulers exactly one acts."""

from datetime import datetime, timedelta

from flask_appbuilder import Model
from sqlalchemy import String, and_, case, insert, or_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import db
from app.kernel.db import UtcDateTime, db_now

SCHEDULER = "scheduler"  # the one role there is


class LeaderLease(Model):
    """One row per role; whoever holds it until `until` leads, and has led since `since`."""

    __tablename__ = "leader_lease"
    role: Mapped[str] = mapped_column(String(40), primary_key=True)
    owner: Mapped[str] = mapped_column(String(120))
    until: Mapped[datetime] = mapped_column(UtcDateTime)
    since: Mapped[datetime | None] = mapped_column(UtcDateTime)


def acquire(role: str, owner: str, seconds: float) -> bool:
    """Take or renew the lease; False while another holds it. Flushes; the caller's commit makes it true."""
    now = db_now()
    until = now + timedelta(seconds=seconds)
    mine_or_over = or_(LeaderLease.owner == owner, LeaderLease.until <= now)
    leads_on = and_(LeaderLease.owner == owner, LeaderLease.until > now)
    since = case((leads_on, LeaderLease.since), else_=now)
    columns = LeaderLease.__table__.c
    taken = db.session.execute(
        update(LeaderLease)
        .where(LeaderLease.role == role, mine_or_over)
        .ordered_values((columns.since, since), (columns.owner, owner), (columns.until, until))  # MySQL sets in order
    )
    if taken.rowcount:
        return True
    if db.session.get(LeaderLease, role) is not None:
        return False
    try:
        with db.session.begin_nested():
            db.session.execute(insert(LeaderLease).values(role=role, owner=owner, until=until, since=now))
    except IntegrityError:  # another one was first
        return False
    return True


def release(role: str, owner: str) -> None:
    """Give the lease back at a clean stop, so that the next leader need not wait for it to run out."""
    db.session.execute(
        update(LeaderLease).where(LeaderLease.role == role, LeaderLease.owner == owner).values(until=db_now())
    )
