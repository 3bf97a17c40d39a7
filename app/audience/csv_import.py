"""The run of an import, step by step: claim, prepare, write a chunk, finish. Each writing step is one unit of work.

A chunk's contacts and the place in the file that they came from are committed together, so that a killed run goes on
where it was, and every write is fenced by the lease: only its holder moves the import on.

While the server writes a chunk, the next one is read, checked and looked up on a connection of its own. What the chunk
before wrote is not seen there yet: write() hands that on.
"""

import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from os import urandom
from typing import NamedTuple

from flask import Flask, current_app
from sqlalchemy import ColumnElement, and_, or_, select, update

from app.audience import import_chunks, store
from app.audience.addresses import indexing
from app.audience.csv_format import count_lines
from app.audience.csv_reader import RecordReader
from app.audience.csv_rows import BadRow, Chunk, RowReader, chunks
from app.audience.matching import Draft, Matcher, Placed
from app.audience.models import ChunkKind, ContactImport, Folder, ImportStatus
from app.extensions import db
from app.kernel import audit, clock
from app.kernel.ahead import ahead
from app.kernel.audit import What
from app.kernel.db import db_now, reading
from app.kernel.errors import AppError, Conflict, InvalidInput


class LeaseLost(Conflict):
    """The import was cancelled, or another worker has taken it over."""


Written = dict[bytes, int]  # address (blind index) -> contact: what a chunk wrote


class Prepared(NamedTuple):
    """A chunk, and the contacts that shared an address with it when it was looked up."""

    chunk: Chunk
    known_ids: Collection[int]


@dataclass(frozen=True, slots=True)
class Run:
    """What a worker needs to know of the import it has claimed."""

    import_id: int
    uid: bytes
    owner: str
    encoding: str
    delimiter: str
    columns: tuple[str, ...]
    mapping: dict[str, str]
    default_country: str
    offset: int
    started_at: datetime


def claim(import_id: int, owner: str) -> Run | None:
    """Take the import for this worker; None when it is over or another worker has it."""
    now = db_now()
    is_free = or_(
        ContactImport.status == ImportStatus.QUEUED,
        and_(ContactImport.status == ImportStatus.RUNNING, ContactImport.lease_until <= now),
    )
    taken = db.session.execute(
        update(ContactImport)
        .where(ContactImport.id == import_id, is_free)
        .values(status=ImportStatus.RUNNING, lease_owner=owner, lease_until=now + _lease())
    )
    if not taken.rowcount:
        return None
    found = db.session.get_one(ContactImport, import_id, populate_existing=True)
    if found.started_at is None:
        found.started_at = clock.utcnow()
        db.session.flush()
    return Run(
        found.id,
        found.uid,
        owner,
        found.encoding,
        found.delimiter,
        tuple(found.columns),
        dict(found.mapping),
        found.default_country,
        found.bytes_done,
        found.started_at,
    )


def _lease() -> timedelta:
    return timedelta(seconds=current_app.config["LEASE_SECONDS"])


def prepared(run: Run) -> Iterator[Prepared]:
    """The chunks that are still to be written, read, checked and looked up one ahead while the caller writes."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # a proxy is of no use in a thread
    pieces = _pieces(app, run.import_id, run.uid, run.offset)
    rows = RowReader(run.columns, run.mapping, run.default_country)
    records = RecordReader(pieces, run.encoding, run.delimiter, run.offset, _lines_before(run))
    return ahead(_looked_up(app, chunks(records, rows, indexing())))


def _looked_up(app: Flask, read: Iterator[Chunk]) -> Iterator[Prepared]:
    for chunk in read:
        with app.app_context(), reading():
            known_ids = store.find(chunk.drafts)
        yield Prepared(chunk, known_ids)


def _pieces(app: Flask, import_id: int, uid: bytes, offset: int) -> Iterator[bytes]:
    """The source, read in whatever thread asks for it, with no transaction open in between."""
    number, inside = divmod(offset, import_chunks.CHUNK_BYTES)
    while True:
        with app.app_context(), reading():
            piece = import_chunks.get(import_id, uid, ChunkKind.SOURCE, number)
        if piece is None:
            return
        yield piece[inside:]
        number, inside = number + 1, 0


def _lines_before(run: Run) -> int:
    """Line ends before the offset, so that a resumed run names the same lines as a first one."""

    def before() -> Iterator[bytes]:
        left = run.offset
        for piece in import_chunks.source(run.import_id, run.uid):
            if left <= 0:
                return
            yield piece[:left]
            left -= len(piece)

    with reading():
        return count_lines(before())


def write(run: Run, prepared: Prepared, before: Written | None) -> Written | None:
    """Write a chunk and move the import on by it; returns what it wrote, None when that is not known.

    before: what the chunk before it wrote; None has the chunk looked up again.
    Raises LeaseLost, and IntegrityError when another import or person took an e-mail address since the chunk was
    looked up (then the same with None finds it).
    """
    chunk = prepared.chunk
    state = _state(run)
    if state.bytes_done == chunk.end:  # committed before, when the answer to the commit was lost
        return None
    now = clock.utcnow()
    known_ids = store.find(chunk.drafts) if before is None else _joined(prepared, before)
    matcher = Matcher(store.load(known_ids, run.started_at))
    placed, ambiguous = _place(matcher, chunk.drafts)
    with _quick_turns():
        store.add(matcher.new, now)
    store.change(matcher.changed, now)
    met = {contact.id: contact for contact in (*matcher.new, *matcher.joined.values()) if contact.id is not None}
    if state.folder_id is not None:
        store.fill_folder(state.folder_id, met)
    bad = sorted([*chunk.bad, *ambiguous])
    if bad:
        import_chunks.put_bad_rows(run.import_id, run.uid, state.rows_done, bad)
    _advance(run, chunk, placed, len(bad))
    return {key: id_ for id_, contact in met.items() for key in contact.indexes if key}


@contextmanager
def _quick_turns() -> Iterator[None]:
    """Let the thread that has an answer of the server go on soon: with Python's 5 ms between turns the server stood
    idle while others made what it gets next, a seventh of the time (measured)."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.0005)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _joined(prepared: Prepared, before: Written) -> set[int]:
    keys = {key for draft in prepared.chunk.drafts for key in draft.indexes}
    return {*prepared.known_ids, *(before[key] for key in before.keys() & keys)}


