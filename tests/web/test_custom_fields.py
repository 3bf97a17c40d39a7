"""Fields of campaigns of our own in the panel: defined, in the form of a campaign, on its page."""

import pytest
from sqlalchemy import select

from app.campaigns import custom_fields
from app.campaigns.custom_fields import Definition
from app.campaigns.models import Campaign, CustomField, CustomKind
from app.extensions import db
from app.kernel.db import transaction
from tests import factories
from tests.factories import BY
from tests.web.conftest import Browser, form_of

CHOICES = {"name": "Region", "kind": "choice", "choices": " North \r\n\r\nSouth\r\nNorth\r\n", "help": "Who pays"}


def stored() -> Definition:
    db.session.rollback()
    return custom_fields.definition_of(db.session.scalars(select(CustomField)).one())


def a_field(name: str = "Cost centre", kind: CustomKind = CustomKind.TEXT, **values: object) -> int:
    with transaction():
        return custom_fields.define(Definition(name, kind, **values), BY).id  # type: ignore[arg-type]


def test_choices_are_written_one_in_a_line_shown_again_and_changed(admin: Browser) -> None:
    assert admin.post("/campaign-fields/add", data=CHOICES).status_code == 302
    assert stored() == Definition("Region", CustomKind.CHOICE, "Who pays", ("North", "South"))
    field_id = db.session.scalar(select(CustomField.id))
    form = form_of(admin, f"/campaign-fields/edit/{field_id}")
    assert form["choices"].split() == ["North", "South"]
    changed = {**form, "choices": "North\nSouth\nEast", "is_required": "y"}
    assert admin.post(f"/campaign-fields/edit/{field_id}", data=changed).status_code == 302
    assert stored() == Definition("Region", CustomKind.CHOICE, "Who pays", ("North", "South", "East"), True)
    assert "North, South, East" in admin.get(f"/campaign-fields/show/{field_id}").text


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"name": " "}, "A field needs a name."),
        ({"choices": "North"}, "Give from two to 100 choices"),
        ({"kind": "colour"}, "Not a valid choice"),
        ({"name": "x" * 61}, "60 characters"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_lost(admin: Browser, values: dict[str, str], words: str) -> None:
    page = admin.post("/campaign-fields/add", data=CHOICES | values)
    assert page.status_code == 200 and words in page.text
    assert "Who pays" in page.text
    assert db.session.scalar(select(CustomField.id)) is None


def test_only_an_administrator_defines_them(manager: Browser, analyst: Browser) -> None:
    for browser in (manager, analyst):
        assert browser.post("/campaign-fields/add", data=CHOICES).status_code == 403
    assert db.session.scalar(select(CustomField.id)) is None


def test_a_campaign_is_written_with_them_and_shows_them(manager: Browser) -> None:
    text_id = a_field()
    choice_id = a_field("Region", CustomKind.CHOICE, choices=("North", "South"))
    with transaction():
        campaign_id = factories.campaign(factories.folder()).id
    address = f"/campaigns/edit/{campaign_id}"
    form = form_of(manager, address)
    text, choice = custom_fields.form_name(text_id), custom_fields.form_name(choice_id)
    assert (form[text], form[choice]) == ("", [""])
    wrong = manager.post(address, data=form | {choice: "East"})
    assert wrong.status_code == 200
    assert manager.post(address, data=form | {text: " C-100 ", choice: "South"}).status_code == 302
    db.session.rollback()
    assert custom_fields.named_values(db.session.get_one(Campaign, campaign_id)) == {
        "Cost centre": "C-100",
        "Region": "South",
    }
    page = manager.get(f"/campaigns/show/{campaign_id}").text
    assert "Cost centre" in page and "C-100" in page


def test_a_field_made_later_holds_up_a_draft_and_nothing_under_way(manager: Browser) -> None:
    with transaction():
        folder = factories.folder()
        factories.contact(folder)
        campaigns = [factories.campaign(folder).id for _ in range(2)]
    action = "/campaigns/action/publish/{}"
    assert "was published" in manager.post(action.format(campaigns[0]), follow_redirects=True).text
    name = custom_fields.form_name(a_field(is_required=True))
    assert "Fill in “Cost centre”." in manager.post(action.format(campaigns[1]), follow_redirects=True).text
    form = form_of(manager, f"/campaigns/edit/{campaigns[0]}")
    form |= {"start_at": "2099-03-01 09:00"}
    assert manager.post(f"/campaigns/edit/{campaigns[0]}", data=form).status_code == 302
    assert db.session.get_one(Campaign, campaigns[0], populate_existing=True).start_at is not None
    db.session.rollback()
    manager.post(f"/campaigns/edit/{campaigns[0]}", data=form | {name: "C-100"})
    form = form_of(manager, f"/campaigns/edit/{campaigns[0]}")
    emptied = manager.post(f"/campaigns/edit/{campaigns[0]}", data=form | {name: ""})
    assert emptied.status_code == 200 and "Fill in “Cost centre”." in emptied.text
