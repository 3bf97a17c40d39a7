"""Creating, copying and moving campaigns."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, inspect, select

from app.audience.models import Folder
from app.campaigns import fields
from app.campaigns import service as campaigns
from app.campaigns.lifecycle import CampaignEvent, CampaignStatus
from app.campaigns.models import Campaign
from app.channels.contract import Reason
from app.extensions import db
from app.kernel import clock
from app.kernel.db import transaction
from app.kernel.errors import Conflict, InvalidInput, NotFound
from tests import factories
from tests.campaigns.helpers import AT_ONCE, at_once, behind_the_back, in_state, settle_bells
from tests.factories import BY

S = CampaignStatus


# --- creating and copying


def test_a_new_campaign_is_a_stamped_draft(app: Flask) -> None:
    made = factories.campaign()
    assert (made.status, made.revision, made.created_by, made.changed_by) == (S.DRAFT, 1, BY, BY)
    assert made.created_at == made.changed_at
    assert (made.lifecycle_serial, made.settled_serial) == (0, 0)


def test_a_new_campaign_is_a_draft_whatever_a_form_says(app: Flask) -> None:
    campaign = Campaign(name="x", status=S.SENDING, smtp_account=factories.account())
    campaigns.prepare_new(campaign, BY)
    assert campaign.status is S.DRAFT


def test_of_several_that_take_a_name_at_once_one_gets_it(app: Flask) -> None:
    with transaction():
        account_id = factories.account().id
    values = {"name": "Spring", "smtp_account_id": account_id}
    outcomes = at_once(app, lambda: campaigns.create(values, [], BY).id)
    refused = [outcome for outcome in outcomes if isinstance(outcome, InvalidInput)]
    assert [(str(error), error.field) for error in refused] == [
        ("Another campaign has this name. Choose a different one.", "name")
    ] * (AT_ONCE - 1)
    assert db.session.scalars(select(Campaign.name)).all() == ["Spring"]


def test_a_name_taken_after_the_check_is_refused_and_the_rest_is_kept(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = factories.campaign(name="Spring")
    checked: list[str] = []
    check = campaigns.checks.check_free_name
    # the first look still finds the name free, as it does when somebody else has not committed yet
    monkeypatch.setattr(
        campaigns.checks, "check_free_name", lambda made: check(made) if checked else checked.append(made.name)
    )
    with transaction():
        factories.folder("kept")
        with pytest.raises(InvalidInput, match="Another campaign has this name"):
            factories.campaign(name="Spring", sender=first.smtp_account)
    assert db.session.scalar(select(Folder.name)) == "kept"


def test_a_copy_takes_what_was_written_and_nothing_that_happened(app: Flask) -> None:
    soon = clock.utcnow() + timedelta(days=1)
    original = factories.ready_campaign(
        name="Spring",
        description="for all",
        zone="Europe/Warsaw",
        daily_from=time(9),
        daily_until=time(17),
        delay_seconds=5,
        start_at=soon,
        valid_from=soon,
        valid_until=soon + timedelta(days=9),
        to_second_email=True,
        track_opens=False,
    )
    campaigns.attach(original.id, "offer.pdf", "application/pdf", b"%PDF")
    gone = campaigns.attach(original.id, "old.pdf", "application/pdf", b"%PDF")
    campaigns.detach(gone.id)
    original.status, original.started_at, original.waiting_for = S.FINISHED, soon, "something"
    db.session.flush()
    copy = campaigns.duplicate(original.id, "other")
    db.session.flush()
    assert (copy.name, copy.status, copy.created_by) == ("Spring (copy)", S.DRAFT, "other")
    for name in ("description", "subject", "html", "text", "smtp_account_id", "zone", "daily_from", "delay_seconds"):
        assert getattr(copy, name) == getattr(original, name)
    assert (copy.to_second_email, copy.track_opens, copy.folders) == (True, False, original.folders)
    assert (copy.start_at, copy.valid_from, copy.valid_until, copy.started_at) == (None, None, None, None)
    assert (copy.waiting_for, copy.content_version, copy.lifecycle_serial) == ("", 0, 0)
    assert [(document.name, document.data) for document in copy.documents] == [("offer.pdf", b"%PDF")]


def test_every_column_of_a_campaign_is_either_copied_or_left_on_purpose() -> None:
    left = {
        *("id", "name", "status", "hold_reason", "status_detail", "waiting_for", "next_send_at", "content_version"),
        *("start_at", "valid_from", "valid_until", "revision", "lifecycle_serial", "settled_serial", "started_at"),
        *("finished_at", "created_by", "created_at", "changed_by", "changed_at", "stand_in_id"),
    }
    assert set(inspect(Campaign).columns.keys()) == left | set(fields.COPIED)


def test_copies_of_copies_have_names_of_their_own(app: Flask) -> None:
    original = factories.campaign(name="100% Spring_")
    factories.campaign(name="100% Spring_ (copy)", sender=original.smtp_account)
    names = [campaigns.duplicate(original.id, BY).name for _ in range(2)]
    assert names == ["100% Spring_ (copy 2)", "100% Spring_ (copy 3)"]
    long = factories.campaign(name="x" * 150, sender=original.smtp_account)
    assert campaigns.duplicate(long.id, BY).name == "x" * 120 + " (copy)"


@pytest.mark.mariadb
def test_a_copy_avoids_a_name_that_the_index_holds_equal(app: Flask) -> None:
    original = factories.campaign(name="Ząb")
    factories.campaign(name="ZAB (COPY)", sender=original.smtp_account)
    assert campaigns.duplicate(original.id, BY).name == "Ząb (copy 2)"


def test_copies_made_at_once_all_succeed(app: Flask) -> None:
    with transaction():
        original_id = factories.campaign(name="Spring").id
    names = at_once(app, lambda: campaigns.duplicate(original_id, BY).name)
    assert sorted(names) == ["Spring (copy 2)", "Spring (copy 3)", "Spring (copy 4)", "Spring (copy)"]


@pytest.mark.parametrize(
    "act",
    [
        *(campaigns.publish, campaigns.start, campaigns.stop, campaigns.unpublish, campaigns.end, campaigns.duplicate),
        lambda campaign_id, by: campaigns.run_on_folders(campaign_id, [1], by),
        lambda campaign_id, by: campaigns.attach(campaign_id, "a.pdf", "application/pdf", b"x"),
        lambda campaign_id, by: campaigns.get(campaign_id),
        lambda campaign_id, by: campaigns.fail(campaign_id, "x"),
    ],
)
def test_what_is_not_there_is_not_found(app: Flask, act: Callable[[int, str], Any]) -> None:
    with pytest.raises(NotFound):
        act(999_999, BY)


# --- moving

ACTIONS: dict[str, tuple[Callable[..., Campaign], dict[CampaignStatus, CampaignStatus]]] = {
    "publish": (campaigns.publish, dict.fromkeys((S.DRAFT, S.PAUSED, S.FAILED), S.SCHEDULED)),
    "start": (campaigns.start, dict.fromkeys((S.PAUSED, S.FAILED), S.SCHEDULED)),
    "stop": (campaigns.stop, dict.fromkeys((S.SCHEDULED, S.SENDING), S.PAUSED)),
    "unpublish": (campaigns.unpublish, dict.fromkeys((S.SCHEDULED, S.SENDING, S.PAUSED), S.PAUSED)),
    "end": (campaigns.end, dict.fromkeys(set(S) - {S.FINISHED, S.ENDED}, S.ENDED)),
}


@pytest.mark.parametrize("status", S)
@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_moves_or_is_a_conflict_with_the_name_of_the_state(
    app: Flask, name: str, status: CampaignStatus
) -> None:
    action, moves = ACTIONS[name]
    with transaction():
        campaign_id = in_state(status).id
    if status in moves:
        with transaction():
            action(campaign_id, "somebody")
    else:
        with pytest.raises(Conflict, match=f"A campaign that is {status} cannot {name}"), transaction():
            action(campaign_id, "somebody")
    db.session.remove()
    after = campaigns.get(campaign_id)
    has_moved = status in moves
    assert after.status is moves.get(status, status)
    assert after.lifecycle_serial == int(has_moved)
    assert after.changed_by == ("somebody" if has_moved else BY)
    assert settle_bells() == [f"settle-{campaign_id}-1"] * has_moved


@pytest.mark.parametrize(
    ("action", "hold"),
    [
        (campaigns.stop, None),
        (campaigns.unpublish, Reason.CAMPAIGN_UNPUBLISHED),
        (campaigns.end, Reason.CAMPAIGN_ENDED),
    ],
    ids=["stop", "unpublish", "end"],
)
def test_an_action_says_what_becomes_of_those_who_wait(
    app: Flask, action: Callable[..., Campaign], hold: Reason | None
) -> None:
    made = in_state(S.SENDING)
    campaigns.wait(made, "waiting for the daily hours", clock.utcnow())
    assert action(made.id, BY).hold_reason is hold
    assert (made.waiting_for, made.next_send_at) == ("", None)
    assert (made.finished_at is not None) == (made.status is S.ENDED)


def test_publishing_again_lifts_the_hold(app: Flask) -> None:
    made = in_state(S.SCHEDULED)
    campaigns.unpublish(made.id, BY)
    assert campaigns.publish(made.id, BY).hold_reason is None


@pytest.mark.parametrize("action", [campaigns.publish, campaigns.start])
def test_a_campaign_that_is_not_complete_does_not_move(app: Flask, action: Callable[..., Campaign]) -> None:
    with transaction():
        made = in_state(S.PAUSED, subject="")
    with pytest.raises(InvalidInput, match="Write a subject") as caught, transaction():
        action(made.id, BY)
    assert caught.value.field == "subject"
    assert campaigns.get(made.id).status is S.PAUSED
    assert settle_bells() == []


def test_of_several_that_publish_at_once_one_does(app: Flask) -> None:
    with transaction():
        campaign_id = factories.ready_campaign().id
    outcomes = at_once(app, lambda: campaigns.publish(campaign_id, BY).status)
    refused = [str(outcome) for outcome in outcomes if isinstance(outcome, Conflict)]
    assert outcomes.count(S.SCHEDULED) == 1
    assert refused == ["A campaign that is scheduled cannot publish."] * (AT_ONCE - 1)
    assert campaigns.get(campaign_id).lifecycle_serial == 1
    assert settle_bells() == [f"settle-{campaign_id}-1"]


def test_a_failed_campaign_says_why_until_it_is_started(app: Flask) -> None:
    made = in_state(S.SENDING)
    campaigns.fail(made.id, "x" * 600)
    assert (made.status, made.status_detail) == (S.FAILED, "x" * 500)
    assert campaigns.start(made.id, BY).status_detail == ""


def test_only_a_sending_campaign_fails(app: Flask) -> None:
    made = in_state(S.PAUSED)
    campaigns.fail(made.id, "the sender was refused")
    assert (made.status, made.status_detail) == (S.PAUSED, "")


def test_a_failure_keeps_what_was_written_in_the_same_unit_of_work(app: Flask) -> None:
    made = in_state(S.SENDING)
    made.content_version = 7
    campaigns.fail(made.id, "the sender was refused")
    db.session.flush()
    db.session.refresh(made)
    assert (made.content_version, made.status) == (7, S.FAILED)


def test_a_move_that_another_made_first_is_not_made(app: Flask) -> None:
    with transaction():
        made = in_state(S.SCHEDULED)
    assert made.status is S.SCHEDULED
    behind_the_back(made.id, status=S.PAUSED)
    assert not campaigns.move(made, CampaignEvent.BEGIN)
    db.session.refresh(made)
    assert made.status is S.PAUSED


def test_a_move_is_made_and_seen(app: Flask) -> None:
    made = in_state(S.SCHEDULED)
    assert campaigns.move(made, CampaignEvent.BEGIN)
    assert made.status is S.SENDING
    with pytest.raises(Conflict, match="that is sending cannot begin"):
        campaigns.move(made, CampaignEvent.BEGIN)


def test_what_a_campaign_waits_for_fits_its_column(app: Flask) -> None:
    made = in_state(S.SCHEDULED)
    until = datetime(2026, 5, 5, tzinfo=UTC)
    campaigns.wait(made, "x" * 300, until)
    db.session.flush()
    assert (made.waiting_for, made.next_send_at) == ("x" * 200, until)
    assert db.session.scalar(select(func.length(Campaign.waiting_for))) == 200


# --- running on folders


def test_a_draft_only_remembers_its_folders(app: Flask) -> None:
    made, folder = factories.campaign(), factories.folder()
    campaigns.run_on_folders(made.id, [folder.id, folder.id], BY)
    assert (made.status, made.folders, made.lifecycle_serial) == (S.DRAFT, [folder], 0)


def test_a_finished_campaign_goes_on_with_new_people(app: Flask) -> None:
    made, folder = in_state(S.FINISHED), factories.folder()
    made.finished_at = clock.utcnow()
    before = list(made.folders)
    campaigns.run_on_folders(made.id, [folder.id], BY)
    assert (made.status, made.finished_at, made.lifecycle_serial) == (S.SCHEDULED, None, 1)
    assert made.folders == [*before, folder]


@pytest.mark.parametrize("status", [S.SCHEDULED, S.SENDING, S.PAUSED])
def test_a_campaign_on_its_way_takes_new_people_without_moving(app: Flask, status: CampaignStatus) -> None:
    made = in_state(status)
    campaigns.run_on_folders(made.id, [factories.folder().id], BY)
    assert (made.status, made.lifecycle_serial) == (status, 1)


def test_new_people_do_not_publish_an_unpublished_campaign(app: Flask) -> None:
    made = in_state(S.SCHEDULED)
    campaigns.unpublish(made.id, BY)
    campaigns.run_on_folders(made.id, [factories.folder().id], BY)
    assert (made.status, made.hold_reason) == (S.PAUSED, Reason.CAMPAIGN_UNPUBLISHED)


@pytest.mark.parametrize("status", [S.EXPIRED, S.FAILED, S.ENDED])
def test_some_campaigns_cannot_run(app: Flask, status: CampaignStatus) -> None:
    with transaction():
        made, folder = in_state(status), factories.folder()
    before = [each.id for each in made.folders]
    with pytest.raises(Conflict, match=f"that is {status} cannot run"), transaction():
        campaigns.run_on_folders(made.id, [folder.id], BY)
    assert [each.id for each in campaigns.get(made.id).folders] == before


def test_running_needs_folders_that_exist(app: Flask) -> None:
    made = factories.campaign()
    for ids in ([], [999_999]):
        with pytest.raises(InvalidInput) as caught:
            campaigns.run_on_folders(made.id, ids, BY)
        assert caught.value.field == "folders"
