"""The report over the page it was opened from, and its rows while the campaign sends."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select, update

from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import Removal
from app.extensions import db
from app.sending.models import CampaignRecipient
from app.sending.states import RecipientState
from tests.browser import axe, hands
from tests.browser.conftest import OpenAs
from tests.browser.seed import Seed
from tests.browser.watch import PHONE

WALL = "/dashboard/campaigns"
MODAL = "#modal-report.show"


def opened(page: Page) -> Page:
    """The report of the campaign that sends, over the cards."""
    page.goto(WALL)
    page.get_by_role("link", name="Report: Autumn sale").click()
    expect(page.locator(f"{MODAL} #report-live")).to_be_visible()
    return page


@pytest.fixture()
def waiting(seeded: Seed) -> Iterator[tuple[int, int]]:
    """A campaign that sends and one of its recipients who waits; the state comes back afterwards."""
    pk = seeded.campaigns[CampaignStatus.SENDING]
    here = (CampaignRecipient.campaign_id == pk, CampaignRecipient.state == RecipientState.AWAITING)
    seq = db.session.scalars(select(CampaignRecipient.seq).where(*here).order_by(CampaignRecipient.seq)).first()
    db.session.rollback()
    assert seq is not None
    yield pk, seq
    put(pk, seq, RecipientState.AWAITING)


def put(campaign_id: int, seq: int, state: RecipientState) -> None:
    mine = (CampaignRecipient.campaign_id == campaign_id, CampaignRecipient.seq == seq)
    db.session.execute(update(CampaignRecipient).where(*mine).values(state=state))
    db.session.commit()


def test_a_report_opens_over_the_cards_and_escape_gives_them_back(seeded_page: Page) -> None:
    page = opened(seeded_page)
    assert re.search(r"/reports/campaign/\d+$", page.url)  # a reload leads to the page of the report
    expect(page.locator("#rail")).to_have_js_property("inert", True)
    page.keyboard.press("Escape")
    expect(page.locator(MODAL)).to_have_count(0)
    page.wait_for_url(f"**{WALL}")
    expect(page.get_by_role("link", name="Report: Autumn sale")).to_be_focused()
    expect(page.locator("#rail")).to_have_js_property("inert", False)


def test_back_closes_it(seeded_page: Page) -> None:
    page = opened(seeded_page)
    page.go_back()
    expect(page.locator(MODAL)).to_have_count(0)
    assert page.url.endswith(WALL)
    expect(page.locator(".campaign-card").first).to_be_visible()


def test_its_filters_work_inside_it_and_lead_to_the_same_page(seeded_page: Page) -> None:
    page = opened(seeded_page)
    page.locator(f"{MODAL} #tile-failed").click()
    expect(page.locator(f"{MODAL} #tile-failed")).to_have_attribute("aria-current", "true")
    page.wait_for_url("**state=Failed")
    page.locator(f"{MODAL} [name=q]").fill("#1")
    page.locator(f"{MODAL} [name=q]").press("Enter")
    page.wait_for_url("**q=%231**")
    page.get_by_role("link", name="Open as a page").click()
    expect(page.locator("main #tile-failed")).to_have_attribute("aria-current", "true")
    assert "q=%231" in page.url


def test_it_has_no_serious_finding_and_fits_a_phone(open_as: OpenAs) -> None:
    assert axe.findings(opened(open_as())) == []
    phone = opened(open_as(viewport=PHONE, has_touch=True, is_mobile=True))
    width = "each => each.scrollWidth - each.clientWidth"
    assert phone.locator(".report-body").evaluate(width) <= 0


def test_a_row_that_changes_is_shown_and_what_was_chosen_stays(seeded_page: Page, waiting: tuple[int, int]) -> None:
    pk, seq = waiting
    seeded_page.goto(f"/reports/campaign/{pk}?state=Awaiting")
    row = seeded_page.locator(f"#recipient-{seq}")
    row.get_by_role("checkbox").check()
    put(pk, seq, RecipientState.SENT)
    expect(row.locator("td[data-label=Status] .chip")).to_have_text("Sent")
    expect(row.get_by_role("checkbox")).to_be_checked()
    expect(seeded_page.locator(".bulk-bar")).to_be_visible()


def test_a_removal_asks_why_over_the_report_which_stays(seeded_page: Page, waiting: tuple[int, int]) -> None:
    _, seq = waiting
    page = opened(seeded_page)
    page.locator(f"{MODAL} [name=q]").fill(f"#{seq}")
    page.locator(f"{MODAL} [name=q]").press("Enter")
    page.wait_for_url(f"**q=%23{seq}**")
    page.locator(f"{MODAL} #recipient-{seq} a[data-modal-form]").click()
    form = page.locator("#modal-form.show #model_form")
    form.locator("[name=why]").fill("asked by phone")
    form.locator("[name=why]").press("Enter")
    expect(page.locator(f"{MODAL} .alert-success")).to_contain_text("was removed")
    expect(page.locator(f"{MODAL} #recipient-{seq} .chip").first).to_have_text("Skipped")
    (entry,) = db.session.scalars(select(Removal).order_by(Removal.id.desc()).limit(1))
    db.session.rollback()
    assert entry.why == "asked by phone"


def test_limits_open_from_the_gear_of_the_cards(seeded_page: Page) -> None:
    seeded_page.goto(WALL)
    form = hands.open_form(seeded_page, seeded_page.get_by_role("link", name="Limits").last, in_modal=True)
    expect(form.locator("#limits")).to_be_visible()
    assert axe.findings(seeded_page) == []


def test_the_use_of_limits_stays_fresh(open_as: OpenAs) -> None:
    page = open_as()
    page.goto("/limits/")
    row = page.locator("#limits tr", has_text="Office mail")
    bar = row.locator(".limit-use .progress-bar").first
    expect(row.locator(".limit-now")).to_have_text("free")
    page.evaluate("""() => document.querySelectorAll(".limit-now").forEach((each) => { each.textContent = "old"; })""")
    expect(row.locator(".limit-now")).to_have_text("free", timeout=8000)
    expect(row.locator(".limit-use .number").first).to_have_text("0 of 3,600")
    assert bar.evaluate("(each) => each.style.width") == "0%"
