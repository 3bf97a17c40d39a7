"""What a claim takes, what it costs and whom it leaves out."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.audience.addresses import Addresses, email_index, sealing
from app.audience.models import Contact
from app.audience.suppressions import suppress_email
from app.campaigns import service as campaigns
from app.channels.contract import Outcome, Reason, SendResult
from app.extensions import db
from app.kernel.db import db_now, in_transaction, transaction
from app.sending import engagement, throttle
from app.sending.claim import Claim, Later, Nothing
from app.sending.models import CampaignRecipient, SendBatch
from app.sending.states import BatchState
from jobs import sending as jobs
from tests import factories
from tests.sending import ledger

pytestmark = pytest.mark.usefixtures("true_counters")

DEFERRED = SendResult(Outcome.DEFERRED, code="451")


def let_retries_be_due() -> None:
    """As if the waits of deferred recipients were over."""
    with transaction():
        past = db_now() - timedelta(seconds=1)
        db.session.execute(update(SendBatch).values(not_before=past))
        db.session.execute(
            update(CampaignRecipient).where(CampaignRecipient.not_before.is_not(None)).values(not_before=past)
        )


def move_to(contact_id: int, email: str) -> None:
    """The person has another address from now on."""
    with transaction():
        person = db.session.get_one(Contact, contact_id)
        person.sealed = sealing()(Addresses(email), person.uid)
        person.email_index = email_index(email)


def granted_today(sender_id: int) -> int:
    with transaction():
        return throttle.granted_today(f"smtp:{sender_id}:day", db_now())


def test_a_claim_pays_for_those_it_takes_and_not_for_the_whole_batch(app: Flask) -> None:
    with transaction():
        sender = factories.account(per_day=100)
        sender_id = sender.id
    campaign_id = ledger.sending_campaign(20, sender=sender)
    order = ledger.order_of(campaign_id)
    found = ledger.take(order)
    assert isinstance(found, Claim) and granted_today(sender_id) == 20
    ledger.keep(order, found, lambda seq: DEFERRED if seq == 7 else ledger.ACCEPTED)
    let_retries_be_due()
    again = ledger.take(order)
    assert isinstance(again, Claim) and [row.seq for row in again.rows] == [7]
    assert granted_today(sender_id) == 21
    ledger.keep(order, again)


def test_a_batch_with_nobody_to_send_to_costs_no_slot(app: Flask) -> None:
    with transaction():
        sender = factories.account(per_day=100)
        sender_id = sender.id
        people = factories.folder()
        factories.contact(people, email=None, phone="+48600000001")
        made = factories.campaign(people, sender=sender)
        factories.contact(people)
        campaigns.publish(made.id, "me")
        campaign_id = made.id
    jobs.settle_campaign(campaign_id)
    jobs.look_at_campaigns()
    order = ledger.order_of(campaign_id)
    found = ledger.take(order)
    assert isinstance(found, Claim) and len(found.rows) == 1 and granted_today(sender_id) == 1
    ledger.keep(order, found)


def test_a_claim_takes_as_many_as_the_cap_leaves_and_the_rest_waits(app: Flask) -> None:
    with transaction():
        sender = factories.account(per_day=5)
    campaign_id = ledger.sending_campaign(8, sender=sender)
    order = ledger.order_of(campaign_id)
    found = ledger.take(order)
    assert isinstance(found, Claim) and [row.seq for row in found.rows] == [1, 2, 3, 4, 5]
    ledger.keep(order, found)
    later = ledger.take(order)
    assert isinstance(later, Later) and later.reason is Nothing.THROTTLED and "per day" in later.why
    assert later.at is not None and later.at - later.now >= timedelta(hours=23, minutes=45)
    assert ledger.counters(campaign_id) == {"sent": 5, "awaiting": 3}


def test_whose_new_address_is_suppressed_is_left_out(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(2)
    move_to(ledger.row(campaign_id, 1).contact_id, "moved@people.example")
    with transaction():
        suppress_email("moved@people.example")
    order = ledger.order_of(campaign_id)
    found = ledger.take(order)
    assert isinstance(found, Claim) and [row.seq for row in found.rows] == [2]
    assert ledger.row(campaign_id, 1).reason is Reason.SUPPRESSED
    ledger.keep(order, found)


def test_who_left_a_suppressed_address_is_written_to_at_the_new_one(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(1)
    contact_id = ledger.row(campaign_id, 1).contact_id
    with transaction():
        old = db.session.get_one(Contact, contact_id).email_index
    move_to(contact_id, "moved@people.example")
    order = ledger.order_of(campaign_id)
    found = ledger.take(order)
    assert isinstance(found, Claim) and found.rows[0].address_index == email_index("moved@people.example") != old
    ledger.keep(order, found)
    with transaction():
        engagement.unsubscribe(campaign_id, 1)
    with transaction():
        assert engagement.is_unsubscribed(campaign_id, 1)
    assert ledger.row(campaign_id, 1).address_index == email_index("moved@people.example")


def test_nobody_is_claimed_outside_the_hours(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(1)
    now = db_now()
    with transaction():
        made = campaigns.get(campaign_id)
        made.daily_from = (now + timedelta(hours=2)).time().replace(microsecond=0)
        made.daily_until = (now + timedelta(hours=3)).time().replace(microsecond=0)
    found = ledger.take(ledger.order_of(campaign_id))
    assert isinstance(found, Later) and found.reason is Nothing.CLOSED
    assert found.at is not None and found.at > now and found.why


def test_a_campaign_past_its_validity_gives_nothing(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(1)
    with transaction():
        campaigns.get(campaign_id).valid_until = db_now() - timedelta(seconds=1)
    found = ledger.take(ledger.order_of(campaign_id))
    assert isinstance(found, Later) and found.reason is Nothing.CLOSED and found.at is None


def test_a_batch_waits_for_the_earliest_of_its_retries(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(3)
    order = ledger.order_of(campaign_id)
    found = ledger.take(order)
    assert isinstance(found, Claim)
    waits = {1: 900.0, 2: 300.0, 3: 600.0}
    ledger.keep(order, found, lambda seq: SendResult(Outcome.DEFERRED, retry_after_seconds=waits[seq]))
    kept = ledger.batch(campaign_id)
    assert kept.state is BatchState.WAITING and kept.not_before == ledger.row(campaign_id, 2).not_before
    later = ledger.take(order)
    assert isinstance(later, Later) and (later.reason, later.at) == (Nothing.NOT_DUE, kept.not_before)


def test_only_those_whose_retry_is_due_are_claimed(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(3)
    order = ledger.order_of(campaign_id)
    found = ledger.take(order)
    assert isinstance(found, Claim)
    ledger.keep(order, found, lambda _seq: DEFERRED)
    with transaction():
        past = db_now() - timedelta(seconds=1)
        db.session.execute(update(SendBatch).values(not_before=past))
        db.session.execute(update(CampaignRecipient).where(CampaignRecipient.seq == 2).values(not_before=past))
    again = ledger.take(order)
    assert isinstance(again, Claim) and [row.seq for row in again.rows] == [2] and not again.is_whole
    ledger.keep(order, again)
    assert ledger.counters(campaign_id) == {"sent": 1, "awaiting": 2}
    assert ledger.batch(campaign_id).state is BatchState.WAITING


def test_a_claim_freezes_what_it_sends_into_the_row(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(1)
    order = ledger.order_of(campaign_id)
    found = ledger.take(order)
    assert isinstance(found, Claim)
    row = ledger.row(campaign_id, 1)
    assert (row.content_version, row.sender_id) == (order.content_version, order.sender_id)
    assert row.sending_at == found.now
    ledger.keep(order, found)
    assert ledger.row(campaign_id, 1).done_at is not None


def test_the_customers_delay_holds_everybody_back_after_each_batch_of_customers(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(5, customers_batch_size=2, customers_delay_seconds=600)
    order = ledger.order_of(campaign_id)
    found = ledger.take(order)
    assert isinstance(found, Claim) and len(found.rows) == 2
    ledger.keep(order, found)
    later = ledger.take(order)
    assert isinstance(later, Later) and later.reason is Nothing.THROTTLED and "customers delay" in later.why
    assert later.at is not None and later.at - later.now > timedelta(seconds=590)
    with transaction():
        db.session.execute(update(throttle.ThrottleBucket).values(next_us=0))
    again = ledger.take(order)
    assert isinstance(again, Claim) and [row.seq for row in again.rows] == [3, 4]
    ledger.keep(order, again)


def test_a_claim_that_is_rolled_back_leaves_everything_as_it_was(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(2)
    order = ledger.order_of(campaign_id)

    class Crash(Exception):
        pass

    def claim_and_crash() -> None:
        assert isinstance(jobs.deliver.claim(order), Claim)
        raise Crash

    with pytest.raises(Crash):
        in_transaction(claim_and_crash)
    assert ledger.counters(campaign_id) == {"awaiting": 2}
    with transaction():
        assert db.session.scalars(select(SendBatch.state)).all() == [BatchState.WAITING]
