"""Reports on text messages in any order, late, repeated and about earlier tries: a recipient only moves on."""

import itertools

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.audience.models import Suppression, SuppressionSource
from app.channels.contract import Channel, Reason
from app.extensions import db
from app.kernel.db import in_transaction, transaction
from app.kernel.errors import NotFound, Unavailable
from app.sending import text_receipts
from app.sending.models import CampaignRecipient
from app.sending.states import RecipientState
from jobs import sending as jobs
from tests.sending import ledger
from tests.sending.test_texts import publish

pytestmark = pytest.mark.usefixtures("app", "true_counters")


@pytest.fixture()
def sent(app: Flask) -> int:
    """A campaign whose one message was accepted as SM1."""
    return _sent(RecipientState.SENT, "SM1")


def _sent(state: RecipientState, provider_id: str | None) -> int:
    campaign_id = publish(1)
    jobs.settle_campaign(campaign_id)
    with transaction():
        reason = Reason.REPLY_LOST if state is RecipientState.UNCONFIRMED else None
        values = {"state": state, "provider_id": provider_id, "reason": reason}
        db.session.execute(update(CampaignRecipient).values(values))
        from app.sending import progress

        progress.move(campaign_id, {RecipientState.AWAITING: -1, state: 1})
    return campaign_id


def report(campaign_id: int, status: str, code: str = "", message_id: str = "SM1") -> bool:
    moved: bool = in_transaction(text_receipts.apply, campaign_id, 1, message_id, status, code)
    return moved


@pytest.mark.parametrize("order", list(itertools.permutations(["queued", "sent", "delivered"])))
def test_reports_in_any_order_end_the_same(sent: int, order: tuple[str, ...]) -> None:
    for status in order * 2:
        report(sent, status)
    assert ledger.states(sent) == {"delivered": 1}


def test_a_message_that_did_not_arrive_says_so_with_its_code(sent: int) -> None:
    assert report(sent, "undelivered", "30003")
    assert ledger.states(sent) == {"undelivered": 1}
    assert db.session.scalars(select(CampaignRecipient.detail)).one() == "30003"


def test_a_report_settles_a_message_whose_answer_was_lost_and_brings_its_id() -> None:
    campaign_id = _sent(RecipientState.UNCONFIRMED, None)
    assert report(campaign_id, "queued", message_id="SM7")
    row = db.session.scalars(select(CampaignRecipient)).one()
    assert (row.state, row.reason, row.provider_id) == (RecipientState.SENT, None, "SM7")


def test_a_report_on_an_earlier_try_changes_nothing(sent: int) -> None:
    assert not report(sent, "undelivered", "30003", message_id="SM0")
    assert ledger.states(sent) == {"sent": 1}


def test_what_is_final_stays(sent: int) -> None:
    report(sent, "delivered")
    assert not report(sent, "undelivered", "30003")
    assert ledger.states(sent) == {"delivered": 1}


@pytest.mark.parametrize(
    ("code", "source"),
    [
        ("30005", SuppressionSource.INVALID),
        ("30006", SuppressionSource.INVALID),
        ("21610", SuppressionSource.STOP_WORD),
    ],
)
def test_a_number_that_is_gone_is_not_written_to_again(sent: int, code: str, source: SuppressionSource) -> None:
    report(sent, "undelivered", code)
    entry = db.session.scalars(select(Suppression)).one()
    assert (entry.channel, entry.source) == (Channel.SMS, source)


def test_a_report_before_our_own_result_is_asked_for_again() -> None:
    campaign_id = _sent(RecipientState.SENDING, None)
    with pytest.raises(Unavailable):
        report(campaign_id, "delivered")
    assert ledger.states(campaign_id) == {"sending": 1}


def test_words_that_nobody_knows_change_nothing(sent: int) -> None:
    assert not report(sent, "teleported")


def test_an_unknown_message_is_not_found(sent: int) -> None:
    with pytest.raises(NotFound):
        in_transaction(text_receipts.apply, sent, 9, "SM1", "sent", "")
