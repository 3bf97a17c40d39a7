"""What the services of all domains write into the audit log."""

import io
from collections.abc import Callable

import pytest
from sqlalchemy import select

from app.audience import import_service
from app.audience import service as audience
from app.campaigns import groups, statuses
from app.campaigns import service as campaigns
from app.campaigns.lifecycle import CampaignEvent, CampaignStatus
from app.campaigns.models import Campaign
from app.channels import service as channels
from app.channels.contract import Channel, RunReport
from app.extensions import db
from app.kernel import audit
from app.kernel.audit import AuditEvent, What
from app.kernel.db import transaction
from app.kernel.errors import AppError, Conflict
from app.missions import service as missions
from app.missions.states import MissionStatus
from app.sending import removals, slices
from app.sending import service as sending
from jobs import audience as audience_jobs
from tests import factories
from tests.factories import BY
from tests.sending import ledger

pytestmark = pytest.mark.usefixtures("app")

Noted = list[tuple[What, str]]


def noted(subject_id: int, prefix: str = "campaign") -> Noted:
    db.session.rollback()
    query = select(AuditEvent).where(AuditEvent.subject_id == subject_id).order_by(AuditEvent.id)
    return [(event.what, event.done_by) for event in db.session.scalars(query) if event.subject == prefix]


def last(what: What) -> AuditEvent:
    db.session.rollback()
    query = select(AuditEvent).where(AuditEvent.what == what).order_by(AuditEvent.id.desc()).limit(1)
    return db.session.scalars(query).one()


def test_the_life_of_a_campaign_is_noted_from_its_making_to_its_end() -> None:
    campaign_id = ledger.sending_campaign(2)
    for step in (campaigns.stop, campaigns.start, campaigns.unpublish, campaigns.publish, campaigns.end):
        with transaction():
            step(campaign_id, "ann")
    assert noted(campaign_id) == [
        (What.CAMPAIGN_CREATE, BY),
        (What.CAMPAIGN_PUBLISH, BY),
        (What.CAMPAIGN_BEGIN, audit.MUSTER),
        (What.CAMPAIGN_STOP, "ann"),
        (What.CAMPAIGN_START, "ann"),
        (What.CAMPAIGN_UNPUBLISH, "ann"),
        (What.CAMPAIGN_PUBLISH, "ann"),
        (What.CAMPAIGN_END, "ann"),
    ]


def test_waiting_and_going_on_are_too_many_to_be_noted() -> None:
    campaign_id = ledger.sending_campaign(2)
    before = noted(campaign_id)
    for event in (CampaignEvent.WAIT, CampaignEvent.BEGIN):
        with transaction():
            assert campaigns.move(campaigns.get(campaign_id), event)
    assert noted(campaign_id) == before


def test_a_failure_is_noted_with_its_reason_and_an_expiry_and_a_finish_by_muster() -> None:
    campaign_id = ledger.sending_campaign(1)
    with transaction():
        campaigns.fail(campaign_id, "The server refused ann@shop.example.")
    assert last(What.CAMPAIGN_FAIL).detail == {"reason": "The server refused …"}
    for event, what in ((CampaignEvent.FINISH, What.CAMPAIGN_FINISH), (None, What.CAMPAIGN_EXPIRE)):
        other = ledger.sending_campaign(1)
        with transaction():
            campaign = campaigns.get(other)
            campaigns.move(campaign, event) if event else campaigns.expire(campaign)
        assert noted(other)[-1] == (what, audit.MUSTER)


def test_an_edit_is_noted_with_the_fields_that_changed_and_its_revision() -> None:
    with transaction():
        campaign = factories.ready_campaign(name="Spring sale")
    with transaction():
        campaign = campaigns.get(campaign.id)
        campaign.subject, campaign.delay_seconds, campaign.name = "New", 30, "Spring sale"
        campaigns.prepare_change(campaign, "ann")
    event = last(What.CAMPAIGN_CHANGE)
    assert (event.done_by, event.detail) == ("ann", {"fields": ["delay_seconds", "subject"], "revision": 2})


def test_a_refused_change_is_not_noted() -> None:
    with transaction():
        campaign = factories.ready_campaign()
    with pytest.raises(Conflict), transaction():
        campaigns.stop(campaign.id, "ann")
    with pytest.raises(AppError), transaction():
        factories.campaign(name="")
    assert noted(campaign.id) == [(What.CAMPAIGN_CREATE, BY)]


def test_a_run_a_removal_and_missions_are_noted_with_their_ids() -> None:
    with transaction():
        campaign, folder, person = factories.ready_campaign(1), factories.folder(), factories.contact()
        factories.contact(folder)
        mission_id = factories.mission(person).id
        campaign_id, contact_id = campaign.id, person.id
    with transaction():
        campaigns.run_on_folders(campaign_id, [folder.id, folder.id], "ann")
        missions.add_campaign([mission_id], campaign_id, "ann")
        removals.remove(campaign_id, contact_id, "ann")
    assert last(What.CAMPAIGN_RUN).detail == {"folders": [folder.id]}
    assert last(What.CAMPAIGN_MISSIONS).detail == {"missions": [mission_id]}
    assert last(What.CAMPAIGN_REMOVE_CLIENT).detail == {"contact_id": contact_id}


