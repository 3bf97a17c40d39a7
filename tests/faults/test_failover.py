"""A mail server that is away, its stand-in, and a worker that is killed in between: nobody is lost, nobody doubled."""

from collections import Counter

import pytest
from sqlalchemy import select

from app.channels.models import SmtpAccount
from app.extensions import db
from app.kernel.db import reading, transaction
from app.sending.models import CampaignRecipient
from jobs.sending import sweep_claims
from tests import factories
from tests.conftest import free_port
from tests.faults.house import House, size, wait_for

CONNECTIONS_OF_A_LANE = 2  # eight connections of the account over four lanes

pytestmark = pytest.mark.timeout(600)


def main() -> SmtpAccount:
    """The account of the campaign, as the database has it."""
    with reading():
        found = db.session.scalars(select(SmtpAccount).where(SmtpAccount.stand_in_id.is_not(None))).one()
        db.session.expunge(found)
        return found


def ways(campaign_id: int) -> Counter[int | None]:
    """How many messages went over which account, by the rows."""
    with reading():
        mine = CampaignRecipient.campaign_id == campaign_id
        return Counter(db.session.scalars(select(CampaignRecipient.sender_id).where(mine)))


def test_a_campaign_goes_on_over_the_stand_in_while_its_server_is_away_and_a_worker_is_killed(house: House) -> None:
    people, port = size(300, 3000), free_port()
    house.smtp("--accept-delay", "0.02")
    with transaction():
        spare_id = factories.account(
            port=house.smtp_port, max_connections=8, per_second=size(10, 200)
        ).id  # slow, so that many are left
    campaign_id = house.campaign(people, account={"port": port, "stand_in_id": spare_id})
    house.scheduler()
    workers = [house.worker() for _ in range(2)]
    wait_for(lambda: main().breaker_open_until is not None, 60)
    assert house.accepted() == [] and main().stood_in_since is None
    house.hurry(campaign_id)  # the first failure alone is no reason; now comes the probe
    wait_for(lambda: main().stood_in_since is not None, 60)
    wait_for(lambda: len(house.accepted()) > people // 6, 60)
    wait_for(lambda: any(map(house.horses, workers)), 60)
    worker, horses = next((worker, horses) for worker in workers if (horses := house.horses(worker)))
    horses[0].kill()
    worker.kill()
    house.worker()
    house.smtp(port=port)
    house.hurry(campaign_id)
    sweep_claims()  # as `flask sweep` does; by itself it comes within ten seconds
    wait_for(lambda: main().stood_in_since is None, 60, lambda: (ways(campaign_id), main().breaker_open_until))
    house.wait_until_finished(campaign_id)
    found = house.judge(campaign_id)
    assert (found.lost, found.doubled) == (0, 0) and found.unconfirmed <= CONNECTIONS_OF_A_LANE
    assert found.states.keys() <= {"sent", "unconfirmed"} and sum(found.states.values()) == people
    over = ways(campaign_id)
    assert over.keys() == {spare_id, main().id} and over[spare_id] >= people // 6 and over[main().id] > 0
