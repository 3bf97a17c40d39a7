"""A folder of caught mails, one file each, newest kept: written by the mail catcher of the demo, read by its inbox."""

import itertools
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from app.kernel import clock

MAX_MAILS = 2000
MAX_BYTES = 256 * 2**20

_NAME = re.compile(r"\d{8}T\d{12}-\d{6}\.eml")


class MailWriter:
    """Keeps the newest mails within a number and a size. One process writes a folder."""

    def __init__(self, folder: Path, max_mails: int = MAX_MAILS, max_bytes: int = MAX_BYTES) -> None:
        self._folder, self._max_mails, self._max_bytes = folder, max_mails, max_bytes
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for draft in folder.glob("*.new"):  # of a catcher that was killed
            draft.unlink()
        self._kept = deque((name, (folder / name).stat().st_size) for name in sorted(_names(folder)))
        self._size_bytes = sum(size for _name, size in self._kept)
        self._numbers = itertools.cycle(range(1_000_000))

    def add(self, content: bytes) -> str:
        """Store a mail, drop the oldest ones; returns its name. Raises OSError when the disk is full."""
        name = f"{clock.utcnow():%Y%m%dT%H%M%S%f}-{next(self._numbers):06d}.eml"
        draft = self._folder / f"{name}.new"
        try:
            draft.write_bytes(content)
            draft.rename(self._folder / name)
        except OSError:
            draft.unlink(missing_ok=True)
            raise
        self._kept.append((name, len(content)))
        self._size_bytes += len(content)
        while len(self._kept) > self._max_mails or (self._size_bytes > self._max_bytes and len(self._kept) > 1):
            oldest, size = self._kept.popleft()
            self._size_bytes -= size
            (self._folder / oldest).unlink(missing_ok=True)
        return name


def newest_first(folder: Path) -> list[str]:
    """The names of all mails; empty when there is no folder yet."""
    return sorted(_names(folder), reverse=True) if folder.is_dir() else []


def path_of(folder: Path, name: str) -> Path | None:
    """The file of a mail; None for a name that no mail has, whatever it tries to reach."""
    path = folder / name
    return path if _NAME.fullmatch(name) and path.is_file() else None


def _names(folder: Path) -> Iterator[str]:
    return (path.name for path in folder.iterdir() if _NAME.fullmatch(path.name))