@dataclass(frozen=True, slots=True)
class _State:
    bytes_done: int
    rows_done: int
    folder_id: int | None


def _state(run: Run) -> _State:
    query = select(ContactImport.bytes_done, ContactImport.rows_done, Folder.id).outerjoin(
        Folder, Folder.id == ContactImport.folder_id
    )
    row = db.session.execute(query.where(*_is_mine(run))).one_or_none()
    if row is None:
        raise LeaseLost("This import was cancelled or taken over.")
    return _State(*row)


def _place(matcher: Matcher, drafts: list[Draft]) -> tuple[dict[Placed, int], list[BadRow]]:
    counts = dict.fromkeys(Placed, 0)
    ambiguous = []
    uids = urandom(16 * len(drafts))
    for number, draft in enumerate(drafts):
        try:
            counts[matcher.place(draft, uids[16 * number : 16 * number + 16])] += 1
        except InvalidInput as error:
            ambiguous.append(BadRow(draft.line, str(error), draft.cells))
    return counts, ambiguous


def _is_mine(run: Run) -> tuple[ColumnElement[bool], ...]:
    return (
        ContactImport.id == run.import_id,
        ContactImport.status == ImportStatus.RUNNING,
        ContactImport.lease_owner == run.owner,
    )


def _advance(run: Run, chunk: Chunk, placed: dict[Placed, int], bad: int) -> None:
    _fenced(
        run,
        ContactImport.bytes_done == chunk.start,
        bytes_done=chunk.end,
        rows_done=ContactImport.rows_done + chunk.rows,
        added=ContactImport.added + placed[Placed.ADDED],
        updated=ContactImport.updated + placed[Placed.UPDATED],
        merged=ContactImport.merged + placed[Placed.MERGED],
        bad=ContactImport.bad + bad,
        lease_until=db_now() + _lease(),
    )


def finish(run: Run) -> None:
    """The whole file is in. Raises LeaseLost, also when a part of the source is missing."""
    _fenced(
        run,
        ContactImport.bytes_done == ContactImport.size_bytes,
        status=ImportStatus.DONE,
        finished_at=clock.utcnow(),
        lease_owner=None,
        lease_until=None,
    )
    audit.note(What.IMPORT_FINISH, run.import_id, by=audit.MUSTER)
    import_chunks.drop_source(run.import_id)


def fail(run: Run, error: AppError) -> None:
    """The file cannot be read on: what is in stays in, and the sentence says why. Raises LeaseLost."""
    _fenced(
        run,
        status=ImportStatus.FAILED,
        error=str(error),
        finished_at=clock.utcnow(),
        lease_owner=None,
        lease_until=None,
    )
    audit.note(What.IMPORT_FAIL, run.import_id, by=audit.MUSTER, reason=str(error))
    import_chunks.drop_source(run.import_id)


def _fenced(run: Run, *conditions: ColumnElement[bool], **values: object) -> None:
    statement = update(ContactImport).where(*_is_mine(run), *conditions).values(values)
    if db.session.execute(statement, execution_options={"synchronize_session": False}).rowcount != 1:
        raise LeaseLost("This import was cancelled or taken over.")
