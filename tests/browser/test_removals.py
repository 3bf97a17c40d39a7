"""Clients leave a campaign and come back; a report draws its charts and lets failed ones be tried again."""

import io
import zipfile

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from app.campaigns import service as campaigns
from app.channels.contract import Reason
from app.extensions import db
from app.kernel import clock
from app.kernel.db import transaction
from app.sending import progress
from app.sending.models import CampaignRecipient, RecipientRun
from app.sending.states import RecipientState
from jobs import sending as jobs
from tests import factories
from tests.browser import hands
from tests.browser.axe import findings


@pytest.fixture()
def campaign_id(live: str) -> int:
    """A published campaign for Ann, Bob and Cy, whose mailbox is full."""
    with transaction():
        folder = factories.folder("Clients")
        for name in ("Ann", "Bob", "Cy"):
            factories.contact(folder, email=f"{name.lower()}@people.example", first_name=name, last_name="Lis")
        made = factories.campaign(folder, name="Spring sale")
        campaigns.publish(made.id, "admin")
        campaign_id = made.id
    jobs.settle_campaign(campaign_id)
    with transaction():
        sent, failed = (db.session.get_one(CampaignRecipient, (campaign_id, seq)) for seq in (2, 3))
        sent.state, sent.done_at = RecipientState.SENT, clock.utcnow()
        failed.state, failed.reason, failed.done_at = RecipientState.FAILED, Reason.MAILBOX_FULL, clock.utcnow()
        moved = {RecipientState.AWAITING: -2, RecipientState.SENT: 1, RecipientState.FAILED: 1}
        progress.move(campaign_id, moved)
    return campaign_id


def test_clients_are_removed_with_a_reason_and_one_is_put_back(page: Page, campaign_id: int) -> None:
    page.goto(f"/campaigns/show/{campaign_id}")
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("link", name="Remove client").click()
    form = page.locator("#modal-form")
    form.get_by_label("E-mail addresses or phone numbers").fill(
        "ann@people.example\nbob@people.example\nzoe@no.example"
    )
    form.get_by_label("Reason").fill("asked by phone")
    form.get_by_role("button", name="Remove").click()
    expect(form).to_contain_text("1 client was removed.")
    expect(form).to_contain_text("bob@people.example: The message to this client has already left.")
    expect(form).to_contain_text("zoe@no.example: No contact has this address.")
    expect(form.get_by_label("E-mail addresses or phone numbers")).to_have_value("bob@people.example\nzoe@no.example")
    assert findings(page) == []
    form.get_by_role("button", name="Cancel").click()
    expect(form).to_be_hidden()

    page.reload()
    page.get_by_role("link", name="1 removed").click()
    row = page.locator("tbody tr")
    expect(row).to_contain_text("asked by phone")
    assert findings(page) == []
    row.get_by_role("button", name="Put back Ann Lis").click()
    dialog = page.get_by_role("alertdialog")
    expect(dialog).to_contain_text("Put Ann Lis back into Spring sale?")
    dialog.get_by_role("button", name="Put back").click()
    hands.expect_success(page, "Ann Lis is back in line and gets the message.")
    expect(page.locator("tbody tr")).to_contain_text("back since")


def test_an_entry_is_found_by_an_address_that_stands_in_no_link(page: Page, campaign_id: int) -> None:
    page.goto(f"/campaigns/remove/{campaign_id}")
    page.fill("#address", "ann@people.example")
    page.get_by_role("button", name="Remove").click()
    page.goto("/removals/list/")
    page.get_by_role("link", name="Find by address").click()
    page.fill("#address", "ann@people.example")
    page.get_by_role("button", name="Find").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    assert "ann" not in page.url
    page.get_by_role("link", name="Clear").click()
    expect(page.locator("tbody tr")).to_have_count(1)


def test_failed_ones_are_tried_again_after_a_question(page: Page, campaign_id: int) -> None:
    page.goto(f"/reports/campaign/{campaign_id}")
    page.get_by_role("button", name="Retry these").click()
    dialog = page.get_by_role("alertdialog")
    expect(dialog).to_contain_text("Try again to send to 1 person? (mailbox full)")
    dialog.get_by_role("button", name="Try again").click()
    expect(page.locator("#recipient-runs")).to_contain_text("Recipients are being put back in line: mailbox full.")
    with transaction():
        run_id = db.session.scalar(select(RecipientRun.id))
    jobs.run_over_recipients(run_id)
    expect(page.locator("#recipient-runs")).to_contain_text("1 recipient is tried again: mailbox full.")
    expect(page.locator("#tile-awaiting .tile-number")).to_have_text("2")


def test_charts_are_fetched_when_they_are_opened_and_follow_the_look(page: Page, campaign_id: int) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"/reports/campaign/{campaign_id}")
    page.wait_for_load_state("networkidle")
    assert not [url for url in asked if "/charts" in url]
    summary = page.locator("#charts > summary")
    summary.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".chart svg")).to_have_count(2)
    bar = page.locator('.chart[data-chart="bars"] svg path[fill="#2f54d9"]')
    expect(bar).to_have_count(1)
    page.evaluate("document.documentElement.dataset.bsTheme = 'dark'")
    expect(bar).to_have_count(0)
    expect(page.locator('.chart[data-chart="bars"] svg path[fill="#7d9bff"]')).to_have_count(1)
    page.locator(".chart-table > summary").last.click()
    expect(page.locator("#charts")).to_contain_text("33.3 %")
    page.hover(".chart[data-chart=bars] svg")
    assert findings(page) == []


def test_a_report_is_taken_as_a_workbook(page: Page, campaign_id: int) -> None:
    page.goto(f"/reports/campaign/{campaign_id}?state=Failed")
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Excel workbook").click()
    assert waiting.value.suggested_filename == "Spring_sale-recipients.xlsx"
    expect(page.locator("#export")).to_contain_text("among your downloads")
    with zipfile.ZipFile(io.BytesIO(waiting.value.path().read_bytes())) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "cy@people.example" in sheet and "ann@people.example" not in sheet
