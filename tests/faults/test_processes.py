"""Killed, stopped and ended processes: nobody gets anything twice, nobody is lost, the rest is called unconfirmed."""

import random
import signal
import subprocess
import time

import pytest

from app.campaigns import service as campaigns
from app.campaigns.lifecycle import CampaignStatus
from app.kernel.db import transaction
from tests.faults.house import LEASE_SECONDS, House, size, wait_for

CONNECTIONS_OF_A_LANE = 2  # eight connections of the account over four lanes

pytestmark = pytest.mark.timeout(600)


def test_without_a_fault_everybody_is_sent_to_once(house: House) -> None:
    house.smtp()
    campaign_id = house.campaign(size(300, 2000))
    house.scheduler()
    for _ in range(2):
        house.worker()
    house.wait_until_finished(campaign_id)
    found = house.judge(campaign_id)
    assert found.states == {"sent": size(300, 2000)}
    assert (found.lost, found.doubled) == (0, 0)


@pytest.mark.parametrize("target", ["worker", "work horse"])
def test_killing_workers_sends_nothing_twice_and_loses_nobody(house: House, target: str) -> None:
    kills = size(3, 40)
    # not many in the short form: a batch that saw two deaths goes on one by one
    house.smtp("--accept-delay", "0.02")
    campaign_id = house.campaign(size(400, 6000))
    house.scheduler()
    workers = [house.worker() for _ in range(2)]
    dice, done = random.Random(1), 0
    while done < kills and house.status(campaign_id) is not CampaignStatus.FINISHED:
        time.sleep(dice.uniform(0.3, 0.8))
        number = dice.randrange(2)
        horses = house.horses(workers[number])
        if not horses or not house.accepted():
            continue
        done += 1
        if target == "work horse":
            horses[0].kill()
        else:
            workers[number].kill()
            workers[number] = house.worker()
    house.wait_until_finished(campaign_id, 200)
    found = house.judge(campaign_id)
    assert done > 2
    assert (found.lost, found.doubled) == (0, 0)
    assert found.unconfirmed <= done * CONNECTIONS_OF_A_LANE
    assert found.states.keys() <= {"sent", "unconfirmed"}


def test_a_deploy_ends_workers_without_anything_unconfirmed(house: House) -> None:
    house.smtp("--accept-delay", "0.01")
    campaign_id = house.campaign(size(800, 4000))
    house.scheduler()
    workers = [house.worker() for _ in range(2)]
    for _ in range(size(2, 10)):
        wait_for(lambda: any(house.horses(worker) for worker in workers), 60)
        number = next(n for n, worker in enumerate(workers) if house.horses(worker))
        began = time.monotonic()
        workers[number].send_signal(signal.SIGTERM)
        workers[number].wait(20)
        assert time.monotonic() - began < 15
        workers[number] = house.worker()
    house.wait_until_finished(campaign_id, 200)
    found = house.judge(campaign_id)
    assert (found.lost, found.doubled, found.unconfirmed) == (0, 0, 0)


def test_a_worker_that_froze_longer_than_its_lease_sends_nothing_when_it_wakes(house: House) -> None:
    house.smtp("--accept-delay", "0.02")
    campaign_id = house.campaign(size(800, 2000))
    house.scheduler()
    frozen = house.worker()
    wait_for(lambda: len(house.accepted()) > 20, 60)
    horse = house.horses(frozen)[0]
    horse.suspend()
    house.worker()
    time.sleep(3 * LEASE_SECONDS)
    horse.resume()
    house.wait_until_finished(campaign_id, 200)
    found = house.judge(campaign_id)
    assert (found.lost, found.doubled) == (0, 0)
    assert found.unconfirmed <= CONNECTIONS_OF_A_LANE


