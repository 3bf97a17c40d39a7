"""A campaign that is run to its end with the clock turned on begins and ends when its forecast said."""

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.campaigns import service as campaigns
from app.campaigns.lifecycle import CampaignStatus
from app.extensions import db
from app.kernel import clock
from app.kernel.db import db_now, transaction
from app.reports import launch
from app.sending.forecast import Forecast
from app.sending.models import CampaignRecipient
from tests import factories
from tests.providers.servers import Server
from tests.sending.test_path import status, tick_and_work

pytestmark = pytest.mark.usefixtures("true_counters")

Forward = Callable[[float], None]
WARSAW = ZoneInfo("Europe/Warsaw")
MOST_STEPS = 60
CLOCK = timedelta(seconds=15)  # what the steps of the run itself take on a busy machine


def hours_from(now: datetime, begins: float, ends: float) -> dict[str, time]:
    """Daily hours that begin and end so many hours after now, by the clocks of Warsaw."""
    local = now.astimezone(WARSAW)
    ends_at, begins_at = local + timedelta(hours=ends), local + timedelta(hours=begins)
    return {"daily_from": begins_at.time().replace(second=0), "daily_until": ends_at.time().replace(second=0)}


WARM_UP = {
    "per_day": 8,
    "warm_up_begins_on": clock.utcnow().date(),
    "warm_up_first_day": 2,
    "warm_up_growth_percent": 60,
}
CASES: dict[str, tuple[int, dict[str, Any], dict[str, Any], tuple[float, float] | None, float]] = {
    # people, values of the campaign, limits of the account, daily hours from now, one step in seconds
    "a delay": (5, {"delay_seconds": 600}, {}, None, 600),
    "a customers delay": (7, {"customers_batch_size": 3, "customers_delay_seconds": 1800}, {}, None, 1800),
    "a cap of a day": (8, {}, {"per_day": 3}, None, 60),
    "a warm-up": (12, {}, WARM_UP, None, 60),
    "nights in between": (6, {"delay_seconds": 1800}, {}, (-1.0, 1.0), 1800),
    "hours that begin later": (4, {"delay_seconds": 900}, {}, (2.0, 6.0), 900),
    "working days": (5, {"delay_seconds": 12 * 3600, "working_days_only": True}, {}, None, 12 * 3600),
}


@pytest.mark.parametrize("case", CASES)
def test_a_campaign_begins_and_ends_when_its_forecast_said(app: Flask, forward: Forward, case: str) -> None:
    people, values, limits, hours, step = CASES[case]
    with Server() as server:
        with transaction():
            daily = hours_from(db_now(), *hours) if hours else {}
            sender = factories.account(port=server.port, max_connections=4, **limits)
            folder = factories.folder()
            for _ in range(people):
                factories.contact(folder)
            made = factories.campaign(folder, sender=sender, zone="Europe/Warsaw", **values, **daily)
            campaign_id = made.id
        with transaction():
            outlook = launch.check(campaigns.get(campaign_id), db_now()).outlook
            campaigns.publish(campaign_id, "me")
        run_to_the_end(campaign_id, forward)
        assert len(server.accepted) == people
    assert outlook is not None and outlook.people == people and not outlook.missed
    first, last = sent_between(campaign_id)
    assert within(first, outlook, "first_at", step) and within(last, outlook, "last_at", step)


def run_to_the_end(campaign_id: int, forward: Forward) -> None:
    """Turn the clock to each moment at which the campaign says it looks again."""
    for _ in range(MOST_STEPS):
        tick_and_work(2)
        if status(campaign_id) is CampaignStatus.FINISHED:
            return
        with transaction():
            until, now = campaigns.get(campaign_id).next_send_at, db_now()
        forward(max((until - now).total_seconds(), 0.0) + 0.2 if until else 1.0)
    raise AssertionError("the campaign does not come to its end")


def sent_between(campaign_id: int) -> tuple[datetime, datetime]:
    with transaction():
        rows = select(func.min(CampaignRecipient.done_at), func.max(CampaignRecipient.done_at))
        first, last = db.session.execute(rows.where(CampaignRecipient.campaign_id == campaign_id)).one()
    return first, last


def within(at: datetime, outlook: Forecast, name: str, step: float) -> bool:
    said = getattr(outlook, name)
    assert abs(at - said) <= timedelta(seconds=step) + CLOCK, f"{name}: said {said}, was {at}"
    return True
