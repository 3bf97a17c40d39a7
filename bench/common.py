"""What every measurement shares: a fresh database and instance folder of its own, real processes, the result line."""

import os
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import sqlalchemy as sa
from flask import Flask
from flask_migrate import upgrade
from redis import Redis

ROOT = Path(__file__).resolve().parents[1]
DATABASE_URL = os.environ.get("DATABASE_URL") or "mysql://root@127.0.0.1"
REDIS_URL = os.environ.get("REDIS_URL") or "redis://127.0.0.1:6379/14"
SERVER_SETTINGS = {"innodb_buffer_pool_size": 2 << 30, "innodb_log_file_size": 1 << 30}


@dataclass(frozen=True, slots=True)
class House:
    """A running installation: its app (without panel) and the environment its processes need."""

    app: Flask
    environ: dict[str, str]
    folder: Path


def result(name: str, figure: float, unit: str, ratio: float, bar: float, is_ok: bool) -> None:
    """Print the last line of a measurement."""
    print(f"{name}: {figure:,.0f} {unit} (ratio {ratio:.2f}, bar {bar:g}) {'ok' if is_ok else 'short'}", flush=True)


@contextmanager
def house(name: str, on_sqlite: bool = False) -> Iterator[House]:
    """An empty, migrated installation; its database, Redis keys and folder are gone afterwards."""
    from app import create_app
    from app.kernel.crypto import Keyring

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=f"muster-bench-{name}-")))
        environ = os.environ | {
            "MUSTER_INSTANCE": str(folder),
            "MUSTER_KEYRING": Keyring.generate().dump(),
            "REDIS_URL": REDIS_URL,
            "PYTHONPATH": str(ROOT),
        }
        if on_sqlite:
            environ["DATABASE_URL"] = f"sqlite:///{folder / 'muster.db'}"
        else:
            environ["DATABASE_URL"] = stack.enter_context(database(f"muster_bench_{name}"))
        os.environ.update(environ)
        Redis.from_url(REDIS_URL).flushdb()
        app = create_app(with_panel=False)
        with app.app_context():
            upgrade()
            yield House(app, environ, folder)
            from app.extensions import db

            db.session.remove()
            db.engine.dispose()
        Redis.from_url(REDIS_URL).flushdb()


@contextmanager
def database(name: str) -> Iterator[str]:
    """A new, empty database on the server of DATABASE_URL; its address."""
    address = DATABASE_URL.rsplit("/", 1)[0] if DATABASE_URL.count("/") > 2 else DATABASE_URL
    engine = sa.create_engine(address.replace("mysql://", "mysql+pymysql://", 1), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection, server_settings(connection):
        connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name}")
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
        yield f"{address}/{name}"
        connection.exec_driver_sql(f"DROP DATABASE {name}")
    engine.dispose()


@contextmanager
def server_settings(connection: sa.Connection) -> Iterator[None]:
    """The settings of docs/operation.md on the server, as it was afterwards: with the 128 MB that MariaDB starts with,
    a million rows with four indexes measure the disk."""
    before = {name: connection.exec_driver_sql(f"SELECT @@{name}").scalar_one() for name in SERVER_SETTINGS}
    try:
        for name, value in SERVER_SETTINGS.items():
            connection.exec_driver_sql(f"SET GLOBAL {name} = {value}")
        yield
    finally:
        for name, value in before.items():
            try:
                connection.exec_driver_sql(f"SET GLOBAL {name} = {value}")
            except sa.exc.OperationalError as error:  # others hold what it would take away
                print(f"{name} stays as it is: {error.orig}", file=sys.stderr)


@contextmanager
def process(command: Sequence[str], environ: dict[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A child process for as long as the block runs."""
    child = subprocess.Popen(command, env=environ, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield child
    finally:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(30)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


@contextmanager
def worker(environ: dict[str, str], *queues: str) -> Iterator[subprocess.Popen[bytes]]:
    """One real worker process."""
    with process([sys.executable, "-m", "jobs.worker", *queues], environ) as child:
        yield child


@contextmanager
def scheduler(environ: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """The real scheduler process."""
    with process([sys.executable, "-m", "jobs.scheduler"], environ) as child:
        yield child


@contextmanager
def smtp_sink(port: int) -> Iterator[subprocess.Popen[bytes]]:
    """postfix's smtp-sink on a port of the loopback interface: it answers and throws away."""
    with process([postfix_tool("smtp-sink"), "-u", "nobody", f"127.0.0.1:{port}", "400"]) as child:
        wait_for_port(port)
        yield child


@contextmanager
def sink(port: int, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """Our own sink (bench/sink.py) with these options."""
    with process([sys.executable, "-m", "bench.sink", "--port", str(port), *options]) as child:
        wait_for_port(port)
        yield child


@contextmanager
def answers(port: int, delay_seconds: float) -> Iterator[subprocess.Popen[bytes]]:
    """A server of HTTP that takes everything and answers after so long (bench/answers.py)."""
    with process([sys.executable, "-m", "bench.answers", "--port", str(port), "--delay", str(delay_seconds)]) as child:
        wait_for_port(port)
        yield child


def postfix_tool(name: str) -> str:
    """The path of smtp-sink or smtp-source. Ends the measurement when postfix's package is not installed."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if not found:
        raise SystemExit(f"{name} is missing: install the package postfix (it need not run).")
    return found


def wait_for_port(port: int, seconds: float = 10.0) -> None:
    """Wait until somebody listens on the port."""
    ends = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.02)


def median(figures: Sequence[float]) -> float:
    """The middle one."""
    return statistics.median(figures)


def peak_mb() -> int:
    """The most memory this process has had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def resident_mb(pid: int) -> float:
    """Memory of a process and its children now, in MiB; what they share is counted once (proportional set size)."""
    parent = psutil.Process(pid)
    total = 0
    for member in (parent, *parent.children(recursive=True)):
        with suppress(psutil.Error):  # it may just have ended
            total += member.memory_full_info().pss
    return total / 2**20
