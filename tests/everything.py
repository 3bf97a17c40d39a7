"""`make test`: all tests on the embedded default, and once more on MariaDB and Redis where these run.

In lanes beside each other, each with a database, a Redis and folders of its own: a test waits more than it computes.
What measures patience goes first in line for the processors, and the browser, which takes what it gets, last.
Says plainly what was left out and why; with CI=true nothing may be left out.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import pymysql
import redis

from tests.twilio import install

MARIADB = os.environ.get("TEST_DATABASE_URL") or "mysql://root@127.0.0.1"
REDIS = os.environ.get("TEST_REDIS_URL") or "redis://127.0.0.1:6379/13"
EMBEDDED = {"TEST_DATABASE_URL": "", "TEST_REDIS_URL": ""}
# What reads no database, or says nothing to it that another test does not, is the same on both; every statement of a
# page is made by tests/web, which runs on both.
ON_EMBEDDED_ONLY = (
    "tests/arch",
    "tests/browser",
    "tests/campaigns/test_schedule.py",
    "tests/channels",
    "tests/providers",
    "tests/run",
    "tests/sending/test_forecast.py",
    "tests/test_conftest.py",
    "tests/test_wsgi.py",
    "tests/twilio",
    "tests/web/api/test_docs_api.py",
    "tests/web/test_assets.py",
    "tests/web/test_dates.py",
    "tests/web/test_inbox.py",
    "tests/web/test_languages.py",
    "tests/web/test_policy.py",
    "tests/web/test_security.py",
    "tests/web/test_words.py",
)
# Walks that ask every list and every field for everything: MariaDB refuses what SQLite refuses and more.
ON_SERVERS_ONLY = ("tests/web/api/test_bodies.py", "tests/web/test_fab_apis.py")
FAULTS = ("tests/faults",)
BESIDE = 2 * (os.cpu_count() or 1) + 1  # lanes at a time
IN_MEMORY, LEAST_BYTES = Path("/dev/shm"), 4 << 30  # where a commit need not wait for a disk
PATIENT = 10  # how much the browser lets the others go first, as nice counts it


@dataclass
class Lane:
    """One run of pytest. environ: where its database and Redis are; arguments: what it runs; nice: how much it lets
    the others go first."""

    name: str
    environ: dict[str, str]
    arguments: list[str]
    nice: int = 0
    log: Path = Path()
    process: subprocess.Popen[bytes] | None = None
    began: float = field(default=0.0)

    def start(self, folder: Path) -> None:
        """Start it; what it says goes into a file."""
        name = self.name.replace(" ", "-")
        self.log, self.began = folder / name, time.monotonic()
        command = [sys.executable, "-m", "pytest", "-o", f"cache_dir=.pytest_cache/{name}", *self.arguments]
        with self.log.open("wb") as log:
            environ = os.environ | self.environ | {"TMPDIR": str(folder)}
            self.process = subprocess.Popen(command, env=environ, stdout=log, stderr=log)
        os.setpriority(os.PRIO_PROCESS, self.process.pid, self.nice)
        print(f"== {self.name} begins", flush=True)

    @property
    def is_over(self) -> bool:
        """Whether it has ended; a lane that did not begin has not."""
        return self.process is not None and self.process.poll() is not None

    @property
    def failed(self) -> bool:
        """Whether something in it was wrong."""
        return self.process is None or self.process.returncode != 0

    def said(self) -> str:
        """What it printed so far."""
        return self.log.read_text(errors="replace") if self.process else ""

    def percent(self) -> str:
        """How far it is, as pytest says."""
        return ([" 0%", *re.findall(r"\[ *(\d+%)\]", self.said())])[-1]

    def tell(self) -> None:
        """Print how it ended, and all it said when something was wrong."""
        said = self.said()
        if self.failed:
            print(said)
        last = said.strip().splitlines()[-1] if said.strip() else "said nothing"
        print(f"== {self.name} {'FAILED' if self.failed else 'passed'}: {last.strip('= ')}", flush=True)


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


def lanes(on_servers: bool) -> list[Lane]:
    """What is to be run, the longest first."""
    own_redis = {"TEST_DATABASE_URL": MARIADB, "TEST_REDIS_URL": REDIS}
    # The lanes on the servers share a Redis and must not empty each other's database there.
    other_redis = own_redis | {"TEST_REDIS_URL": re.sub(r"/\d+$", "/12", REDIS)}
    elsewhere = ON_SERVERS_ONLY if on_servers else ()
    found = [
        Lane("MariaDB, but faults", own_redis, _without(*ON_EMBEDDED_ONLY, *FAULTS)),
        Lane("SQLite, but browser and faults", EMBEDDED, _without("tests/browser", "tests/run", *FAULTS, *elsewhere)),
        Lane("faults and run on SQLite", EMBEDDED, ["tests/run", *FAULTS]),
        # What providers do wrong meets the same ledger as what mail servers do wrong: on both in `make faults`.
        Lane("faults on MariaDB", other_redis, [*FAULTS, *_without("tests/faults/test_providers.py")]),
        Lane("browser", EMBEDDED, ["tests/browser"], PATIENT),
    ]
    return [each for each in found if on_servers or each.environ is EMBEDDED]


def _without(*paths: str) -> list[str]:
    return [f"--ignore={path}" for path in paths]


def _roomy() -> Path | None:
    """Where the files of the tests go: into memory, if there is enough; None for where files usually go."""
    has_room = IN_MEMORY.is_dir() and shutil.disk_usage(IN_MEMORY).free >= LEAST_BYTES
    return IN_MEMORY if has_room and "TMPDIR" not in os.environ else None


def run(waiting: list[Lane]) -> bool:
    """Run all, some at a time; whether something failed."""
    everything, running = list(waiting), list[Lane]()
    with tempfile.TemporaryDirectory(prefix="muster-", dir=_roomy()) as folder:
        Path(folder).chmod(0o711)  # mail servers go into folders of theirs as users of their own
        while waiting or running:
            while waiting and len(running) < BESIDE:
                running.append(waiting.pop(0))
                running[-1].start(Path(folder))
            time.sleep(1)
            if sys.stdout.isatty():
                far = ", ".join(f"{each.name} {each.percent()}" for each in running)
                print(f"\r\033[K{far}", end="", flush=True)
            for lane in [each for each in running if each.is_over]:
                running.remove(lane)
                if sys.stdout.isatty():
                    print("\r\033[K", end="")
                lane.tell()
    return any(each.failed for each in everything)


def main() -> int:
    """Run everything that this machine can; 1 when something failed, or in CI was left out."""
    left_out = missing_for_second_run()
    if shutil.which("chromium") is None:
        left_out.append("There is no chromium: the tests in a browser were left out.")
    if why_not := install.install():
        left_out.append(why_not)
    has_failed = run(lanes(not missing_for_second_run()))
    for sentence in left_out:
        print(f"Not run: {sentence}")
    is_ci = os.environ.get("CI") == "true"
    return int(has_failed or (is_ci and bool(left_out)))


if __name__ == "__main__":
    sys.exit(main())
