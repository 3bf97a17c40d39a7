"""Contacts, folders, suppressions and own holidays in the panel."""

import html
from datetime import date

import pytest
from sqlalchemy import func, select

from app.audience.addresses import opener, phone_index
from app.audience.models import Contact, Folder, Suppression, SuppressionSource, contact_folder
from app.campaigns.models import OwnHoliday
from app.channels.contract import Channel
from app.extensions import db
from tests import factories
from tests.web.conftest import Browser, form_of

ANN = {
    "first_name": "Ann",
    "last_name": "Nowak",
    "email": " Ann@People.example ",
    "phone": "+48 600 100 200",
    "own_fields": "colour = green\nplan=gold",
}


def stored() -> Contact:
    db.session.rollback()
    db.session.expire_all()
    return db.session.scalars(select(Contact)).one()


def test_a_contact_is_saved_with_sealed_addresses_and_folders(manager: Browser) -> None:
    folder = factories.folder("Clients")
    db.session.commit()
    page = manager.post("/contacts/add", data=ANN | {"folders": [folder.id]}, follow_redirects=True)
    assert "was saved" in page.text
    contact = stored()
    assert opener()(contact.sealed, contact.uid)[:3] == ("ann@people.example", None, "+48600100200")
    assert contact.attributes == {"colour": "green", "plan": "gold"}
    assert [each.name for each in contact.folders] == ["Clients"]


def test_an_unchanged_contact_stays_as_it_is(manager: Browser) -> None:
    manager.post("/contacts/add", data=ANN)
    contact = stored()
    before = (opener()(contact.sealed, contact.uid), contact.attributes, contact.first_name, contact.last_name)
    manager.post(f"/contacts/edit/{contact.id}", data=form_of(manager, f"/contacts/edit/{contact.id}"))
    contact = stored()
    assert (opener()(contact.sealed, contact.uid), contact.attributes, contact.first_name, contact.last_name) == before


def test_addresses_are_shown_on_the_person_and_not_in_the_list(manager: Browser) -> None:
    manager.post("/contacts/add", data=ANN)
    pk = stored().id
    assert "people.example" in manager.get(f"/contacts/show/{pk}").text
    assert "people.example" not in manager.get("/contacts/list/").text


@pytest.mark.parametrize("hidden", ["sealed", "email_index", "second_email_index", "phone_index", "uid"])
def test_sealed_columns_cannot_be_searched_or_ordered(manager: Browser, hidden: str) -> None:
    assert hidden not in manager.get("/contacts/list/").text
    assert manager.get(f"/contacts/list/?_flt_0_{hidden}=x").status_code == 400
    assert manager.get(f"/contacts/list/?_oc_ContactView={hidden}&_od_ContactView=asc").status_code == 400


def test_a_contact_is_found_by_its_exact_address_however_it_is_written(manager: Browser) -> None:
    manager.post("/contacts/add", data=ANN)
    assert "Ann Nowak" in manager.post("/contacts/find", data={"address": "ANN@people.example"}).text
    assert "Ann Nowak" in manager.post("/contacts/find", data={"address": "+48600100200"}).text
    assert "No contact has this address" in manager.post("/contacts/find", data={"address": "bob@people.example"}).text


def test_adding_a_known_address_brings_the_contact_up_to_date(manager: Browser) -> None:
    manager.post("/contacts/add", data=ANN)
    page = manager.post("/contacts/add", data={"email": "ann@people.example", "company": "Shop"}, follow_redirects=True)
    assert "was brought up to date" in page.text
    assert (stored().first_name, stored().company) == ("Ann", "Shop")


def test_another_ones_address_cannot_be_taken_over(manager: Browser) -> None:
    manager.post("/contacts/add", data=ANN)
    ann = stored().id
    bob = factories.contact(email="bob@people.example", first_name="Bob").id
    db.session.commit()
    page = manager.post(
        f"/contacts/edit/{bob}", data=form_of(manager, f"/contacts/edit/{bob}") | {"email": ANN["email"]}
    )
    assert "Another contact has this address already." in page.text
    db.session.rollback()
    assert opener()(*_sealed(bob)).email == "bob@people.example"
    assert opener()(*_sealed(ann)).email == "ann@people.example"


def _sealed(pk: int) -> tuple[bytes, bytes]:
    contact = db.session.get_one(Contact, pk, populate_existing=True)
    return contact.sealed, contact.uid


def test_folders_of_a_contact_can_be_changed(manager: Browser) -> None:
    old, new = factories.folder("Old"), factories.folder("New")
    pk = factories.contact(old).id
    db.session.commit()
    values = form_of(manager, f"/contacts/edit/{pk}")
    assert values["folders"] == [str(old.id)]
    manager.post(f"/contacts/edit/{pk}", data=values | {"folders": [new.id]})
    assert [each.name for each in stored().folders] == ["New"]


