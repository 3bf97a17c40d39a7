"""Starts the processes, restarts one that ends, and stops them in order; nothing outlives this process."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field

from config import ROOT
from runner.terminal import say

CHECK_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 30.0
STEADY_AFTER_SECONDS = 60.0  # whoever ran so long starts anew with a short pause
GIVE_UP_AFTER = 8  # ends in a row, each within STEADY_AFTER_SECONDS
PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


@dataclass
class Child:
    """One process. stops: its turn when all stop, lowest first; those of one turn stop together."""

    name: str
    command: list[str]
    grace_seconds: float
    stops: int
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    next_start: float = 0.0
    failures: int = 0
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def is_running(self) -> bool:
        """Whether the process is there."""
        return self.process is not None and self.process.poll() is None


def begin(command: list[str], environ: dict[str, str], stdout: int | None = None) -> subprocess.Popen[bytes]:
    """Start a process that cannot outlive this one, in a session of its own: the terminal's Ctrl-C reaches only us,
    and a worker finishes its job in peace."""
    us = os.getpid()

    def die_with_parent() -> None:
        # Runs in the child before it becomes the program: the kernel ends it when we die, even by kill -9.
        if _prctl is not None:
            _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != us:  # we died before the kernel was asked
                os._exit(1)

    return subprocess.Popen(
        command, cwd=ROOT, env=environ, start_new_session=True, preexec_fn=die_with_parent, stdout=stdout
    )


class Supervisor:
    """The processes of one installation."""

    def __init__(self) -> None:
        self.children: list[Child] = []
        self.is_stopping = False
        self.exit_code = 0

    def add(self, child: Child) -> None:
        """Take a child on; start() begins it."""
        self.children.append(child)

    def request_stop(self) -> None:
        """Make watch() return; called from a signal handler."""
        self.is_stopping = True

    def start(self, environ: dict[str, str]) -> None:
        """Start every child that does not run yet."""
        for child in self.children:
            if not child.is_running:
                child.environ = environ
                self._begin(child)

    def _begin(self, child: Child) -> None:
        child.process = begin(child.command, child.environ)
        child.started_at = time.monotonic()

    def watch(self) -> None:
        """Stay until told to stop; a child that ends is started again, after longer and longer pauses."""
        while not self.is_stopping:
            for child in self.children:
                if not child.is_running:
                    self._restart(child, time.monotonic())
            time.sleep(CHECK_SECONDS)

    def _restart(self, child: Child, now: float) -> None:
        if child.next_start == 0.0:
            assert child.process is not None
            child.failures = 1 if now - child.started_at > STEADY_AFTER_SECONDS else child.failures + 1
            if child.failures > GIVE_UP_AFTER:
                say(f"The {child.name} ended {GIVE_UP_AFTER} times in a row; its messages above say why.")
                self.is_stopping, self.exit_code = True, 1
                return
            pause = min(2.0 ** (child.failures - 1), LONGEST_PAUSE_SECONDS)
            say(f"The {child.name} ended ({child.process.returncode}); again in {pause:.0f} s.")
            child.next_start = now + pause
        elif now >= child.next_start:
            child.next_start = 0.0
            self._begin(child)

    def stop(self) -> None:
        """Stop all: scheduler, workers (their running job is finished), web, Redis. What does not end is killed."""
        self.is_stopping = True
        for turn in sorted({child.stops for child in self.children}):
            group = [child for child in self.children if child.stops == turn and child.is_running]
            for child in group:
                assert child.process is not None
                with contextlib.suppress(ProcessLookupError):
                    child.process.send_signal(signal.SIGTERM)
            for child in group:
                self._wait(child)

    def _wait(self, child: Child) -> None:
        assert child.process is not None
        try:
            child.process.wait(child.grace_seconds)
        except subprocess.TimeoutExpired:
            say(f"The {child.name} did not end within {child.grace_seconds:.0f} s and is killed.")
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.process.pid, signal.SIGKILL)
            child.process.wait()
