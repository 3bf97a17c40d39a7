"""run.py as a person starts it: a process in a folder of its own, watched from outside."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from config import ROOT
from tests.conftest import free_port

PASSWORD = "a long password for tests"
UNSET = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "MUSTER_KEYRING", "MUSTER_DEMO", "MUSTER_PUBLIC_URL", "MUSTER_HOST")


def wait_for(what: str, is_so: Callable[[], Any], seconds: float = 30.0) -> Any:
    """Wait until it is so; returns what it gave."""
    ends = time.monotonic() + seconds
    while not (found := is_so()):
        assert time.monotonic() < ends, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.05)
    return found


class Running:
    """A run.py and what it says."""

    def __init__(self, instance: Path, *arguments: str, **environ: str) -> None:
        self.instance, self.port = instance, free_port()
        clean = {name: value for name, value in os.environ.items() if name not in UNSET}
        own = {"MUSTER_INSTANCE": str(instance), "MUSTER_PORT": str(self.port), "MUSTER_ADMIN_PASSWORD": PASSWORD}
        self.process = subprocess.Popen(
            [sys.executable, "run.py", *arguments],
            cwd=ROOT,
            env=clean | own | environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self._seen: dict[int, psutil.Process] = {}

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(self.process.stdout)

    @property
    def output(self) -> str:
        """All it said until now."""
        return "".join(self.lines)

    def wait_until_ready(self) -> None:
        """Wait for its greeting."""
        wait_for("ready", lambda: "Muster runs at" in self.output or self.process.poll() is not None, 60)
        assert "Muster runs at" in self.output, self.output

    def family(self) -> dict[str, psutil.Process]:
        """Its living children by what they run, and theirs with a number; all of them are remembered."""
        found: dict[str, psutil.Process] = {}
        for number, process in enumerate(psutil.Process(self.process.pid).children(recursive=True)):
            try:
                command = " ".join(process.cmdline())
            except (psutil.NoSuchProcess, psutil.ZombieProcess):
                continue
            self._seen[process.pid] = process
            name = re.search(r"gunicorn|jobs\.\w+|redis\.conf|catcher|runner\.prepare", command)
            found[f"{name[0] if name else command} {number}"] = process
        return found

    def get(self, path: str) -> tuple[int, str]:
        """What the panel answers to a GET; (0, "") when nobody listens."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def end(self, number: signal.Signals = signal.SIGINT, seconds: float = 60.0) -> int:
        """Send a signal and wait until it ended; returns the exit code."""
        if self.process.poll() is None:
            self.family()
            self.process.send_signal(number)
        code = self.process.wait(seconds)
        self._reader.join(10)
        return code

    def left_over(self) -> list[str]:
        """Those of its processes that still live."""
        return [str(process) for process in self._seen.values() if _lives(process)]

    def clean_up(self) -> None:
        """End what a failed test left."""
        if self.process.poll() is None:
            self.family()
            self.process.kill()
            self.process.wait()
        for process in self._seen.values():
            if _lives(process):
                process.kill()
        self._reader.join(10)
        assert self.process.stdout is not None
        self.process.stdout.close()


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


Run = Callable[..., Running]


@pytest.fixture()
def run(tmp_path: Path) -> Iterator[Run]:
    """Start a run.py; its folder and variables may be chosen."""
    started: list[Running] = []

    def start(*arguments: str, instance: Path = tmp_path / "instance", **environ: str) -> Running:
        started.append(Running(instance, *arguments, **environ))
        return started[-1]

    yield start
    for each in started:
        each.clean_up()
