"""The report page: numbers that match the ledger, filters, pages without deep offsets."""

import re
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from app.campaigns import service, statuses
from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import Campaign
from app.channels.contract import Reason
from app.extensions import db
from app.kernel.db import transaction
from app.kernel.headway import Teller
from app.reports import recipients
from app.sending import progress
from app.sending.models import CampaignRecipient, RecipientRun
from app.sending.states import RecipientState
from app.web.views import report_filter
from jobs import sending as jobs
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
    return re.findall(r'<tr id="recipient-(\d+)">', text)


def test_the_numbers_and_why_it_waits(manager: Browser, campaign_id: int) -> None:
    part = manager.get(f"/reports/campaign/{campaign_id}/counts").text
    numbers = dict(re.findall(r'id="tile-(\w+)".*?<span class="tile-number">(\d+)<', part, re.S))
    ones = dict.fromkeys(("awaiting", "failed", "sent", "skipped", "unconfirmed"), "1")
    assert numbers == ones | dict.fromkeys(("processing", "opened", "clicked", "unsubscribed"), "0")
    assert "the daily hours" in part and 'datetime="2026-12-01T09:00:00+00:00"' in part
    assert 'aria-valuenow="4"' in part and 'aria-valuemax="5"' in part
    text = manager.get(f"/reports/campaign/{campaign_id}").text
    assert f'hx-get="/reports/campaign/{campaign_id}/counts"' in text
    assert f'hx-get="/reports/campaign/{campaign_id}/reasons" hx-trigger="load"' in text
    assert "No such &lt;user&gt;" in text
    reasons = manager.get(f"/reports/campaign/{campaign_id}/reasons").text
    assert "address does not exist" in reasons and "reason=invalid-recipient" in reasons


def test_people_who_are_being_put_in_line_are_told_of_until_they_are(manager: Browser, campaign_id: int) -> None:
    assert 'id="settling"' not in manager.get(f"/reports/campaign/{campaign_id}/counts").text
    campaign = db.session.get_one(Campaign, campaign_id)
    campaign.status, campaign.lifecycle_serial = CampaignStatus.ENDED, campaign.settled_serial + 1
    db.session.commit()
    part = manager.get(f"/reports/campaign/{campaign_id}/counts").text
    assert 'id="settling"' in part and "hx-trigger" in part
    assert "progress-bar-indeterminate" in part and "people a second" not in part
    Teller(progress.SETTLING % campaign_id, 200).tell(50)
    part = manager.get(f"/reports/campaign/{campaign_id}/counts").text
    assert 'aria-valuemax="200" aria-valuenow="50"' in part and 'data-width="25.0"' in part
    assert re.search(r"\d+ people a second, about \d+ seconds? left", part)
    assert "progress-bar-indeterminate" not in part


def test_recipients_appear_by_themselves_once_they_are_in_line(manager: Browser) -> None:
    with transaction():
        live = factories.live_campaign(2).id
    path = f"/reports/campaign/{live}"
    asks = f'hx-get="{path}" hx-trigger="every 2s" hx-select="#found"'
    before = manager.get(path).text
    assert "They appear here by themselves." in before and asks in before
    jobs.settle_campaign(live)
    after = manager.get(path).text
    assert after.count('class="is-main"') == 2 and asks not in after


def test_the_part_that_stays_fresh_keeps_the_filter(manager: Browser, campaign_id: int) -> None:
    text = manager.get(f"/reports/campaign/{campaign_id}?state=Failed").text
    assert f'hx-get="/reports/campaign/{campaign_id}/counts?state=Failed"' in text
    assert 'aria-current="true"' in manager.get(f"/reports/campaign/{campaign_id}/counts?state=Failed").text


def test_a_finished_campaign_is_not_polled(manager: Browser, campaign_id: int) -> None:
    service.get(campaign_id).status = CampaignStatus.FINISHED
    db.session.commit()
    assert "every 2s" not in manager.get(f"/reports/campaign/{campaign_id}").text


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("state=Sent", ["1"]),
        ("state=Failed", ["2"]),
        ("state=Processing", []),
        ("reason=suppressed", ["4"]),
        ("q=%233", ["3"]),
        ("from=2020-01-01", []),
        ("label=0&state=Sent", ["1"]),
        ("fact=opened", []),
    ],
)
def test_recipients_are_filtered(manager: Browser, campaign_id: int, query: str, expected: list[str]) -> None:
    assert rows(manager.get(f"/reports/campaign/{campaign_id}?{query}").text) == expected


