"""Changing a campaign: who may, what stays complete, stale forms, extending an expired one."""

import threading
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import delete

from app.campaigns import service as campaigns
from app.campaigns.lifecycle import EDITABLE, CampaignStatus
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


@pytest.mark.parametrize("status", sorted(EDITABLE))
def test_a_change_is_stamped_and_counted(app: Flask, status: CampaignStatus) -> None:
    made = in_state(status)
    made.subject = "Other news"
    campaigns.prepare_change(made, "editor", revision=1)
    db.session.flush()
    db.session.refresh(made)
    assert (made.subject, made.changed_by, made.revision, made.status) == ("Other news", "editor", 2, status)


@pytest.mark.parametrize(
    ("status", "advice"),
    [(S.SENDING, "Stop it first"), (S.FINISHED, "Duplicate it"), (S.ENDED, "Duplicate it")],
)
def test_a_campaign_that_sends_or_is_over_is_read_only(app: Flask, status: CampaignStatus, advice: str) -> None:
    with transaction():
        made = in_state(status)
    with pytest.raises(Conflict, match=f"that is {status} cannot be edited. {advice}"), transaction():
        made.subject = "Other news"
        campaigns.prepare_change(made, BY)
    assert campaigns.get(made.id).subject == "News for {{ first_name }}"


def test_a_stale_form_overwrites_nothing(app: Flask) -> None:
    with transaction():
        made = factories.campaign()
    with transaction():
        made.subject = "First"
        campaigns.prepare_change(made, "anna", revision=1)
    with pytest.raises(Conflict, match="anna changed this campaign at .*reload the page"), transaction():
        made.subject = "Second"
        campaigns.prepare_change(made, "ben", revision=1)
    after = campaigns.get(made.id)
    assert (after.subject, after.changed_by, after.revision) == ("First", "anna", 2)


def test_a_change_made_while_the_form_was_saved_is_noticed(app: Flask) -> None:
    with transaction():
        made = factories.campaign()
    made.subject = "Mine"
    with db.session.no_autoflush:
        behind_the_back(made.id, revision=2, subject="Theirs")
        with pytest.raises(Conflict, match="changed this campaign"):
            campaigns.prepare_change(made, BY)


def test_a_campaign_that_began_to_send_while_the_form_was_saved_is_read_only(app: Flask) -> None:
    with transaction():
        made = factories.live_campaign()
    made.subject = "Mine"
    with db.session.no_autoflush:
        behind_the_back(made.id, status=S.SENDING)
        with pytest.raises(Conflict, match="that is sending cannot be edited"):
            campaigns.prepare_change(made, BY)


def test_a_campaign_deleted_while_the_form_was_saved_is_not_found(app: Flask) -> None:
    with transaction():
        made = factories.campaign()
    made.subject = "Mine"
    with db.session.no_autoflush:
        db.session.execute(delete(Campaign).where(Campaign.id == made.id).execution_options(synchronize_session=False))
        with pytest.raises(NotFound):
            campaigns.prepare_change(made, BY)
    db.session.rollback()


def test_a_refused_change_writes_nothing(app: Flask) -> None:
    with transaction():
        made = factories.campaign()
    with pytest.raises(InvalidInput) as caught, transaction():
        made.subject, made.delay_seconds = "New", -1
        campaigns.prepare_change(made, BY)
    assert caught.value.field == "delay_seconds"
    after = campaigns.get(made.id)
    assert (after.subject, after.revision) == ("News for {{ first_name }}", 1)


def test_of_several_that_change_the_same_revision_one_does(app: Flask) -> None:
    with transaction():
        campaign_id = factories.campaign().id

    def change() -> int:
        made = campaigns.get(campaign_id)
        made.description = f"by {threading.get_ident()}"
        campaigns.prepare_change(made, BY, revision=1)
        return made.revision

    outcomes = at_once(app, change)
    assert outcomes.count(2) == 1
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == AT_ONCE - 1
    assert campaigns.get(campaign_id).revision == 2