def test_a_copy_and_its_original_know_of_each_other() -> None:
    with transaction():
        original = factories.ready_campaign()
    with transaction():
        copy_id = campaigns.duplicate(original.id, "ann").id
    assert last(What.CAMPAIGN_DUPLICATE).detail == {"copy_id": copy_id}
    assert last(What.CAMPAIGN_CREATE).detail == {"copy_of": original.id}


def test_what_a_deleted_campaign_was_is_kept_with_its_events() -> None:
    campaign_id = ledger.sending_campaign(3, name="Spring sale")
    with transaction():
        campaigns.stop(campaign_id, "ann")
    with transaction():
        sending.delete_campaign(campaign_id)
    event = last(What.CAMPAIGN_DELETE)
    assert (event.subject_id, event.name) == (campaign_id, "Spring sale")
    assert event.detail["audience"] == 3 and event.detail["status"] == CampaignStatus.PAUSED.value
    assert event.detail["created_by"] == BY and event.detail["started_at"]
    assert db.session.get(Campaign, campaign_id) is None
    assert noted(campaign_id)[0] == (What.CAMPAIGN_CREATE, BY)


def test_groups_and_internal_statuses_are_noted_and_nothing_where_nothing_changed() -> None:
    with transaction():
        campaign = factories.campaign()
        group = groups.create("Shop", "", [], "ann")
        label = statuses.create("Client", "#2f54d9", "ann")
        for name in ("Shop", "Store"):
            groups.change(group.id, "ann", name=name)
            statuses.change(label.id, "ann", name=name)
        groups.move(group.id, "ann", into=[campaign.id])
        group_id, label_id = group.id, label.id
    with transaction():
        groups.delete(group_id)
        statuses.delete(label_id)
    happened = [What.GROUP_CREATE, What.GROUP_CHANGE, What.GROUP_CHANGE, What.GROUP_DELETE]
    assert [what for what, _by in noted(group_id, "group")] == happened
    assert last(What.GROUP_CHANGE).detail == {"into": [campaign.id], "out": []}
    happened = [What.STATUS_CREATE, What.STATUS_CHANGE, What.STATUS_CHANGE, What.STATUS_DELETE]
    assert [what for what, _by in noted(label_id, "status")] == happened
    assert last(What.STATUS_CHANGE).detail == {"fields": ["name"]}


def test_missions_are_noted_without_their_titles() -> None:
    with transaction():
        mission = factories.mission(title="Call Ann Nowak")
        missions.change(mission.id, {"note": "later"}, "ann")
        missions.change(mission.id, {"status": MissionStatus.DONE}, "ann")
        missions.change(mission.id, {"status": MissionStatus.CANCELLED}, "ann")
        mission_id = mission.id
    with transaction():
        missions.delete(mission_id, "ann")
    happened = [What.MISSION_CREATE, What.MISSION_CLOSE, What.MISSION_DELETE]
    assert [what for what, _by in noted(mission_id, "mission")] == happened
    assert last(What.MISSION_CREATE).name == ""


def test_an_account_is_noted_without_its_secret() -> None:
    with transaction():
        account = factories.account()
        channels.add_account(account)
    with transaction():
        account = channels.get_account(account.id)
        account.username, account.per_hour = "news", 100
        channels.prepare_account(account, "a secret")
    event = last(What.ACCOUNT_CHANGE)
    assert event.detail == {"fields": ["per_hour", "secret", "username"]}
    with transaction():
        slices._pause_account(
            channels.get_account(account.id),
            Channel.EMAIL,
            RunReport(0, code="535", detail="no such user news@shop.example"),
        )
    assert last(What.ACCOUNT_PAUSE).detail == {"reason": "535 no such user …"}
    assert [what for what, _by in noted(account.id, "account")] == [
        What.ACCOUNT_CREATE,
        What.ACCOUNT_CHANGE,
        What.ACCOUNT_PAUSE,
    ]


@pytest.mark.parametrize(
    ("end", "happened"),
    [
        (lambda import_id: audience_jobs.run_import(import_id), What.IMPORT_FINISH),
        (lambda import_id: _cancel(import_id), What.IMPORT_CANCEL),
    ],
    ids=["finish", "cancel"],
)
def test_an_import_is_noted_from_its_start_to_its_end(end: Callable[[int], object], happened: What) -> None:
    with transaction():
        upload = import_service.create(io.BytesIO(b"E-mail\nann@people.example\n"), "ann.csv", "ann")
        import_service.start(upload.id, upload.mapping, None, "")
        import_id = upload.id
    end(import_id)
    assert [what for what, _by in noted(import_id, "import")] == [What.IMPORT_START, happened]
    assert last(happened).name == ""


def _cancel(import_id: int) -> None:
    with transaction():
        import_service.cancel(import_id)


def test_a_deleted_contact_is_noted_by_number_only() -> None:
    with transaction():
        contact_id = factories.contact().id
    with transaction():
        audience.delete_contact(contact_id)
    event = last(What.CONTACT_DELETE)
    assert (event.subject_id, event.name, event.detail) == (contact_id, "", {})
