"""The launch check: it counts whom the plan finds, tells what they have not, and writes nothing."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, func, select

from app.audience.suppressions import suppress_email
from app.campaigns import service as campaigns
from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import Campaign
from app.channels.contract import Reason
from app.channels.models import AccountLimit
from app.extensions import db
from app.kernel.db import db_now, transaction
from app.reports import launch
from app.sending import progress, removals
from app.sending.models import CampaignRecipient, ThrottleCell
from app.sending.states import RecipientState
from app.sending.throttle import CELL_SECONDS
from jobs import sending as jobs
from tests import factories
from tests.factories import BY


def looked_at(campaign_id: int) -> launch.LaunchCheck:
    with transaction():
        return launch.check(campaigns.get(campaign_id), db_now())


def people(campaign_id: int) -> tuple[int, dict[Reason, int]]:
    found = looked_at(campaign_id).people
    return found.waiting, found.left_out


def planned(campaign_id: int) -> tuple[int, dict[Reason, int]]:
    """The same numbers, once the campaign is published and planned."""
    with transaction():
        campaigns.publish(campaign_id, BY)
    jobs.settle_campaign(campaign_id)
    with transaction():
        states = select(CampaignRecipient.reason, func.count()).where(CampaignRecipient.campaign_id == campaign_id)
        left_out = {
            reason: number
            for reason, number in db.session.execute(states.group_by(CampaignRecipient.reason))
            if reason is not None
        }
        return progress.of(campaign_id)[RecipientState.AWAITING], left_out


@pytest.fixture()
def mixed(app: Flask) -> Iterator[int]:
    """Two folders that share a person; some have no address, are suppressed, or were removed."""
    with transaction():
        one, two = factories.folder(), factories.folder()
        factories.contacts(4, one)
        shared = factories.contact(one, two)
        factories.contact(one, email=None, phone="+48600000001")
        factories.contact(two, email=None, phone="+48600000002")
        for name in ("ann", "bea", "cat"):
            factories.contact(two, email=f"{name}@people.example")
            suppress_email(f"{name}@people.example")
        factories.contact(email="dan@people.example")
        suppress_email("dan@people.example")
        campaign_id = factories.campaign(one, two).id
        removals.remove(campaign_id, shared.id, BY)
    yield campaign_id


LEFT_OUT = {Reason.SUPPRESSED: 3, Reason.NO_ADDRESS: 2, Reason.REMOVED_BY_USER: 1}


def test_a_draft_counts_whom_the_plan_will_find(mixed: int) -> None:
    assert people(mixed) == (4, LEFT_OUT)
    assert planned(mixed) == (4, LEFT_OUT)
    assert people(mixed) == (4, LEFT_OUT)


def test_second_addresses_that_are_the_same_are_counted_once(app: Flask) -> None:
    with transaction():
        folder = factories.folder()
        for second in ("a@x.example", "a@x.example", "a@x.example", "b@x.example", "bad@x.example", None):
            factories.contact(folder, second_email=second)
        suppress_email("bad@x.example")
        campaign_id = factories.campaign(folder, to_second_email=True).id
    expected = (2, {Reason.DUPLICATE_ADDRESS: 2, Reason.NO_ADDRESS: 1, Reason.SUPPRESSED: 1})
    assert people(campaign_id) == expected
    assert planned(campaign_id) == expected


def test_who_was_put_in_by_a_mission_is_counted_once(app: Flask) -> None:
    from app.missions import service as missions

    with transaction():
        folder = factories.folder()
        inside, beside = factories.contact(folder), factories.contact()
        campaign_id = factories.campaign(folder).id
        ids = [factories.mission(person).id for person in (inside, beside)]
        missions.add_campaign(ids, campaign_id, BY)
    assert people(campaign_id) == (2, {})


@pytest.mark.parametrize("leave", [campaigns.stop, campaigns.unpublish])
def test_a_campaign_that_was_taken_back_counts_those_who_go_on_and_those_who_are_new(mixed: int, leave: Any) -> None:
    planned(mixed)
    with transaction():
        leave(mixed, BY)
    jobs.settle_campaign(mixed)
    assert people(mixed) == (4, LEFT_OUT)
    with transaction():
        folder = campaigns.get(mixed).folders[0]
        factories.contacts(2, folder)
        factories.contact(folder, email=None, phone="+48600000003")
    expected = (6, LEFT_OUT | {Reason.NO_ADDRESS: 3})
    assert people(mixed) == expected
    assert planned(mixed) == expected


def test_the_holes_of_a_message_are_counted_among_those_who_get_it(app: Flask) -> None:
    with transaction():
        folder = factories.folder()
        nameless = factories.contact(folder, first_name="", attributes={"city": "Gdynia"})
        factories.contact(folder, first_name="Ann", company="Shop")
        factories.contact(folder, first_name="", email="gone@people.example")
        factories.contact(folder, first_name="", email=None, phone="+48600000001")
        suppress_email("gone@people.example")
        campaign_id = factories.campaign(
            folder,
            subject="For {{ first_name }}",
            html="<p>{{ company }} {{ last_name | default: 'x' }} {{ unsubscribe_url }} {{ email }}</p>",
            text="{{ attributes.city }} {{ full_name }} {{ phone }}",
        ).id
    found = {hole.name: hole.people for hole in looked_at(campaign_id).missing}
    assert found == {"phone": 2, "attributes.city": 1, "company": 1, "first_name": 1, "full_name": 1}
    example = next(hole.example_id for hole in looked_at(campaign_id).missing if hole.name == "first_name")
    assert example == nameless.id


def test_the_sender_says_what_is_wrong_with_it(app: Flask) -> None:
    with transaction():
        account = factories.account(per_day=100)
        campaign_id = factories.ready_campaign(sender=account).id
        factories.live_campaign(sender=account)
        factories.ready_campaign(sender=account)
        account.breaker_open_until = db_now() + timedelta(minutes=5)
    found = looked_at(campaign_id)
    assert found.sender is not None
    assert (found.sender.is_resting, found.sender.is_used_up, found.sender.others) == (True, False, 1)
    assert found.problems == ()


def test_problems_are_those_of_the_start(app: Flask) -> None:
    with transaction():
        account = factories.account()
        campaign_id = factories.campaign(factories.folder(), sender=account).id
        account.paused_reason = "535 wrong password"
    found = looked_at(campaign_id)
    assert [problem.field for problem in found.problems] == ["smtp_account", "folders"]
    assert found.people == launch.People()
    assert found.outlook is not None and found.outlook.people == 0


def test_a_message_that_cannot_be_made_leaves_the_rest_of_the_check(app: Flask) -> None:
    with transaction():
        campaign = factories.ready_campaign(3)
        campaign.html, campaign_id = "{{ nobody }}", campaign.id
    found = looked_at(campaign_id)
    assert (found.message, found.missing, found.people.waiting) == (None, (), 3)
    assert [problem.field for problem in found.problems] == ["html"]


def test_the_message_is_measured_with_its_documents(app: Flask) -> None:
    with transaction():
        campaign_id = factories.ready_campaign().id
        before = looked_at(campaign_id).message
        campaigns.attach(campaign_id, "prices.pdf", "application/pdf", b"x" * 3000)
    after = looked_at(campaign_id).message
    assert before is not None and after is not None
    assert (after.size_bytes - before.size_bytes, after.documents) == (4000, 1)
    assert after.html_bytes == before.html_bytes > 0


def test_a_live_campaign_is_told_from_its_counters(mixed: int) -> None:
    planned(mixed)
    with transaction():
        db.session.get_one(Campaign, mixed).status = CampaignStatus.SENDING
        factories.contacts(3, campaigns.get(mixed).folders[0])
    found = looked_at(mixed)
    assert found.people.waiting == 4 and found.missing == ()
    assert found.outlook is not None and found.outlook.people == 4


def test_the_check_writes_nothing_and_asks_few_questions(mixed: int) -> None:
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        looked_at(mixed)
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    asked = [each for each in statements if each.lstrip().upper().startswith("SELECT")]
    changed = [each for each in statements if each.split()[0].upper() in ("INSERT", "UPDATE", "DELETE")]
    assert changed == []
    assert len(asked) <= 22, asked


def test_a_limit_of_the_twilio_account_that_is_used_up_is_told_apart(app: Flask) -> None:
    with transaction():
        folder = factories.folder()
        factories.people_with_phones(2, folder)
        made = factories.text_campaign(folder)
        assert made.gateway is not None
        limit = AccountLimit(account_sid=made.gateway.account_sid, per_day=5)
        db.session.add(limit)
        cell = int(db_now().timestamp()) // CELL_SECONDS
        db.session.add(ThrottleCell(key=f"{limit.key}:day", cell=cell, granted=5))
        campaign_id = made.id
    found = looked_at(campaign_id).sender
    assert found is not None
    assert (found.is_used_up, found.is_account_used_up, found.is_channel_used_up) == (False, True, False)
