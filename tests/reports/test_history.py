"""The history: every campaign ever made, in order, filtered, and page by page."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.campaigns import service as campaigns
from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import Campaign
from app.channels.contract import Channel
from app.extensions import db
from app.kernel import clock
from app.kernel.db import transaction
from app.kernel.errors import NotFound
from app.reports import history
from app.reports.cards import Sort
from app.reports.history import HistoryFilter
from app.sending import service as sending
from app.sending.models import CampaignProgress
from tests import factories
from tests.sending import ledger

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture()
def five() -> list[int]:
    """Five campaigns, the second and the fourth of which were deleted; the last is published by another person."""
    with transaction():
        ids = [factories.ready_campaign(name=f"Sale {number}").id for number in range(5)]
        campaigns.get(ids[4]).created_by = "ann"
        campaigns.get(ids[3]).created_by = "ann"
        campaigns.publish(ids[4], "ann")
    for gone in (ids[1], ids[3]):
        with transaction():
            sending.delete_campaign(gone)
    return ids


def numbers(asked: HistoryFilter, ids: list[int]) -> list[int]:
    return [ids.index(row.campaign_id) for row in history.page(asked, None, 20).rows]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (HistoryFilter(), [4, 3, 2, 1, 0]),
        (HistoryFilter(is_down=False), [0, 1, 2, 3, 4]),
        (HistoryFilter(is_gone=True), [3, 1]),
        (HistoryFilter(is_gone=False), [4, 2, 0]),
        (HistoryFilter(status=CampaignStatus.DRAFT), [2, 0]),
        (HistoryFilter(status=CampaignStatus.SCHEDULED), [4]),
        (HistoryFilter(created_by="ann"), [4, 3]),
        (HistoryFilter(text="ale 3"), [3]),
        (HistoryFilter(text="ale 2"), [2]),
        (HistoryFilter(text="100%"), []),
    ],
)
def test_campaigns_are_found_whether_they_are_there_or_not(
    five: list[int], asked: HistoryFilter, expected: list[int]
) -> None:
    assert numbers(asked, five) == expected


def test_a_number_finds_its_campaign(five: list[int]) -> None:
    assert numbers(HistoryFilter(text=f"#{five[1]}"), five) == [1]


@pytest.fixture()
def mixed(five: list[int]) -> list[int]:
    """The five with names, numbers and times that stand in another order than their making; some have the same."""
    with transaction():
        for number, name in ((0, "Sale 3"), (2, "Sale 9")):
            campaigns.get(five[number]).name = name
        db.session.add(CampaignProgress(campaign_id=five[0], sent=7, moved_at=clock.utcnow() + timedelta(hours=1)))
        db.session.execute(update(Campaign).where(Campaign.id == five[2]).values(changed_at=clock.utcnow()))
    return five


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        (Sort.CREATED, [4, 3, 2, 1, 0]),
        (Sort.ID, [4, 3, 2, 1, 0]),
        (Sort.NAME, [2, 4, 3, 0, 1]),
        (Sort.MODIFIED, [2, 3, 1, 4, 0]),
        (Sort.CONTACTS, [0, 4, 3, 2, 1]),
        (Sort.ACTIVITY, [0, 2, 3, 1, 4]),
    ],
)
@pytest.mark.parametrize("is_down", [True, False])
def test_every_order_goes_through_those_that_are_there_and_those_that_are_gone(
    mixed: list[int], sort: Sort, expected: list[int], is_down: bool
) -> None:
    asked = HistoryFilter(sort=sort, is_down=is_down)
    assert numbers(asked, mixed) == (expected if is_down else expected[::-1])


@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize("is_down", [True, False])
def test_pages_miss_nothing_and_repeat_nothing(mixed: list[int], sort: Sort, is_down: bool) -> None:
    asked = HistoryFilter(sort=sort, is_down=is_down)
    seen, after = [], None
    while True:
        found = history.page(asked, after, 2)
        seen += [row.campaign_id for row in found.rows]
        if not found.has_more:
            break
        after = found.rows[-1].campaign_id
    assert [mixed.index(each) for each in seen] == numbers(asked, mixed)


def test_a_page_behind_a_campaign_that_never_was_is_refused(five: list[int]) -> None:
    with pytest.raises(NotFound):
        history.page(HistoryFilter(), max(five) + 1, 2)


def test_a_campaign_that_is_gone_says_what_it_was() -> None:
    campaign_id = ledger.sending_campaign(3, name="Spring sale")
    (there,) = history.page(HistoryFilter(), None, 5).rows
    with transaction():
        campaigns.stop(campaign_id, "ann")
    with transaction():
        sending.delete_campaign(campaign_id)
    (gone,) = history.page(HistoryFilter(), None, 5).rows
    assert (gone.name, gone.created_by, gone.channel, gone.audience) == ("Spring sale", "tester", Channel.EMAIL, 3)
    assert (gone.created_at, gone.started_at) == (there.created_at, there.started_at)
    assert there.gone_at is None and gone.gone_at is not None
    assert gone.status is CampaignStatus.PAUSED
    assert history.gone_name(campaign_id) == "Spring sale"
    assert history.gone_name(campaign_id + 1) is None


def test_everybody_who_ever_made_a_campaign_can_be_chosen(five: list[int]) -> None:
    with transaction():
        campaigns.get(five[4]).created_by = "zoe"
    assert history.creators() == ["ann", "tester", "zoe"]
