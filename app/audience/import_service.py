"""Imports of contacts from CSV files: upload, mapping, cancel, bad rows. Flushes, never commits."""

import codecs
import hashlib
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import PurePosixPath
from typing import IO

from sqlalchemy import and_, or_, select, update

from app.audience import import_chunks
from app.audience.csv_columns import check_mapping, suggest
from app.audience.csv_format import (
    ENCODINGS,
    HEAD_BYTES,
    UTF8,
    CsvHead,
    EncodingScan,
    count_lines,
    csv_line,
    read_head,
    refuse_nul,
    refuse_other_files,
    split_bom,
)
from app.audience.csv_reader import RecordReader
from app.audience.fields import clean_country
from app.audience.models import ChunkKind, ContactImport, Folder, ImportStatus
from app.extensions import db
from app.kernel import audit, clock
from app.kernel.audit import What
from app.kernel.db import db_now
from app.kernel.errors import Conflict, InvalidInput, NotFound
from app.kernel.queues import JobName, QueueName, enqueue_after_commit

MAX_BYTES = 200 * 2**20
MAX_ROWS = 1_000_000
PIECE_BYTES = 512 * 1024
SAME_UPLOAD_MINUTES = 5
OVER = (ImportStatus.DONE, ImportStatus.FAILED, ImportStatus.CANCELLED)
BAD_ROWS_COLUMNS = ("Line", "Problem")


def get(import_id: int) -> ContactImport:
    """The import. Raises NotFound."""
    found: ContactImport | None = db.session.get(ContactImport, import_id)
    if found is None:
        raise NotFound("There is no such import. It may have been deleted.")
    return found


def create(stream: IO[bytes], file_name: str, by: str) -> ContactImport:
    """Store an uploaded file sealed, look at it and suggest a mapping; never holds more than 2 MiB of it.

    The same file again from the same person within five minutes (a double click) gives the first import.
    Raises InvalidInput with a sentence that says what to do with the file; the caller's rollback leaves nothing.
    """
    upload = ContactImport(file_name=_shown_name(file_name), created_by=by, created_at=clock.utcnow())
    db.session.add(upload)
    db.session.flush()
    writer = import_chunks.SourceWriter(upload.id, upload.uid)
    scan, digest, lines = EncodingScan(), hashlib.sha256(), 0
    for piece in _text_pieces(stream):
        scan.feed(piece)
        digest.update(piece)
        lines += count_lines([piece])
        writer.write(piece)
    writer.close()
    upload.size_bytes = writer.size_bytes
    upload.encoding = scan.encoding()
    head = read_head(writer.head[:HEAD_BYTES], upload.encoding)
    _take_head(upload, head)
    if lines > MAX_ROWS:
        _refuse_too_many_rows(upload)
    same = _same_upload(upload, digest.digest())
    if same is not None:
        db.session.delete(upload)
        db.session.flush()
        return same
    db.session.flush()
    return upload


def _shown_name(file_name: str) -> str:
    """The name without folders and without characters that change how it is shown."""
    name = PurePosixPath(file_name.replace("\\", "/").replace("\0", "")).name
    return "".join(char for char in name if char.isprintable())[:255] or "contacts.csv"


