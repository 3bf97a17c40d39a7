"""Sealed pieces of an import in the database, for any machine with the keyring: its source file and its bad rows."""

from collections.abc import Iterator, Sequence

import msgpack
from sqlalchemy import delete, insert, select

from app.audience.models import ChunkKind, ImportChunk
from app.extensions import db
from app.kernel.crypto import sealer

PURPOSE = "import"
CHUNK_BYTES = 2**20


class SourceWriter:
    """Cuts what is written into sealed chunks of 1 MiB; never holds more than two."""

    def __init__(self, import_id: int, uid: bytes) -> None:
        self.size_bytes = 0
        self.head = b""
        self._import_id = import_id
        self._uid = uid
        self._number = 0
        self._rest = bytearray()

    def write(self, data: bytes) -> None:
        """Take the next bytes."""
        self.size_bytes += len(data)
        self._rest += data
        while len(self._rest) >= CHUNK_BYTES:
            self._put(bytes(self._rest[:CHUNK_BYTES]))
            del self._rest[:CHUNK_BYTES]

    def close(self) -> None:
        """Store what is left."""
        if self._rest:
            self._put(bytes(self._rest))
            self._rest.clear()

    def _put(self, piece: bytes) -> None:
        if self._number == 0:
            self.head = piece
        put(self._import_id, self._uid, ChunkKind.SOURCE, self._number, piece)
        self._number += 1


def put(import_id: int, uid: bytes, kind: ChunkKind, number: int, plain: bytes) -> None:
    """Seal and store one chunk."""
    sealed = sealer(PURPOSE).seal(plain, identity(uid, kind, number))
    db.session.execute(insert(ImportChunk).values(import_id=import_id, kind=kind, number=number, sealed=sealed))


def get(import_id: int, uid: bytes, kind: ChunkKind, number: int) -> bytes | None:
    """The opened chunk; None when there is none."""
    query = select(ImportChunk.sealed).where(
        ImportChunk.import_id == import_id, ImportChunk.kind == kind, ImportChunk.number == number
    )
    sealed = db.session.execute(query).scalar_one_or_none()
    return None if sealed is None else sealer(PURPOSE).open(sealed, identity(uid, kind, number))


def source(import_id: int, uid: bytes, offset: int = 0) -> Iterator[bytes]:
    """The bytes of the source file from this offset on, up to 1 MiB at a time."""
    number, inside = divmod(offset, CHUNK_BYTES)
    while (piece := get(import_id, uid, ChunkKind.SOURCE, number)) is not None:
        yield piece[inside:]
        number, inside = number + 1, 0


def put_bad_rows(import_id: int, uid: bytes, number: int, rows: Sequence[tuple[int, str, Sequence[str]]]) -> None:
    """Store (line, problem, cells) of rows that could not be used; number orders the chunks."""
    put(import_id, uid, ChunkKind.ERRORS, number, msgpack.packb(rows))


def bad_rows(import_id: int, uid: bytes) -> Iterator[tuple[int, str, list[str]]]:
    """All bad rows of an import in the order of the file, one chunk in memory at a time."""
    query = select(ImportChunk.number).where(ImportChunk.import_id == import_id, ImportChunk.kind == ChunkKind.ERRORS)
    for number in db.session.execute(query.order_by(ImportChunk.number)).scalars().all():
        chunk = get(import_id, uid, ChunkKind.ERRORS, number)
        if chunk is not None:
            yield from msgpack.unpackb(chunk)


def drop_source(import_id: int) -> None:
    """Delete the source file: the import is over."""
    db.session.execute(
        delete(ImportChunk).where(ImportChunk.import_id == import_id, ImportChunk.kind == ChunkKind.SOURCE)
    )


def identity(uid: bytes, kind: ChunkKind, number: int) -> bytes:
    """What a chunk is sealed with: the import it belongs to and its place there."""
    return uid + f"/{kind}/{number}".encode()
