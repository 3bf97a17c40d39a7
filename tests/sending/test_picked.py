"""People whom missions put into a campaign: planned beside the folders, and out of it whatever is going on there."""

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import Select, event, select
from sqlalchemy.exc import OperationalError

from app.audience import service as audience
from app.campaigns import service as campaigns
from app.campaigns.models import Campaign, PickSource
from app.channels.contract import Outcome, Reason, SendResult
from app.extensions import db
from app.kernel.db import transaction
from app.sending import picked, plan, removals
from app.sending.claim import Claim
from app.sending.picked import Leaving
from app.sending.states import RecipientState
from jobs import sending as jobs
from tests import factories
from tests.factories import BY
from tests.sending import ledger

pytestmark = pytest.mark.usefixtures("true_counters")

BACK = SendResult(Outcome.NOT_TRANSMITTED)
DEFERRED = SendResult(Outcome.DEFERRED, code="451", detail="later")
MISSION = 7


def put_in(campaign_id: int, contact_id: int, mission_id: int = MISSION) -> None:
    with transaction():
        picked.put_in(campaign_id, PickSource.MISSION, {mission_id: contact_id}, BY)
        campaigns.run_on_picked(campaign_id, BY)
    jobs.settle_campaign(campaign_id)


def let_go(campaign_id: int, contact_id: int, mission_id: int = MISSION) -> Leaving:
    with transaction():
        return picked.let_go(campaign_id, contact_id, PickSource.MISSION, mission_id, "closed", BY)


def somebody(**values: str) -> int:
    with transaction():
        return factories.contact(**values).id


def with_picked(people: int = 1) -> tuple[int, int]:
    """A campaign that is being sent to so many people and to one that a mission brought, the last row."""
    campaign_id, contact_id = ledger.sending_campaign(people), somebody()
    put_in(campaign_id, contact_id)
    jobs.look_at_campaigns()
    return campaign_id, contact_id


def claimed(campaign_id: int) -> tuple[Callable[..., bool], list[int]]:
    """Everything that can be claimed, in the hands of workers: how to record it, and whom it is about."""
    order = ledger.order_of(campaign_id)
    found = [each for each in (ledger.take(order), ledger.take(order)) if isinstance(each, Claim)]
    assert len(found) == 2

    def keep(result: SendResult) -> bool:
        return all(ledger.keep(order, each, lambda _seq: result) for each in found)

    return keep, [row.seq for each in found for row in each.rows]


def test_people_in_a_folder_and_put_in_by_two_missions_get_one_row(app: Flask) -> None:
    campaign_id, contact_id = with_picked()
    with transaction():
        first = campaigns.get(campaign_id).folders[0].id
        audience.add_to_folder(first, [contact_id])
    put_in(campaign_id, contact_id, MISSION + 1)
    put_in(campaign_id, contact_id, MISSION)
    assert ledger.counters(campaign_id) == {"awaiting": 2}


def test_of_two_with_the_same_second_address_one_is_written_to(app: Flask) -> None:
    with transaction():
        folder = factories.folder()
        factories.contact(folder, second_email="same@people.example")
        campaign_id = factories.campaign(folder, to_second_email=True).id
        campaigns.publish(campaign_id, BY)
    put_in(campaign_id, somebody(second_email="same@people.example"))
    assert ledger.counters(campaign_id) == {"awaiting": 1, "skipped": 1}
    assert ledger.row(campaign_id, 2).reason is Reason.DUPLICATE_ADDRESS


def test_a_campaign_without_picked_people_pays_one_question(app: Flask) -> None:
    with transaction():
        campaign = factories.live_campaign(3)
        statements: list[str] = []
        listener = lambda _connection, _cursor, text, *_rest: statements.append(text)  # noqa: E731
        event.listen(db.engine, "before_cursor_execute", listener)
        try:
            assert plan.plan(campaign) == 3
        finally:
            event.remove(db.engine, "before_cursor_execute", listener)
    about = [text for text in statements if "campaign_contact" in text]
    assert len(about) == 1 and about[0].startswith("SELECT"), statements
    assert len([text for text in statements if text.startswith("INSERT INTO campaign_recipient")]) == 1


def test_people_come_beside_a_plan_in_batches_of_their_own(app: Flask) -> None:
    campaign_id, _contact_id = with_picked(2)
    first, second = ledger.batch(campaign_id, 1), ledger.batch(campaign_id, 2)
    assert ((first.lo, first.hi), (second.lo, second.hi)) == ((1, 2), (3, 3))


@pytest.mark.parametrize("result", [BACK, DEFERRED], ids=["not sent", "deferred"])
def test_who_was_let_go_while_the_message_was_on_its_way_and_comes_back_stays_out(
    app: Flask, result: SendResult
) -> None:
    campaign_id, contact_id = with_picked()
    keep, seqs = claimed(campaign_id)
    assert seqs == [1, 2]
    assert let_go(campaign_id, contact_id) is Leaving.TOO_LATE
    assert keep(result)
    assert ledger.counters(campaign_id) == {"awaiting": 1, "stopped": 1}
    row = ledger.row(campaign_id, 2)
    assert (row.reason, row.not_before) == (Reason.MISSION_CLOSED, None)


