"""The report of a campaign: its counts, its reasons and its recipients agree with the ledger."""

import pytest
from flask import Flask
from sqlalchemy import event

from app.campaigns import service as campaigns
from app.campaigns.lifecycle import CampaignStatus
from app.channels.contract import Fault, Outcome, Reason, SendResult
from app.extensions import db
from app.kernel.db import transaction
from app.kernel.errors import NotFound
from app.reports import metrics, recipients
from app.sending import engagement, removals
from app.sending.claim import Claim, ClaimOrder
from app.sending.selection import RecipientFilter
from app.sending.states import RecipientState, Shown
from jobs import sending as jobs
from tests import factories
from tests.sending import ledger

pytestmark = pytest.mark.usefixtures("true_counters")

REFUSED = SendResult(Outcome.REFUSED, Fault.RECIPIENT, Reason.REJECTED, "550", "no")
LOST = SendResult(Outcome.UNCONFIRMED, Fault.PROVIDER, Reason.REPLY_LOST)
DEFERRED = SendResult(Outcome.DEFERRED, Fault.RECIPIENT, Reason.REJECTED, "450", "later")


def claimed(people: int, **values: object) -> tuple[int, ClaimOrder, Claim]:
    campaign_id = ledger.sending_campaign(people, **values)
    order = ledger.order_of(campaign_id)
    found = ledger.take(order)
    assert isinstance(found, Claim)
    return campaign_id, order, found


def mixed_campaign() -> int:
    """Six people: two sent, one refused, one lost, one deferred, and one without an address."""
    with transaction():
        people = factories.folder()
        factories.contact(people, email=None, phone="+48600000001", first_name="Nobody")
        factories.contacts(5, people)
        made = factories.campaign(people)
        campaigns.publish(made.id, "me")
        campaign_id = made.id
    jobs.settle_campaign(campaign_id)
    jobs.look_at_campaigns()
    order = ledger.order_of(campaign_id)
    found = ledger.take(order)
    assert isinstance(found, Claim)
    results = {4: REFUSED, 5: LOST, 6: DEFERRED}
    ledger.keep(order, found, lambda seq: results.get(seq, ledger.ACCEPTED))
    return campaign_id


def report(campaign_id: int) -> metrics.CampaignReport:
    with transaction():
        return metrics.campaign_report(campaign_id)


def test_the_report_counts_everybody_once_by_what_people_are_shown(app: Flask) -> None:
    found = report(mixed_campaign())
    assert found.counts == {
        Shown.AWAITING: 1,
        Shown.PROCESSING: 0,
        Shown.SENT: 2,
        Shown.FAILED: 1,
        Shown.UNCONFIRMED: 1,
        Shown.SKIPPED: 1,
    }
    assert found.total == 6 and found.status is CampaignStatus.SENDING


def test_who_is_on_the_way_is_processing(app: Flask) -> None:
    campaign_id, order, found = claimed(2)
    assert report(campaign_id).counts[Shown.PROCESSING] == 2
    ledger.keep(order, found)
    assert report(campaign_id).counts[Shown.SENT] == 2


def test_a_draft_has_a_report_of_zeros_and_no_campaign_none(app: Flask) -> None:
    with transaction():
        campaign_id = factories.ready_campaign(3).id
    found = report(campaign_id)
    assert (found.total, set(found.counts.values()), found.status) == (0, {0}, CampaignStatus.DRAFT)
    with pytest.raises(NotFound):
        report(campaign_id + 1)


def test_opens_clicks_and_opt_outs_are_counted_beside_the_states(app: Flask) -> None:
    campaign_id = mixed_campaign()
    with transaction():
        engagement.record_open(campaign_id, 2)
        engagement.record_click(campaign_id, 2)
        engagement.record_open(campaign_id, 3)
        engagement.unsubscribe(campaign_id, 3)
    found = report(campaign_id)
    assert (found.opened, found.clicked, found.unsubscribed) == (2, 1, 1) and found.counts[Shown.SENT] == 2


def test_the_report_says_what_the_campaign_waits_for(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(1)
    with transaction():
        campaigns.wait(campaigns.get(campaign_id), "outside the hours", None)
    assert report(campaign_id).waiting_for == "outside the hours"


def test_the_report_reads_the_same_few_rows_however_many_people_there_are(app: Flask) -> None:
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked.append(statement)

    campaign_id = ledger.sending_campaign(30)
    event.listen(db.engine, "before_cursor_execute", note)
    try:
        report(campaign_id)
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert asked and not any("campaign_recipient" in statement for statement in asked)


def test_reasons_say_why_people_were_not_sent_to_the_most_frequent_first(app: Flask) -> None:
    campaign_id, order, found = claimed(4)
    results = {1: REFUSED, 2: REFUSED, 3: LOST}
    ledger.keep(order, found, lambda seq: results.get(seq, ledger.ACCEPTED))
    with transaction():
        assert metrics.reasons(campaign_id).rows == [
            (RecipientState.FAILED, Reason.REJECTED, 2),
            (RecipientState.UNCONFIRMED, Reason.REPLY_LOST, 1),
        ]


def test_a_deferral_is_no_reason_while_the_person_still_waits(app: Flask) -> None:
    campaign_id, order, found = claimed(1)
    ledger.keep(order, found, lambda _seq: DEFERRED)
    with transaction():
        assert metrics.reasons(campaign_id).rows == []
        assert [row.detail for row in recipients.page(campaign_id, RecipientFilter(), 0, 10).rows] == ["450 later"]


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The campaigns whose reasons are counted from now on, each time."""
    asked: list[int] = []
    count = metrics._count
    monkeypatch.setattr(metrics, "_count", lambda each, key: asked.append(each) or count(each, key))
    return asked


def test_reasons_are_counted_again_only_when_the_counters_moved(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign_id = mixed_campaign()
    asked = counted(monkeypatch)
    with transaction():
        first = metrics.reasons(campaign_id)
        assert metrics.reasons(campaign_id) == first
    assert asked == [campaign_id]
    removals.remove(campaign_id, ledger.row(campaign_id, 6).contact_id, "me")
    with transaction():
        assert metrics.reasons(campaign_id).rows != first.rows
    assert asked == [campaign_id] * 2


def test_reasons_that_take_long_to_count_are_kept_a_while(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign_id = mixed_campaign()
    asked, now = counted(monkeypatch), [1000.0]
    monkeypatch.setattr(metrics, "SLOW_SECONDS", -1)
    monkeypatch.setattr(metrics.clock, "steady", lambda: now.__setitem__(0, now[0] + 1) or now[0])
    with transaction():
        first = metrics.reasons(campaign_id)  # from 1001 to 1002: a second
    removals.remove(campaign_id, ledger.row(campaign_id, 6).contact_id, "me")
    with transaction():
        assert metrics.reasons(campaign_id) == first
        now[0] = 1011.0
        assert metrics.reasons(campaign_id) != first
    assert asked == [campaign_id] * 2


def test_reasons_follow_the_end_of_a_campaign_though_no_counter_moves(app: Flask) -> None:
    campaign_id = mixed_campaign()
    with transaction():
        campaigns.unpublish(campaign_id, "me")
    jobs.settle_campaign(campaign_id)
    with transaction():
        before = metrics.reasons(campaign_id).rows
        assert (RecipientState.STOPPED, Reason.CAMPAIGN_UNPUBLISHED, 1) in before
        campaigns.end(campaign_id, "me")
    jobs.settle_campaign(campaign_id)
    with transaction():
        assert (RecipientState.STOPPED, Reason.CAMPAIGN_ENDED, 1) in metrics.reasons(campaign_id).rows
