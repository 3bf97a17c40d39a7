"""Who is signed in: one row per sign-in. A cookie or a token names its row and is worth nothing without it."""

import secrets
from datetime import datetime

from flask_appbuilder import Model
from sqlalchemy import ColumnElement, Delete, ForeignKey, String, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import db
from app.kernel import audit, clock
from app.kernel.audit import What
from app.kernel.db import UtcDateTime


class SignIn(Model):
    """One person in one browser or program, until they sign out or it ends by itself."""

    __tablename__ = "sign_in"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), index=True)
    began_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


def begin(user_id: int, ends_at: datetime) -> str:
    """Add a sign-in and forget those that have ended; returns its key, which nobody can guess."""
    now = clock.utcnow()
    db.session.execute(delete(SignIn).where(SignIn.ends_at <= now))
    key = secrets.token_hex(16)
    db.session.add(SignIn(id=key, user_id=user_id, began_at=now, ends_at=ends_at))
    people = Model.metadata.tables["ab_user"].c
    name = db.session.scalar(select(people.username).where(people.id == user_id))
    audit.note(What.PERSON_SIGN_IN, user_id, by=name or "")
    db.session.flush()
    return key


def end(key: str) -> None:
    """Forget one sign-in."""
    db.session.execute(delete(SignIn).where(SignIn.id == key))


def all_of(user_id: int, but: str = "") -> Delete:
    """The statement that forgets every sign-in of a person, except the one with that key."""
    return delete(SignIn).where(SignIn.user_id == user_id, SignIn.id != but)


def lasts(key: str, user_id: int) -> ColumnElement[bool]:
    """The condition that this sign-in of this person is there and has not ended."""
    return (
        select(SignIn.id).where(SignIn.id == key, SignIn.user_id == user_id, SignIn.ends_at > clock.utcnow()).exists()
    )