def test_a_change_waits_for_one_that_is_not_committed_yet(app: Flask) -> None:
    with transaction():
        made = factories.campaign()
    campaign_id = made.id
    outcomes: list[object] = []
    second_is_through = threading.Event()

    def second() -> None:
        with app.app_context():
            try:
                with transaction():
                    campaigns.prepare_change(campaigns.get(campaign_id), "ben", revision=1)
                    db.session.flush()
                    second_is_through.set()
            except Conflict as error:
                outcomes.append(error)

    thread = threading.Thread(target=second)
    with transaction():
        campaigns.prepare_change(made, "anna", revision=1)
        db.session.flush()
        thread.start()
        assert not second_is_through.wait(0.3)  # it cannot get through, however long we waited
    thread.join(60)
    assert [type(outcome) for outcome in outcomes] == [Conflict]
    after = campaigns.get(campaign_id)
    assert (after.changed_by, after.revision) == ("anna", 2)


def test_a_scheduled_campaign_stays_complete(app: Flask) -> None:
    with transaction():
        made = in_state(S.SCHEDULED)
    with pytest.raises(InvalidInput, match="Write a subject"), transaction():
        made.subject = ""
        campaigns.prepare_change(made, BY)
    assert campaigns.get(made.id).subject != ""


def test_a_scheduled_campaign_follows_its_new_schedule_at_once(app: Flask) -> None:
    made = in_state(S.SCHEDULED)
    campaigns.wait(made, "waiting for the start time", clock.utcnow() + timedelta(days=3))
    made.start_at = clock.utcnow()
    campaigns.prepare_change(made, BY)
    assert made.next_send_at is None


def test_a_scheduled_campaign_plans_the_people_of_new_folders(app: Flask) -> None:
    with transaction():
        made = in_state(S.SCHEDULED)
    with transaction():
        made.description = "the same folders"
        made.folders = list(made.folders)
        campaigns.prepare_change(made, BY)
    assert (campaigns.get(made.id).lifecycle_serial, settle_bells()) == (0, [])
    with transaction():
        made.folders = [*made.folders, factories.folder()]
        campaigns.prepare_change(made, BY)
    assert (campaigns.get(made.id).lifecycle_serial, settle_bells()) == (1, [f"settle-{made.id}-1"])


# --- expiring and extending


def expired() -> Campaign:
    made = factories.live_campaign(valid_until=clock.utcnow() + timedelta(hours=1))
    behind_the_back(made.id, valid_until=clock.utcnow() - timedelta(hours=1))
    db.session.refresh(made)
    campaigns.expire(made)
    assert (made.status, made.hold_reason) == (S.EXPIRED, Reason.VALIDITY_PERIOD_EXPIRED)
    return made


@pytest.mark.parametrize("more", [timedelta(days=1), None], ids=["later", "without end"])
def test_an_extended_campaign_is_scheduled_again(app: Flask, more: timedelta | None) -> None:
    made = expired()
    made.valid_until = clock.utcnow() + more if more else None
    campaigns.prepare_change(made, "editor")
    assert (made.status, made.hold_reason, made.changed_by) == (S.SCHEDULED, None, "editor")
    assert made.lifecycle_serial == 3


def test_an_expired_campaign_may_be_mended_without_extending_it(app: Flask) -> None:
    made = expired()
    made.subject = "Other news"
    campaigns.prepare_change(made, BY)
    assert (made.status, made.hold_reason) == (S.EXPIRED, Reason.VALIDITY_PERIOD_EXPIRED)


def test_an_end_in_the_past_extends_nothing(app: Flask) -> None:
    made = expired()
    made.valid_until = clock.utcnow() - timedelta(minutes=1)
    with pytest.raises(InvalidInput, match="already over") as caught:
        campaigns.prepare_change(made, BY)
    assert caught.value.field == "valid_until"


def test_an_extended_campaign_must_be_complete(app: Flask) -> None:
    made = expired()
    assert made.smtp_account is not None
    made.smtp_account.is_enabled = False
    made.valid_until = clock.utcnow() + timedelta(days=1)
    with pytest.raises(InvalidInput, match="switched off"):
        campaigns.prepare_change(made, BY)
