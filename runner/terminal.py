"""What the starter says to the person who typed the command, also when the terminal has been closed meanwhile."""

import errno
import os
import sys
from typing import TextIO


def say(words: str) -> None:
    """Print a line at once. A terminal that is gone takes nothing more, and that is no reason to end."""
    _write(sys.stdout, words)


def complain(words: str) -> None:
    """Print a line where errors go; as say()."""
    _write(sys.stderr, words)


def leave() -> None:
    """Write to nobody from now on: the terminal is gone, and every word to it would be an error."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def _write(stream: TextIO, words: str) -> None:
    try:
        print(words, file=stream, flush=True)
    except OSError as error:
        if error.errno != errno.EIO:  # a full disk or a closed pipe is somebody's to mend
            raise
        leave()
        stream.flush()  # what it could not write is still held, and would be an error at the end
