"""Who is removed stays out whatever comes, and who is put back gets the message once."""

import threading
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import event, select

from app.audience import service as audience
from app.audience.suppressions import suppress_email
from app.campaigns import removal_log
from app.campaigns import service as campaigns
from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import Campaign, PickSource, Removal
from app.channels.contract import Outcome, Reason, SendResult
from app.extensions import db
from app.kernel.db import in_transaction, transaction
from app.kernel.errors import Conflict, InvalidInput, NotFound
from app.sending import picked, removals, service
from app.sending import plan as plan_of
from app.sending.claim import Claim
from app.sending.removals import Removed, Restored
from app.sending.states import BatchState, RecipientState
from jobs import sending as jobs
from tests import factories
from tests.sending import ledger
from tests.sending.test_picked import is_locked

pytestmark = pytest.mark.usefixtures("true_counters")

BY = "ann"
REFUSED = SendResult(Outcome.REFUSED, reason=Reason.REJECTED, code="550", detail="no")


def remove(campaign_id: int, contact_id: int, why: str = "") -> Removed:
    with transaction():
        return removals.remove(campaign_id, contact_id, BY, why)


def restore(removal_id: int, by: str = "bob") -> Restored:
    with transaction():
        return removals.restore(removal_id, by)


def entries(campaign_id: int) -> list[Removal]:
    db.session.rollback()
    return list(db.session.scalars(select(Removal).where(Removal.campaign_id == campaign_id).order_by(Removal.id)))


def contact_of(campaign_id: int, seq: int) -> int:
    return ledger.row(campaign_id, seq).contact_id


def send_all(campaign_id: int, result: SendResult = ledger.ACCEPTED) -> list[int]:
    """Send what can be claimed; returns to whom."""
    order, sent = ledger.order_of(campaign_id), []
    while isinstance(found := ledger.take(order), Claim):
        sent += [row.seq for row in found.rows]
        ledger.keep(order, found, lambda _seq: result)
    jobs.look_at_campaigns()
    return sent


def draft(people: int = 2) -> tuple[int, list[int]]:
    """A draft with so many people in its folder."""
    with transaction():
        folder = factories.folder()
        ids = [contact.id for contact in factories.contacts(people, folder)]
        return factories.campaign(folder).id, ids


def plan(campaign_id: int) -> None:
    with transaction():
        campaigns.publish(campaign_id, BY)
    jobs.settle_campaign(campaign_id)


def status(campaign_id: int) -> CampaignStatus:
    db.session.rollback()
    return campaigns.get(campaign_id).status


