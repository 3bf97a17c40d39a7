"""A campaign of a million: seconds to plan it, and the peak memory of a worker that sends it.

Prints two figures; the ceiling of the plan is the bare INSERT … SELECT of as many rows into a table like the ledger.
"""

import threading
import time
from contextlib import ExitStack

import psutil
from sqlalchemy import text

from app.campaigns import service as campaigns
from app.campaigns.lifecycle import CampaignStatus
from app.extensions import db
from app.kernel.db import reading, transaction
from app.sending import progress
from app.sending.states import RecipientState
from bench import campaign as made
from bench import common
from jobs import runtime, sending

RECIPIENTS, PORT, PLAN_BAR_SECONDS, MEMORY_BAR_MB = 1_000_000, 2530, 15, 150


def plan_seconds(campaign_id: int) -> float:
    """Seconds from publishing to the last planned row."""
    with transaction():
        campaigns.publish(campaign_id, "bench")
    began = time.monotonic()
    sending.settle_campaign(campaign_id)
    seconds = time.monotonic() - began
    assert progress.of(campaign_id)[RecipientState.AWAITING] == RECIPIENTS
    return seconds


def ceiling_seconds() -> float:
    """Seconds of the bare copy."""
    with transaction():
        db.session.execute(text("CREATE TABLE ceiling LIKE campaign_recipient"))
    began = time.monotonic()
    with transaction():
        db.session.execute(text("INSERT INTO ceiling SELECT * FROM campaign_recipient"))
    seconds = time.monotonic() - began
    with transaction():
        db.session.execute(text("DROP TABLE ceiling"))
    return seconds


class Peak(threading.Thread):
    """Samples the memory of some processes four times a second and keeps the largest of each."""

    def __init__(self, pids: list[int]) -> None:
        super().__init__(daemon=True)
        self.pids, self.megabytes, self.is_over = pids, 0.0, threading.Event()

    def run(self) -> None:
        """Sample until told that it is over."""
        while not self.is_over.wait(0.25):
            for pid in self.pids:
                if psutil.pid_exists(pid):
                    self.megabytes = max(self.megabytes, common.resident_mb(pid))


def main() -> None:
    """Measure and print."""
    with ExitStack() as stack:
        house = stack.enter_context(common.house("million"))
        runtime.use_app(house.app)
        stack.enter_context(common.smtp_sink(PORT))
        account_id = made.add_account(PORT, 20)
        folder_id = made.add_contacts(RECIPIENTS, "a million")
        campaign_id = made.add_campaign(account_id, folder_id)
        seconds = plan_seconds(campaign_id)
        ratio = ceiling_seconds() / seconds
        common.result(
            "plan", seconds, "s for 1,000,000 recipients", ratio, PLAN_BAR_SECONDS, seconds <= PLAN_BAR_SECONDS
        )
        workers = [stack.enter_context(common.worker(house.environ)) for _ in range(2)]
        stack.enter_context(common.scheduler(house.environ))
        peak = Peak([worker.pid for worker in workers])
        peak.start()
        while True:
            with reading():
                if campaigns.get(campaign_id).status is CampaignStatus.FINISHED:
                    break
            time.sleep(0.5)
        peak.is_over.set()
        is_ok = peak.megabytes <= MEMORY_BAR_MB
        common.result("memory", peak.megabytes, "MB of a worker", peak.megabytes / MEMORY_BAR_MB, MEMORY_BAR_MB, is_ok)


if __name__ == "__main__":
    main()