def test_a_search_that_takes_long_goes_on_by_itself_and_says_how_far_it_is(
    manager: Browser, campaign_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipients, "WINDOW_ROWS", 2)
    monkeypatch.setattr(recipients, "PATIENCE_SECONDS", -1)
    path = f"/reports/campaign/{campaign_id}?reason=reply-lost"
    text = manager.get(path).text
    assert "Searched up to number 2." in text
    on = re.search(r'hx-get="([^"]+after=\d[^"]*)" hx-trigger="load" hx-select="#found"', text)
    assert on and on[1].replace("&amp;", "&") == f"{path}&after=2"
    assert "Searched up to number 4." in manager.get(f"{path}&after=2").text
    last = manager.get(f"{path}&after=4").text
    assert rows(last) == ["5"] and 'hx-select="#found"' not in last
    assert "Nothing more matches" in manager.get(f"{path}&after=5").text
    assert "Searched down to number 4." in manager.get(f"{path}&before=6&size=10").text


def test_the_way_back_keeps_the_filter_and_ends_at_the_first_page(
    manager: Browser, campaign_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_filter, "SIZES", (2, 25))
    path = f"/reports/campaign/{campaign_id}?size=2&label=0"
    second = manager.get(f"{path}&after=2").text
    back = re.search(r'id="previous-page"[^>]* href="([^"]+)"', second)
    assert back
    first = manager.get(back[1].replace("&amp;", "&")).text
    assert rows(first) == ["1", "2"]
    assert 'id="previous-page"' not in first and "label=0" in back[1]


def test_an_analyst_searches_by_name_and_not_by_address(manager: Browser, analyst: Browser, campaign_id: int) -> None:
    row = recipients.one(campaign_id, 1)
    assert row is not None
    path = f"/reports/campaign/{campaign_id}?q="
    address = row.address.replace("@", "%40")
    assert rows(manager.get(f"{path}{address}").text) == ["1"]
    refused = analyst.get(f"{path}{address}").text
    assert rows(refused) == [] and "may read contacts" in refused
    assert rows(analyst.get(f"{path}{row.name}").text) == ["1"]


def test_the_part_that_stays_fresh_searches_nothing(
    manager: Browser, campaign_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipients, "searched", lambda *_args: pytest.fail("searched"))
    assert manager.get(f"/reports/campaign/{campaign_id}/counts?q=Person").status_code == 200


def test_a_search_for_something_that_is_no_address_says_so(manager: Browser, campaign_id: int) -> None:
    page = manager.get(f"/reports/campaign/{campaign_id}?q=600100200")
    assert page.status_code == 200
    assert "with its country" in page.text
    assert rows(page.text) == []


def test_pages_follow_each_other(manager: Browser, campaign_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_filter, "SIZES", (2, 25))
    seen, path = [], f"/reports/campaign/{campaign_id}?size=2"
    while path:
        text = manager.get(path).text
        seen += rows(text)
        link = re.search(r'id="next-page"[^>]* href="([^"]+)"', text)
        path = link[1].replace("&amp;", "&") if link else ""
    assert seen == ["1", "2", "3", "4", "5"]
    back = re.search(r'id="previous-page"[^>]* href="([^"]+)"', text)
    assert back and rows(manager.get(back[1].replace("&amp;", "&")).text) == ["3", "4"]


@pytest.mark.parametrize(
    "query",
    [
        "state=Nonsense",
        "after=x",
        "after=-1",
        "after=99999999999",
        "size=7",
        "from=tomorrow",
        "reason=x",
        "fact=x",
        "label=x",
    ],
)
def test_a_made_up_page_is_a_404(manager: Browser, campaign_id: int, query: str) -> None:
    assert manager.get(f"/reports/campaign/{campaign_id}?{query}").status_code == 404


def test_only_those_who_may_be_removed_have_the_button(manager: Browser, analyst: Browser, campaign_id: int) -> None:
    path = f"/reports/campaign/{campaign_id}"
    assert len(re.findall(rf'href="{path}/recipient/\d+/remove"', manager.get(path).text)) == 3
    assert "/remove" not in analyst.get(path).text


def test_the_campaign_leads_to_its_report(manager: Browser, campaign_id: int) -> None:
    for page in ("/campaigns/list/", f"/campaigns/show/{campaign_id}"):
        assert f'href="/reports/campaign/{campaign_id}"' in manager.get(page).text


