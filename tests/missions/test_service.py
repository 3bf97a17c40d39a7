"""Missions: writing and moving them, and what their clients' campaigns see of it."""

import itertools
from datetime import date
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.audience import service as audience
from app.audience.models import Contact, SuppressionSource
from app.campaigns import service as campaigns
from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import CampaignContact
from app.channels.contract import Channel, Reason
from app.extensions import db
from app.kernel.db import transaction
from app.kernel.errors import Conflict, InvalidInput, NotFound
from app.missions import queries
from app.missions import service as missions
from app.missions.models import Mission, MissionCampaign
from app.missions.states import CLOSED, MissionPriority, MissionStatus
from app.sending import removals
from app.sending import service as sending
from app.sending.picked import Leaving
from app.sending.standing import Standing
from app.sending.states import RecipientState, Shown
from jobs import sending as jobs
from tests import factories
from tests.campaigns.helpers import AT_ONCE, at_once, in_state
from tests.factories import BY
from tests.sending import ledger

pytestmark = pytest.mark.usefixtures("true_counters")

S = MissionStatus


def settled(campaign_id: int) -> None:
    jobs.settle_campaign(campaign_id)


def committed(make: Any) -> Any:
    """What that step makes, committed, by its id."""
    with transaction():
        return make().id


def join(campaign_id: int, *mission_ids: int) -> missions.Joined:
    """Add the campaign to the missions and let the ledger follow."""
    with transaction():
        joined = missions.add_campaign(mission_ids, campaign_id, BY)
    settled(campaign_id)
    return joined


def close(mission_id: int, status: MissionStatus = S.DONE) -> Any:
    with transaction():
        return missions.change(mission_id, {"status": status}, "ann")


def client_of(mission_id: int) -> int:
    with transaction():
        client = missions.get(mission_id).contact_id
    assert client is not None
    return client


def result(mission_id: int) -> queries.Result:
    with transaction():
        (found,) = queries.results(mission_id)
    return found


# --- writing


