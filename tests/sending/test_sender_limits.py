"""Limits that are changed while a campaign runs: they hold from the next slot on."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.campaigns import service as campaigns
from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import Campaign
from app.channels import limits as channel_limits
from app.channels import service
from app.channels.contract import Channel
from app.channels.models import SmtpAccount
from app.extensions import db
from app.kernel.audit import AuditEvent, What
from app.kernel.db import db_now, transaction
from app.kernel.errors import InvalidInput
from app.sending import sender_limits
from app.sending.claim import Claim, Later, Nothing
from app.sending.models import ThrottleBucket
from jobs import sending as jobs
from tests import factories
from tests.providers.servers import Server
from tests.sending import ledger
from tests.sending.test_path import publish, status, tick_and_work


@pytest.fixture()
def slow(app: Flask) -> tuple[int, int]:
    """A sender of one message an hour and a campaign whose first message has just taken its slot."""
    with transaction():
        sender_id = factories.account(per_hour=1).id
    with transaction():
        sender = db.session.get_one(SmtpAccount, sender_id)
        campaign_id = ledger.sending_campaign(5, sender=sender)
    order = ledger.order_of(campaign_id)
    first = ledger.take(order)
    assert isinstance(first, Claim)
    ledger.keep(order, first, lambda _seq: ledger.ACCEPTED)
    with transaction():
        later = db_now() + timedelta(hours=1)
        db.session.execute(update(Campaign).values(next_send_at=later))
    return sender_id, campaign_id


def change(sender_id: int, **limits: int | None) -> bool:
    with transaction():
        return sender_limits.change(db.session.get_one(SmtpAccount, sender_id), limits)


def wait_seconds(campaign_id: int) -> float:
    found = ledger.take(ledger.order_of(campaign_id))
    assert isinstance(found, Later) and found.reason is Nothing.THROTTLED and found.at is not None
    return (found.at - found.now).total_seconds()


def test_a_wider_limit_does_not_wait_for_the_slot_of_the_narrow_one(slow: tuple[int, int]) -> None:
    sender_id, campaign_id = slow
    assert wait_seconds(campaign_id) > 3000
    assert change(sender_id, per_hour=60)
    assert 30 < wait_seconds(campaign_id) < 70


def test_a_narrower_limit_holds_from_the_next_slot(slow: tuple[int, int]) -> None:
    sender_id, campaign_id = slow
    change(sender_id, per_hour=60)
    change(sender_id, per_hour=2)
    assert 1700 < wait_seconds(campaign_id) < 1810


def test_a_limit_that_is_gone_binds_nobody(slow: tuple[int, int]) -> None:
    sender_id, campaign_id = slow
    assert change(sender_id, per_hour=None)
    assert isinstance(ledger.take(ledger.order_of(campaign_id)), Claim)


def test_campaigns_that_wait_for_a_changed_limit_are_looked_at_at_once(slow: tuple[int, int]) -> None:
    sender_id, campaign_id = slow
    change(sender_id, per_hour=1)  # the same
    with transaction():
        assert db.session.scalar(select(Campaign.next_send_at).where(Campaign.id == campaign_id)) is not None
    change(sender_id, per_day=50)
    with transaction():
        assert db.session.scalar(select(Campaign.next_send_at).where(Campaign.id == campaign_id)) is None


def test_a_change_is_written_down_and_a_bad_one_changes_nothing(slow: tuple[int, int]) -> None:
    sender_id, _ = slow
    with pytest.raises(InvalidInput) as refused:
        change(sender_id, per_hour=5, per_day=0)
    assert refused.value.field == "per_day"
    change(sender_id, per_hour=5)
    with transaction():
        events = db.session.scalars(select(AuditEvent).where(AuditEvent.what == What.ACCOUNT_CHANGE)).all()
        assert [event.detail for event in events] == [{"fields": ["per_hour"]}]
        assert db.session.scalars(select(ThrottleBucket.key)).all() == [f"smtp:{sender_id}:hour"]


def warm_up(account: SmtpAccount, days_ago: int, **values: int) -> None:
    """Begin a warm-up of that account so many days ago."""
    begins_on = db_now().date() - timedelta(days=days_ago)
    for name, value in {"warm_up_begins_on": begins_on, **values}.items():
        setattr(account, name, value)
    service.prepare_account(account)
    sender_limits.follow(account)


def test_a_warm_up_that_is_begun_holds_for_running_campaigns_and_one_that_is_ended_does_not(app: Flask) -> None:
    with Server() as server:
        campaign_id = publish(server.port, 9, account={"per_day": 100})
        with transaction():
            sender = campaigns.get(campaign_id).smtp_account
            assert sender is not None
            warm_up(sender, days_ago=1, warm_up_first_day=2, warm_up_growth_percent=50)
        tick_and_work()
        assert len(server.accepted) == 3 and status(campaign_id) is CampaignStatus.SCHEDULED
        with transaction():
            waits = campaigns.get(campaign_id)
            assert waits.waiting_for.startswith("waiting for the warm-up of ") and waits.next_send_at is not None
            assert waits.smtp_account is not None
            waits.smtp_account.warm_up_begins_on = None
            sender_limits.follow(waits.smtp_account)
        tick_and_work()
        assert len(server.accepted) == 9


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"warm_up_first_day": 0}, "warm_up_first_day", "from 1 to"),
        ({"warm_up_growth_percent": 1001}, "warm_up_growth_percent", "from 1 to 1000"),
        ({"per_day": None}, "per_day", "grows until this limit"),
        ({"per_day": 50}, "per_day", "begins with 50 messages"),
        ({"warm_up_growth_percent": 1, "per_day": 1000}, "per_day", "more than 180 days"),
        ({"days_ago": -400}, "warm_up_begins_on", "within a year"),
    ],
)
def test_a_warm_up_that_makes_no_sense_is_refused(app: Flask, values: dict[str, int], field: str, words: str) -> None:
    with transaction():
        account = factories.account(per_day=1000)
    with pytest.raises(InvalidInput, match=words) as refused, transaction():
        warm_up(account, **{"days_ago": 0} | values)
    assert refused.value.field == field


def cap(**values: int | None) -> bool:
    with transaction():
        return sender_limits.change(channel_limits.kept(Channel.EMAIL), values)


def test_all_senders_of_a_channel_share_its_limit(app: Flask) -> None:
    cap(per_hour=2, per_day=3)
    first, second = ledger.sending_campaign(5), ledger.sending_campaign(5)
    assert isinstance(ledger.take(ledger.order_of(first)), Claim)
    assert 1700 < wait_seconds(second) < 1810
    with transaction():
        assert db.session.scalars(select(ThrottleBucket.key)).all() == ["channel:email:day", "channel:email:hour"]


def test_a_limit_of_a_channel_that_is_new_or_wider_holds_at_once(slow: tuple[int, int]) -> None:
    sender_id, campaign_id = slow
    change(sender_id, per_hour=None)
    assert cap(per_hour=1)
    with transaction():
        assert db.session.scalar(select(Campaign.next_send_at)) is None
    order = ledger.order_of(campaign_id)
    found = ledger.take(order)
    assert isinstance(found, Claim) and ledger.keep(order, found)
    assert wait_seconds(campaign_id) > 3000
    assert cap(per_hour=60) and not cap(per_hour=60)
    assert 30 < wait_seconds(campaign_id) < 70
    with transaction():
        events = db.session.scalars(select(AuditEvent).where(AuditEvent.what == What.CHANNEL_LIMITS)).all()
        assert [(event.name, event.detail) for event in events] == [("email", {"fields": ["per_hour"]})] * 2


def test_the_limit_of_another_channel_binds_nobody(slow: tuple[int, int]) -> None:
    sender_id, campaign_id = slow
    change(sender_id, per_hour=None)
    with transaction():
        sender_limits.change(channel_limits.kept(Channel.SMS), {"per_day": 1})
    found = ledger.take(ledger.order_of(campaign_id))
    assert isinstance(found, Claim) and len(found.rows) == 4


def cap_account(**values: int | None) -> bool:
    with transaction():
        ((limit, _gateways),) = channel_limits.of_accounts()
        db.session.add(limit)
        return sender_limits.change(limit, values)


@pytest.fixture()
def of_accounts(app: Flask) -> tuple[int, int, int]:
    """A campaign of text messages and one over WhatsApp, both of one Twilio account, and one of another account."""
    with transaction():
        folder = factories.folder()
        factories.people_with_phones(5, folder)
        factories.people_on_whatsapp(5, folder)
        elsewhere = factories.gateway(account_sid=f"AC{'1' * 32}")
        made = (
            factories.text_campaign(folder),
            factories.whatsapp_campaign(folder),
            factories.text_campaign(folder, sender=elsewhere),
        )
        text, whatsapp, other = (campaigns.publish(each.id, factories.BY).id for each in made)
    for campaign_id in (text, whatsapp, other):
        jobs.settle_campaign(campaign_id)
    jobs.look_at_campaigns()
    return text, whatsapp, other


def test_all_gateways_of_a_twilio_account_share_its_limit(of_accounts: tuple[int, int, int]) -> None:
    text, whatsapp, other = of_accounts
    assert cap_account(per_hour=2, per_day=3)
    assert isinstance(ledger.take(ledger.order_of(text)), Claim)
    found = ledger.take(ledger.order_of(whatsapp))
    assert isinstance(found, Later) and found.at is not None
    assert 1700 < (found.at - found.now).total_seconds() < 1810
    assert found.why == "waiting for the limit per hour of the Twilio account …0000"
    assert isinstance(ledger.take(ledger.order_of(other)), Claim)


def test_a_limit_of_a_twilio_account_that_is_wider_holds_at_once(of_accounts: tuple[int, int, int]) -> None:
    text, whatsapp, other = of_accounts
    cap_account(per_hour=1)
    assert isinstance(ledger.take(ledger.order_of(text)), Claim)
    assert wait_seconds(whatsapp) > 3000
    with transaction():
        db.session.execute(update(Campaign).values(next_send_at=db_now() + timedelta(hours=1)))
    assert cap_account(per_hour=60) and not cap_account(per_hour=60)
    assert 30 < wait_seconds(whatsapp) < 70
    with transaction():
        waiting = select(Campaign.id).where(Campaign.next_send_at.is_not(None))
        assert db.session.scalars(waiting).all() == [other]
        noted = db.session.scalars(select(AuditEvent).where(AuditEvent.what == What.GATEWAY_LIMITS)).all()
        assert [(each.name, each.detail) for each in noted] == [(f"AC{'0' * 32}", {"fields": ["per_hour"]})] * 2


def test_a_bad_limit_of_a_channel_is_refused(app: Flask) -> None:
    with pytest.raises(InvalidInput):
        cap(per_day=0)
    with transaction():
        assert channel_limits.of_all() == {}


def test_a_campaign_that_waits_for_the_next_day_goes_on_when_the_limit_of_a_day_is_raised(app: Flask) -> None:
    with Server() as server:
        campaign_id = publish(server.port, 5, account={"per_day": 3})
        tick_and_work()
        assert len(server.accepted) == 3 and status(campaign_id) is CampaignStatus.SCHEDULED
        with transaction():
            sender = campaigns.get(campaign_id).smtp_account
            assert sender is not None
            sender_limits.change(sender, {"per_day": 4})
        tick_and_work()
        assert len(server.accepted) == 4
