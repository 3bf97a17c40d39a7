"""What surrounds one recipient: folders, missions, the suppression list, the sender."""

from flask import Flask

from app.audience.models import SuppressionSource
from app.campaigns import service as campaigns
from app.campaigns.models import PickSource
from app.channels.models import SmtpAccount
from app.extensions import db
from app.kernel.db import transaction
from app.missions import service as missions
from app.missions.states import MissionStatus
from app.reports.story import Story, story
from app.sending import engagement
from jobs import sending as jobs
from tests import factories
from tests.factories import BY
from tests.sending import ledger


def read(campaign_id: int, seq: int) -> Story:
    with transaction():
        return story(campaign_id, seq)


def test_the_folders_of_the_campaign_that_hold_a_recipient(app: Flask) -> None:
    with transaction():
        one, two, other = (factories.folder(name) for name in ("One", "Two", "Other"))
        factories.contact(one, two, other)
        factories.contact(one)
        campaign = factories.campaign(one, two)
        campaigns.publish(campaign.id, BY)
        campaign_id = campaign.id
    jobs.settle_campaign(campaign_id)
    assert [read(campaign_id, seq).folders for seq in (1, 2)] == [["One", "Two"], ["One"]]
    assert read(campaign_id, 2) == Story(["One"], [], None, "")


def test_the_mission_that_brought_somebody_in_and_let_them_go(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(1)
    with transaction():
        client = factories.contact()
        mission = factories.mission(client, title="Call back")
        mission_id = mission.id
        missions.add_campaign([mission_id], campaign_id, "ann")
    jobs.settle_campaign(campaign_id)
    pick = read(campaign_id, 2).picks[0]
    assert (pick.source, pick.title, pick.by, pick.released_at) == (PickSource.MISSION, "Call back", "ann", None)
    with transaction():
        missions.change(mission_id, {"status": MissionStatus.DONE}, BY)
    assert read(campaign_id, 2).picks[0].released_at is not None


def test_the_suppression_that_bars_an_address_and_where_it_came_from(app: Flask) -> None:
    first, second = ledger.sending_campaign(1), ledger.sending_campaign(1)
    assert read(first, 1).bar is None
    with transaction():
        engagement.unsubscribe(first, 1)
    bar = read(first, 1).bar
    assert bar is not None and (bar.source, bar.is_from_here) == (SuppressionSource.UNSUBSCRIBED, True)
    assert read(second, 1).bar is None


def test_the_account_that_sent(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(1)
    order = ledger.order_of(campaign_id)
    ledger.keep(order, ledger.take(order))
    assert read(campaign_id, 1).sender == db.session.scalar(db.select(SmtpAccount.name))
