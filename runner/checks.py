"""What must be right before the start; each wrong thing is one sentence that says what to do."""

import contextlib
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
from typing import IO, Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from config import ROOT, address_here
from runner.supervisor import Supervisor, begin

LEAST_FREE_BYTES = 100 * 2**20
READY_SECONDS = 60.0


class CannotStart(Exception):
    """Why Muster cannot start, as a sentence."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the preparation did. admin_password: of the admin it made; "" when there was one, or it was given."""

    admin_password: str = ""


def lock_instance(instance: Path) -> IO[str]:
    """Make the instance folder and lock it for this process; the lock ends with the file object."""
    try:
        instance.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = (instance / "run.lock").open("w")
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CannotStart(f"It already runs in the folder {instance}. Stop that one, or set MUSTER_INSTANCE.") from None
    except OSError as error:
        raise _cannot_write(instance, error) from error
    return file


def _cannot_write(instance: Path, error: OSError) -> CannotStart:
    return CannotStart(
        f"The folder {instance} cannot be written ({error.strerror}). Free or unlock it, or set MUSTER_INSTANCE."
    )


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
        raise _cannot_write(instance, error) from error


def check_redis(url: str) -> None:
    """Whether the Redis of REDIS_URL answers."""
    try:
        with Redis.from_url(url, socket_connect_timeout=3, socket_timeout=3, retry=Retry(NoBackoff(), 0)) as client:
            client.ping()
    except (RedisError, ValueError) as error:
        words = str(error) if isinstance(error, ResponseError) else type(error).__name__
        raise CannotStart(f"Redis does not answer at REDIS_URL ({words}). Start it, or correct REDIS_URL.") from error


def is_prepared(settings: dict[str, Any]) -> bool:
    """Whether the database is at our version and has people: then a start needs no preparation, which takes seconds.

    False also when the database does not answer: the preparation finds out why.
    """
    engine = create_engine(settings["SQLALCHEMY_DATABASE_URI"], **settings["SQLALCHEMY_ENGINE_OPTIONS"])
    newest = max(path.name.split("_")[0] for path in (ROOT / "migrations" / "versions").glob("[0-9]*.py"))
    try:
        with engine.connect() as connection:
            version = connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
            return version == [newest] and connection.execute(text("SELECT 1 FROM ab_user LIMIT 1")).first() is not None
    except SQLAlchemyError:
        return False
    finally:
        engine.dispose()


def prepare(environ: dict[str, str], supervisor: Supervisor) -> Prepared:
    """Upgrade the database, make the roles and the first admin, in a process of its own (this one stays small)."""
    process = begin([sys.executable, "-m", "runner.prepare"], environ, stdout=subprocess.PIPE)
    with process:
        while process.poll() is None:
            if supervisor.is_stopping:
                process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.1)
        assert process.stdout is not None
        lines = process.stdout.read().decode().strip().splitlines()
    if supervisor.is_stopping:
        return Prepared()
    try:
        answer = json.loads(lines[-1])
    except (IndexError, ValueError):
        raise CannotStart("The database could not be prepared; the messages above say why.") from None
    if process.returncode:
        raise CannotStart(answer["error"])
    return Prepared(answer["admin_password"])


def wait_until_ready(host: str, port: int, supervisor: Supervisor) -> None:
    """Wait until the panel answers."""
    address = f"{address_here(host, port)}/healthz"
    ends = time.monotonic() + READY_SECONDS
    while time.monotonic() < ends and not supervisor.is_stopping:
        ended = next((child.name for child in supervisor.children if not child.is_running), None)
        if ended:
            raise CannotStart(f"The {ended} ended at once; its messages above say why.")
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    if not supervisor.is_stopping:
        raise CannotStart("The panel did not answer; its messages above say why.")
