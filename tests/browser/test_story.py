"""The main job as a person does it: account, import, campaign, publish, watch, read the report."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, expect

from app.campaigns.lifecycle import OVER
from app.campaigns.models import Campaign
from app.extensions import db
from jobs import runtime
from jobs.audience import run_import
from jobs.sending import look_at_campaigns, send_slice, settle_campaign
from tests.browser import hands
from tests.providers.script import Script, at
from tests.providers.servers import Server

CSV = """E-mail;First name;Last name
ann@people.example;Ann;Nowak
bob@people.example;Bob;Lis
bad@people.example;Cy;Rak
nobody;Dee;Sak
"""


def in_a_thread(work: Callable[[], None]) -> None:
    """Run jobs as a worker does: outside this thread, in contexts of their own."""
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


@contextmanager
def sending(campaign_id: int) -> Iterator[None]:
    """Plan and send a campaign in the background while the browser looks on."""

    def work() -> None:
        settle_campaign(campaign_id)
        for turn in range(50):
            look_at_campaigns()
            send_slice(campaign_id, 0, turn)
            with runtime.the_app().app_context():
                if db.session.get_one(Campaign, campaign_id).status in OVER:
                    return

    thread = threading.Thread(target=work)
    thread.start()
    yield
    thread.join()


def add_account(page: Page, port: int) -> None:
    page.goto("/campaigns/add")
    page.get_by_role("link", name="Add an SMTP account").click()
    form = page.locator("#model_form")
    hands.fill(
        form,
        {
            "name": "Office",
            "host": "127.0.0.1",
            "port": str(port),
            "security": "none (only inside your own network)",
            "from_email": "news@shop.example",
        },
    )
    hands.save(form)
    hands.expect_success(page, "was saved")
    page.get_by_role("link", name="Office", exact=True).click()
    page.get_by_role("button", name="Send test e-mail to me").click()
    expect(page.locator("#test-result")).to_contain_text("accepted the message")
    expect(page.locator("#transcript")).to_contain_text("EHLO")


def import_people(page: Page, tmp_path: Path) -> None:
    page.goto("/folders/list/")
    form = hands.new_form(page, in_modal=True)
    hands.fill(form, {"name": "Clients"})
    hands.save(form)
    hands.expect_success(page, "was saved")
    file = tmp_path / "clients.csv"
    file.write_text(CSV)
    page.goto("/imports/add")
    page.set_input_files("#file", file)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_label("E-mail")).to_have_value("email")
    page.select_option("#folder_id", label="Clients")
    page.get_by_role("button", name="Start import").click()
    expect(page.locator("#live")).to_have_attribute("data-status", "queued")
    import_id = int(page.url.rsplit("/", 1)[1])
    in_a_thread(lambda: run_import(import_id))
    expect(page.locator("#live")).to_have_attribute("data-status", "done")  # the page found out by itself
    added = page.locator(".datagrid-item", has=page.locator("dt", has_text="Contacts added"))
    expect(added.locator("dd")).to_have_text("3")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the bad rows").click()
    assert "nobody" in download.value.path().read_text()


def write_campaign(page: Page, tmp_path: Path) -> None:
    offer = tmp_path / "offer.pdf"
    offer.write_bytes(b"%PDF-1.4 offer")
    page.goto("/campaigns/add")
    form = page.locator("#model_form")
    hands.fill(
        form,
        {
            "name": "Spring sale",
            "smtp_account_id": "Office (news@shop.example)",
            "folders": ["Clients"],
            "subject": "News for {{ first_name }}",
            "html": '<p>Dear {{ first_name }}, <a href="https://shop.example/new">look</a>.</p>',
            "zone": "Europe/Warsaw",
            "valid_until": "2099-12-01 10:30",
            "daily_from": "00:00",
            "daily_until": "23:59",
        },
    )
    page.set_input_files("#documents", offer)
    hands.save(form)
    hands.expect_success(page, "saved as a draft")
    form = hands.edit_form(page, "Spring sale", in_modal=False)
    expect(page.locator("#valid_until")).to_have_value("2099-12-01 10:30")
    hands.fill(form, {"daily_from": "", "daily_until": ""})
    hands.save(form)
    hands.expect_success(page, "was saved")


def test_from_an_empty_panel_to_the_report(page: Page, tmp_path: Path) -> None:
    script = Script(rules=[at("RCPT", "550 5.1.1 No such user", recipient="bad@people.example")])
    with Server(script) as server:
        add_account(page, server.port)
        import_people(page, tmp_path)
        write_campaign(page, tmp_path)
        page.get_by_role("link", name="Spring sale", exact=True).click()
        campaign_id = int(page.url.rsplit("/", 1)[1])
        page.get_by_role("button", name="More actions").click()
        page.get_by_role("button", name="Test send to me").click()
        expect(page.locator("#test-result")).to_contain_text("accepted the message")
        page.get_by_role("link", name="Back").click()
        page.get_by_role("button", name="More actions").click()
        page.get_by_role("button", name="End for ever").click()
        page.locator("#modal-confirm.show").get_by_role("button", name="Cancel").click()
        page.get_by_role("button", name="Publish").click()
        hands.agree(page, "Publish this?")
        hands.expect_success(page, "Spring sale was published.")
        page.get_by_role("link", name="Report").click()
        with sending(campaign_id):
            expect(page.locator("#report-live .chip").first).to_have_text("finished", timeout=20_000)
        expect(page.locator("#tile-sent .tile-number")).to_have_text("2")
        expect(page.locator("#tile-failed .tile-number")).to_have_text("1")
        page.reload()
        expect(page.locator("#reasons")).to_contain_text("address does not exist")
        page.locator("#tile-failed").click()
        expect(page.locator("#recipients tbody tr")).to_have_count(1)
        expect(page.locator("#recipients")).to_contain_text("No such user")
        sent = {each.recipient: each.content for each in server.accepted}
    assert set(sent) == {"admin@example.org", "ann@people.example", "bob@people.example"}
    assert b"News for Bob" in sent["bob@people.example"]
    assert b"offer.pdf" in sent["bob@people.example"]
    page.goto("/campaigns/list/")
    hands.row(page, "Spring sale").get_by_role("link", name="Edit").click()
    expect(page.locator(".alert-warning")).to_contain_text("cannot be edited")
