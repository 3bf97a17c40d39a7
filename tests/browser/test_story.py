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
from tests import factories
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
    page.click("text=Create an SMTP account")
    page.fill("#name", "Office")
    page.fill("#host", "127.0.0.1")
    page.fill("#port", str(port))
    page.select_option("#security", "none")
    page.fill("#from_email", "news@shop.example")
    page.click("button[type=submit]")
    expect(page.locator(".alert-success")).to_contain_text("was saved")
    page.click("a[href*='/show/']")
    page.click("text=Send test e-mail to me")
    expect(page.locator("#test-result")).to_contain_text("accepted the message")
    expect(page.locator("#transcript")).to_contain_text("EHLO")


def import_people(page: Page, tmp_path: Path) -> None:
    page.goto("/folders/add")
    page.fill("#name", "Clients")
    page.click("button[type=submit]")
    file = tmp_path / "clients.csv"
    file.write_text(CSV)
    page.goto("/imports/add")
    page.set_input_files("#file", file)
    page.click("button[type=submit]")
    expect(page.get_by_label("E-mail")).to_have_value("email")
    page.select_option("#folder_id", label="Clients")
    page.click("text=Start import")
    expect(page.locator("[data-live=status]")).to_have_text("queued")
    import_id = int(page.url.rsplit("/", 1)[1])
    in_a_thread(lambda: run_import(import_id))
    expect(page.locator("[data-live=status]")).to_have_text("done")  # the page found out by itself
    expect(page.locator("[data-live=added]")).to_have_text("3")
    with page.expect_download() as download:
        page.click("text=Download the bad rows")
    assert "nobody" in download.value.path().read_text()


def write_campaign(page: Page, tmp_path: Path) -> None:
    offer = tmp_path / "offer.pdf"
    offer.write_bytes(b"%PDF-1.4 offer")
    page.goto("/campaigns/add")
    page.fill("#name", "Spring sale")
    page.select_option("#smtp_account_id", label="Office")
    page.select_option("#folders", label="Clients")
    page.fill("#subject", "News for {{ first_name }}")
    page.fill("#html", '<p>Dear {{ first_name }}, <a href="https://shop.example/new">look</a>.</p>')
    page.set_input_files("#documents", offer)
    page.select_option("#zone", "Europe/Warsaw")
    page.fill("#valid_until", "2099-12-01T10:30")
    page.fill("#daily_from", "00:00")
    page.fill("#daily_until", "23:59")
    page.click("button[type=submit]")
    expect(page.locator(".alert-success")).to_contain_text("saved as a draft")
    page.click("a[href*='/edit/']")
    expect(page.locator("#valid_until")).to_have_value("2099-12-01T10:30")
    page.fill("#daily_from", "")
    page.fill("#daily_until", "")
    page.click("button[type=submit]")
    expect(page.locator(".alert-success")).to_contain_text("was saved")


def act(page: Page, name: str, is_confirmed: bool = True) -> None:
    """Press an action of the show page and answer its question."""
    page.click(f"#btn-action-CampaignView\\.action-{name}")
    question = page.locator("#modal-confirm").first
    expect(question).to_be_visible()
    question.locator("#modal-confirm-ok" if is_confirmed else ".modal-footer [data-dismiss=modal]").first.click()


def test_from_an_empty_panel_to_the_report(page: Page, tmp_path: Path) -> None:
    script = Script(rules=[at("RCPT", "550 5.1.1 No such user", recipient="bad@people.example")])
    with Server(script) as server:
        add_account(page, server.port)
        import_people(page, tmp_path)
        write_campaign(page, tmp_path)
        page.click("a[href*='/show/']")
        campaign_id = int(page.url.rsplit("/", 1)[1])
        page.click("text=Test send to me")
        expect(page.locator("#test-result")).to_contain_text("accepted the message")
        page.click("text=Back")
        act(page, "end", is_confirmed=False)
        act(page, "publish")
        expect(page.locator(".alert-success")).to_contain_text("Spring sale was published.")
        page.click("#Home a[href*='/reports/']")
        with sending(campaign_id):
            expect(page.locator("[data-live=status]")).to_have_text("finished")
        expect(page.locator("[data-live='counts.Sent']")).to_have_text("2")
        expect(page.locator("[data-live='counts.Failed']")).to_have_text("1")
        expect(page.locator("#reasons")).to_contain_text("invalid recipient")
        page.click("#filters >> text=Failed")
        expect(page.locator("#recipients")).to_contain_text("No such user")
        expect(page.locator("#recipients tbody tr, #recipients > tr")).to_have_count(1)
        sent = {each.recipient: each.content for each in server.accepted}
    assert set(sent) == {"admin@example.org", "ann@people.example", "bob@people.example"}
    assert b"News for Bob" in sent["bob@people.example"]
    assert b"offer.pdf" in sent["bob@people.example"]
    page.goto("/campaigns/list/")
    page.click("a[href*='/edit/']")
    expect(page.locator(".alert-warning")).to_contain_text("cannot be edited")


def test_the_administrator_looks_at_the_queues(page: Page) -> None:
    page.goto("/operations/queues/")
    expect(page.locator("body")).to_contain_text("Queues")
    assert page.url.endswith("/rq/")


def test_several_campaigns_are_published_from_the_list(page: Page) -> None:
    for name in ("Spring sale", "Autumn sale"):
        factories.ready_campaign(1, name=name)
    db.session.commit()
    page.reload()
    page.click("#check_all")
    page.click("button:has-text('Actions')")
    page.click(".publish_menu_item")
    question = page.locator("#modal-confirm").first
    expect(question).to_contain_text("Publish this?")
    question.locator("#modal-confirm-ok").click()
    expect(page.locator(".alert-success")).to_have_count(2)
    expect(page.locator("td:text-is('scheduled')")).to_have_count(2)


def test_the_list_is_searched_and_a_campaign_deleted(page: Page) -> None:
    for name in ("Spring sale", "Autumn sale"):
        factories.campaign(name=name)
    db.session.commit()
    page.reload()
    page.click("text=Search")
    page.click("button:has-text('Add Filter')")
    page.click("a.filter:text-is('Name')")
    page.fill("[name='_flt_0_name']", "Spri")
    page.click("button[type=submit]:has-text('Search')")
    expect(page.locator("td:text-is('Spring sale')")).to_be_visible()
    expect(page.locator("td:text-is('Autumn sale')")).to_have_count(0)
    page.click("a.confirm")
    page.locator("#modal-confirm-ok").first.click()
    expect(page.locator(".alert-success")).to_contain_text("was deleted")
    expect(page.locator("td:text-is('Autumn sale')")).to_be_visible()
