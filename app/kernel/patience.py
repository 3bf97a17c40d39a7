"""A limit on how long the reading statements of a page may take, so that it says so instead of hanging."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import DBAPIError

from app.extensions import db
from app.kernel import clock
from app.kernel.errors import Unavailable

# 1969 is MariaDB's, 3024 MySQL's.
OVER_CODES = frozenset({1969, 3024})
LEAST_SECONDS = 0.001  # the smallest that the databases take
STEPS_BETWEEN_LOOKS = 20_000  # of SQLite's machine, about half a millisecond
_SELECT = re.compile(r"\s*SELECT\b")

_ends: ContextVar[float | None] = ContextVar("patience_ends", default=None)


class TookTooLong(Unavailable):
    """A question was given up because its answer took longer than somebody waits for it."""


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """Give up what is read inside once all of it together took longer than this.

    Raises TookTooLong; the transaction goes on.
    """
    ends = clock.steady() + seconds
    token = _ends.set(ends)
    raw = _sqlite_connection()
    if raw is not None:
        raw.set_progress_handler(lambda: int(clock.steady() > ends), STEPS_BETWEEN_LOOKS)
    try:
        yield
    except DBAPIError as error:
        if not _is_over(error):
            raise
        raise _too_long() from error
    finally:
        _ends.reset(token)
        if raw is not None:
            raw.set_progress_handler(None, 0)


def _sqlite_connection() -> Any:
    if db.session.get_bind().dialect.name != "sqlite":
        return None
    return db.session.connection().connection.dbapi_connection


def _too_long() -> TookTooLong:
    return TookTooLong("This takes too long. Ask for less, or try again later.")


def _is_over(error: DBAPIError) -> bool:
    args = getattr(error.orig, "args", ()) or ("",)
    return args[0] in OVER_CODES or args[0] == "interrupted"


@event.listens_for(Engine, "before_cursor_execute", retval=True)
def _limit(
    _connection: Any, _cursor: Any, statement: str, parameters: Any, context: Any, _executemany: bool
) -> tuple[str, Any]:
    ends = _ends.get()
    if ends is None or context is None or not _SELECT.match(statement):
        return statement, parameters
    seconds = ends - clock.steady()
    if seconds < LEAST_SECONDS:
        raise _too_long()
    if getattr(context.dialect, "is_mariadb", False):
        statement = f"SET STATEMENT max_statement_time={seconds:.3f} FOR {statement}"
    elif context.dialect.name == "mysql":
        statement = _SELECT.sub(f"SELECT /*+ MAX_EXECUTION_TIME({round(seconds * 1000)}) */", statement, count=1)
    return statement, parameters
