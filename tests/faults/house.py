"""A whole installation of real processes for one fault test, and the judge that compares the server with the ledger."""

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from flask import Flask
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import select, update

from app.campaigns import service as campaigns
from app.campaigns.lifecycle import CampaignStatus
from app.extensions import db
from app.kernel.db import db_now, reading, transaction
from app.sending import progress, service
from app.sending.models import CampaignRecipient, SendBatch
from app.sending.states import RecipientState
from tests import factories
from tests.conftest import free_port, redis_binary

ROOT = Path(__file__).resolve().parents[2]
IS_FULL = os.environ.get("MUSTER_FULL") == "1"
LEASE_SECONDS = 4
SENT = frozenset({RecipientState.SENT, RecipientState.DELIVERED})


def size(short: int, full: int) -> int:
    """How many: the short form of `make test`, or the full one of `make faults`."""
    return full if IS_FULL else short


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the judge found. lost: sent by the ledger and unknown to the server; doubled: accepted more than once."""

    states: dict[str, int]
    accepted: int
    lost: int
    doubled: int
    unconfirmed: int


@dataclass
class House:
    """Processes of one installation. Everything that was started ends with the test."""

    app: Flask
    environ: dict[str, str]
    folder: Path
    smtp_port: int = field(default_factory=free_port)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def mail_log(self) -> Path:
        """One line per message that the server accepted: time message-id recipient answered|dropped."""
        return self.folder / "accepted.log"

    def start(self, *command: str, environ: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start a process of the installation."""
        with (self.folder / f"{len(self.processes)}.out").open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env=self.environ | (environ or {}),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def worker(self, environ: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start a worker."""
        return self.start("-m", "jobs.worker", environ=environ)

    def scheduler(self) -> subprocess.Popen[bytes]:
        """Start a scheduler."""
        return self.start("-m", "jobs.scheduler")

    def smtp(self, *options: str, port: int = 0) -> subprocess.Popen[bytes]:
        """Start the SMTP server, or a second one at that port, and wait until it listens."""
        port = port or self.smtp_port
        command = ["-m", "tests.providers.servers", "--port", str(port), "--log", str(self.mail_log)]
        process = self.start(*command, *options)
        wait_for(lambda: _listens(port), 20)
        return process

    def campaign(self, people: int, **values: object) -> int:
        """Publish a campaign to the SMTP server."""
        account = {"port": self.smtp_port, "max_connections": 8} | dict(values.pop("account", {}))  # type: ignore[call-overload]
        with transaction():
            sender = factories.account(**account)
            return factories.live_campaign(people, sender=sender, **values).id

    def status(self, campaign_id: int) -> CampaignStatus:
        """Where the campaign is."""
        with reading():
            return campaigns.get(campaign_id).status

    def accepted(self) -> list[tuple[float, str]]:
        """Time and message-id of everything the server accepted."""
        if not self.mail_log.exists():
            return []
        lines = [line.split() for line in self.mail_log.read_text().splitlines()]
        return [(float(line[0]), line[1]) for line in lines if len(line) >= 3]

    def wait_until_finished(self, campaign_id: int, seconds: float = 90.0) -> None:
        """Wait until nobody waits or is on the way."""
        wait_for(lambda: self.status(campaign_id) is CampaignStatus.FINISHED, seconds, lambda: self.judge(campaign_id))

    def hurry(self, campaign_id: int) -> None:
        """Let every wait of a campaign be over, that for its sender too: a test need not see half a minute pass."""
        with transaction():
            campaign, now = campaigns.get(campaign_id), db_now()
            campaign.next_send_at = None
            sender = campaign.sender
            if sender is not None and sender.breaker_open_until is not None:
                sender.breaker_open_until = now
            waits = (CampaignRecipient.campaign_id == campaign_id, CampaignRecipient.not_before > now)
            db.session.execute(update(CampaignRecipient).where(*waits).values(not_before=now))
            waits = (SendBatch.campaign_id == campaign_id, SendBatch.not_before > now)
            db.session.execute(update(SendBatch).where(*waits).values(not_before=now))

    def judge(self, campaign_id: int, seen: Counter[int | None] | None = None) -> Verdict:
        """Compare what the server accepted with what the ledger says; the counters must agree with the rows.

        seen: how often it accepted a message for each recipient; without it, what the mail log says.
        """
        if seen is None:
            seen = Counter(_seq(message_id, campaign_id) for _, message_id in self.accepted())
        with reading():
            rows = select(CampaignRecipient.seq, CampaignRecipient.state)
            found = db.session.execute(rows.where(CampaignRecipient.campaign_id == campaign_id)).all()
            counters = {state.value: number for state, number in progress.of(campaign_id).items() if number}
            assert service.reconcile() == []
        states = Counter(state.value for _, state in found)
        assert dict(states) == counters
        return Verdict(
            states=dict(states),
            accepted=sum(1 for seq in seen if seq is not None),
            lost=sum(1 for seq, state in found if state in SENT and not seen[seq]),
            doubled=sum(number - 1 for seq, number in seen.items() if seq is not None),
            unconfirmed=states[RecipientState.UNCONFIRMED.value],
        )

    def horses(self, worker: subprocess.Popen[bytes]) -> list[psutil.Process]:
        """The forked jobs of a worker."""
        try:
            return psutil.Process(worker.pid).children()
        except psutil.NoSuchProcess:
            return []

    def close(self) -> None:
        """End what still runs."""
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait()


def _seq(message_id: str, campaign_id: int) -> int | None:
    found = re.match(r"<(\d+)\.(\d+)\.", message_id)
    return int(found[2]) if found and int(found[1]) == campaign_id else None


def _listens(port: int) -> bool:
    return any(
        connection.laddr.port == port and connection.status == psutil.CONN_LISTEN
        for connection in psutil.net_connections("tcp")
    )


def wait_for(is_so: Callable[[], bool], seconds: float, tell: Callable[[], object] = lambda: "") -> None:
    """Wait until something is so; fails with what tell() says."""
    ends = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < ends, f"not so after {seconds} s: {tell()}"
        time.sleep(0.05)


@contextmanager
def own_redis(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A Redis server of the test's own that keeps nothing."""
    command = [redis_binary(), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        client = Redis(port=port)

        def answers() -> bool:
            try:
                return bool(client.ping())
            except RedisError:
                return False

        wait_for(answers, 10)
        client.close()
        try:
            yield server
        finally:
            server.kill()
