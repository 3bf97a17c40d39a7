"""What happens in the panel as people follow it: groups that stay open, actions in place, events, and the dashboard."""

import csv
import re
from pathlib import Path

from playwright.sync_api import expect

from app.campaigns.lifecycle import CampaignStatus
from tests.browser import axe, hands
from tests.browser.conftest import OpenAs
from tests.browser.seed import Seed


def test_groups_stay_as_the_person_left_them(open_as: OpenAs, seeded: Seed) -> None:
    page = open_as("Analyst")
    page.goto("/active-campaigns/")
    expect(page.locator(".group table")).to_have_count(0)
    page.get_by_role("button", name="Expand all").click()
    expect(page.locator(".group table")).to_have_count(page.locator(".group").count())
    page.get_by_role("button", name="Collapse all").click()
    page.locator(f"#group-{seeded.group} > summary").press("Enter")
    page.reload()
    expect(page.locator(".group[open]")).to_have_count(1)
    expect(page.locator(f"#group-{seeded.group} table")).to_be_visible()
    assert axe.findings(page) == []


def test_a_campaign_is_stopped_in_its_group_and_what_happened_is_told(open_as: OpenAs, seeded: Seed) -> None:
    page = open_as("Campaign Manager")
    campaign_id = seeded.campaigns[CampaignStatus.SCHEDULED]
    page.goto("/active-campaigns/")
    page.get_by_role("button", name="Expand all").click()
    mine = page.locator(f"#campaign-{campaign_id}")
    expect(mine).to_contain_text("scheduled")
    mine.get_by_role("button", name="Stop: Press news December").click()
    hands.agree(page, "Stop sending?")
    hands.expect_success(page, "Press news December was stopped.")
    expect(mine).to_contain_text("paused")
    assert page.url.endswith("/active-campaigns/")
    mine.get_by_role("button", name="More actions: Press news December").click()
    expect(mine.get_by_role("button", name="End for ever")).to_be_in_viewport()
    page.keyboard.press("Escape")
    mine.get_by_role("link", name="Press news December", exact=True).click()
    newest = page.locator(".events .step").first
    expect(newest).to_contain_text("Sending stopped")
    expect(newest).to_contain_text("campaign-manager")


def test_without_a_script_nothing_is_lost(open_as: OpenAs, seeded: Seed) -> None:
    page = open_as(java_script_enabled=False)
    page.goto("/active-campaigns/")
    page.locator(f"#group-{seeded.group} > summary").click()
    page.locator(f"#group-{seeded.group}").get_by_role("link", name="Show its campaigns").click()
    draft = page.locator(f"#campaign-{seeded.campaigns[CampaignStatus.DRAFT]}")
    draft.get_by_role("button", name="Publish: Christmas cards").click()
    expect(page.locator(".messages")).to_contain_text("Christmas cards was published.")


def test_the_history_and_the_log_are_found_from_the_menu(open_as: OpenAs, seeded: Seed) -> None:
    page = open_as()
    page.goto("/dashboard/")
    page.locator("#rail").get_by_role("link", name="History").click()
    page.get_by_label("Status").select_option("failed")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.locator("#history tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Clear", exact=True).click()
    page.locator("#rail").get_by_role("link", name="Audit log").click()
    page.locator("select[name=what]").select_option("group.create")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.locator("#events tbody tr")).to_have_count(2)
    with page.expect_download() as got:
        page.get_by_role("link", name="Export").click()
    text = Path(got.value.path()).read_text(encoding="utf-8-sig")
    assert {line["name"] for line in csv.DictReader(text.splitlines())} == {"Shop", "Press"}


def test_the_dashboard_stays_fresh_and_leads_to_what_needs_somebody(open_as: OpenAs, seeded: Seed) -> None:
    page = open_as()
    page.goto("/dashboard/")
    failed = seeded.campaigns[CampaignStatus.FAILED]
    expect(page.locator(f"#need-campaign-{failed}")).to_contain_text("Birthday greetings")
    with page.expect_response("**/dashboard/live"):
        page.wait_for_timeout(0)
    expect(page.locator(f"#running-{seeded.campaigns[CampaignStatus.SENDING]}")).to_be_visible()
    page.get_by_role("link", name="Fix: Birthday greetings").click()
    expect(page).to_have_url(re.compile(f"/campaigns/show/{failed}$"))
