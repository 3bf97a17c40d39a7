"""What comes back of e-mails, in any order, late and repeated: a recipient only moves on, and lists stay right."""

import itertools
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from app.audience.models import Suppression, SuppressionSource
from app.channels import message_marks
from app.channels.contract import Channel, Reason
from app.channels.receipts import MailReceipt, ReceiptKind, ReceiptWay
from app.extensions import db
from app.kernel import clock
from app.kernel.db import in_transaction, transaction
from app.sending import mail_receipts, progress, service
from app.sending.mail_receipts import SOFT_LIMIT, Taken
from app.sending.models import CampaignRecipient, Receipt
from app.sending.states import RecipientState
from jobs import sending as jobs
from tests import factories
from tests.sending import ledger

pytestmark = pytest.mark.usefixtures("app", "true_counters")

S = RecipientState
K = ReceiptKind
REASONS = {
    K.HARD_BOUNCE: Reason.INVALID_RECIPIENT,
    K.BLOCKED: Reason.REJECTED_CONTENT,
    K.SOFT_BOUNCE: Reason.MAILBOX_FULL,
}


def sent(state: RecipientState = S.SENT, people: int = 1, email: str = "") -> int:
    """A campaign whose messages have that state."""
    with transaction():
        folder = factories.folder()
        if email:
            known = db.session.scalars(select(factories.Contact)).first()
            if known is None:
                factories.contact(folder, email=email)
            else:
                known.folders.append(folder)
        else:
            factories.contacts(people, folder)
        campaign_id = factories.campaigns.publish(factories.campaign(folder).id, factories.BY).id
    jobs.settle_campaign(campaign_id)
    with transaction():
        reason = Reason.REPLY_LOST if state is S.UNCONFIRMED else None
        here = CampaignRecipient.campaign_id == campaign_id
        db.session.execute(update(CampaignRecipient).where(here).values(state=state, reason=reason, detail=None))
        if state is not S.AWAITING:
            progress.move(campaign_id, {S.AWAITING: -people, state: people})
    return campaign_id


def receipt(campaign_id: int, kind: ReceiptKind, seq: int = 1, **values: object) -> MailReceipt:
    mark = message_marks.return_path("bounces@shop.example")(campaign_id, seq).decode()
    return MailReceipt((mark,), kind, REASONS.get(kind), **values)  # type: ignore[arg-type]


def take(given: MailReceipt, way: ReceiptWay = ReceiptWay.MAILBOX) -> Taken:
    taken: Taken = in_transaction(mail_receipts.take, given, way)
    return taken


def barred() -> list[tuple[Channel, SuppressionSource, int | None]]:
    found = db.session.scalars(select(Suppression)).all()
    db.session.rollback()
    return [(each.channel, each.source, each.campaign_id) for each in found]


@pytest.mark.parametrize(
    ("kind", "state", "source"),
    [
        (K.DELIVERED, S.DELIVERED, None),
        (K.SOFT_BOUNCE, S.BOUNCED, None),
        (K.BLOCKED, S.BOUNCED, None),
        (K.HARD_BOUNCE, S.BOUNCED, SuppressionSource.BOUNCED),
        (K.COMPLAINT, S.DELIVERED, SuppressionSource.COMPLAINED),
    ],
)
@pytest.mark.parametrize("before", [S.SENT, S.UNCONFIRMED])
def test_a_receipt_moves_the_recipient(
    before: RecipientState, kind: ReceiptKind, state: RecipientState, source: SuppressionSource | None
) -> None:
    campaign_id = sent(before)
    left_at = ledger.row(campaign_id, 1).done_at
    assert take(receipt(campaign_id, kind, code="5.1.1", detail="unknown")) is Taken.MOVED
    row = ledger.row(campaign_id, 1)
    assert (row.state, row.reason, row.done_at) == (state, REASONS.get(kind), left_at)
    assert row.detail == ("5.1.1 unknown" if state is S.BOUNCED else None)
    assert barred() == ([(Channel.EMAIL, source, campaign_id)] if source else [])


@pytest.mark.parametrize("order", list(itertools.permutations([K.DELIVERED, K.SOFT_BOUNCE, K.HARD_BOUNCE])))
def test_reports_in_any_order_end_the_same(order: tuple[ReceiptKind, ...]) -> None:
    campaign_id = sent()
    for kind in order * 2:
        take(receipt(campaign_id, kind))
    row = ledger.row(campaign_id, 1)
    assert (row.state, row.reason) == (S.BOUNCED, Reason.INVALID_RECIPIENT)
    assert len(barred()) == 1


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])  # told() begins anew
@given(kinds=st.lists(st.sampled_from(K), min_size=1, max_size=6), shuffled=st.randoms(use_true_random=False))
def test_replayed_and_shuffled_receipts_end_the_same(message: int, kinds: list[ReceiptKind], shuffled: Random) -> None:
    again = kinds + kinds
    shuffled.shuffle(again)
    assert told(message, kinds) == told(message, again)


@pytest.fixture()
def message(app: Flask) -> int:
    return sent()


