"""Campaign groups in the panel: their list with two sides, their campaigns, and campaigns by group."""

import re

import pytest
from sqlalchemy import select

from app.campaigns import groups
from app.campaigns.models import Campaign, CampaignGroup
from app.extensions import db
from app.kernel.db import transaction
from tests import factories
from tests.factories import BY
from tests.web.conftest import Browser, form_of


@pytest.fixture()
def two() -> tuple[int, int]:
    """Two campaigns without a group."""
    with transaction():
        return factories.campaign(name="Spring sale").id, factories.campaign(name="Summer sale").id


def grouped() -> dict[str, set[str]]:
    db.session.rollback()
    found: dict[str, set[str]] = {}
    query = select(CampaignGroup.name, Campaign.name).outerjoin(Campaign, Campaign.group_id == CampaignGroup.id)
    for group, campaign in db.session.execute(query):
        found.setdefault(group, set()).update({campaign} if campaign else ())
    return found


def a_group(*campaign_ids: int, name: str = "Shop") -> int:
    with transaction():
        return groups.create(name, "", campaign_ids, BY).id


def test_a_group_is_made_with_its_campaigns(manager: Browser, two: tuple[int, int]) -> None:
    fields = form_of(manager, "/campaign-groups/add")
    answer = manager.post(
        "/campaign-groups/add", data=fields | {"name": "Shop", "description": "All sales", "campaigns": [two[0]]}
    )
    assert answer.status_code == 302
    assert grouped() == {"Shop": {"Spring sale"}}
    page = manager.get("/campaign-groups/list/").text
    assert "All sales" in page and "Campaigns without a group" in page and "1 campaign<" in page


def test_the_form_shows_where_each_campaign_is_and_works_without_a_script(
    manager: Browser, two: tuple[int, int]
) -> None:
    mine, _other = a_group(two[0]), a_group(two[1], name="Other")
    page = manager.get(f"/campaign-groups/edit/{mine}").text
    assert re.search(rf'<option selected value="{two[0]}">Spring sale', page)
    assert re.search(r'<option [^>]*data-note="in Other"[^>]*>Summer sale', page)
    assert re.search(r"<select [^>]*\bmultiple\b[^>]*\bname=\"campaigns\"", page)


def test_what_others_did_meanwhile_is_kept(manager: Browser, two: tuple[int, int]) -> None:
    group_id = a_group(two[0])
    fields = form_of(manager, f"/campaign-groups/edit/{group_id}")
    with transaction():
        groups.move(group_id, BY, into=[two[1]])
    manager.post(f"/campaign-groups/edit/{group_id}", data=fields | {"name": "Shop 2", "campaigns": []})
    assert grouped() == {"Shop 2": {"Summer sale"}}


@pytest.mark.parametrize("name", ["", "Taken", "x" * 151])
def test_a_refused_name_is_said_at_its_field_and_the_choice_is_kept(
    manager: Browser, two: tuple[int, int], name: str
) -> None:
    a_group(name="Taken")
    page = manager.post("/campaign-groups/add", data={"name": name, "campaigns": [two[1]], "seen": ""}).text
    assert 'class="invalid-feedback"' in page and "is-invalid" in page
    assert re.search(rf'<option selected value="{two[1]}"', page)
    assert grouped() == {"Taken": set()}


def test_a_campaign_that_was_deleted_meanwhile_is_refused(manager: Browser) -> None:
    page = manager.post("/campaign-groups/add", data={"name": "Shop", "campaigns": [12345], "seen": ""}).text
    assert "There is no such campaign." in page
    assert grouped() == {}


def test_a_group_shows_its_campaigns_only(manager: Browser, two: tuple[int, int]) -> None:
    page = manager.get(f"/campaign-groups/show/{a_group(two[0])}").text
    assert "Spring sale" in page and "Summer sale" not in page


def test_campaigns_are_filtered_by_group_and_by_the_lack_of_one(manager: Browser, two: tuple[int, int]) -> None:
    group_id = a_group(two[0])
    for value, shown, hidden in ((group_id, "Spring sale", "Summer sale"), ("none", "Summer sale", "Spring sale")):
        page = manager.get(f"/campaigns/list/?_flt_0_group_id={value}").text
        assert shown in page and hidden not in page
    for value in ("12345", "x", "-1", "9" * 30):
        assert "Nothing matches" in manager.get(f"/campaigns/list/?_flt_0_group_id={value}").text
    page = manager.get("/campaign-groups/list/").text
    assert f"_flt_0_group_id={group_id}" in page and "_flt_0_group_id=none" in page


def test_a_campaign_is_put_into_a_group_by_its_own_form(manager: Browser, two: tuple[int, int]) -> None:
    group_id = a_group()
    fields = form_of(manager, f"/campaigns/edit/{two[0]}")
    answer = manager.post(f"/campaigns/edit/{two[0]}", data=fields | {"group_id": group_id})
    assert answer.status_code == 302
    assert grouped() == {"Shop": {"Spring sale"}}
    assert "Shop" in manager.get("/campaigns/list/").text
    assert "Shop" in manager.get(f"/campaigns/show/{two[0]}").text


def test_who_does_not_touch_the_group_leaves_it_as_others_made_it(manager: Browser, two: tuple[int, int]) -> None:
    group_id = a_group()
    fields = form_of(manager, f"/campaigns/edit/{two[0]}")
    with transaction():
        groups.move(group_id, BY, into=[two[0]])
    answer = manager.post(f"/campaigns/edit/{two[0]}", data=fields | {"description": "changed"})
    assert answer.status_code == 302
    assert grouped() == {"Shop": {"Spring sale"}}
    fields = form_of(manager, f"/campaigns/edit/{two[0]}")
    manager.post(f"/campaigns/edit/{two[0]}", data=fields | {"group_id": ""})
    assert grouped() == {"Shop": set()}


def test_a_deleted_group_leaves_its_campaigns_and_says_so_before(manager: Browser, two: tuple[int, int]) -> None:
    group_id = a_group(two[0])
    assert "Its campaigns stay, without a group." in manager.get("/campaign-groups/list/").text
    assert manager.post(f"/campaign-groups/delete/{group_id}").status_code == 302
    assert grouped() == {}
    assert len(db.session.scalars(select(Campaign.id)).all()) == 2


def test_an_analyst_reads_groups_and_changes_none(analyst: Browser, two: tuple[int, int]) -> None:
    group_id = a_group(two[0])
    assert "Shop" in analyst.get("/campaign-groups/list/").text
    page = analyst.get(f"/campaign-groups/show/{group_id}").text
    assert "Spring sale" in page and "/campaign-groups/edit" not in page
    for path in ("/campaign-groups/add", f"/campaign-groups/edit/{group_id}"):
        assert analyst.get(path).status_code == 403
    assert analyst.post(f"/campaign-groups/delete/{group_id}").status_code == 403
    assert grouped() == {"Shop": {"Spring sale"}}