def test_who_was_let_go_on_the_way_and_whom_a_folder_holds_goes_on(app: Flask) -> None:
    campaign_id, contact_id = with_picked()
    keep, _seqs = claimed(campaign_id)
    let_go(campaign_id, contact_id)
    with transaction():
        audience.add_to_folder(campaigns.get(campaign_id).folders[0].id, [contact_id])
    keep(BACK)
    assert ledger.counters(campaign_id) == {"awaiting": 2}


def test_what_was_sent_in_spite_of_it_is_sent(app: Flask) -> None:
    campaign_id, contact_id = with_picked()
    keep, _seqs = claimed(campaign_id)
    let_go(campaign_id, contact_id)
    keep(ledger.ACCEPTED)
    assert ledger.counters(campaign_id) == {"sent": 2}


def test_who_comes_back_to_an_unpublished_campaign_without_a_mission_does_not_go_on_with_it(app: Flask) -> None:
    campaign_id, contact_id = with_picked()
    keep, _seqs = claimed(campaign_id)
    let_go(campaign_id, contact_id)
    for step in (campaigns.unpublish, campaigns.publish):
        with transaction():
            step(campaign_id, BY)
        jobs.settle_campaign(campaign_id)
        if step is campaigns.unpublish:
            keep(BACK)
            assert ledger.counters(campaign_id) == {"stopped": 2}
    assert ledger.counters(campaign_id) == {"awaiting": 1, "stopped": 1}
    assert ledger.row(campaign_id, 2).reason is Reason.MISSION_CLOSED


def test_a_folder_lets_somebody_in_again_whose_mission_was_closed(app: Flask) -> None:
    campaign_id, contact_id = with_picked()
    assert let_go(campaign_id, contact_id) is Leaving.TAKEN_OUT
    order = ledger.order_of(campaign_id)
    ledger.keep(order, ledger.take(order))
    jobs.look_at_campaigns()  # it is finished, and every batch closed
    with transaction():
        folder = factories.folder()
        audience.add_to_folder(folder.id, [contact_id])
        campaigns.run_on_folders(campaign_id, [folder.id], BY)
    jobs.settle_campaign(campaign_id)
    jobs.look_at_campaigns()
    assert ledger.counters(campaign_id) == {"awaiting": 1, "sent": 1}
    found = ledger.take(ledger.order_of(campaign_id))
    assert isinstance(found, Claim) and [row.seq for row in found.rows] == [2]


def test_somebody_removed_by_a_person_is_not_let_in_again(app: Flask) -> None:
    campaign_id, contact_id = with_picked()
    with transaction():
        removals.remove(campaign_id, contact_id, BY)
    assert let_go(campaign_id, contact_id) is Leaving.OVER
    put_in(campaign_id, contact_id)
    assert ledger.row(campaign_id, 2).reason is Reason.REMOVED_BY_USER


def test_a_paused_campaign_lets_people_in_again_when_it_starts(app: Flask) -> None:
    campaign_id, contact_id = with_picked()
    let_go(campaign_id, contact_id)
    with transaction():
        campaigns.stop(campaign_id, BY)
    put_in(campaign_id, contact_id)
    assert ledger.row(campaign_id, 2).state is RecipientState.STOPPED
    with transaction():
        campaigns.start(campaign_id, BY)
    jobs.settle_campaign(campaign_id)
    assert ledger.row(campaign_id, 2).state is RecipientState.AWAITING


def is_locked(statement: Select[int]) -> bool:
    """Whether that statement of another session has to wait."""
    with db.engine.connect() as other:
        other.exec_driver_sql("SET innodb_lock_wait_timeout=1")
        try:
            other.execute(statement)
        except OperationalError as error:
            assert "Lock wait timeout" in str(error)
            return True
        finally:
            other.rollback()
            other.exec_driver_sql("SET innodb_lock_wait_timeout=DEFAULT")
        return False


@pytest.mark.mariadb
def test_a_plan_and_a_mission_that_closes_wait_for_each_other(app: Flask) -> None:
    campaign_id, contact_id = with_picked()
    row = select(Campaign.id).where(Campaign.id == campaign_id)
    with transaction():
        picked.let_go(campaign_id, contact_id, PickSource.MISSION, MISSION, "closed", BY)
        assert is_locked(row.with_for_update(read=True))  # what a plan asks for
    with transaction():
        plan.plan(db.session.get_one(Campaign, campaign_id))
        assert is_locked(row.with_for_update())  # what letting go asks for
        assert not is_locked(row.with_for_update(read=True))
