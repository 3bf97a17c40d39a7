"""`make test`: all tests on the embedded default, and once more on MariaDB and Redis where these run.

Says plainly what was left out and why; with CI=true nothing may be left out.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from typing import BinaryIO

import pymysql
import redis

MARIADB = os.environ.get("TEST_DATABASE_URL") or "mysql://root@127.0.0.1"
REDIS = os.environ.get("TEST_REDIS_URL") or "redis://127.0.0.1:6379/13"
# What reads no database is the same on both; and every statement of a page is made by tests/web, which runs on both.
ON_EMBEDDED_ONLY = ("tests/arch", "tests/browser", "tests/channels", "tests/providers", "tests/run")


def missing_for_second_run() -> list[str]:
    """Why the second run cannot be made here, as sentences; empty when it can."""
    reasons = []
    try:
        pymysql.connect(host="127.0.0.1", user="root", connect_timeout=2).close()
    except pymysql.err.OperationalError:
        if not os.environ.get("TEST_DATABASE_URL"):
            reasons.append("No MariaDB answers root without password at 127.0.0.1 (TEST_DATABASE_URL names another).")
    try:
        redis.Redis.from_url(REDIS, socket_connect_timeout=2).ping()
    except redis.exceptions.ConnectionError:
        reasons.append("No Redis answers at 127.0.0.1:6379 (TEST_REDIS_URL names another).")
    return reasons


def begin(title: str, log: BinaryIO | None, environ: dict[str, str], *arguments: str) -> subprocess.Popen[bytes]:
    """Start a run of pytest, which writes to the log, or to the terminal when there is none."""
    print(f"== {title}{' (shown when it is over)' if log else ''}", flush=True)
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.Popen(command, env=os.environ | environ, stdout=log, stderr=log)


def main() -> int:
    """Run everything that this machine can; 1 when something failed, or in CI was left out."""
    left_out = missing_for_second_run()
    if shutil.which("chromium") is None:
        left_out.append("There is no chromium: the tests in a browser were left out.")
    with tempfile.TemporaryFile() as log:
        runs = [begin("SQLite and a Redis of our own", None, {"TEST_DATABASE_URL": "", "TEST_REDIS_URL": ""})]
        if not missing_for_second_run():
            # Beside the first, each with its own database, Redis and folders: a test waits more than it computes.
            own = ["-o", "cache_dir=.pytest_cache/mariadb", *(f"--ignore={path}" for path in ON_EMBEDDED_ONLY)]
            on_servers = {"TEST_DATABASE_URL": MARIADB, "TEST_REDIS_URL": REDIS}
            runs.append(begin("MariaDB and Redis", log, on_servers, *own))
        codes = [each.wait() for each in runs]
        log.seek(0)
        print(log.read().decode(errors="replace"), flush=True)
    for sentence in left_out:
        print(f"Not run: {sentence}")
    is_ci = os.environ.get("CI") == "true"
    return int(any(codes) or (is_ci and bool(left_out)))


if __name__ == "__main__":
    sys.exit(main())