def told(campaign_id: int, order: list[ReceiptKind]) -> tuple[object, ...]:
    """What these receipts in this order make of a message that was just sent; the counters agree with it."""
    with transaction():
        was = ledger.row(campaign_id, 1).state
        db.session.execute(delete(Receipt))
        db.session.execute(delete(Suppression))
        db.session.execute(update(CampaignRecipient).values(state=S.SENT, reason=None))
        if was is not S.SENT:
            progress.move(campaign_id, {was: -1, S.SENT: 1})
    for kind in order:
        take(receipt(campaign_id, kind))
    row = ledger.row(campaign_id, 1)
    kept = sorted(each.kind.value for each in db.session.scalars(select(Receipt)))
    assert service.reconcile() == []
    db.session.rollback()
    return row.state, row.reason, kept, bool(barred())


@pytest.mark.parametrize("state", [S.AWAITING, S.FAILED, S.SKIPPED, S.STOPPED])
def test_a_message_that_never_left_does_not_come_back(state: RecipientState) -> None:
    campaign_id = sent(state)
    assert take(receipt(campaign_id, K.HARD_BOUNCE)) is Taken.KNOWN
    assert (ledger.states(campaign_id), barred()) == ({state.value: 1}, [])


def test_a_receipt_before_our_own_result_is_to_be_told_again() -> None:
    campaign_id = sent(S.SENDING)
    assert take(receipt(campaign_id, K.HARD_BOUNCE)) is Taken.LATER
    assert (ledger.states(campaign_id), barred()) == ({"sending": 1}, [])


def test_a_message_that_is_not_ours_is_not_known() -> None:
    campaign_id = sent()
    for stranger in (
        MailReceipt(("bounces@shop.example",), K.HARD_BOUNCE),
        receipt(campaign_id, K.HARD_BOUNCE, seq=9),
        receipt(campaign_id + 1, K.HARD_BOUNCE),
        MailReceipt((f"bounces+{'a' * 36}@shop.example",), K.HARD_BOUNCE),
    ):
        assert take(stranger) is Taken.UNKNOWN
    assert ledger.states(campaign_id) == {"sent": 1}


def test_soft_bounces_of_several_campaigns_in_a_month_bar_the_address() -> None:
    campaigns = [sent(email="anna@people.example") for _ in range(SOFT_LIMIT)]
    long_ago = clock.utcnow() - timedelta(days=29)
    for number, campaign_id in enumerate(campaigns, 1):
        assert barred() == []
        for _ in range(2):  # of one message it counts once
            take(receipt(campaign_id, K.SOFT_BOUNCE, at=long_ago + timedelta(days=number)))
    assert barred() == [(Channel.EMAIL, SuppressionSource.BOUNCED, campaigns[-1])]


def test_old_soft_bounces_and_refused_contents_do_not_count() -> None:
    campaigns = [sent(email="anna@people.example") for _ in range(SOFT_LIMIT + 1)]
    for campaign_id in campaigns[: SOFT_LIMIT - 1]:
        take(receipt(campaign_id, K.SOFT_BOUNCE))
    with transaction():
        db.session.execute(update(Receipt).values(happened_at=clock.utcnow() - timedelta(days=31)))
    take(receipt(campaigns[-2], K.BLOCKED))
    take(receipt(campaigns[-1], K.SOFT_BOUNCE))
    assert barred() == []


def test_a_time_that_cannot_be_is_not_believed() -> None:
    campaign_id = sent()
    take(receipt(campaign_id, K.HARD_BOUNCE, at=clock.utcnow() + timedelta(days=400)))
    assert db.session.scalars(select(Receipt.happened_at)).one() <= clock.utcnow()


def test_what_is_kept_says_how_it_came_and_what_was_said() -> None:
    campaign_id = sent()
    take(receipt(campaign_id, K.COMPLAINT, detail="abuse"), ReceiptWay.SES)
    kept = db.session.scalars(select(Receipt)).one()
    row = ledger.row(campaign_id, 1)
    assert (kept.kind, kept.came_by, kept.detail, kept.address_index) == (
        K.COMPLAINT,
        "ses",
        "abuse",
        row.address_index,
    )


def test_a_receipt_on_a_deleted_campaign_still_bars_the_address() -> None:
    gone = [sent(), sent(), sent()]
    for campaign_id in gone:
        in_transaction(service.delete_campaign, campaign_id)
    assert take(receipt(gone[0], K.SOFT_BOUNCE)) is Taken.KNOWN
    assert take(receipt(gone[1], K.HARD_BOUNCE)) is Taken.MOVED
    assert take(receipt(gone[2], K.COMPLAINT)) is Taken.MOVED
    assert [source for _, source, _ in barred()] == [SuppressionSource.BOUNCED, SuppressionSource.COMPLAINED]


def test_receipts_go_with_their_campaign() -> None:
    campaign_id = sent()
    take(receipt(campaign_id, K.HARD_BOUNCE))
    in_transaction(service.delete_campaign, campaign_id)
    assert db.session.scalars(select(Receipt)).all() == []


def test_many_are_told_each_by_itself() -> None:
    campaign_id = sent(people=3)
    told = [receipt(campaign_id, K.DELIVERED, seq) for seq in (1, 2, 3, 1)]
    told.append(replace(told[0], keys=()))
    taken = in_transaction(mail_receipts.take_all, told, ReceiptWay.SENDGRID)
    assert taken == [Taken.MOVED, Taken.MOVED, Taken.MOVED, Taken.KNOWN, Taken.UNKNOWN]
    assert ledger.counters(campaign_id) == {"delivered": 3}
