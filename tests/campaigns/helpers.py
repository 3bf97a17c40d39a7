"""What the tests of campaigns share: campaigns in a state, and requests at the same moment."""

import threading
from collections.abc import Callable
from typing import Any

from flask import Flask
from sqlalchemy import update

from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import Campaign
from app.extensions import db
from app.kernel import queues
from app.kernel.db import transaction
from app.kernel.errors import Conflict, InvalidInput
from app.kernel.queues import QueueName
from tests import factories

AT_ONCE = 4


def in_state(status: CampaignStatus, **values: Any) -> Campaign:
    """A campaign put into a state, with people behind it."""
    made = factories.ready_campaign(**values)
    made.status = status
    db.session.flush()
    return made


def at_once(app: Flask, step: Callable[[], Any], count: int = AT_ONCE) -> list[Any]:
    """What came of a step taken by several requests at the same moment: its result, or what it raised."""
    together, outcomes = threading.Barrier(count), []

    def request() -> None:
        with app.app_context():
            together.wait(30)
            try:
                with transaction():
                    outcomes.append(step())
            except (Conflict, InvalidInput) as error:
                outcomes.append(error)

    threads = [threading.Thread(target=request) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(outcomes) == count
    return outcomes


def settle_bells() -> list[str]:
    return list(queues.queue(QueueName.DEFAULT).job_ids)


def behind_the_back(campaign_id: int, **values: Any) -> None:
    """Change a row as another request would, without this session noticing."""
    db.session.execute(
        update(Campaign).where(Campaign.id == campaign_id).values(values).execution_options(synchronize_session=False)
    )
