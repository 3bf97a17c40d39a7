"""The dashboard's campaigns: what comes next, what runs, what was sent, what needs somebody."""

from datetime import timedelta

import pytest
from sqlalchemy import event

from app.campaigns import service as campaigns
from app.campaigns.lifecycle import CampaignStatus
from app.extensions import db
from app.kernel import clock
from app.kernel.db import transaction
from app.reports import dashboard
from app.reports.cards import Card
from tests import factories
from tests.sending import ledger

pytestmark = pytest.mark.usefixtures("app")


def put(status: CampaignStatus, **values: object) -> int:
    with transaction():
        made = factories.campaign()
        made.status = status
        for name, value in values.items():
            setattr(made, name, value)
        return made.id


def ids(found: list[Card]) -> list[int]:
    return [card.campaign_id for card in found]


def test_campaigns_stand_where_people_look_for_them() -> None:
    running, now = ledger.sending_campaign(1), clock.utcnow()
    later = put(CampaignStatus.SCHEDULED, next_send_at=now + timedelta(days=2))
    sooner = put(CampaignStatus.SCHEDULED, next_send_at=now + timedelta(days=1))
    unknown = put(CampaignStatus.SCHEDULED)
    old = put(CampaignStatus.FINISHED, finished_at=now - timedelta(days=2))
    fresh = put(CampaignStatus.FINISHED, finished_at=now - timedelta(days=1))
    failed = put(CampaignStatus.FAILED, status_detail="The SMTP account is switched off.")
    for status in (CampaignStatus.DRAFT, CampaignStatus.PAUSED, CampaignStatus.ENDED, CampaignStatus.EXPIRED):
        put(status)
    board = dashboard.board()
    assert ids(board.coming) == [sooner, later, unknown]
    assert ids(board.running) == [running]
    assert ids(board.recent) == [fresh, old]
    assert ids(board.failed) == [failed]
    assert board.expired == []


def test_an_expired_campaign_needs_somebody_only_when_people_are_left() -> None:
    campaign_id = ledger.sending_campaign(3)
    with transaction():
        campaigns.expire(campaigns.get(campaign_id))
    ((card, left),) = dashboard.board().expired
    assert (card.campaign_id, left) == (campaign_id, 3)


def test_no_list_grows_without_end() -> None:
    for _ in range(dashboard.MOST_NEXT + 2):
        put(CampaignStatus.SCHEDULED)
    assert len(dashboard.board().coming) == dashboard.MOST_NEXT


def test_paused_accounts_are_named_with_the_reason() -> None:
    with transaction():
        factories.account()
        account = factories.account(name="News")
        account.paused_reason = "535 wrong password"
        account_id = account.id
    assert dashboard.failing_accounts() == [dashboard.FailingAccount(account_id, "News", "535 wrong password", "")]


def test_an_account_whose_stand_in_sends_is_named_with_both() -> None:
    with transaction():
        spare = factories.account(name="Spare")
        account = factories.account(name="News", stand_in_id=spare.id)
        account.stood_in_since, account.last_error = clock.utcnow(), "connection refused"
        account_id = account.id
    assert dashboard.failing_accounts() == [dashboard.FailingAccount(account_id, "News", "connection refused", "Spare")]


def test_the_dashboard_takes_the_same_statements_however_many_campaigns_there_are() -> None:
    asked = []
    for number in (1, 5):
        for _ in range(number):
            for status in (CampaignStatus.SCHEDULED, CampaignStatus.FINISHED, CampaignStatus.FAILED):
                put(status)
        asked.append(_statements())
    assert asked[0] == asked[1] <= 7


def _statements() -> int:
    db.session.rollback()
    seen: list[str] = []
    listener = lambda _c, _cursor, text, *_rest: seen.append(text)  # noqa: E731
    event.listen(db.engine, "before_cursor_execute", listener)
    try:
        dashboard.board()
    finally:
        event.remove(db.engine, "before_cursor_execute", listener)
    return len([text for text in seen if text.startswith("SELECT")])
