"""The dashboard in the panel: what is shown to whom, and what needs somebody."""

import re

import pytest
from redis.exceptions import ConnectionError as RedisDown

from app.campaigns import service as campaigns
from app.kernel import engine_room, leases, processes
from app.kernel.db import transaction
from tests import factories
from tests.sending import ledger
from tests.web.conftest import Browser


@pytest.fixture()
def running(panel: object) -> int:
    return ledger.sending_campaign(4, name="Spring sale")


def needs(browser: Browser, path: str = "/dashboard/live") -> dict[str, str]:
    page = browser.get(path)
    assert page.status_code == 200
    return dict(re.findall(r'<li id="need-([\w-]+)">(.*?)</li>', page.text, re.S))


def test_the_dashboard_shows_what_runs_with_its_progress(analyst: Browser, running: int) -> None:
    for path in ("/dashboard/", "/dashboard/live"):
        page = analyst.get(path).text
        part = page.partition(f'id="running-{running}"')[2].partition("</li>")[0]
        assert "Spring sale" in part and 'aria-valuemax="4"' in part and 'aria-valuenow="0"' in part
        assert 'hx-get="/dashboard/live"' in page


def test_an_empty_dashboard_says_so(manager: Browser) -> None:
    page = manager.get("/dashboard/").text
    for words in ("Nothing is being sent now.", "No campaign waits for its time.", "No campaign was finished yet."):
        assert words in page


def test_what_failed_and_what_expired_lead_to_where_they_are_mended(
    manager: Browser, analyst: Browser, running: int
) -> None:
    other = ledger.sending_campaign(2, name="Autumn sale")
    with transaction():
        campaigns.fail(running, "The SMTP account News is switched off.")
        campaigns.expire(campaigns.get(other))
    found = needs(manager)
    assert "The SMTP account News is switched off." in found[f"campaign-{running}"]
    assert f'href="/campaigns/show/{running}"' in found[f"campaign-{running}"]
    assert "2 people did not get the message" in found[f"campaign-{other}"]
    assert f'href="/campaigns/edit/{other}"' in found[f"campaign-{other}"]
    assert f'href="/campaigns/show/{other}"' in needs(analyst)[f"campaign-{other}"]


def test_a_paused_account_is_mended_by_whoever_may(admin: Browser, manager: Browser) -> None:
    with transaction():
        account = factories.account(name="News")
        account.paused_reason = "535 wrong password"
        key = f"account-{account.id}"
    assert "/smtp-accounts/edit/" in needs(admin)[key] and "535 wrong password" in needs(admin)[key]
    assert "Tell your administrator." in needs(manager)[key] and "<a " not in needs(manager)[key]


def test_without_workers_and_scheduler_everybody_is_told_and_the_administrator_is_led_there(
    admin: Browser, manager: Browser
) -> None:
    assert {"scheduler", "workers"} <= needs(manager).keys()
    assert "/operations/queues/" not in manager.get("/dashboard/").text
    assert "/operations/queues/" in needs(admin)["workers"]
    page = admin.get("/dashboard/").text
    assert re.search(r'class="board-health"><a href="/operations/queues/">.*0 jobs wait · 0 workers', page, re.S)
    with transaction():
        assert leases.acquire(leases.SCHEDULER, processes.me(), 60)
    assert "scheduler" not in needs(manager)
    assert "the scheduler runs" in admin.get("/dashboard/").text


def test_a_silent_redis_does_not_take_the_dashboard_away(
    admin: Browser, running: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent() -> None:
        raise RedisDown

    monkeypatch.setattr(engine_room, "_workers", silent)
    found = needs(admin)
    assert "Redis does not answer" in found["redis"]
    assert "Spring sale" in admin.get("/dashboard/").text


def test_the_dashboard_stands_first_in_the_menu_and_alone(manager: Browser) -> None:
    rail = manager.get("/dashboard/").text.partition('id="rail"')[2].partition("</nav>")[0]
    links = re.findall(r'<a class="rail-link" href="([^"]+)"( aria-current="page")?>', rail)
    assert links[0] == ("/dashboard/", ' aria-current="page"')
    assert [address for address, current in links if current] == ["/dashboard/"]
    rail = manager.get("/dashboard/campaigns").text.partition('id="rail"')[2].partition("</nav>")[0]
    assert '<a class="rail-link" href="/dashboard/">' in rail
