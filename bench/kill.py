"""kill -9 of workers forty times during 30,000 messages: lost, doubled, unconfirmed, judged by the server's own log."""

import random
import sys
import time
from collections import Counter
from contextlib import ExitStack

import psutil
from sqlalchemy import select

from app.campaigns import service as campaigns
from app.campaigns.lifecycle import CampaignStatus
from app.extensions import db
from app.kernel.db import reading, transaction
from app.sending import service
from app.sending.models import CampaignRecipient
from app.sending.states import RecipientState
from bench import campaign as made
from bench import common
from jobs import runtime

RECIPIENTS, KILLS, CONNECTIONS, PORT, LANES = 30_000, 40, 16, 2531, 4


def main() -> None:
    """Kill, wait, judge and print."""
    with ExitStack() as stack:
        house = stack.enter_context(common.house("kill"))
        runtime.use_app(house.app)
        log = house.folder / "accepted.log"
        server = [sys.executable, "-m", "tests.providers.servers", "--port", str(PORT), "--log", str(log)]
        stack.enter_context(common.process([*server, "--accept-delay", "0.01"]))
        common.wait_for_port(PORT)
        account_id = made.add_account(PORT, CONNECTIONS)
        campaign_id = made.add_campaign(account_id, made.add_contacts(RECIPIENTS, "everybody"))
        with transaction():
            campaigns.publish(campaign_id, "bench")
        stack.enter_context(common.scheduler(house.environ))
        workers = [stack.enter_context(common.worker(house.environ)) for _ in range(2)]
        kills, dice = 0, random.Random(1)
        while not _is_finished(campaign_id):
            time.sleep(dice.uniform(0.3, 1.0))
            number = dice.randrange(2)
            if kills < KILLS and _is_sending(workers[number].pid):
                workers[number].kill()
                workers[number].wait()
                kills += 1
                workers[number] = stack.enter_context(common.worker(house.environ))
        seen = Counter(line.split()[1].split(".")[1] for line in log.read_text().splitlines())
        with reading():
            rows = db.session.execute(select(CampaignRecipient.seq, CampaignRecipient.state)).all()
            assert service.reconcile() == []
        states = Counter(state for _, state in rows)
        lost = sum(1 for seq, state in rows if state is RecipientState.SENT and not seen[str(seq)])
        doubled = sum(number - 1 for number in seen.values())
        unconfirmed, bound = states[RecipientState.UNCONFIRMED], kills * CONNECTIONS // LANES
        print(f"{kills} kills, {len(rows)} recipients: {dict(states)}, lost {lost}, doubled {doubled}, bound {bound}")
        is_ok = lost == doubled == 0 and unconfirmed <= bound and kills == KILLS
        common.result(
            "kill",
            unconfirmed,
            "unconfirmed, 0 lost, 0 doubled" if is_ok else "unconfirmed",
            unconfirmed / max(bound, 1),
            1,
            is_ok,
        )


def _is_finished(campaign_id: int) -> bool:
    with reading():
        return campaigns.get(campaign_id).status is CampaignStatus.FINISHED


def _is_sending(pid: int) -> bool:
    """Whether the worker has a forked job now."""
    try:
        return bool(psutil.Process(pid).children())
    except psutil.NoSuchProcess:
        return False


if __name__ == "__main__":
    main()
