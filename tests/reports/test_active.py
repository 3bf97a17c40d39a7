"""Active campaigns by their groups: what may be sent now, and who carries which internal status."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from app.campaigns import groups, statuses
from app.campaigns import service as campaigns
from app.campaigns.lifecycle import OVER, CampaignStatus
from app.extensions import db
from app.kernel.db import transaction
from app.reports import active, cards
from app.reports.active import NO_GROUP
from app.sending import labels
from app.sending.states import Shown
from tests import factories
from tests.factories import BY
from tests.sending import ledger

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def card(status: CampaignStatus, waiting_for: str, next_send_at: datetime | None) -> cards.Card:
    values: dict[str, Any] = dict.fromkeys(each.name for each in fields(cards.Card))
    counts = dict.fromkeys(Shown, 0) | {Shown.AWAITING: 5, Shown.SENT: 3}
    values |= {"status": status, "waiting_for": waiting_for, "next_send_at": next_send_at, "counts": counts}
    return cards.Card(**values)


@pytest.mark.parametrize(
    ("status", "waiting_for", "next_send_at", "expected"),
    [
        (CampaignStatus.SENDING, "", None, 5),
        (CampaignStatus.SENDING, "the delay between messages", NOW - timedelta(seconds=1), 5),
        (CampaignStatus.SENDING, "the limit per minute", LATER, 5),
        (CampaignStatus.SCHEDULED, "", None, 5),
        (CampaignStatus.SCHEDULED, "waiting for the start time", LATER, 0),
        (CampaignStatus.SCHEDULED, "the SMTP account is paused", None, 0),
        (CampaignStatus.PAUSED, "", None, 0),
        (CampaignStatus.DRAFT, "", None, 0),
        (CampaignStatus.FAILED, "", None, 0),
    ],
)
def test_who_waits_is_available_while_the_campaign_may_send(
    status: CampaignStatus, waiting_for: str, next_send_at: datetime | None, expected: int
) -> None:
    assert active.available(card(status, waiting_for, next_send_at)) == expected


def labelled(people: int, *marked: tuple[int, list[int]]) -> int:
    campaign_id = ledger.sending_campaign(people)
    with transaction():
        for status_id, seqs in marked:
            labels.put(campaign_id, seqs, status_id)
    return campaign_id


@pytest.fixture()
def two_labels(app: object) -> tuple[int, int]:
    with transaction():
        return statuses.create("Client", "#2f54d9", BY).id, statuses.create("Call again", "#e0a100", BY).id


def test_internal_statuses_are_counted_for_each_campaign(two_labels: tuple[int, int]) -> None:
    client, again = two_labels
    first = labelled(5, (client, [1, 2]), (again, [3]))
    second = labelled(4, (client, [1]))
    third = labelled(1)
    other = labelled(2, (client, [1, 2]))
    assert active.labels([first, second, third]) == {first: {client: 2, again: 1}, second: {client: 1}}
    assert active.labels([]) == {}
    with transaction():
        statuses.delete(again)
    assert active.labels([first, other]) == {first: {client: 2}, other: {client: 2}}


def test_a_count_that_takes_too_long_is_given_up(two_labels: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    campaign_id = labelled(2, (two_labels[0], [1]))
    monkeypatch.setattr(active, "LABEL_SECONDS", -1.0)
    if active.labels([campaign_id]) is not None:  # SQLite is too quick to be interrupted
        assert db.session.get_bind().dialect.name == "sqlite"


def test_a_group_shows_its_campaigns_that_are_not_over(app: object) -> None:
    with transaction():
        made = {status: factories.campaign() for status in CampaignStatus}
        for status, campaign in made.items():
            campaign.status = status
        group = groups.create("Shop", "", [campaign.id for campaign in made.values()], BY)
        loose, empty = factories.campaign().id, groups.create("Empty", "", [], BY).id
        group_id, ids = group.id, {status: campaign.id for status, campaign in made.items()}
    found = active.campaigns(group_id)
    assert {each.card.campaign_id for each in found} == {ids[each] for each in CampaignStatus if each not in OVER}
    assert {each.card.status for each in found if each.is_live} == {CampaignStatus.SCHEDULED, CampaignStatus.SENDING}
    assert [each.card.campaign_id for each in active.campaigns(NO_GROUP)] == [loose]
    assert active.campaigns(empty) == []
    shown = [(each.group_id, each.name, each.campaigns, each.live) for each in active.groups()]
    assert shown == [(empty, "Empty", 0, 0), (group_id, "Shop", 6, 2), (NO_GROUP, "", 1, 0)]


def test_a_group_takes_the_same_statements_however_many_campaigns_it_has(two_labels: tuple[int, int]) -> None:
    asked = []
    for number in (1, 6):
        with transaction():
            for _ in range(number):
                factories.ready_campaign()
        for each in active.campaigns(NO_GROUP):
            with transaction():
                if each.card.status is CampaignStatus.DRAFT:
                    campaigns.publish(each.card.campaign_id, BY)
        asked.append(_statements())
    assert asked[0] == asked[1] <= 5


def _statements() -> int:
    db.session.rollback()
    seen: list[str] = []
    listener = lambda _c, _cursor, text, *_rest: seen.append(text)  # noqa: E731
    event.listen(db.engine, "before_cursor_execute", listener)
    try:
        active.campaigns(NO_GROUP)
    finally:
        event.remove(db.engine, "before_cursor_execute", listener)
    return len([text for text in seen if "SELECT" in text])


@pytest.mark.mariadb
def test_the_count_reads_the_index_of_internal_statuses_only(two_labels: tuple[int, int]) -> None:
    campaign_id = labelled(300, (two_labels[0], [1, 2, 3]))
    with transaction():
        db.session.execute(db.text("ANALYZE TABLE campaign_recipient")).all()
    plan = db.session.execute(
        db.text(
            "EXPLAIN SELECT campaign_id, internal_status_id, count(*) FROM campaign_recipient WHERE "
            "internal_status_id IN (:one, :two) AND campaign_id IN (:three) GROUP BY internal_status_id, campaign_id"
        ),
        {"one": two_labels[0], "two": two_labels[1], "three": campaign_id},
    ).mappings()
    (row,) = plan
    assert row["key"] == "ix_campaign_recipient_internal_status_id" and "Using index" in row["Extra"]
