"""What must be right before the start; each wrong thing is one sentence that says what to do."""

import errno
import fcntl
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from config import ROOT
from runner.supervisor import Supervisor

LEAST_FREE_BYTES = 100 * 2**20
READY_SECONDS = 60.0


class CannotStart(Exception):
    """Why Muster cannot start, as a sentence."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the preparation did. admin_password: of the admin it made; "" when there was one, or it was given."""

    admin_password: str = ""


def lock_instance(instance: Path) -> IO[str]:
    """Lock the instance folder for this process; the lock ends with the file object."""
    try:
        file = (instance / "run.lock").open("w")
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CannotStart(f"It already runs in the folder {instance}. Stop that one, or set MUSTER_INSTANCE.") from None
    except OSError as error:
        raise CannotStart(
            f"The folder {instance} cannot be written ({error.strerror}). Free or unlock it, or set MUSTER_INSTANCE."
        ) from error
    return file


def check_port(host: str, port: int, setting: str) -> None:
    """Whether a port is free. setting: the variable that changes it."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise CannotStart(f"Port {port} of {host} is in use. Stop what uses it, or set {setting}.") from None
            raise CannotStart(
                f"Port {port} of {host} cannot be used ({error.strerror}). Set MUSTER_HOST or {setting}."
            ) from None


def check_space(instance: Path) -> None:
    """Whether the disk of the instance folder can take what will be written."""
    if shutil.disk_usage(instance).free < LEAST_FREE_BYTES:
        raise CannotStart(f"The disk of {instance} is full: free at least {LEAST_FREE_BYTES // 2**20} MB.")
    try:
        probe = instance / ".writable"
        with probe.open("wb") as file:
            file.write(b"\0" * 4096)
            os.fsync(file.fileno())
        probe.unlink()
    except OSError as error:
        raise CannotStart(f"The folder {instance} cannot be written ({error.strerror}). Free or unlock it.") from error


def prepare(environ: dict[str, str]) -> Prepared:
    """Upgrade the database, make the roles and the first admin, in a process of its own (this one stays small)."""
    done = subprocess.run(
        [sys.executable, "-m", "runner.prepare"], env=environ, cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    lines = done.stdout.strip().splitlines()
    try:
        answer = json.loads(lines[-1])
    except (IndexError, ValueError):
        raise CannotStart("The database could not be prepared; the messages above say why.") from None
    if done.returncode:
        raise CannotStart(answer["error"])
    return Prepared(answer["admin_password"])


def wait_until_ready(host: str, port: int, supervisor: Supervisor) -> None:
    """Wait until the panel answers."""
    address = f"http://{'127.0.0.1' if host in ('0.0.0.0', '::') else host}:{port}/healthz"
    ends = time.monotonic() + READY_SECONDS
    while time.monotonic() < ends and not supervisor.is_stopping:
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    if not supervisor.is_stopping:
        raise CannotStart("The panel did not answer; its messages above say why.")