def test_lost_answers_refusals_and_kills_together_are_all_told_truly(house: House) -> None:
    house.smtp("--accept-then-drop", "0.02", "--permfail", "0.02", "--seed", "7", "--accept-delay", "0.005")
    campaign_id = house.campaign(size(800, 3000))
    house.scheduler()
    workers = [house.worker() for _ in range(2)]
    for _ in range(size(3, 25)):
        time.sleep(0.6)
        horses = house.horses(workers[0])
        if horses and house.accepted():
            workers[0].kill()
            workers[0] = house.worker()
    house.wait_until_finished(campaign_id, 200)
    found = house.judge(campaign_id)
    dropped = house.mail_log.read_text().count(" dropped")
    assert dropped > 0 and (found.lost, found.doubled) == (0, 0)
    assert dropped <= found.unconfirmed <= dropped + size(3, 25) * CONNECTIONS_OF_A_LANE
    assert found.states.keys() <= {"sent", "unconfirmed", "failed"}


def test_two_schedulers_and_the_death_of_the_leader_start_every_campaign_once(house: House) -> None:
    house.smtp()
    schedulers = [house.scheduler() for _ in range(2)]
    house.worker()
    first = [house.campaign(3) for _ in range(size(10, 100))]
    for campaign_id in first:
        house.wait_until_finished(campaign_id)
    leader = _leader(house, schedulers)
    leader.kill()
    second = [house.campaign(3) for _ in range(size(5, 100))]
    for campaign_id in second:
        house.wait_until_finished(campaign_id, 60)
    for campaign_id in (*first, *second):
        found = house.judge(campaign_id)
        assert found.states == {"sent": 3} and (found.lost, found.doubled) == (0, 0)


def _leader(house: House, schedulers: list[subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
    from sqlalchemy import select

    from app.extensions import db
    from app.kernel.leases import LeaderLease

    with transaction():
        owner = db.session.scalar(select(LeaderLease.owner).where(LeaderLease.role == "scheduler"))
    assert owner is not None
    return next(process for process in schedulers if str(process.pid) == owner.split(":")[2])


def test_stop_means_that_nothing_leaves_half_a_second_later(house: House) -> None:
    house.smtp("--accept-delay", "0.005")
    campaign_id = house.campaign(size(3000, 20_000))
    house.scheduler()
    for _ in range(2):
        house.worker()
    stops = []
    for _ in range(size(3, 20)):
        before = len(house.accepted())
        wait_for(lambda before=before: len(house.accepted()) > before + 20, 60)  # type: ignore[misc]
        if house.status(campaign_id) is not CampaignStatus.SENDING:
            break
        with transaction():
            campaigns.stop(campaign_id, "me")
        stopped = time.time()
        time.sleep(1.2)
        with transaction():
            campaigns.start(campaign_id, "me")
        stops.append((stopped + 0.5, time.time()))
    assert stops
    for after, until in stops:
        assert [moment for moment, _ in house.accepted() if after < moment < until] == []
    house.wait_until_finished(campaign_id, 200)
    assert (house.judge(campaign_id).lost, house.judge(campaign_id).doubled) == (0, 0)


def test_a_message_that_kills_its_worker_fails_alone(house: House) -> None:
    house.smtp()
    campaign_id = house.campaign(5)
    (house.folder / "sitecustomize.py").write_text(POISON)
    environ = {"PYTHONPATH": f"{house.folder}:{house.environ.get('PYTHONPATH', '')}", "POISON_SEQ": "3"}
    house.scheduler()
    house.worker(environ)
    house.wait_until_finished(campaign_id, 120)
    found = house.judge(campaign_id)
    # whose answer was on its way when the process died is unconfirmed: at most those two before the third
    assert found.states.pop("failed") == 1 and sum(found.states.values()) == 4
    assert found.states["sent"] >= 2 and set(found.states) <= {"sent", "unconfirmed"} and found.doubled == 0


# Makes the rendering of one recipient kill its process, as a broken library would.
POISON = """
import os, signal, sys, importlib.abc, importlib.machinery

class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name != "app.sending.deliver":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        run = spec.loader.exec_module
        def exec_module(module):
            run(module)
            original = module.BatchFeed._render
            def render(feed, item):
                if item.row.seq == int(os.environ["POISON_SEQ"]):
                    os.kill(os.getpid(), signal.SIGKILL)
                return original(feed, item)
            module.BatchFeed._render = render
        spec.loader.exec_module = exec_module
        return spec

if "POISON_SEQ" in os.environ:
    sys.meta_path.insert(0, Finder())
"""