def test_a_new_mission_is_open_and_stamped(app: Flask) -> None:
    mission = factories.mission(title=" Call them ")
    assert (mission.title, mission.status, mission.priority) == ("Call them", S.OPEN, MissionPriority.NORMAL)
    assert (mission.created_by, mission.changed_by, mission.closed_at) == (BY, BY, None)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"title": " "}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"contact_id": None}, "contact_id"),
        ({"contact_id": 12345}, "contact_id"),
        ({"status": "asleep"}, "status"),
        ({"priority": "most"}, "priority"),
        ({"due_on": date(1999, 12, 31)}, "due_on"),
        ({"note": "x" * 5001}, "note"),
        ({"closed_at": None}, "closed_at"),
    ],
)
def test_an_unusable_mission_is_refused(app: Flask, values: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused, transaction():
        factories.mission(**values)
    assert refused.value.field == field
    mission_id = committed(factories.mission)
    with pytest.raises(InvalidInput) as refused, transaction():
        missions.change(mission_id, values, BY)
    assert refused.value.field == field


@pytest.mark.parametrize("status", sorted(CLOSED))
def test_a_closed_mission_knows_since_when_until_it_is_opened_again(app: Flask, status: MissionStatus) -> None:
    mission = factories.mission()
    missions.change(mission.id, {"status": status}, "ann")
    assert mission.closed_at == mission.changed_at and mission.changed_by == "ann"
    first = mission.closed_at
    missions.change(mission.id, {"note": "thanks"}, BY)
    assert mission.closed_at == first
    missions.change(mission.id, {"status": S.WAITING}, BY)
    assert mission.closed_at is None
    assert factories.mission(status=status).closed_at is not None


def test_a_mission_without_assignee_has_no_name_of_one(app: Flask) -> None:
    mission = factories.mission(assignee_id=7, assignee_name="Ann Lee")
    assert mission.assignee_name == "Ann Lee"
    missions.change(mission.id, {"assignee_id": None}, BY)
    assert mission.assignee_name == ""


def test_a_mission_outlives_its_client(app: Flask) -> None:
    mission_id = committed(factories.mission)
    with transaction():
        audience.delete_contact(missions.get(mission_id).contact_id or 0)
    with transaction():
        mission = missions.get(mission_id)
        assert mission.contact_id is None and mission.contact is None
        missions.change(mission_id, {"status": S.DONE, "note": "the client is gone"}, BY)


def test_missions_that_are_gone_are_not_found(app: Flask) -> None:
    campaign_id = factories.campaign().id
    for step in (
        lambda: missions.get(12345),
        lambda: missions.change(12345, {}, BY),
        lambda: missions.delete(12345, BY),
        lambda: missions.add_campaign([12345], campaign_id, BY),
        lambda: missions.add_campaign([factories.mission().id], 12345, BY),
    ):
        with pytest.raises(NotFound):
            step()
    with pytest.raises(InvalidInput):
        missions.add_campaign([], campaign_id, BY)


# --- adding a campaign


def test_clients_join_a_live_campaign_and_each_gets_it_once(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(2)
    with transaction():
        client = factories.contact()
        ids = [factories.mission(client).id, factories.mission(client).id, factories.mission().id]
    joined = join(campaign_id, *ids)
    assert (joined.clients, joined.closed, joined.without_client) == ({Standing.JOINS: 2}, 0, 0)
    assert ledger.counters(campaign_id) == {"awaiting": 4}
    assert join(campaign_id, *ids).clients == {Standing.ALREADY: 2}
    assert ledger.counters(campaign_id) == {"awaiting": 4}
    assert len(db.session.scalars(select(MissionCampaign.mission_id)).all()) == 3


def test_a_draft_remembers_the_clients_until_it_is_published(app: Flask) -> None:
    with transaction():
        campaign_id = factories.campaign().id
        mission_id = factories.mission().id
    join(campaign_id, mission_id)
    assert ledger.counters(campaign_id) == {} and result(mission_id).shown is None
    with transaction():
        campaigns.publish(campaign_id, BY)  # its audience are the clients alone
    settled(campaign_id)
    assert ledger.counters(campaign_id) == {"awaiting": 1}
    assert result(mission_id).shown is Shown.AWAITING


def test_a_finished_campaign_goes_on_with_the_new_clients_only(app: Flask) -> None:
    with transaction():
        campaign_id = in_state(CampaignStatus.FINISHED).id
        mission_id = factories.mission().id
    join(campaign_id, mission_id)
    with transaction():
        assert campaigns.get(campaign_id).status is CampaignStatus.SCHEDULED


@pytest.mark.parametrize("status", [CampaignStatus.EXPIRED, CampaignStatus.FAILED, CampaignStatus.ENDED])
def test_a_campaign_that_takes_nobody_in_is_refused(app: Flask, status: CampaignStatus) -> None:
    campaign_id = in_state(status).id
    with pytest.raises(Conflict, match="takes nobody in"):
        missions.add_campaign([factories.mission().id], campaign_id, BY)


def test_the_result_says_who_does_not_get_it_and_why(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(3)
    removed, waiting = (ledger.row(campaign_id, seq).contact_id for seq in (1, 2))
    with transaction():
        removals.remove(campaign_id, removed, BY)
    with transaction():
        suppressed = factories.contact()
        assert suppressed.email_index
        audience.suppress(Channel.EMAIL, suppressed.email_index, SuppressionSource.BY_HAND)
        clients = [
            factories.contact(),
            factories.contact(email=None),
            suppressed,
            db.session.get_one(Contact, removed),
            db.session.get_one(Contact, waiting),
        ]
        ids = [factories.mission(client).id for client in clients]
        ids.append(factories.mission(status=S.CANCELLED).id)
        gone = factories.mission()
        ids.append(gone.id)
        audience.delete_contact(gone.contact_id or 0)
    joined = join(campaign_id, *ids)
    assert joined.clients == dict.fromkeys(Standing, 1)
    assert (joined.closed, joined.without_client) == (1, 1)
    assert ledger.counters(campaign_id) == {"awaiting": 3, "skipped": 2, "stopped": 1}
    shown = [result(mission_id).reason for mission_id in ids[:5]]
    assert shown == [None, Reason.NO_ADDRESS, Reason.SUPPRESSED, Reason.REMOVED_BY_USER, None]
    assert join(campaign_id, *ids).clients == dict.fromkeys(set(Standing) - {Standing.JOINS}, 1) | {Standing.ALREADY: 2}


def test_the_second_address_counts_where_the_campaign_is_sent_to_it(app: Flask) -> None:
    with transaction():
        campaign_id = factories.campaign(to_second_email=True).id
        ids = [factories.mission().id, factories.mission(factories.contact(second_email="two@people.example")).id]
        joined = missions.add_campaign(ids, campaign_id, BY)
    assert joined.clients == {Standing.JOINS: 1, Standing.NO_ADDRESS: 1}


def test_several_who_add_the_same_campaign_at_once_add_it_once(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(1)
    with transaction():
        client = factories.contact()
        ids = [factories.mission(client).id for _ in range(2)]
    orders = itertools.cycle((ids, ids[::-1]))
    outcomes = at_once(app, lambda: missions.add_campaign(next(orders), campaign_id, BY))
    assert sorted(str(outcome.clients) for outcome in outcomes) == sorted(
        [str({Standing.JOINS: 1}), *[str({Standing.ALREADY: 1})] * (AT_ONCE - 1)]
    )
    settled(campaign_id)
    assert ledger.counters(campaign_id) == {"awaiting": 2}


def test_adding_and_closing_at_once_leaves_nobody_waiting_for_a_closed_mission(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(1)
    mission_id = committed(factories.mission)
    steps = itertools.cycle(
        (
            lambda: missions.add_campaign([mission_id], campaign_id, BY),
            lambda: missions.change(mission_id, {"status": S.DONE}, BY),
        )
    )
    at_once(app, lambda: next(steps)())
    settled(campaign_id)
    assert ledger.counters(campaign_id).get("awaiting") == 1


# --- closing


@pytest.mark.parametrize("status", sorted(CLOSED))
def test_closing_before_the_message_leaves_takes_the_client_out(app: Flask, status: MissionStatus) -> None:
    campaign_id = ledger.sending_campaign(1)
    mission_id = committed(factories.mission)
    join(campaign_id, mission_id)
    assert close(mission_id, status) == {Leaving.TAKEN_OUT: 1}
    assert ledger.counters(campaign_id) == {"awaiting": 1, "stopped": 1}
    row = ledger.row(campaign_id, 2)
    assert (row.reason, row.detail) == (Reason.MISSION_CLOSED, f"mission {mission_id} was closed by ann")
    assert result(mission_id).reason is Reason.MISSION_CLOSED
    assert close(mission_id, S.DONE) == {}


def test_deleting_a_mission_takes_the_client_out_as_well(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(1)
    mission_id = committed(factories.mission)
    join(campaign_id, mission_id)
    with transaction():
        missions.delete(mission_id, "ann")
    assert ledger.row(campaign_id, 2).reason is Reason.MISSION_CLOSED
    assert db.session.scalars(select(Mission.id)).all() == []


def test_a_client_of_another_open_mission_stays(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(1)
    with transaction():
        client = factories.contact()
        first, second = factories.mission(client).id, factories.mission(client).id
    join(campaign_id, first, second)
    assert close(first) == {Leaving.HELD: 1}
    assert ledger.counters(campaign_id) == {"awaiting": 2}
    assert close(second) == {Leaving.TAKEN_OUT: 1}
    assert ledger.counters(campaign_id) == {"awaiting": 1, "stopped": 1}


def test_a_client_in_a_folder_of_the_campaign_stays(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(1)
    with transaction():
        client = db.session.get_one(Contact, ledger.row(campaign_id, 1).contact_id)
        mission_id = factories.mission(client).id
    assert join(campaign_id, mission_id).clients == {Standing.ALREADY: 1}
    assert close(mission_id) == {Leaving.HELD: 1}
    assert ledger.counters(campaign_id) == {"awaiting": 1}


def test_a_client_who_is_not_planned_yet_is_never_planned(app: Flask) -> None:
    with transaction():
        campaign_id = factories.ready_campaign(1).id
        mission_id = factories.mission().id
    join(campaign_id, mission_id)
    assert close(mission_id) == {Leaving.UNPLANNED: 1}
    with transaction():
        campaigns.publish(campaign_id, BY)
    settled(campaign_id)
    assert ledger.counters(campaign_id) == {"awaiting": 1}


def test_a_client_of_an_unpublished_campaign_does_not_come_back_with_the_others(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(1)
    mission_id = committed(factories.mission)
    join(campaign_id, mission_id)
    with transaction():
        campaigns.unpublish(campaign_id, BY)
    settled(campaign_id)
    assert close(mission_id) == {Leaving.TAKEN_OUT: 1}
    with transaction():
        campaigns.publish(campaign_id, BY)
    settled(campaign_id)
    assert ledger.counters(campaign_id) == {"awaiting": 1, "stopped": 1}


def test_a_message_that_left_stays_sent(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(1)
    mission_id = committed(factories.mission)
    join(campaign_id, mission_id)
    order = ledger.order_of(campaign_id)
    for _batch in range(2):
        ledger.keep(order, ledger.take(order))
    assert close(mission_id) == {Leaving.TOO_LATE: 1}
    assert ledger.counters(campaign_id) == {"sent": 2}
    found = result(mission_id)
    assert (found.shown, found.reason) == (Shown.SENT, None) and found.done_at is not None


def test_what_had_no_message_anyway_keeps_its_reason(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(1)
    mission_id = committed(lambda: factories.mission(factories.contact(email=None)))
    join(campaign_id, mission_id)
    assert close(mission_id) == {Leaving.OVER: 1}
    assert ledger.row(campaign_id, 2).reason is Reason.NO_ADDRESS


def test_opening_a_mission_again_brings_nobody_back_but_adding_the_campaign_does(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(1)
    mission_id = committed(factories.mission)
    join(campaign_id, mission_id)
    close(mission_id)
    with transaction():
        assert missions.change(mission_id, {"status": S.OPEN}, BY) == {}
    settled(campaign_id)
    assert ledger.counters(campaign_id) == {"awaiting": 1, "stopped": 1}
    assert join(campaign_id, mission_id).clients == {Standing.JOINS: 1}
    row = ledger.row(campaign_id, 2)
    assert (row.state, row.reason, row.detail, row.done_at) == (RecipientState.AWAITING, None, None, None)
    assert close(mission_id) == {Leaving.TAKEN_OUT: 1}


def test_the_client_of_a_mission_with_campaigns_cannot_be_exchanged(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(1)
    mission_id = committed(factories.mission)
    with transaction():
        missions.change(mission_id, {"contact_id": factories.contact().id}, BY)  # nothing hangs on it yet
    join(campaign_id, mission_id)
    with pytest.raises(InvalidInput) as refused, transaction():
        missions.change(mission_id, {"contact_id": factories.contact().id}, BY)
    assert refused.value.field == "contact_id"
    assert client_of(mission_id) == ledger.row(campaign_id, 2).contact_id


def test_a_deleted_campaign_leaves_the_mission(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(1)
    mission_id = committed(factories.mission)
    join(campaign_id, mission_id)
    with transaction():
        campaigns.stop(campaign_id, BY)
    with transaction():
        sending.delete_campaign(campaign_id)
    with transaction():
        assert queries.results(mission_id) == []
        assert db.session.scalars(select(CampaignContact.contact_id)).all() == []
    assert close(mission_id) == {}


def test_results_are_kept_when_the_client_is_deleted(app: Flask) -> None:
    campaign_id = ledger.sending_campaign(1)
    mission_id = committed(factories.mission)
    join(campaign_id, mission_id)
    with transaction():
        audience.delete_contact(missions.get(mission_id).contact_id or 0)
    assert result(mission_id).shown is Shown.AWAITING
    assert close(mission_id) == {Leaving.TAKEN_OUT: 1}
