"""Opens, clicks and opt-outs are written once, also for people who are gone or were not known to have the message."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, select, update

from app.audience.models import Contact, Suppression, SuppressionSource
from app.campaigns import content
from app.campaigns import service as campaigns
from app.channels.contract import Reason
from app.extensions import db
from app.kernel.db import db_now
from app.kernel.errors import NotFound
from app.sending import engagement, former, service
from app.sending.models import CampaignProgress, FormerRecipient
from app.sending.service import reconcile
from app.sending.states import RecipientState
from tests import factories
from tests.sending.readers import FIRST, SECOND, row, sent_message

pytestmark = pytest.mark.usefixtures("app")
REACTIONS = (engagement.record_open, engagement.record_click, engagement.unsubscribe)


def counters(campaign_id: int) -> CampaignProgress:
    db.session.rollback()
    return db.session.get_one(CampaignProgress, campaign_id, populate_existing=True)


def test_a_message_is_opened_once() -> None:
    message = sent_message()
    assert engagement.is_first_open(*message)
    engagement.record_open(*message)
    db.session.commit()
    first = row(message).opened_at
    assert first is not None and not engagement.is_first_open(*message)
    engagement.record_open(*message)
    db.session.commit()
    assert row(message).opened_at == first
    assert counters(message[0]).opened == 1


def test_a_click_leads_to_the_stored_target_and_is_counted_once() -> None:
    message = sent_message()
    assert engagement.click_target(*message, 0) == (FIRST, True)
    engagement.record_click(*message)
    engagement.record_click(*message)
    db.session.commit()
    assert engagement.click_target(*message, 1) == (SECOND, False)
    assert counters(message[0]).clicked == 1 and row(message).clicked_at is not None


def test_a_link_leads_where_it_led_in_the_version_that_the_person_got() -> None:
    message = sent_message()
    campaign = campaigns.get(message[0])
    campaign.html = "<a href='https://elsewhere.example/'>one</a>"
    assert content.freeze(campaign) == 2
    assert engagement.click_target(*message, 0)[0] == FIRST


@pytest.mark.parametrize("number", [2, -1, 99999])
def test_a_link_that_the_message_does_not_have_is_not_found(number: int) -> None:
    message = sent_message()
    with pytest.raises(NotFound):
        engagement.click_target(*message, number)


def test_who_was_never_sent_to_has_no_links() -> None:
    message = sent_message(RecipientState.AWAITING)
    row_ = row(message)
    row_.content_version = None
    db.session.merge(row_)
    db.session.flush()
    with pytest.raises(NotFound):
        engagement.click_target(*message, 0)


def test_unknown_recipients_are_not_found() -> None:
    campaign_id, _ = sent_message()
    for ask in (engagement.is_first_open, engagement.is_unsubscribed, engagement.unsubscribe):
        with pytest.raises(NotFound):
            ask(campaign_id, 2)
    with pytest.raises(NotFound):
        engagement.click_target(campaign_id, 2, 0)


def test_unsubscribing_suppresses_the_address_and_again_is_the_same() -> None:
    message = sent_message()
    assert not engagement.is_unsubscribed(*message)
    for _ in range(2):
        engagement.unsubscribe(*message)
        db.session.commit()
    entry = db.session.scalars(select(Suppression)).one()
    assert (entry.address_index, entry.source) == (row(message).address_index, SuppressionSource.UNSUBSCRIBED)
    assert entry.campaign_id == message[0]
    assert engagement.is_unsubscribed(*message)
    assert counters(message[0]).unsubscribed == 1 and row(message).unsubscribed_at is not None


def test_a_deleted_person_can_still_unsubscribe() -> None:
    message = sent_message()
    db.session.execute(delete(Contact))
    engagement.unsubscribe(*message)
    db.session.commit()
    assert engagement.is_unsubscribed(*message)


def test_a_message_of_a_deleted_campaign_can_still_be_unsubscribed_from_for_ninety_days() -> None:
    message = sent_message()
    index = row(message).address_index
    service.delete_campaign(message[0])
    db.session.commit()
    assert not engagement.is_unsubscribed(*message)
    engagement.unsubscribe(*message)
    db.session.commit()
    entry = db.session.scalars(select(Suppression)).one()
    assert (entry.address_index, entry.campaign_id) == (index, None)
    assert engagement.is_unsubscribed(*message)
    assert former.forget() == 0
    db.session.execute(update(FormerRecipient).values(deleted_at=db_now() - former.KEPT - timedelta(minutes=1)))
    assert (former.forget(), former.forget()) == (1, 0)
    with pytest.raises(NotFound):
        engagement.unsubscribe(*message)


def test_who_got_nothing_of_a_deleted_campaign_is_forgotten_with_it() -> None:
    message = sent_message(RecipientState.SKIPPED)
    service.delete_campaign(message[0])
    with pytest.raises(NotFound):
        engagement.unsubscribe(*message)


def test_a_new_campaign_never_gets_the_number_of_a_deleted_one() -> None:
    first = sent_message()[0]
    service.delete_campaign(first)
    db.session.commit()
    assert factories.campaign(name="Next").id > first


def test_unsubscribing_again_works_after_somebody_took_the_address_off_the_list() -> None:
    message = sent_message()
    engagement.unsubscribe(*message)
    db.session.execute(delete(Suppression))
    assert not engagement.is_unsubscribed(*message)
    engagement.unsubscribe(*message)
    assert engagement.is_unsubscribed(*message)
    assert counters(message[0]).unsubscribed == 0  # nothing of this was committed


@pytest.mark.parametrize("react", REACTIONS, ids=lambda react: react.__name__)
def test_whoever_reacts_has_got_the_message_whose_answer_was_lost(react: object) -> None:
    message = sent_message(RecipientState.UNCONFIRMED, reason=Reason.REPLY_LOST, detail="the connection broke")
    assert engagement.is_first_open(*message) and engagement.click_target(*message, 0)[1]
    react(*message)  # type: ignore[operator]
    db.session.commit()
    found = row(message)
    assert (found.state, found.reason, found.detail) == (RecipientState.SENT, None, None)
    now = counters(message[0])
    assert (now.unconfirmed, now.sent) == (0, 1)
    assert reconcile() == []


def test_an_open_that_came_before_the_answer_was_lost_does_not_hide_the_evidence_of_the_next() -> None:
    message = sent_message(RecipientState.SENDING)
    engagement.record_open(*message)
    db.session.commit()
    found = row(message)
    assert found.state is RecipientState.SENDING and found.opened_at is not None
    found.state, found.reason = RecipientState.UNCONFIRMED, Reason.WORKER_LOST
    db.session.merge(found)
    db.session.commit()
    assert engagement.is_first_open(*message)


@pytest.mark.parametrize("state", [RecipientState.SENDING, RecipientState.FAILED, RecipientState.DELIVERED])
def test_a_reaction_moves_no_other_state(state: RecipientState) -> None:
    message = sent_message(state)
    for react in REACTIONS:
        react(*message)
    db.session.commit()
    assert row(message).state is state
    assert reconcile() == []