def test_a_wrong_address_is_said_at_its_field(manager: Browser) -> None:
    page = manager.post("/contacts/add", data=ANN | {"email": "not an address"})
    assert "alert-danger" in page.text
    assert db.session.scalars(select(Contact)).all() == []


def test_a_contact_can_be_deleted(manager: Browser) -> None:
    manager.post("/contacts/add", data=ANN)
    assert "was deleted" in manager.post(f"/contacts/delete/{stored().id}", follow_redirects=True).text
    assert db.session.scalars(select(Contact)).all() == []


def test_folders_are_counted_renamed_and_deleted_without_their_contacts(manager: Browser) -> None:
    assert "was saved" in manager.post("/folders/add", data={"name": "Clients"}, follow_redirects=True).text
    folder = db.session.scalars(select(Folder)).one()
    factories.contacts(3, folder)
    db.session.commit()
    assert f'href="/contacts/list/?_flt_0_folders={folder.id}">3<' in manager.get("/folders/list/").text
    manager.post(f"/folders/edit/{folder.id}", data={"name": "Customers"})
    assert "Customers" in manager.get("/folders/list/").text
    assert "alert-danger" in manager.post("/folders/add", data={"name": "Customers"}).text
    manager.post(f"/folders/delete/{folder.id}")
    db.session.rollback()
    assert db.session.scalars(select(Folder)).all() == []
    assert db.session.scalar(select(func.count()).select_from(Contact)) == 3
    assert db.session.scalar(select(func.count()).select_from(contact_folder)) == 0


def test_an_address_is_suppressed_by_hand_and_released(manager: Browser) -> None:
    page = manager.post("/suppressions/add", data={"address": "Bob@People.example"}, follow_redirects=True)
    assert "Nothing is sent to these addresses" in page.text
    assert "by hand" in page.text
    kept = db.session.scalars(select(Suppression)).one()
    assert kept.source is SuppressionSource.BY_HAND
    assert "eople.example" not in page.text
    manager.post(f"/suppressions/delete/{kept.id}")
    db.session.rollback()
    assert db.session.scalars(select(Suppression)).all() == []


def test_a_list_of_addresses_and_numbers_is_suppressed_whole_or_not_at_all(manager: Browser) -> None:
    def refused(written: str) -> str:
        page = manager.post("/suppressions/add", data={"address": written})
        assert page.status_code == 200 and html.escape(written.strip()) in page.text
        return page.text

    assert "Write at least one address." in refused("")
    assert "nobody: Write an e-mail address" in refused("ann@people.example\nnobody")
    assert "0600: This number names no country" in refused("+48 600 100 200\n0600")
    assert "at most 1000 addresses" in refused("\n".join(f"p{number}@people.example" for number in range(1001)))
    assert db.session.scalars(select(Suppression)).all() == []
    written = {"address": " ann@people.example\n\n+48 600 100 200\n0048600100200 "}
    assert "to these addresses" in manager.post("/suppressions/add", data=written, follow_redirects=True).text
    kept = db.session.scalars(select(Suppression)).all()
    assert [each.channel for each in kept] == [Channel.EMAIL, Channel.SMS, Channel.WHATSAPP]
    assert kept[1].address_index == kept[2].address_index == phone_index("+48600100200")
    assert "They are all on the list already." in refused("ANN@people.example")


def test_own_holidays_are_added_once(manager: Browser) -> None:
    manager.post("/own-holidays/add", data={"on_date": "2026-12-24", "name": "Eve"})
    page = manager.post("/own-holidays/add", data={"on_date": "2026-12-24", "name": "Eve again"})
    assert "already" in page.text
    kept = db.session.scalars(select(OwnHoliday)).one()
    assert (kept.on_date, kept.name) == (date(2026, 12, 24), "Eve")
    manager.post(f"/own-holidays/delete/{kept.id}")
    db.session.rollback()
    assert db.session.scalars(select(OwnHoliday)).all() == []


def test_contacts_are_filtered_by_their_folder(manager: Browser) -> None:
    folder = factories.folder("Clients")
    alone = factories.contact(last_name="Alone")
    factories.contact(folder, last_name="Inside")
    db.session.commit()
    asked = (str(folder.id), "999", "x")
    found = [manager.get(f"/contacts/list/?_flt_0_folders={value}").text for value in asked]
    assert [("Inside" in page, "Alone" in page) for page in found] == [(True, False), (False, False), (False, False)]
    assert f'<h1 class="page-title">{alone}</h1>' in manager.get(f"/contacts/show/{alone.id}").text