def test_a_removal_is_written_down_with_the_names_of_that_time(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(2)
    contact_id = contact_of(campaign_id, 1)
    with transaction():
        names = str(db.session.get_one(audience.Contact, contact_id)), campaigns.get(campaign_id).name
    assert remove(campaign_id, contact_id, "  asked by phone ") is Removed.STOPPED
    (entry,) = entries(campaign_id)
    assert (entry.client_name, entry.campaign_name, entry.removed_by, entry.why) == (*names, BY, "asked by phone")
    assert (entry.reason, entry.state_before, entry.restored_at) == (Reason.REMOVED_BY_USER, "awaiting", None)


def test_to_remove_somebody_twice_changes_nothing(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(1)
    contact_id = contact_of(campaign_id, 1)
    remove(campaign_id, contact_id)
    assert remove(campaign_id, contact_id) is Removed.ALREADY
    assert len(entries(campaign_id)) == 1


def test_a_reason_that_is_too_long_is_refused_and_removes_nobody(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(1)
    with pytest.raises(InvalidInput) as caught:
        remove(campaign_id, contact_of(campaign_id, 1), "x" * 256)
    assert caught.value.field == "why"
    assert ledger.counters(campaign_id) == {"awaiting": 1}


# --- before, and after: planned, run again, imported again, duplicated


def test_who_is_removed_before_the_plan_is_never_in_line(app: Flask) -> None:
    campaign_id, people = draft(3)
    assert remove(campaign_id, people[1]) is Removed.KEPT_OUT
    plan(campaign_id)
    assert ledger.counters(campaign_id) == {"awaiting": 2, "stopped": 1}
    row = ledger.row(campaign_id, 2)
    assert (row.reason, row.detail) == (Reason.REMOVED_BY_USER, f"removed by {BY}")
    jobs.look_at_campaigns()
    assert send_all(campaign_id) == [1, 3]


def test_who_is_removed_comes_back_neither_with_a_folder_nor_with_a_mission(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(1)
    with transaction():
        more = factories.folder()
        newcomer = factories.contact(more).id
    remove(campaign_id, newcomer)
    with transaction():
        campaigns.run_on_folders(campaign_id, [more.id], BY)
    jobs.settle_campaign(campaign_id)
    assert ledger.row(campaign_id, 2).reason is Reason.REMOVED_BY_USER
    with transaction():
        picked.put_in(campaign_id, PickSource.MISSION, {7: newcomer}, BY)
        campaigns.run_on_picked(campaign_id, BY)
    jobs.settle_campaign(campaign_id)
    assert ledger.counters(campaign_id) == {"awaiting": 1, "stopped": 1}


def test_who_is_skipped_for_a_reason_of_their_own_keeps_it(app: Flask) -> None:
    campaign_id, people = draft(1)
    with transaction():
        suppress_email(audience.addresses_of(db.session.get_one(audience.Contact, people[0])).email)
    remove(campaign_id, people[0])
    plan(campaign_id)
    assert ledger.row(campaign_id, 1).reason is Reason.SUPPRESSED
    assert restore(entries(campaign_id)[0].id) is Restored.STAYS_OUT


def test_who_was_deleted_and_imported_again_is_known_by_the_address(app: Flask) -> None:
    campaign_id, people = draft(1)
    with transaction():
        folder = campaigns.get(campaign_id).folders[0].id
        email = audience.addresses_of(db.session.get_one(audience.Contact, people[0])).email
    remove(campaign_id, people[0])
    with transaction():
        audience.delete_contact(people[0])
    jobs.forget_former()
    (entry,) = entries(campaign_id)
    assert (entry.contact_id, entry.client_name) == (None, "")
    with transaction():
        again = audience.create_contact({"email": email, "first_name": "Zoe"}, [folder]).id
    plan(campaign_id)
    assert ledger.row(campaign_id, 1).reason is Reason.REMOVED_BY_USER
    (entry,) = entries(campaign_id)
    assert (entry.contact_id, entry.client_name) == (again, "Zoe")


def test_a_duplicate_keeps_out_whom_the_original_does(app: Flask) -> None:
    campaign_id, people = draft(2)
    remove(campaign_id, people[0], "competitor")
    remove(campaign_id, people[1])
    restore(entries(campaign_id)[1].id)
    with transaction():
        copy_id = campaigns.duplicate(campaign_id, "bob").id
    (entry,) = entries(copy_id)
    assert (entry.contact_id, entry.removed_by, entry.why) == (people[0], BY, "competitor")
    plan(copy_id)
    assert ledger.counters(copy_id) == {"awaiting": 1, "stopped": 1}


def test_the_log_outlives_its_campaign(app: Flask) -> None:
    campaign_id, people = draft(1)
    remove(campaign_id, people[0])
    with transaction():
        service.delete_campaign(campaign_id)
    (entry,) = entries(campaign_id)
    assert entry.client_name
    with pytest.raises(NotFound):
        restore(entry.id)


def test_a_plan_without_removals_asks_for_them_once(app: Flask) -> None:
    campaign_id, _people = draft(3)
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if " removal" in statement:
            asked.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        plan(campaign_id)
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert len(asked) == 1
    assert ledger.counters(campaign_id) == {"awaiting": 3}


def test_many_removals_are_stopped_in_portions(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removals, "CONTACTS_AT_ONCE", 2)
    campaign_id, people = draft(7)
    for contact_id in people[:5]:
        remove(campaign_id, contact_id)
    plan(campaign_id)
    assert ledger.counters(campaign_id) == {"awaiting": 2, "stopped": 5}
    with transaction():
        assert removal_log.numbers([campaign_id, 99]) == {campaign_id: 5}


# --- by addresses


def test_several_addresses_are_removed_and_each_that_was_not_is_named(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(1)
    with transaction():
        folder = campaigns.get(campaign_id).folders[0]
        for name in ("a", "b"):
            factories.contact(folder, email=f"{name}@people.example")
    written = ["a@people.example", "nobody@people.example", "b", "b@people.example"]
    with transaction():
        taken = removals.remove_addressed(campaign_id, written, BY, "moved away")
    assert (taken.removed, taken.already, list(taken.refused)) == (2, 0, ["nobody@people.example", "b"])
    with transaction():
        again = removals.remove_addressed(campaign_id, ["a@people.example"], BY)
    assert (again.removed, again.already, again.refused) == (0, 1, {})
    assert {entry.why for entry in entries(campaign_id)} == {"moved away"}


@pytest.mark.parametrize("addresses", [[], [f"a{number}@people.example" for number in range(501)]])
def test_no_address_and_too_many_are_refused(app: Flask, addresses: list[str]) -> None:
    campaign_id, _people = draft(1)
    with pytest.raises(InvalidInput), transaction():
        removals.remove_addressed(campaign_id, addresses, BY)


# --- putting back


def test_who_is_put_back_gets_the_message_once(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(2)
    remove(campaign_id, contact_of(campaign_id, 1))
    (entry,) = entries(campaign_id)
    assert restore(entry.id) is Restored.WAITS
    assert ledger.counters(campaign_id) == {"awaiting": 2}
    with pytest.raises(Conflict, match="bob has put this client back"):
        restore(entry.id)
    assert send_all(campaign_id) == [1, 2]
    assert ledger.counters(campaign_id) == {"sent": 2}


def test_a_finished_campaign_goes_on_with_who_is_put_back_and_takes_nobody_new(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(2)
    remove(campaign_id, contact_of(campaign_id, 1))
    assert send_all(campaign_id) == [2]
    assert status(campaign_id) is CampaignStatus.FINISHED
    with transaction():
        factories.contact(campaigns.get(campaign_id).folders[0])
    assert ledger.batch(campaign_id).state is BatchState.DONE
    assert restore(entries(campaign_id)[0].id) is Restored.WAITS
    assert ledger.batch(campaign_id).state is BatchState.WAITING
    jobs.look_at_campaigns()
    assert status(campaign_id) is CampaignStatus.SENDING
    assert send_all(campaign_id) == [1]
    assert ledger.counters(campaign_id) == {"sent": 2}
    assert status(campaign_id) is CampaignStatus.FINISHED


def test_who_waited_for_another_try_is_sent_to_at_once(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(2)
    order = ledger.order_of(campaign_id)
    found = ledger.take(order)
    assert isinstance(found, Claim)
    ledger.keep(order, found, lambda _seq: SendResult(Outcome.DEFERRED, code="451", detail="later"))
    remove(campaign_id, contact_of(campaign_id, 2))
    assert restore(entries(campaign_id)[0].id) is Restored.WAITS
    again = ledger.take(order)
    assert isinstance(again, Claim) and [row.seq for row in again.rows] == [2]
    ledger.keep(order, again)


def test_what_kept_the_message_away_before_still_does(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(1)
    send_all(campaign_id, REFUSED)
    remove(campaign_id, contact_of(campaign_id, 1))
    assert ledger.counters(campaign_id) == {"stopped": 1}
    assert restore(entries(campaign_id)[0].id) is Restored.STAYS_OUT
    row = ledger.row(campaign_id, 1)
    assert (row.state, row.reason) == (RecipientState.FAILED, Reason.REJECTED)


def test_who_is_put_back_into_an_unpublished_campaign_waits_for_it(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(2)
    remove(campaign_id, contact_of(campaign_id, 1))
    with transaction():
        campaigns.unpublish(campaign_id, BY)
    jobs.settle_campaign(campaign_id)
    assert restore(entries(campaign_id)[0].id) is Restored.HELD
    assert ledger.row(campaign_id, 1).reason is Reason.CAMPAIGN_UNPUBLISHED
    plan(campaign_id)
    assert ledger.counters(campaign_id) == {"awaiting": 2}


def test_who_is_put_back_before_the_plan_is_planned_as_everybody(app: Flask) -> None:
    campaign_id, people = draft(2)
    remove(campaign_id, people[0])
    assert restore(entries(campaign_id)[0].id) is Restored.TAKEN_IN_LATER
    plan(campaign_id)
    assert ledger.counters(campaign_id) == {"awaiting": 2}
    remove(campaign_id, people[0])
    assert ledger.counters(campaign_id) == {"awaiting": 1, "stopped": 1}


def test_nobody_is_put_back_into_a_campaign_that_was_ended(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(2)
    remove(campaign_id, contact_of(campaign_id, 1))
    with transaction():
        campaigns.end(campaign_id, BY)
    jobs.settle_campaign(campaign_id)
    with pytest.raises(Conflict, match="ended for ever"):
        restore(entries(campaign_id)[0].id)
    assert entries(campaign_id)[0].restored_at is None


def test_what_was_sent_is_not_sent_again_and_says_so(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(1)
    remove(campaign_id, contact_of(campaign_id, 1))
    entry_id = entries(campaign_id)[0].id
    restore(entry_id)
    send_all(campaign_id)
    with transaction():  # as if the entry had been left open
        db.session.get_one(Removal, entry_id).restored_at = None
    with pytest.raises(Conflict, match="already left"):
        restore(entry_id)
    assert ledger.counters(campaign_id) == {"sent": 1}


def test_a_finished_campaign_that_cannot_be_launched_takes_nobody_back(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(1)
    remove(campaign_id, contact_of(campaign_id, 1))
    jobs.look_at_campaigns()
    assert status(campaign_id) is CampaignStatus.FINISHED
    with transaction():
        account = db.session.get_one(Campaign, campaign_id).smtp_account
        assert account is not None
        account.is_enabled = False
    with pytest.raises(InvalidInput, match="switched off"):
        restore(entries(campaign_id)[0].id)
    assert ledger.counters(campaign_id) == {"stopped": 1}
    assert entries(campaign_id)[0].restored_at is None


# --- missions


@pytest.fixture()
def mission() -> Callable[..., tuple[int, int]]:
    def put(campaign_id: int) -> tuple[int, int]:
        with transaction():
            contact_id = factories.contact().id
            picked.put_in(campaign_id, PickSource.MISSION, {7: contact_id}, BY)
            campaigns.run_on_picked(campaign_id, BY)
        jobs.settle_campaign(campaign_id)
        return campaign_id, contact_id

    return put


def test_a_closed_mission_stands_in_the_log_and_an_open_one_brings_them_back(
    app: Flask, mission: Callable[..., tuple[int, int]]
) -> None:
    campaign_id, contact_id = mission(ledger.sending_campaign(1))
    with transaction():
        picked.let_go(campaign_id, contact_id, PickSource.MISSION, 7, "mission 7 was closed by ann", BY)
    (entry,) = entries(campaign_id)
    assert (entry.reason, entry.why, entry.removed_by) == (Reason.MISSION_CLOSED, "mission 7 was closed by ann", BY)
    with pytest.raises(Conflict, match="closed mission"):
        restore(entry.id)
    with transaction():
        picked.put_in(campaign_id, PickSource.MISSION, {8: contact_id}, "bob")
        campaigns.run_on_picked(campaign_id, "bob")
    jobs.settle_campaign(campaign_id)
    (entry,) = entries(campaign_id)
    assert entry.restored_at is not None and entry.restored_by == "bob"
    assert ledger.counters(campaign_id) == {"awaiting": 2}


def test_a_folder_that_brings_the_client_of_a_closed_mission_back_closes_the_entry(
    app: Flask, mission: Callable[..., tuple[int, int]]
) -> None:
    campaign_id, contact_id = mission(ledger.sending_campaign(1))
    with transaction():
        picked.let_go(campaign_id, contact_id, PickSource.MISSION, 7, "closed", BY)
        folder = factories.folder()
        audience.add_to_folder(folder.id, [contact_id])
        campaigns.run_on_folders(campaign_id, [folder.id], "eve")
    jobs.settle_campaign(campaign_id)
    assert [entry.restored_by for entry in entries(campaign_id)] == ["eve"]
    assert ledger.counters(campaign_id) == {"awaiting": 2}


# --- at the same moment


@pytest.mark.parametrize("time", range(3))
def test_a_removal_in_the_middle_of_a_plan_is_never_lost(app: Flask, time: int) -> None:
    campaign_id, people = draft(40)
    with transaction():
        campaigns.publish(campaign_id, BY)
    ready = threading.Barrier(2)

    def removing() -> None:
        with app.app_context():
            ready.wait()
            in_transaction(removals.remove, campaign_id, people[20], BY)
            db.session.remove()

    thread = threading.Thread(target=removing)
    thread.start()
    ready.wait()
    jobs.settle_campaign(campaign_id)
    thread.join(30)
    assert ledger.row(campaign_id, 21).reason is Reason.REMOVED_BY_USER
    assert ledger.counters(campaign_id) == {"awaiting": 39, "stopped": 1}


def test_two_people_put_somebody_back_at_once_and_one_message_leaves(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(2)
    remove(campaign_id, contact_of(campaign_id, 1))
    entry_id = entries(campaign_id)[0].id
    db.session.rollback()
    ready, came = threading.Barrier(2), list[object]()

    def restoring() -> None:
        with app.app_context():
            ready.wait()
            try:
                came.append(in_transaction(removals.restore, entry_id, BY))
            except Conflict as error:
                came.append(type(error))
            db.session.remove()

    threads = [threading.Thread(target=restoring) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(came, key=str) == [Conflict, Restored.WAITS]
    assert send_all(campaign_id) == [1, 2]


@pytest.mark.mariadb
def test_a_plan_and_a_removal_wait_for_each_other(app: Flask) -> None:
    campaign_id, people = draft(2)
    row = select(Campaign.id).where(Campaign.id == campaign_id)
    with transaction():
        removals.remove(campaign_id, people[0], BY)
        assert is_locked(row.with_for_update(read=True))  # what a plan asks for
    with transaction():
        campaigns.publish(campaign_id, BY)
    with transaction():
        plan_of.plan(db.session.get_one(Campaign, campaign_id))
        assert is_locked(row.with_for_update())  # what a removal asks for
