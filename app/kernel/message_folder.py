"""Folders of caught messages, one file each, newest kept: written by the catcher of the demo, read by its inbox."""

import itertools
import re
import threading
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from app.kernel import clock

MAX_MESSAGES = 2000
MAX_BYTES = 256 * 2**20
MAIL, TEXT = ".eml", ".json"

_NAME = re.compile(r"\d{8}T\d{12}-\d{6}\.(?:eml|json)")
_STAMP = "%Y%m%dT%H%M%S%f"  # 21 characters of a name, so that names are in the order of time


class MessageWriter:
    """Keeps the newest messages within a number and a size. One process writes a folder, with any of its threads.

    suffix: of its names, MAIL or TEXT.
    """

    def __init__(
        self, folder: Path, suffix: str = MAIL, max_messages: int = MAX_MESSAGES, max_bytes: int = MAX_BYTES
    ) -> None:
        self._folder, self._suffix, self._max_messages, self._max_bytes = folder, suffix, max_messages, max_bytes
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for draft in folder.glob("*.new"):  # of a catcher that was killed
            draft.unlink()
        self._kept = deque((name, (folder / name).stat().st_size) for name in sorted(_names(folder)))
        self._size_bytes = sum(size for _name, size in self._kept)
        self._numbers = itertools.cycle(range(1_000_000))
        self._lock = threading.Lock()

    def add(self, content: bytes) -> str:
        """Store a message, drop the oldest ones; returns its name. Raises OSError when the disk is full."""
        with self._lock:
            name = f"{clock.utcnow().strftime(_STAMP)}-{next(self._numbers):06d}{self._suffix}"
            draft = self._folder / f"{name}.new"
            try:
                draft.write_bytes(content)
                draft.rename(self._folder / name)
            except OSError:
                draft.unlink(missing_ok=True)
                raise
            self._kept.append((name, len(content)))
            self._size_bytes += len(content)
            self._drop_oldest()
            return name

    def _drop_oldest(self) -> None:
        while len(self._kept) > self._max_messages or (self._size_bytes > self._max_bytes and len(self._kept) > 1):
            oldest, size = self._kept.popleft()
            self._size_bytes -= size
            (self._folder / oldest).unlink(missing_ok=True)


def newest_first(*folders: Path) -> list[Path]:
    """The files of all messages of these folders; a folder that is not there yet has none."""
    found = (folder / name for folder in folders if folder.is_dir() for name in _names(folder))
    return sorted(found, key=lambda path: path.name, reverse=True)


def caught_at(path: Path) -> datetime:
    """When a message was caught (aware, UTC)."""
    return datetime.strptime(path.name.split("-")[0], _STAMP).replace(tzinfo=UTC)


def path_of(folder: Path, name: str) -> Path | None:
    """The file of a message; None for a name that no message has, whatever it tries to reach."""
    path = folder / name
    return path if _NAME.fullmatch(name) and path.is_file() else None


def _names(folder: Path) -> Iterator[str]:
    return (path.name for path in folder.iterdir() if _NAME.fullmatch(path.name))
