"""What surrounds one recipient: folders, missions, the suppression list, the sender."""

from datetime import timedelta

from flask import Flask
from sqlalchemy import select

from app.audience.models import SuppressionSource
from app.campaigns import service as campaigns
from app.campaigns.models import PickSource
from app.channels import service as channels
from app.channels.models import SmtpAccount
from app.extensions import db
from app.kernel import clock
from app.kernel.audit import AuditEvent
from app.kernel.db import transaction
from app.missions import service as missions
from app.missions.states import MissionStatus
from app.reports.stand_ins import Detour
from app.reports.story import Story, story
from app.sending import engagement, failover
from app.sending.models import CampaignRecipient
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


def test_the_account_that_a_message_really_went_over_and_why(app: Flask) -> None:
    with transaction():
        spare = factories.account(name="Spare")
        main = factories.account(name="Main", stand_in_id=spare.id)
        main.last_error, spare_id, main_id = "421 down", spare.id, main.id
    with transaction():
        campaign_id = ledger.sending_campaign(3, sender=channels.get_account(main_id))
    begins = clock.utcnow()
    for minutes, carrier_id in ((0, spare_id), (2, main_id), (4, spare_id)):
        with transaction():
            campaign = campaigns.get(campaign_id)
            if minutes == 4:  # from then on the other one is its own
                campaign.smtp_account = channels.get_account(spare_id)
                campaign.stand_in_id = main_id
            failover.note_way(campaign, channels.get_account(carrier_id))
            db.session.flush()
            event = db.session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc()).limit(1)).one()
            event.happened_at = begins + timedelta(minutes=minutes)
    for seq, minutes, sender_id in ((1, 1, spare_id), (2, 3, main_id), (3, 5, spare_id)):
        with transaction():
            row = db.session.get_one(CampaignRecipient, (campaign_id, seq))
            row.sender_id, row.sending_at = sender_id, begins + timedelta(minutes=minutes)
    told = [read(campaign_id, seq) for seq in (1, 2, 3)]
    assert [each.sender for each in told] == ["Spare", "Main", "Spare"]
    assert told[0].detour == Detour(main_id, "Main", "Spare", "421 down", begins)
    assert told[1].detour is None and told[2].detour is None
