"""Each thing of the panel from its first form to its end: refused, added, found, opened, changed, deleted."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Page, expect

from tests.browser import hands
from tests.browser.hands import Value
from tests.browser.seed import Seed


@dataclass(frozen=True, slots=True)
class Thing:
    """A kind of thing. values: what is written to add it, the first is what its row is called; wrong: what is refused,
    and why; shown: what its page shows; changed: the field that is edited, and its value after."""

    path: str
    values: Mapping[str, Value]
    wrong: Mapping[str, Value]
    refusal: str
    saved: str
    deleted: str
    changed: tuple[str, str] | None = None
    shown: list[str] = field(default_factory=list)
    in_modal: bool = True
    is_searched: bool = True

    @property
    def name(self) -> str:
        return str(next(iter(self.values.values())))


THINGS = {
    "folder": Thing(
        "/folders/",
        {"name": "Readers"},
        {"name": ""},
        "needs a name",
        "The folder was saved.",
        "The folder was deleted.",
        ("name", "Old readers"),
    ),
    "contact": Thing(
        "/contacts/",
        {"first_name": "Halina", "last_name": "Wrona", "email": "halina@people.example", "folders": ["Clients"]},
        {"first_name": "Halina", "email": "nobody"},
        "An e-mail address has an @ sign",
        "The contact was saved.",
        "The contact was deleted.",
        ("first_name", "Halinka"),
        ["halina@people.example", "Wrona", "Clients"],
    ),
    "internal status": Thing(
        "/internal-statuses/",
        {"name": "Answered"},
        {"name": "Client"},
        "There is an internal status with this name already.",
        "The internal status was saved.",
        "The internal status was deleted.",
        ("name", "Answered by phone"),
    ),
    "own holiday": Thing(
        "/own-holidays/",
        {"on_date": "2027-05-02", "name": "Company picnic"},
        {"on_date": "", "name": "Never"},
        "Choose a day.",
        "The day was saved.",
        "The day was deleted.",
        ("name", "Company fair"),
        ["Company picnic"],
        is_searched=False,
    ),
    "mission": Thing(
        "/missions/",
        {"title": "Visit the office", "contact_id": "Zoe Adams", "due_on": "2027-03-04"},
        {"title": ""},
        "needs a title",
        "The mission was saved.",
        "The mission was deleted.",
        ("title", "Visit the new office"),
        ["Zoe Adams"],
    ),
    "campaign group": Thing(
        "/campaign-groups/",
        {"name": "Letters", "description": "What goes out by post"},
        {"name": "Press"},
        "There is a campaign group with this name already.",
        "The campaign group was saved.",
        "The campaign group was deleted.",
        ("name", "Old letters"),
        ["What goes out by post"],
        in_modal=False,
    ),
    "SMTP account": Thing(
        "/smtp-accounts/",
        {"name": "Night mail", "host": "127.0.0.1", "port": "2526", "from_email": "night@shop.example"},
        {"name": "Night mail", "host": "127.0.0.1", "port": "99999", "from_email": "night@shop.example"},
        "Choose a whole number from 1 to 65535",
        "The SMTP account was saved.",
        "The SMTP account was deleted.",
        ("name", "Late mail"),
        ["night@shop.example", "2526"],
        in_modal=False,
    ),
    "campaign": Thing(
        "/campaigns/",
        {
            "name": "Spring sale",
            "smtp_account_id": "Office mail (news@shop.example)",
            "folders": ["Clients"],
            "subject": "News",
            "html": "<p>Dear {{ first_name }}, spring is here.</p>",
            "start_at": "2099-03-01 09:00",
        },
        {"name": "Autumn sale", "smtp_account_id": "Office mail (news@shop.example)"},
        "Another campaign has this name.",
        "saved as a draft",
        "The campaign was deleted.",
        ("name", "Late spring sale"),
        ["Clients", "Office mail"],
        in_modal=False,
    ),
    "user": Thing(
        "/users/",
        {
            "first_name": "Nina",
            "last_name": "Nowa",
            "username": "nina",
            "email": "nina@example.org",
            "roles": ["Analyst"],
            "password": "a long new password",
            "conf_password": "a long new password",
        },
        {"first_name": "Nina", "username": "admin"},
        "Already exists.",
        "Added Row",
        "Deleted Row",
        ("last_name", "Nowak"),
        ["nina@example.org", "Analyst"],
        is_searched=False,
    ),
}


@pytest.mark.parametrize("kind", THINGS)
def test_a_thing_from_its_first_form_to_its_end(seeded: Seed, seeded_page: Page, kind: str) -> None:
    page, thing = seeded_page, THINGS[kind]
    page.goto(f"{thing.path}list/")

    form = hands.new_form(page, in_modal=thing.in_modal)
    hands.fill(form, thing.wrong)
    hands.save(form)
    expect(form.locator(".invalid-feedback", has_text=thing.refusal).first).to_be_visible()
    hands.fill(form, thing.values)
    hands.save(form)
    hands.expect_success(page, thing.saved)

    if thing.is_searched:
        page.locator("[data-page-search]").fill(thing.name)
        page.keyboard.press("Enter")
        expect(page.locator("[data-list] tbody tr")).to_have_count(1)
    page.locator("td.is-main a", has_text=thing.name).first.click()
    for words in thing.shown:
        expect(page.locator("main")).to_contain_text(words)

    page.goto(f"{thing.path}list/")
    name = thing.name
    if thing.changed:
        field_name, value = thing.changed
        form = hands.edit_form(page, name, in_modal=thing.in_modal)
        hands.fill(form, {field_name: value})
        hands.save(form)
        expect(page.locator(".messages .alert-success")).to_be_visible()
        expect(page.locator("[data-list] tbody")).to_contain_text(value)
        name = value if field_name == next(iter(thing.values)) else name

    hands.delete(page, name)
    hands.expect_success(page, thing.deleted)
    expect(hands.row(page, name)).to_have_count(0)
