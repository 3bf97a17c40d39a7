"""Units of work, column types and the two dialects. One commit per request or job, here and nowhere else."""

import enum
import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TypeVar, TypeVarTuple

from sqlalchemy import DateTime, Engine, LargeBinary, String, event, text
from sqlalchemy.dialects.mysql import DATETIME, VARBINARY
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, scoped_session
from sqlalchemy.types import TypeDecorator, TypeEngine

from app.extensions import db
from app.kernel import clock, queues

log = logging.getLogger(__name__)

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

# 1205 lock wait timeout, 1213 deadlock, 2006/2013 connection lost, 2014 out of sync, 1047/1053 server going away,
# 1927 connection killed, 4031 idle disconnect. 1020: record changed since last read (MariaDB snapshot isolation).
RETRIABLE_CODES = frozenset({1020, 1047, 1053, 1205, 1213, 1927, 2003, 2006, 2013, 2014, 4031})
ATTEMPTS = 5


# For __table_args__ of rows whose number is remembered elsewhere: in links of sent messages, in journals, in other
# tables without a foreign key. SQLite alone gives the number of a deleted last row to the next one.
NEVER_AGAIN = {"sqlite_autoincrement": True}


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time with microseconds; refuses naive values."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(DATETIME(fsp=6) if is_mysql(dialect) else DateTime())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive time was given; use an aware UTC time")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class EnumText(TypeDecorator[enum.StrEnum]):
    """A StrEnum stored as its text, so that the table reads like the screen."""

    impl = String
    cache_ok = True

    def __init__(self, kind: type[enum.StrEnum], length: int = 32) -> None:
        super().__init__(length)
        self.kind = kind

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else str(self.kind(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> enum.StrEnum | None:
        return None if value is None else self.kind(value)


def bytes_of(length: int) -> TypeEngine[bytes]:
    """A column of up to `length` bytes that can be indexed on both dialects."""
    return LargeBinary(length).with_variant(VARBINARY(length), "mysql", "mariadb")


def is_mysql(dialect: Dialect) -> bool:
    """Whether this dialect is MySQL or MariaDB."""
    return dialect.name in ("mysql", "mariadb")


def session() -> scoped_session[Session]:
    """The session of this request or job."""
    return db.session


# Set for a web request that only reads, so that on SQLite a page does not wait for the one writer.
_only_reads: ContextVar[bool] = ContextVar("only_reads", default=False)


def expect_only_reads(only_reads: bool) -> None:
    """Say whether what follows in this request only reads, until transaction() says otherwise."""
    _only_reads.set(only_reads)


@contextmanager
def transaction() -> Iterator[scoped_session[Session]]:
    """Commit on success, roll back on any error; what was to be enqueued is enqueued only after the commit."""
    if _only_reads.get():
        db.session.rollback()  # ends the read snapshot: SQLite cannot turn it into a writer once it is stale
        _only_reads.set(False)
    try:
        yield db.session
        db.session.commit()
    except BaseException:
        db.session.rollback()
        queues.drop_pending()
        raise
    queues.flush_pending()


@contextmanager
def reading() -> Iterator[scoped_session[Session]]:
    """Read without waiting for a writer, and without leaving a transaction open."""
    token = _only_reads.set(True)
    try:
        yield db.session
    finally:
        db.session.rollback()
        _only_reads.reset(token)


def is_retriable(error: DBAPIError) -> bool:
    """Whether the same transaction may well succeed when tried again."""
    if error.connection_invalidated:
        return True
    args = getattr(error.orig, "args", ())
    code = args[0] if args else None
    return code in RETRIABLE_CODES or "database is locked" in str(code)


def in_transaction(step: Callable[[*Ts], T], *args: *Ts, patience_seconds: float = 0.0) -> T:
    """Run step(*args) as a unit of work; deadlocks, lock waits and lost connections are tried again.

    Tried at least five times in all, and for as long as patience_seconds: what must be written waits for a database
    that restarts. step may therefore run more than once, also after a commit whose answer was lost, and must do nothing
    but database work.
    """
    gives_up_at = clock.steady() + patience_seconds
    attempt = 1
    while True:
        try:
            with transaction():
                return step(*args)
        except DBAPIError as error:
            if not is_retriable(error) or (attempt >= ATTEMPTS and clock.steady() >= gives_up_at):
                raise
            log.warning("transaction is tried again", extra={"attempt": attempt, "error": type(error.orig).__name__})
        db.session.remove()
        time.sleep(min(random.uniform(0.01, 0.05) * 4 ** (attempt - 1), 1.0))
        attempt += 1


def db_now() -> datetime:
    """The database's clock (aware UTC): the one clock of leases, due times and throttles over all machines."""
    bind = db.session.get_bind()
    if is_mysql(bind.dialect):
        value: datetime = db.session.execute(text("SELECT UTC_TIMESTAMP(6)")).scalar_one()
        return value.replace(tzinfo=UTC)
    return clock.utcnow()


def configure(engine: Engine) -> None:
    """Give an engine what the ledger relies on: WAL and one writer at a time on SQLite, READ COMMITTED on MySQL."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _sqlite_connect)
        event.listen(engine, "begin", _sqlite_begin)


def _sqlite_connect(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=10000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _sqlite_begin(connection: Any) -> None:
    # A deferred BEGIN that reads and then writes fails at once with "database is locked" when another writer came
    # between, whatever busy_timeout says (measured: half of all transactions). Reads alone may stay deferred.
    connection.exec_driver_sql("BEGIN DEFERRED" if _only_reads.get() else "BEGIN IMMEDIATE")
