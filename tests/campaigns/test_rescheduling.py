"""Moving the start of a campaign: what may be moved to when, and what every refusal says."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from app.campaigns import rescheduling, service
from app.campaigns.lifecycle import EDITABLE, CampaignStatus
from app.campaigns.models import Campaign
from app.extensions import db
from app.kernel import clock
from app.kernel.audit import AuditEvent, What
from app.kernel.errors import Conflict, InvalidInput
from tests import factories
from tests.campaigns.helpers import behind_the_back, in_state

pytestmark = pytest.mark.usefixtures("app")
NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
TUESDAY = datetime(2026, 11, 24, 9, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _monday(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "utcnow", lambda: NOW)


def moved(campaign: Campaign, start_at: datetime = TUESDAY) -> Campaign:
    return rescheduling.move(campaign.id, start_at, campaign.revision, "ann")


@pytest.mark.parametrize("status", [CampaignStatus.DRAFT, CampaignStatus.SCHEDULED, CampaignStatus.PAUSED])
def test_what_has_not_begun_is_moved(status: CampaignStatus) -> None:
    campaign = in_state(status, start_at=NOW + 5 * DAY)
    before = campaign.revision
    moved(campaign)
    assert (campaign.start_at, campaign.revision, campaign.changed_by) == (TUESDAY, before + 1, "ann")


@pytest.mark.parametrize("status", list(CampaignStatus))
def test_only_what_can_be_edited_and_has_not_begun_may_move(status: CampaignStatus) -> None:
    assert (rescheduling.why_fixed(status, None) is None) == (status in EDITABLE)
    assert rescheduling.why_fixed(status, NOW)


def test_what_has_begun_says_what_to_do_instead() -> None:
    campaign = in_state(CampaignStatus.PAUSED)
    campaign.started_at = NOW - DAY
    with pytest.raises(Conflict, match="begun to send.*on its own page"):
        moved(campaign)


@pytest.mark.parametrize(
    ("values", "start_at", "words"),
    [
        pytest.param({}, NOW, "over. Choose a later one", id="past"),
        pytest.param({"valid_from": TUESDAY + DAY}, TUESDAY, "begins later, on 2026-11-25 09:00", id="too early"),
        pytest.param({"valid_until": TUESDAY}, TUESDAY, "ends on 2026-11-24 09:00", id="too late"),
        pytest.param(
            {"daily_from": time(6), "daily_until": time(7), "valid_until": TUESDAY + timedelta(hours=2)},
            TUESDAY,
            "leave no moment to send",
            id="no hours left",
        ),
    ],
)
def test_a_start_that_does_not_fit_is_refused_with_what_to_do(
    values: dict[str, Any], start_at: datetime, words: str
) -> None:
    campaign = factories.ready_campaign(**values)
    with pytest.raises(InvalidInput, match=words) as refused:
        moved(campaign, start_at)
    assert refused.value.field == "start_at" and campaign.start_at is None


def test_a_move_over_the_change_of_another_person_is_refused() -> None:
    campaign = factories.ready_campaign()
    seen = campaign.revision
    behind_the_back(campaign.id, revision=seen + 1, changed_by="bob")
    with pytest.raises(Conflict, match="bob changed this campaign"):
        rescheduling.move(campaign.id, TUESDAY, seen, "ann")


def test_a_move_is_in_the_audit_log() -> None:
    campaign = moved(factories.ready_campaign())
    db.session.flush()
    event = db.session.scalars(db.select(AuditEvent).where(AuditEvent.what == What.CAMPAIGN_CHANGE)).one()
    assert (event.subject_id, event.done_by, event.detail["fields"]) == (campaign.id, "ann", ["start_at"])


def test_a_published_one_that_is_moved_looks_at_its_new_start_at_once() -> None:
    campaign = factories.live_campaign(start_at=NOW + 5 * DAY)
    campaign.next_send_at = NOW + 5 * DAY
    assert moved(campaign).next_send_at is None
    assert service.get(campaign.id).status is CampaignStatus.SCHEDULED
