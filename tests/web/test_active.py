"""Active campaigns in the panel: groups that open, and what can be done in them."""

import re

import pytest

from app.campaigns import groups, statuses
from app.campaigns import service as campaigns
from app.kernel.db import transaction
from app.sending import labels
from tests import factories
from tests.factories import BY
from tests.sending import ledger
from tests.web.conftest import Browser

PAGE = "/active-campaigns/"


@pytest.fixture()
def shop(panel: object) -> tuple[int, int]:
    """A group and its campaign, which sends."""
    campaign_id = ledger.sending_campaign(3, name="Spring sale")
    with transaction():
        group_id = groups.create("Shop", "", [campaign_id], BY).id
        label = statuses.create("Client", "#2f54d9", BY).id
        labels.put(campaign_id, [1, 2], label)
        factories.campaign(name="Loose one")
    return group_id, campaign_id


def test_the_page_names_the_groups_and_asks_for_no_campaign(analyst: Browser, shop: tuple[int, int]) -> None:
    page = analyst.get(PAGE).text
    assert "Shop" in page and "Campaigns without a group" in page
    assert page.index("Shop") < page.index("Campaigns without a group")
    assert f'hx-get="{PAGE}group/{shop[0]}"' in page and "Spring sale" not in page


def test_a_group_shows_its_campaigns_with_their_numbers(analyst: Browser, shop: tuple[int, int]) -> None:
    group_id, campaign_id = shop
    page = analyst.get(f"{PAGE}group/{group_id}").text
    assert "Loose one" not in page and f'href="/campaigns/show/{campaign_id}">Spring sale<' in page
    assert re.search(r'data-label="Audience">3<', page) and re.search(r'data-label="Available now">3<', page)
    assert re.search(r'data-color="#2f54d9" [^>]*>Client <span class="number">2<', page)
    assert 'dot dot-ok"></span>sending' in page
    assert "Loose one" in analyst.get(f"{PAGE}group/0").text


def test_a_stopped_campaign_has_nobody_available(analyst: Browser, shop: tuple[int, int]) -> None:
    with transaction():
        campaigns.stop(shop[1], BY)
    page = analyst.get(f"{PAGE}group/{shop[0]}").text
    assert re.search(r'data-label="Available now">0<', page) and 'dot dot-bad"></span>paused' in page


def test_without_a_script_a_link_opens_a_group(manager: Browser, shop: tuple[int, int]) -> None:
    page = manager.get(f"{PAGE}?open={shop[0]}").text
    assert "Spring sale" in page and "Loose one" not in page
    assert manager.get(f"{PAGE}?open=nothing").status_code == 200


def test_actions_are_those_that_the_person_and_the_state_allow(
    manager: Browser, analyst: Browser, shop: tuple[int, int]
) -> None:
    group_id, campaign_id = shop
    page = manager.get(f"{PAGE}group/{group_id}").text
    for name in ("stop", "duplicate", "end", "delete_chosen"):
        assert f'hx-post="/campaigns/action/{name}/{campaign_id}"' in page
    for name in ("start", "publish"):
        assert f"/campaigns/action/{name}/" not in page
    assert f'href="/campaigns/run/{campaign_id}"' in page
    assert "Stop sending?" in page
    read = analyst.get(f"{PAGE}group/{group_id}").text
    assert "/campaigns/action/" not in read and f'href="/reports/campaign/{campaign_id}"' in read


@pytest.mark.parametrize("path", [f"{PAGE}group/987654", f"{PAGE}group/99999999999999"])
def test_a_group_that_is_not_there_is_refused(manager: Browser, path: str) -> None:
    assert manager.get(path).status_code == 404


def test_an_empty_panel_says_what_comes_here(manager: Browser) -> None:
    assert "No campaign is active" in manager.get(PAGE).text