def test_one_who_waits_for_the_pace_to_a_domain_says_until_when(manager: Browser, campaign_id: int) -> None:
    row = db.session.get_one(CampaignRecipient, (campaign_id, 3))
    row.reason, row.detail = Reason.DOMAIN_PACE, "Waits for the pace to gmail.com"
    row.not_before = datetime(2026, 12, 1, 12, 31, tzinfo=UTC)
    db.session.commit()
    page = manager.get(f"/reports/campaign/{campaign_id}/recipient/3").text
    assert re.search(r"Waits for the pace to gmail\.com</div><div[^>]*>until <time[^>]*12:31", page)


def test_one_recipient_says_what_happened(manager: Browser, analyst: Browser, campaign_id: int) -> None:
    path = f"/reports/campaign/{campaign_id}/recipient/2"
    page = manager.get(path).text
    assert "No such &lt;user&gt;" in page and "address does not exist" in page and "@people.example" in page
    assert "@people.example" not in analyst.get(path).text
    for nobody in ("99", "99999999999"):
        assert manager.get(f"/reports/campaign/{campaign_id}/recipient/{nobody}").status_code == 404


def test_internal_statuses_are_put_on_one_and_on_many(manager: Browser, analyst: Browser, campaign_id: int) -> None:
    status_id = statuses.create("Called", "#2f54d9", "me").id
    db.session.commit()
    path = f"/reports/campaign/{campaign_id}"
    row = manager.post(f"{path}/recipient/2/label", data={"label": status_id}).text
    assert rows(row) == ["2"] and f'<option value="{status_id}" selected>Called' in row
    done = manager.post(f"{path}/label", data={"label": status_id, "rowid": ["1", "3"]}, follow_redirects=True)
    assert "2 recipients were marked" in done.text
    assert rows(manager.get(f"{path}?label={status_id}").text) == ["1", "2", "3"]
    manager.post(f"{path}/recipient/2/label", data={"label": "0"})
    assert rows(manager.get(f"{path}?label={status_id}").text) == ["1", "3"]
    assert manager.post(f"{path}/recipient/2/label", data={"label": "99"}).status_code == 404
    assert analyst.post(f"{path}/recipient/2/label", data={"label": status_id}).status_code == 403
    assert "<select" not in analyst.get(path).text.split('id="recipients"')[1]


def test_an_internal_status_is_set_for_all_that_match(manager: Browser, analyst: Browser, campaign_id: int) -> None:
    status_id = statuses.create("Called", "#2f54d9", "me").id
    db.session.commit()
    path = f"/reports/campaign/{campaign_id}"
    everybody = {"label": status_id, "all": "1"}
    assert analyst.post(f"{path}/label", data=everybody).status_code == 403
    page = manager.post(f"{path}/label?state=Failed&size=10", data=everybody, follow_redirects=True).text
    assert "is being set for everybody who matches" in page and f'hx-get="{path}/running"' in page
    jobs.run_over_recipients(db.session.scalar(select(RecipientRun.id)))
    part = manager.get(f"{path}/running").text
    assert "1 recipient was marked" in part and "every 2s" not in part
    assert rows(manager.get(f"{path}?label={status_id}").text) == ["2"]
    done = manager.post(f"{path}/label?q=%233", data=everybody, follow_redirects=True).text
    assert "1 recipient was marked" in done
    assert rows(manager.get(f"{path}?label={status_id}").text) == ["2", "3"]


def test_what_is_set_for_all_says_for_how_many(
    manager: Browser, campaign_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    statuses.create("Called", "#2f54d9", "me")
    db.session.commit()
    monkeypatch.setattr(report_filter, "SIZES", (2, 25))
    path = f"/reports/campaign/{campaign_id}"
    assert 'name="all"' not in manager.get(path).text
    assert "for 5 recipients on all pages?" in manager.get(f"{path}?size=2").text
    assert "for everybody who matches the filter, on all pages?" in manager.get(f"{path}?size=2&label=0").text


def test_the_file_holds_what_the_page_shows(manager: Browser, analyst: Browser, campaign_id: int) -> None:
    path = f"/reports/campaign/{campaign_id}"
    link = re.search(r'href="([^"]+recipients\.csv[^"]*)"', manager.get(f"{path}?state=Failed").text)
    assert link
    file = manager.get(link[1].replace("&amp;", "&"))
    assert file.headers["Content-Disposition"] == 'attachment; filename="Spring_sale-recipients.csv"'
    head, line = file.get_data(as_text=True).removeprefix("\ufeff").strip().splitlines()
    assert head.startswith("number,name,address,phone,status,reason,detail")
    assert line.startswith("2,") and "550 5.1.1 No such <user>" in line and "@people.example" in line
    assert "@people.example" not in analyst.get(f"{path}/recipients.csv").text