def _text_pieces(stream: IO[bytes]) -> Iterator[bytes]:
    """The file without its byte order mark, as UTF-8 where it was UTF-16. Raises InvalidInput."""
    total = 0
    decoder: codecs.IncrementalDecoder | None = None
    is_first = True
    while piece := stream.read(PIECE_BYTES):
        total += len(piece)
        if total > MAX_BYTES:
            raise InvalidInput("This file is larger than %(limit)s MB. Split it.", "file", limit=MAX_BYTES // 2**20)
        if is_first:
            refuse_other_files(piece)
            length, encoding = split_bom(piece)
            piece, is_first = piece[length:], False
            if encoding not in (None, UTF8):
                decoder = codecs.getincrementaldecoder(encoding)()
        if decoder is not None:
            piece = _decoded(decoder, piece).encode()
        refuse_nul(piece)
        yield piece
    if decoder is not None:
        _decoded(decoder, b"", final=True)


def _decoded(decoder: codecs.IncrementalDecoder, piece: bytes, final: bool = False) -> str:
    try:
        return decoder.decode(piece, final)
    except UnicodeDecodeError as error:
        raise InvalidInput(
            "This UTF-16 file is damaged. Save it as CSV UTF-8 and upload that.", field="file"
        ) from error


def _take_head(upload: ContactImport, head: CsvHead) -> None:
    upload.delimiter = head.delimiter
    upload.columns = list(head.columns)
    upload.mapping = suggest(head.columns)
    upload.bytes_done = head.data_at


def _refuse_too_many_rows(upload: ContactImport) -> None:
    """Count the rows properly: fields may have line breaks in them, and lines may be blank."""
    pieces = import_chunks.source(upload.id, upload.uid, upload.bytes_done)
    for number, _ in enumerate(RecordReader(pieces, upload.encoding, upload.delimiter), 1):
        if number > MAX_ROWS:
            raise InvalidInput("This file has more than %(limit)s rows. Split it.", "file", limit=f"{MAX_ROWS:,}")


def _same_upload(upload: ContactImport, digest: bytes) -> ContactImport | None:
    query = select(ContactImport).where(
        ContactImport.created_by == upload.created_by,
        ContactImport.size_bytes == upload.size_bytes,
        ContactImport.file_name == upload.file_name,
        ContactImport.created_at >= upload.created_at - timedelta(minutes=SAME_UPLOAD_MINUTES),
        ContactImport.status.in_((ImportStatus.UPLOADED, ImportStatus.QUEUED, ImportStatus.RUNNING)),
        ContactImport.id != upload.id,
    )
    candidate: ContactImport
    for candidate in db.session.execute(query.order_by(ContactImport.id)).scalars():
        its_digest = hashlib.sha256()
        for piece in import_chunks.source(candidate.id, candidate.uid):
            its_digest.update(piece)
        if its_digest.digest() == digest:
            return candidate
    return None


def head_of(upload: ContactImport) -> CsvHead:
    """The headings and first rows of a file that waits for its mapping, for the screen that asks for it."""
    piece = import_chunks.get(upload.id, upload.uid, ChunkKind.SOURCE, 0)
    if piece is None:
        raise Conflict("The file of this import is deleted already. Upload it again.")
    return read_head(piece[:HEAD_BYTES], upload.encoding, upload.delimiter)


def read_as(import_id: int, encoding: str, delimiter: str) -> ContactImport:
    """Read the file in another way than was found out; the mapping is suggested anew. Raises InvalidInput, Conflict."""
    upload = _waiting(import_id)
    if encoding not in ENCODINGS:
        raise InvalidInput("Choose one of %(values)s.", "encoding", values=", ".join(ENCODINGS))
    if len(delimiter) != 1 or delimiter in '"\r\n' or not delimiter.isascii():
        raise InvalidInput("Choose a comma, a semicolon, a tab or a vertical bar.", field="delimiter")
    upload.encoding, upload.delimiter = encoding, delimiter
    _take_head(upload, head_of(upload))
    db.session.flush()
    return upload


def start(import_id: int, mapping: Mapping[str, str], folder_id: int | None, default_country: str) -> ContactImport:
    """Queue the import. mapping: column -> field ("email", "attributes.city"; "" leaves the column out).

    Raises InvalidInput naming the field, Conflict when it was started already.
    """
    upload = _waiting(import_id)
    upload.mapping = check_mapping(upload.columns, mapping)
    upload.default_country = clean_country(default_country)
    if folder_id is not None and db.session.get(Folder, folder_id) is None:
        raise InvalidInput("There is no such folder. It may have been deleted.", field="folder_id")
    upload.folder_id = folder_id
    upload.status = ImportStatus.QUEUED
    audit.note(What.IMPORT_START, import_id)
    db.session.flush()
    ring(upload.id)
    return upload


def ring(import_id: int) -> None:
    """Ask for the job of a queued import, or of one whose worker died, after the commit."""
    enqueue_after_commit(QueueName.BULK, JobName.RUN_IMPORT, import_id, job_id=job_id(import_id))


def job_id(import_id: int) -> str:
    """The unique id of the job of an import."""
    return f"import-{import_id}"


def cancel(import_id: int) -> None:
    """Stop an import: contacts that are in stay in, the file is deleted. Raises Conflict when it is over."""
    cancelled = db.session.execute(
        update(ContactImport)
        .where(ContactImport.id == import_id, ContactImport.status.not_in(OVER))
        .values(status=ImportStatus.CANCELLED, finished_at=clock.utcnow(), lease_owner=None, lease_until=None)
    )
    if not cancelled.rowcount:
        raise Conflict("This import is %(status)s already.", status=get(import_id).status)
    audit.note(What.IMPORT_CANCEL, import_id)
    import_chunks.drop_source(import_id)


def bad_rows_csv(import_id: int, said: Callable[[str], str] = str) -> Iterator[str]:
    """The bad rows as a CSV file, piece by piece: where, why, and the row as it came; safe to open in a spreadsheet.

    Corrected, it can be uploaded as it is. said: a problem, which is stored in English, as people read it.
    """
    found = get(import_id)
    columns, skipped = found.columns, 0
    if tuple(columns[: len(BAD_ROWS_COLUMNS)]) == BAD_ROWS_COLUMNS:  # such a file, uploaded again
        columns, skipped = columns[len(BAD_ROWS_COLUMNS) :], len(BAD_ROWS_COLUMNS)
    delimiter = found.delimiter
    yield "\ufeff" + csv_line([*BAD_ROWS_COLUMNS, *columns], delimiter)
    for line, problem, cells in import_chunks.bad_rows(found.id, found.uid):
        yield csv_line([str(line), said(problem), *cells[skipped:]], delimiter)


def wake() -> list[int]:
    """Ids of imports that nobody works on: queued ones, and running ones whose worker has not been heard of."""
    is_lost = and_(ContactImport.status == ImportStatus.RUNNING, ContactImport.lease_until <= db_now())
    query = select(ContactImport.id).where(or_(ContactImport.status == ImportStatus.QUEUED, is_lost))
    return list(db.session.execute(query.order_by(ContactImport.id)).scalars())


def _waiting(import_id: int) -> ContactImport:
    upload: ContactImport | None = db.session.get(
        ContactImport, import_id, with_for_update=True, populate_existing=True
    )
    if upload is None:
        raise NotFound("There is no such import. It may have been deleted.")
    if upload.status is not ImportStatus.UPLOADED:
        raise Conflict("This import is %(status)s already.", status=upload.status)
    return upload
