"""The report page: numbers that match the ledger, filters, pages without deep offsets."""

import re
from datetime import UTC, datetime

import pytest

from app.campaigns import service
from app.campaigns.lifecycle import CampaignStatus
from app.channels.contract import Reason
from app.extensions import db
from app.sending import progress
from app.sending.models import CampaignRecipient
from app.sending.states import RecipientState
from app.web.views import report
from tests import factories
from tests.web.conftest import Browser

STATES = {
    RecipientState.SENT: (None, ""),
    RecipientState.FAILED: (Reason.INVALID_RECIPIENT, "550 5.1.1 No such <user>"),
    RecipientState.AWAITING: (None, ""),
    RecipientState.SKIPPED: (Reason.SUPPRESSED, ""),
    RecipientState.UNCONFIRMED: (Reason.REPLY_LOST, ""),
}


@pytest.fixture()
def campaign_id() -> int:
    made = factories.ready_campaign(len(STATES), name="Spring sale")
    made.status, made.waiting_for = CampaignStatus.SENDING, "the daily hours"
    made.next_send_at = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
    progress.ensure(made.id)
    people = factories.contacts(len(STATES))
    for seq, (person, (state, (reason, detail))) in enumerate(zip(people, STATES.items(), strict=True), 1):
        db.session.add(
            CampaignRecipient(
                campaign_id=made.id, seq=seq, contact_id=person.id, state=state, reason=reason, detail=detail
            )
        )
        progress.move(made.id, {state: 1})
    db.session.commit()
    return made.id


def rows(text: str) -> list[str]:
    table = re.search(r'<table[^>]*id="recipients">.*?</table>', text, re.S)
    return re.findall(r"<tr>\s*<td>(\d+)</td>", table[0]) if table else []


def test_the_numbers_and_why_it_waits(manager: Browser, campaign_id: int) -> None:
    values = manager.get(f"/reports/campaign/{campaign_id}/counts").get_json()
    ones = dict.fromkeys(("Awaiting", "Failed", "Sent", "Skipped", "Unconfirmed"), 1)
    assert values["counts"] == ones | {"Processing": 0}
    assert (values["total"], values["status"], values["is_over"]) == (5, "sending", False)
    assert (values["waiting_for"], values["next_send_at"]) == ("the daily hours", "2026-12-01 09:00:00 UTC")
    text = manager.get(f"/reports/campaign/{campaign_id}").text
    assert f'data-poll="/reports/campaign/{campaign_id}/counts"' in text
    assert "the daily hours" in text
    assert "invalid recipient" in text
    assert "No such &lt;user&gt;" in text


def test_a_finished_campaign_is_not_polled(manager: Browser, campaign_id: int) -> None:
    service.get(campaign_id).status = CampaignStatus.FINISHED
    db.session.commit()
    assert "data-poll" not in manager.get(f"/reports/campaign/{campaign_id}").text


@pytest.mark.parametrize(("state", "expected"), [("Sent", ["1"]), ("Failed", ["2"]), ("Processing", [])])
def test_recipients_are_filtered_by_state(manager: Browser, campaign_id: int, state: str, expected: list[str]) -> None:
    assert rows(manager.get(f"/reports/campaign/{campaign_id}?state={state}").text) == expected


def test_pages_follow_each_other(manager: Browser, campaign_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "PAGE_SIZE", 2)
    seen, path = [], f"/reports/campaign/{campaign_id}"
    while path:
        text = manager.get(path).text
        seen += rows(text)
        link = re.search(r'id="next-page" href="([^"]+)"', text)
        path = link[1].replace("&amp;", "&") if link else ""
    assert seen == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize("query", ["state=Nonsense", "after=x", "after=-1", "after=99999999999"])
def test_a_made_up_page_is_a_404(manager: Browser, campaign_id: int, query: str) -> None:
    assert manager.get(f"/reports/campaign/{campaign_id}?{query}").status_code == 404


def test_only_those_who_may_be_removed_have_the_button(manager: Browser, analyst: Browser, campaign_id: int) -> None:
    path = f"/reports/campaign/{campaign_id}"
    assert manager.get(path).text.count(f"/campaigns/remove/{campaign_id}") == 3
    assert "/campaigns/remove" not in analyst.get(path).text


def test_the_campaign_leads_to_its_report(manager: Browser, campaign_id: int) -> None:
    for page in ("/campaigns/list/", f"/campaigns/show/{campaign_id}"):
        assert f'href="/reports/campaign/{campaign_id}"' in manager.get(page).text
