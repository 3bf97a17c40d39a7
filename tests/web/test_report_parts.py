"""What a report offers beside its table: trying again, charts, and files."""

import logging
import re
from collections.abc import Callable, Iterator

import pytest

from app.campaigns import service as campaigns
from app.channels.contract import Reason
from app.extensions import db
from app.kernel import clock
from app.reports import charts, metrics
from app.reports import recipients as found
from app.sending import progress, recipient_runs
from app.sending.models import CampaignRecipient, RecipientRun
from app.sending.states import RecipientState
from app.web.views import report_export
from jobs import sending as jobs
from tests import factories
from tests.web.conftest import Browser

OUTCOMES = (
    (RecipientState.SENT, None),
    (RecipientState.FAILED, Reason.MAILBOX_FULL),
    (RecipientState.FAILED, Reason.MAILBOX_FULL),
    (RecipientState.FAILED, Reason.INVALID_RECIPIENT),
    (RecipientState.UNCONFIRMED, Reason.REPLY_LOST),
)


@pytest.fixture()
def campaign_id() -> int:
    """A published campaign: one sent, two with a full mailbox, one without one, one nobody knows of."""
    made = factories.live_campaign(len(OUTCOMES), name="Spring sale")
    db.session.commit()
    jobs.settle_campaign(made.id)
    for seq, (state, reason) in enumerate(OUTCOMES, 1):
        row = db.session.get_one(CampaignRecipient, (made.id, seq))
        row.state, row.reason, row.done_at = state, reason, clock.utcnow()
        progress.move(made.id, {RecipientState.AWAITING: -1, state: 1})
    db.session.commit()
    charts._kept.clear()
    metrics._counted.clear()
    return made.id


def test_a_retry_repeats_the_number_and_is_offered_where_it_helps(
    manager: Browser, analyst: Browser, campaign_id: int
) -> None:
    path = f"/reports/campaign/{campaign_id}"
    part = manager.get(f"{path}/reasons").text
    assert re.findall(r'name="reason" value="([^"]+)"', part) == ["mailbox-full"]
    assert "Try again to send to 2 people? (mailbox full)" in part
    assert "Retry these" not in analyst.get(f"{path}/reasons").text
    assert analyst.post(f"{path}/retry", data={"reason": "mailbox-full"}).status_code in (302, 403)
    assert db.session.query(RecipientRun).count() == 0


def test_a_retry_puts_them_back_in_line_and_shows_how_far_it_is(manager: Browser, campaign_id: int) -> None:
    path = f"/reports/campaign/{campaign_id}"
    page = manager.post(f"{path}/retry", data={"reason": "mailbox-full"}, follow_redirects=True).text
    assert "Recipients are being put back in line: mailbox full." in page and f'hx-get="{path}/running"' in page
    again = manager.post(f"{path}/retry", data={"reason": "mailbox-full"}, follow_redirects=True).text
    assert "are being put back in line already" in again
    (run,) = recipient_runs.recent(campaign_id)
    db.session.rollback()
    jobs.run_over_recipients(run.id)
    part = manager.get(f"{path}/running").text
    assert "2 recipients are tried again: mailbox full." in part and "hx-get" not in part
    assert progress.of(campaign_id)[RecipientState.AWAITING] == 2
    assert "Failed recipients tried again" in manager.get(f"/campaigns/show/{campaign_id}").text


@pytest.mark.parametrize(("reason", "status"), [("invalid-recipient", 302), ("", 404), ("nonsense", 404)])
def test_what_cannot_be_retried_is_refused(manager: Browser, campaign_id: int, reason: str, status: int) -> None:
    path = f"/reports/campaign/{campaign_id}"
    assert manager.post(f"{path}/retry", data={"reason": reason}).status_code == status
    assert "not tried again" in manager.get(path).text or status == 404
    assert db.session.query(RecipientRun).count() == 0


def test_an_unpublished_campaign_offers_no_retry(manager: Browser, campaign_id: int) -> None:
    campaigns.unpublish(campaign_id, "me")
    db.session.commit()
    assert "Retry these" not in manager.get(f"/reports/campaign/{campaign_id}/reasons").text


def test_charts_come_with_their_numbers_as_tables(manager: Browser, campaign_id: int) -> None:
    path = f"/reports/campaign/{campaign_id}"
    page = manager.get(path).text
    assert "charts-" in page and f'hx-get="{path}/charts" hx-trigger="toggle from:#charts once"' in page
    part = manager.get(f"{path}/charts").text
    assert 'data-chart="bars"' in part and 'data-chart="funnel"' in part
    rows = re.findall(r"<tr><td>([^<]+)</td><td[^>]*>([^<]+)</td>", part)
    assert [number for _label, number in rows] == ["2", "5", "1", "0", "0"]  # handed over in this hour, then the funnel
    assert [label for label, _number in rows[1:]] == ["Audience", "Sent", "Opened", "Clicked"]


