"""Ways to choose in a real browser: a list with two sides, colours, clients over REST, a campaign for missions."""

import re
from typing import Any

from playwright.sync_api import Page, expect
from sqlalchemy import select

from app.campaigns import groups, statuses
from app.campaigns.models import Campaign, InternalStatus
from app.extensions import db
from app.kernel.db import transaction
from app.missions.models import Mission, MissionCampaign
from tests import factories
from tests.factories import BY


def stored(column: Any, *where: Any) -> list[Any]:
    """What the database holds now."""
    db.session.rollback()
    found = list(db.session.scalars(select(column).where(*where)))
    db.session.rollback()
    return found


def test_a_list_with_two_sides_is_filtered_and_moved_through_by_keyboard(page: Page) -> None:
    with transaction():
        sender = factories.account()
        for number in range(1, 251):
            factories.campaign(sender=sender, name=f"Letter {number:03d}")
        spring = factories.campaign(sender=sender, name="Spring sale").id
        group_id = groups.create("Shop", "", [spring], BY).id
    page.goto(f"/campaign-groups/edit/{group_id}")
    available, chosen = page.get_by_role("listbox", name="Available"), page.get_by_role("listbox", name="Chosen")
    expect(available.get_by_role("option", disabled=False)).to_have_count(200)  # more are not drawn
    expect(available).to_contain_text("50 more: use the filter")
    expect(chosen.get_by_role("option")).to_have_text(["Spring sale"])
    page.get_by_role("searchbox", name="Filter: Available").fill("letter 24")
    expect(available.get_by_role("option")).to_have_count(10)
    page.keyboard.press("Tab")  # to the list
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.keyboard.press("End")
    page.keyboard.press("Space")
    expect(chosen.get_by_role("option")).to_have_text(["Letter 241", "Letter 249", "Spring sale"])
    expect(page.get_by_role("status").filter(has_text="Letter 249 was added")).to_have_count(1)
    chosen.get_by_text("Spring sale").click()
    expect(chosen.get_by_role("option")).to_have_count(2)
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/campaign-groups/list/")
    assert stored(Campaign.name, Campaign.group_id == group_id) == ["Letter 241", "Letter 249"]


def test_all_that_the_filter_shows_is_added_at_once(page: Page) -> None:
    with transaction():
        sender = factories.account()
        for name in ("Spring sale", "Summer sale", "Notice"):
            factories.campaign(sender=sender, name=name)
    page.goto("/campaign-groups/add")
    page.fill("#name", "Sales")
    page.get_by_role("searchbox", name="Filter: Available").fill("sale")
    page.get_by_role("button", name="Add all shown").click()
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/campaign-groups/list/")
    assert sorted(stored(Campaign.name, Campaign.group_id.is_not(None))) == ["Spring sale", "Summer sale"]


def test_a_colour_is_suggested_or_picked(page: Page) -> None:
    with transaction():
        statuses.create("Called", statuses.SUGGESTED[0], BY)
    for name, color in (("Waiting", statuses.SUGGESTED[4]), ("Later", "#123456")):
        page.goto("/internal-statuses/list/")
        page.click("a.btn-primary:has-text('New')")
        form = page.locator("#modal-form")
        expect(form.get_by_role("radio", name=f"{statuses.SUGGESTED[0]}, used by Called")).to_be_disabled()
        form.locator("#name").fill(name)
        if color in statuses.SUGGESTED:
            form.get_by_role("radio", name=color).check()
            expect(form.locator("#color")).to_have_value(color)
        else:
            form.locator("#color").fill(color)
            expect(form.get_by_role("radio", name="other")).to_be_checked()
        form.get_by_role("button", name="Save").click()
        expect(page.locator(".chip-own", has_text=name)).to_be_visible()
        assert stored(InternalStatus.color, InternalStatus.name == name) == [color]


def test_a_client_is_searched_while_somebody_types(page: Page) -> None:
    with transaction():
        factories.contacts(3)
        ada = factories.contact(first_name="Ada", last_name="Lovelace", company="Engines").id
    page.goto("/missions/list/")
    page.click("a.btn-primary:has-text('New')")
    form = page.locator("#modal-form")
    form.locator("#title").fill("Call her")
    form.locator(".ts-control").first.click()
    page.keyboard.type("love")
    form.get_by_role("option", name="Ada Lovelace · Engines").click()
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_role("link", name="Call her", exact=True)).to_be_visible()
    assert stored(Mission.contact_id) == [ada]


def test_a_client_is_chosen_and_changed_by_keyboard(page: Page) -> None:
    with transaction():
        factories.contact(first_name="Ada", last_name="Lovelace")
        factories.contact(first_name="Lova", last_name="Bert")
    page.goto("/missions/add")
    client = page.get_by_role("combobox", name="Client")
    found = page.locator("#contact_id-ts-dropdown .option")
    page.locator("#title").focus()
    page.keyboard.press("Tab")
    expect(client).to_be_focused()
    expect(client).to_have_attribute("aria-expanded", "false")  # the focus alone opens nothing
    page.keyboard.type("lov")
    expect(found).to_have_text(["Lova Bert", "Ada Lovelace"])
    page.keyboard.type("e")
    expect(found).to_have_text(["Ada Lovelace"])
    page.keyboard.press("Enter")
    expect(client).to_contain_text("Ada Lovelace")
    page.keyboard.type("lova")
    expect(found).to_have_text(["Lova Bert"])  # and not what is chosen now
    page.keyboard.press("Enter")
    expect(client).to_contain_text("Lova Bert")
    page.keyboard.press("/")
    expect(client).to_have_attribute("aria-expanded", "true")


def test_a_campaign_is_added_to_chosen_missions_in_a_modal(page: Page) -> None:
    with transaction():
        sender = factories.account()
        for number in range(1, 12):
            factories.campaign(sender=sender, name=f"Letter {number:02d}")
        wanted = factories.campaign(sender=sender, name="Payment reminder").id
        ids = [factories.mission(title=title).id for title in ("First", "Second", "Third")]
    page.goto("/missions/list/")
    bar = page.get_by_role("toolbar", name="Actions")
    expect(bar).to_be_hidden()
    for title in ("First", "Second"):
        page.get_by_role("checkbox", name=f"Choose {title}").check()
    bar.get_by_role("button", name="Add campaign").click()
    form = page.locator("#modal-form")
    expect(form).to_contain_text("The clients of 2 missions join the campaign, each once.")
    form.get_by_role("button", name="Submit").click()
    expect(form).to_contain_text("Choose a campaign.")
    for _again in range(2):  # chosen, reset, chosen
        form.locator(".ts-control").click()
        page.keyboard.type("payment")
        page.keyboard.press("Enter")
        expect(form.locator("select")).to_have_value(str(wanted))
        if not _again:
            form.get_by_role("button", name="Reset").click()
            expect(form.locator("select")).to_have_value("")
    form.get_by_role("button", name="Submit").click()
    expect(page.locator(".alert")).to_have_text(re.compile("2 clients join"))
    assert sorted(stored(MissionCampaign.mission_id, MissionCampaign.campaign_id == wanted)) == ids[:2]
