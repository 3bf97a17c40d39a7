"""run.py in a terminal of its own, which somebody closes."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from config import ROOT
from tests.conftest import free_port
from tests.run.conftest import PASSWORD, UNSET, wait_for


class Terminal:
    """A run.py and the terminal it was started in."""

    def __init__(self, instance: Path, *before: str) -> None:
        clean = {name: value for name, value in os.environ.items() if name not in UNSET}
        own = {"MUSTER_INSTANCE": str(instance), "MUSTER_PORT": str(free_port()), "MUSTER_ADMIN_PASSWORD": PASSWORD}
        self._ours, theirs = pty.openpty()
        command = ["setsid", "--ctty", *before, sys.executable, "run.py"]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=clean | own,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # the tests may run under nohup themselves
        )
        os.close(theirs)
        said = b""
        while b"Muster runs at" not in said:
            said += os.read(self._ours, 4096)
        self._family = psutil.Process(self.process.pid).children(recursive=True)
        assert len(self._family) >= 5

    def close(self) -> None:
        """Close the window."""
        os.close(self._ours)

    def workers(self) -> list[psutil.Process]:
        """Its workers that are there now."""
        children = psutil.Process(self.process.pid).children()
        living = [child for child in children if child.status() != psutil.STATUS_ZOMBIE]
        return [child for child in living if child.cmdline()[-1:] == ["jobs.worker"]]

    def left_over(self) -> list[psutil.Process]:
        """What still lives of its processes after some seconds."""
        return psutil.wait_procs(self._family, timeout=10)[1]

    def clean_up(self) -> None:
        """End what a failed test left; its children cannot outlive it."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


Open = Callable[..., Terminal]


@pytest.fixture()
def terminal(tmp_path: Path) -> Iterator[Open]:
    """Open a terminal with a run.py in it; what stands before it on the command line may be said."""
    opened: list[Terminal] = []

    def open_it(*before: str) -> Terminal:
        opened.append(Terminal(tmp_path / "instance", *before))
        return opened[-1]

    yield open_it
    for each in opened:
        each.clean_up()


def test_a_closed_terminal_stops_it_as_ctrl_c_does(terminal: Open) -> None:
    running = terminal()
    running.close()
    assert running.process.wait(60) == 0
    assert running.left_over() == []


def test_under_nohup_it_outlives_the_terminal(terminal: Open) -> None:
    running = terminal(sys.executable, "-c", IGNORING)
    running.close()
    before = running.workers()
    before[0].kill()  # run.py has something to say now, and nobody to say it to
    wait_for("a worker in its place", lambda: len(set(running.workers()) - set(before)) == 1)
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(60) == 0
    assert running.left_over() == []


# What nohup does, but for the file it writes the output to.
IGNORING = "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