def test_charts_of_many_recipients_go_on_by_themselves(
    manager: Browser, campaign_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(charts, "WINDOW_ROWS", 3)
    ticks = iter(range(10_000))
    monkeypatch.setattr(charts.clock, "steady", lambda: next(ticks) * 1e-9)
    monkeypatch.setattr(charts, "SECONDS", 1.5e-9)
    path = f"/reports/campaign/{campaign_id}/charts"
    part = manager.get(path).text
    assert "Counting: 3 of 5 recipients." in part and f'hx-get="{path}"' in part
    assert "Counting" not in manager.get(path).text


def test_a_database_that_does_not_keep_up_is_said(
    manager: Browser, campaign_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(charts, "WINDOW_SECONDS", -1.0)
    part = manager.get(f"/reports/campaign/{campaign_id}/charts")
    assert part.status_code == 200
    assert "This takes too long" in part.text and 'data-chart="funnel"' in part.text


def test_a_report_is_taken_as_a_workbook_and_that_is_written_down(
    manager: Browser, campaign_id: int, caplog: pytest.LogCaptureFixture
) -> None:
    path = f"/reports/campaign/{campaign_id}"
    assert f'href="{path}/recipients.xlsx?state=Failed"' in manager.get(f"{path}?state=Failed").text
    with caplog.at_level(logging.INFO):
        answer = manager.get(f"{path}/recipients.xlsx?state=Failed")
    assert answer.mimetype.endswith("spreadsheetml.sheet") and answer.data.startswith(b"PK")
    assert answer.headers["Content-Disposition"].endswith('Spring_sale-recipients.xlsx"')
    (record,) = [each for each in caplog.records if each.message == "report exported"]
    assert (record.by, record.filter, record.kind) == ("campaign-manager", "state", "xlsx")  # type: ignore[attr-defined]
    assert "Report exported" in manager.get(f"/campaigns/show/{campaign_id}").text


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_whoever_waits_for_a_file_sees_how_far_it_is(
    manager: Browser, analyst: Browser, campaign_id: int, kind: str
) -> None:
    path = f"/reports/campaign/{campaign_id}"
    assert f'hx-get="{path}/export/{kind}?state=Failed"' in manager.get(f"{path}?state=Failed").text
    begun = manager.get(f"{path}/export/{kind}?state=Failed").text
    (link,) = re.findall(r'<a href="([^"]+)" download hidden data-download>', begun)
    (state,) = re.findall(r'hx-get="([^"]+)"', begun)
    assert link.startswith(f"{path}/recipients.{kind}?") and 'aria-valuenow="0"' in begun
    assert "is being made" in manager.get(state).text and "data-download" not in manager.get(state).text
    assert "is being made" not in analyst.get(state).text  # it is somebody else's
    assert manager.get(link.replace("&amp;", "&")).status_code == 200
    done = manager.get(state).text
    assert "is made" in done and "hx-get" not in done


def test_a_file_that_is_broken_off_is_not_waited_for(manager: Browser, campaign_id: int) -> None:
    begun = manager.get(f"/reports/campaign/{campaign_id}/export/csv").text
    (state,) = re.findall(r'hx-get="([^"]+)"', begun)
    key = f"export-{campaign_id}-campaign-manager-{state.rpartition('/')[2]}"

    def made(_words_of: object, tell: Callable[[int], None]) -> Iterator[str]:
        tell(3)
        yield "a part"

    parts = report_export.followed(made, key, 6)
    assert next(parts) == "a part" and "3</strong>" in manager.get(state).text
    parts.close()
    left = manager.get(state).text
    assert 'id="export"' in left and "hx-get" not in left and "is made" not in left
    assert manager.get(f"/reports/campaign/{campaign_id}/export/no-such-token").status_code == 404
    assert manager.get(f"/reports/campaign/{campaign_id}/recipients.csv?follow=no").status_code == 404


def test_a_workbook_of_what_nobody_may_ask_is_empty(analyst: Browser, campaign_id: int) -> None:
    row = found.one(campaign_id, 1)
    db.session.rollback()
    assert row is not None
    address = row.address.replace("@", "%40")
    assert analyst.get(f"/reports/campaign/{campaign_id}/recipients.xlsx?q={address}").status_code == 200


def test_shares_are_written_in_the_language_of_the_reader(manager: Browser, campaign_id: int) -> None:
    manager.get("/lang/pl")
    for page in (f"/reports/campaign/{campaign_id}", f"/campaigns/show/{campaign_id}"):
        found = re.findall(r"\d+[.,]\d %", manager.get(page).text)
        assert "20,0 %" in found and not [each for each in found if "." in each]
