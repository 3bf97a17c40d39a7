"""Campaigns as cards: their order, their filters, their numbers, and what that costs."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import event, update

from app.campaigns import groups, removal_log
from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import Campaign, CampaignContact, PickSource
from app.channels import web_push
from app.channels.contract import Channel, Reason
from app.extensions import db
from app.kernel import clock
from app.reports import audiences, cards
from app.reports.audiences import People
from app.reports.cards import NO_GROUP, Sort, Wanted
from app.sending import progress
from app.sending.states import RecipientState, Shown
from tests import factories

pytestmark = pytest.mark.usefixtures("app")
DAY = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture()
def three() -> list[int]:
    """Alpha, Beta and Gamma, made on three days and changed in the other order; Beta has the most people."""
    found = []
    for number, name in enumerate(("Alpha", "Beta", "Gamma")):
        made = factories.ready_campaign(1, name=name)
        made.created_at, made.changed_at = DAY + timedelta(days=number), DAY + timedelta(days=20 - number)
        found.append(made.id)
    counters(found[1], {RecipientState.SENT: 5, RecipientState.AWAITING: 2})
    counters(found[2], {RecipientState.SENT: 3})
    db.session.flush()
    return found


def counters(campaign_id: int, numbers: dict[RecipientState, int], **facts: int) -> None:
    progress.ensure(campaign_id)
    progress.move(campaign_id, numbers, **facts)
    moved_at = DAY + timedelta(days=campaign_id)
    db.session.execute(
        update(progress.CampaignProgress)
        .where(progress.CampaignProgress.campaign_id == campaign_id)
        .values(moved_at=moved_at)
    )


def names(wanted: Wanted = Wanted(), offset: int = 0, limit: int = 25) -> list[str]:  # noqa: B008
    return [card.name for card in cards.page(wanted, offset, limit)]


@contextmanager
def counted() -> Iterator[list[str]]:
    statements: list[str] = []

    def note(*arguments: object) -> None:
        statements.append(str(arguments[2]))

    event.listen(db.engine, "before_cursor_execute", note)
    yield statements
    event.remove(db.engine, "before_cursor_execute", note)


@pytest.mark.parametrize(
    ("sort", "upwards"),
    [
        (Sort.CREATED, ["Alpha", "Beta", "Gamma"]),
        (Sort.NAME, ["Alpha", "Beta", "Gamma"]),
        (Sort.ID, ["Alpha", "Beta", "Gamma"]),
        (Sort.MODIFIED, ["Gamma", "Beta", "Alpha"]),
        (Sort.CONTACTS, ["Alpha", "Gamma", "Beta"]),
    ],
)
def test_cards_come_in_each_order_up_and_down(three: list[int], sort: Sort, upwards: list[str]) -> None:
    assert names(Wanted(sort=sort, is_down=False)) == upwards
    assert names(Wanted(sort=sort, is_down=True)) == upwards[::-1]


def test_the_newest_is_first_unless_something_else_is_asked(three: list[int]) -> None:
    assert names() == ["Gamma", "Beta", "Alpha"]


def test_activity_is_the_last_change_or_the_last_move_of_its_numbers(three: list[int]) -> None:
    rows = progress.CampaignProgress
    for campaign_id, days in ((three[1], 30), (three[2], 1)):  # Gamma was changed after its numbers moved
        moved = update(rows).where(rows.campaign_id == campaign_id).values(moved_at=DAY + timedelta(days=days))
        db.session.execute(moved)
    assert names(Wanted(sort=Sort.ACTIVITY)) == ["Beta", "Alpha", "Gamma"]
    assert names(Wanted(sort=Sort.ACTIVITY, is_down=False)) == ["Gamma", "Alpha", "Beta"]


def test_moving_the_numbers_is_an_activity(three: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    now = DAY + timedelta(days=99)
    monkeypatch.setattr(clock, "utcnow", lambda: now)
    progress.move(three[1], {RecipientState.AWAITING: -1, RecipientState.SENT: 1})
    row = db.session.get_one(progress.CampaignProgress, three[1], populate_existing=True)
    assert row.moved_at == now


def test_pages_follow_each_other_without_gap_or_double(three: list[int]) -> None:
    for sort in Sort:
        wanted = Wanted(sort=sort)
        assert names(wanted, 0, 2) + names(wanted, 2, 2) == names(wanted)


def test_campaigns_made_in_the_same_moment_keep_their_order(three: list[int]) -> None:
    db.session.execute(update(Campaign).values(created_at=DAY))
    assert names(Wanted(), 0, 1) + names(Wanted(), 1, 1) + names(Wanted(), 2, 1) == ["Gamma", "Beta", "Alpha"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        pytest.param(Wanted(text="ET"), ["Beta"], id="a part of the name in any case"),
        pytest.param(Wanted(text="%"), [], id="a percent sign is a percent sign"),
        pytest.param(Wanted(status=CampaignStatus.SENDING), ["Beta"], id="status"),
        pytest.param(Wanted(creator="ann"), ["Gamma"], id="creator"),
        pytest.param(Wanted(group_id=NO_GROUP), ["Gamma", "Beta"], id="without a group"),
        pytest.param(Wanted(text="a", creator="ann"), ["Gamma"], id="both"),
        pytest.param(Wanted(group_id=987), [], id="a group that is gone"),
    ],
)
def test_cards_are_narrowed_down(three: list[int], wanted: Wanted, found: list[str]) -> None:
    db.session.get_one(Campaign, three[1]).status = CampaignStatus.SENDING
    db.session.get_one(Campaign, three[2]).created_by = "ann"
    groups.create("Shop", "", [three[0]], "me")
    assert names(wanted) == found


def test_a_card_has_the_name_of_its_group(three: list[int]) -> None:
    shop = groups.create("Shop", "", [three[0]], "me")
    (card,) = cards.page(Wanted(group_id=shop.id), 0, 25)
    assert (card.name, card.group) == ("Alpha", "Shop")


def test_the_numbers_of_a_status_do_not_depend_on_the_one_that_is_chosen(three: list[int]) -> None:
    db.session.get_one(Campaign, three[1]).status = CampaignStatus.SENDING
    db.session.flush()
    expected = {CampaignStatus.DRAFT: 2, CampaignStatus.SENDING: 1}
    assert cards.numbers(Wanted()) == cards.numbers(Wanted(status=CampaignStatus.ENDED)) == expected
    assert cards.numbers(Wanted(text="Alpha")) == {CampaignStatus.DRAFT: 1}


def test_a_card_counts_by_what_people_are_shown(three: list[int]) -> None:
    counters(three[0], {RecipientState.BOUNCED: 1, RecipientState.FAILED: 2, RecipientState.STOPPED: 3}, opened=4)
    card = cards.of_ids([three[0]])[0]
    assert (card.counts[Shown.FAILED], card.counts[Shown.SKIPPED], card.total, card.opened) == (3, 3, 6, 4)
    assert cards.of_ids([three[1]])[0].waiting == 2


def test_a_card_says_how_many_are_out_of_its_campaign(three: list[int]) -> None:
    campaign = db.session.get_one(Campaign, three[0])
    removal_log.note(campaign, factories.contact(), Reason.REMOVED_BY_USER, "me")
    db.session.flush()
    assert [card.removed for card in cards.of_ids(three)] == [1, 0, 0]


def test_cards_by_id_keep_their_places_and_leave_out_what_is_gone(three: list[int]) -> None:
    asked = [three[2], 987_654, three[0], three[2]]
    assert [card.campaign_id for card in cards.of_ids(asked)] == [three[2], three[0]]
    assert cards.of_ids([]) == []


def test_all_cards_of_a_page_cost_four_statements_however_many_there_are() -> None:
    folder, account = factories.folder(), factories.account()
    for _ in range(12):
        factories.campaign(folder, sender=account)
    db.session.flush()
    with counted() as statements:
        assert len(cards.page(Wanted(), 0, 25)) == 12
    assert len(statements) == 4, statements  # the cards, the folders of drafts, their people, who was removed


def test_cards_without_drafts_cost_two_statements(three: list[int]) -> None:
    db.session.execute(update(Campaign).values(status=CampaignStatus.FINISHED))
    with counted() as statements:
        assert len(cards.page(Wanted(sort=Sort.CONTACTS), 0, 25)) == 3
    assert len(statements) == 2, statements


def test_everybody_who_made_a_campaign_is_named_once(three: list[int]) -> None:
    db.session.get_one(Campaign, three[2]).created_by = "ann"
    db.session.flush()
    assert cards.creators() == ["ann", factories.BY]


def test_the_first_steps_say_what_there_is() -> None:
    web_push.ensure()  # as every start of Muster does
    assert cards.first_steps() == cards.FirstSteps(None, False)
    factories.gateway()
    assert cards.first_steps() == cards.FirstSteps(Channel.SMS, False)
    factories.account()
    assert cards.first_steps() == cards.FirstSteps(Channel.EMAIL, False)
    factories.contact()
    assert cards.first_steps() == cards.FirstSteps(Channel.EMAIL, True)


# --- how many people a draft would reach


def people_of(campaign: Campaign) -> People:
    return audiences.of_drafts([(campaign.id, campaign.changed_at)])[campaign.id]


def test_a_draft_reaches_everybody_in_its_folders_once() -> None:
    first, second = factories.folder(), factories.folder()
    factories.contacts(3, first)
    factories.contacts(2, first, second)
    one, both = factories.campaign(first), factories.campaign(first, second)
    assert (people_of(one), people_of(both)) == (People(5), People(5))
    assert people_of(factories.campaign()) == People(0)


def test_a_draft_reaches_whom_missions_brought() -> None:
    folder = factories.folder()
    inside = factories.contacts(2, folder)
    outside, gone = factories.contact(), factories.contact()
    draft = factories.campaign(folder)
    now = clock.utcnow()
    for contact, released_at in ((inside[0], None), (outside, None), (gone, now)):
        pick = CampaignContact(campaign_id=draft.id, contact_id=contact.id, source=PickSource.MISSION, source_id=1)
        pick.added_at, pick.released_at = now, released_at
        db.session.add(pick)
    db.session.flush()
    assert people_of(draft) == People(3)


def test_people_are_counted_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audiences, "MOST", 3)
    folder = factories.folder()
    factories.contacts(3, folder)
    assert audiences.in_folders([folder.id]) == People(3)
    factories.contacts(1, folder)
    assert audiences.in_folders([folder.id]) == People(3, has_more=True)
    assert people_of(factories.campaign(folder)) == People(3, has_more=True)
    assert audiences.in_folders([]) == People(0)


def test_what_was_counted_slowly_holds_for_a_while(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = factories.folder()
    draft = factories.campaign(folder)
    now = [1000.0]

    def slowly() -> float:
        now[0] += 1.0
        return now[0]

    monkeypatch.setattr(clock, "steady", slowly)
    assert people_of(draft) == People(0)
    factories.contact(folder)
    assert people_of(draft) == People(0)
    now[0] += audiences.HOLDS_TIMES
    assert people_of(draft) == People(1)
    draft.changed_at += timedelta(seconds=1)
    factories.contact(folder)
    assert people_of(draft) == People(2)  # a changed draft is counted anew
