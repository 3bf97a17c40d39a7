"""The history: every campaign ever made, in order, filtered, and page by page."""

import pytest

from app.campaigns import service as campaigns
from app.campaigns.lifecycle import CampaignStatus
from app.channels.contract import Channel
from app.kernel.db import transaction
from app.reports import history
from app.reports.history import HistoryFilter
from app.sending import service as sending
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
        (HistoryFilter(is_oldest_first=True), [0, 1, 2, 3, 4]),
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


@pytest.mark.parametrize("is_oldest_first", [False, True])
def test_pages_miss_nothing_and_repeat_nothing(five: list[int], is_oldest_first: bool) -> None:
    asked = HistoryFilter(is_oldest_first=is_oldest_first)
    seen, after = [], None
    while True:
        found = history.page(asked, after, 2)
        seen += [row.campaign_id for row in found.rows]
        if not found.has_more:
            break
        after = found.rows[-1].campaign_id
    assert seen == (five if is_oldest_first else five[::-1])


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
