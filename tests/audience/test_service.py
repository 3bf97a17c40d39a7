"""Contacts and folders: what may be done to them."""

import pytest
from flask import Flask
from sqlalchemy.exc import IntegrityError

from app.audience import queries, service, store
from app.audience.addresses import Addresses, email_index, indexing, opener, phone_index, sealing
from app.audience.fields import clean_person
from app.audience.matching import Known
from app.audience.models import Contact, SuppressionSource
from app.audience.suppressions import suppress
from app.channels.contract import Channel
from app.extensions import db
from app.kernel import clock
from app.kernel.crypto import CannotOpen
from app.kernel.errors import InvalidInput, NotFound

pytestmark = pytest.mark.usefixtures("app")


def count() -> int:
    number: int = db.session.query(Contact).count()
    return number


def test_sealed_addresses_open_with_their_uid_only() -> None:
    addresses = Addresses("a@example.org", None, "+48600100200", None)
    sealed = sealing()(addresses, b"1" * 16)
    assert opener()(sealed, b"1" * 16) == addresses
    with pytest.raises(CannotOpen):
        opener()(sealed, b"2" * 16)


def test_longest_addresses_fit_into_the_column() -> None:
    longest = f"{'x' * 64}@{'y' * 63}.{'z' * 63}.{'w' * 56}.org"
    contact = service.create_contact({"email": longest, "second_email": "b" + longest[1:], "phone": "+48600100200"})
    db.session.commit()
    assert len(contact.sealed) < 1200


def test_nothing_of_an_address_is_stored_in_clear() -> None:
    contact = service.create_contact({"email": "secret@example.org", "phone": "+48600100200"})
    for value in (contact.sealed, contact.email_index, contact.phone_index):
        assert value and b"secret" not in value and b"600100200" not in value


def test_created_contact_is_found_by_any_of_its_addresses() -> None:
    contact = service.create_contact(
        {"email": "A@Example.org", "second_email": "b@example.org", "phone": "+48600100200", "whatsapp": "+48600100201"}
    )
    db.session.commit()
    for address in ("a@example.ORG", "b@example.org", "+48 600 100 200", "600100201"):
        assert queries.find_by_address(address, "PL") == [contact]
    assert queries.find_by_address("c@example.org") == []


@pytest.mark.parametrize(
    "shared",
    [
        {"email": "a@example.org"},
        {"email": "b@example.org"},
        {"second_email": "a@example.org"},
        {"phone": "+48600100200"},
        {"whatsapp": "+48600100200"},
        {"phone": "+48600100201"},
    ],
)
def test_contact_with_a_shared_address_is_merged(shared: dict[str, str]) -> None:
    old, new = service.create_folder("Old"), service.create_folder("New")
    first = service.create_contact(
        {
            "email": "a@example.org",
            "second_email": "b@example.org",
            "phone": "+48600100200",
            "whatsapp": "+48600100201",
            "first_name": "Anna",
            "attributes": {"city": "Łódź"},
        },
        [old.id],
    )
    second = service.create_contact({**shared, "last_name": "Nowak", "attributes": {"shoes": "38"}}, [new.id])
    db.session.commit()
    assert second.id == first.id and count() == 1
    assert (second.first_name, second.last_name) == ("Anna", "Nowak")
    assert second.attributes == {"city": "Łódź", "shoes": "38"}
    assert {folder.name for folder in second.folders} == {"Old", "New"}
    assert service.addresses_of(second)[:2] == ("a@example.org", "b@example.org")


def test_merged_address_is_found_and_the_replaced_one_is_not() -> None:
    service.create_contact({"email": "old@example.org", "phone": "+48600100200"})
    merged = service.create_contact({"email": "new@example.org", "phone": "+48600100200"})
    assert queries.find_by_address("new@example.org") == [merged]
    assert queries.find_by_address("old@example.org") == []


def test_addresses_of_two_contacts_are_ambiguous() -> None:
    service.create_contact({"email": "a@example.org"})
    service.create_contact({"phone": "+48600100200"})
    with pytest.raises(InvalidInput, match="[Aa]mbiguous"):
        service.create_contact({"email": "a@example.org", "phone": "+48600100200"})
    assert count() == 2


def test_awkward_texts_survive_the_way_into_the_database() -> None:
    name = 'O\'Neil \\ "x" %s {{ 7*7 }} 🙂 \n ;--'
    contact = service.create_contact({"email": "a@example.org", "first_name": name, "attributes": {"x": name}})
    db.session.commit()
    db.session.expire_all()
    assert (contact.first_name, contact.attributes) == (name, {"x": name})


def test_updated_contact_has_exactly_the_given_values() -> None:
    folder = service.create_folder("One")
    contact = service.create_contact({"email": "a@example.org", "phone": "+48600100200", "first_name": "Anna"})
    service.update_contact(contact.id, {"first_name": "", "email": "c@example.org", "company": "Firm"}, [folder.id])
    db.session.commit()
    db.session.expire_all()
    assert (contact.first_name, contact.company) == ("", "Firm")
    assert service.addresses_of(contact) == ("c@example.org", None, "+48600100200", None)
    assert contact.email_index == email_index("c@example.org")
    assert contact.phone_index == phone_index("+48600100200")
    assert contact.folders == [folder]


def test_update_to_an_address_of_another_contact_is_refused() -> None:
    service.create_contact({"email": "a@example.org", "phone": "+48600100200"})
    other = service.create_contact({"email": "b@example.org"})
    with pytest.raises(InvalidInput, match="Another contact") as caught:
        service.update_contact(other.id, {"phone": "+48600100200"})
    assert caught.value.field == "phone"


def test_update_that_takes_the_last_address_is_refused() -> None:
    contact = service.create_contact({"email": "a@example.org"})
    with pytest.raises(InvalidInput, match="no e-mail address"):
        service.update_contact(contact.id, {"email": ""})


def test_deleted_contact_leaves_its_folders() -> None:
    folder = service.create_folder("One")
    contact = service.create_contact({"email": "a@example.org"}, [folder.id])
    db.session.commit()
    service.delete_contact(contact.id)
    db.session.commit()
    assert queries.contacts_in_folders() == {folder.id: 0}
    with pytest.raises(NotFound):
        service.get_contact(contact.id)


def test_folder_is_renamed_and_deleted_and_its_contacts_stay() -> None:
    folder = service.create_folder("  One ")
    service.create_contact({"email": "a@example.org"}, [folder.id])
    assert service.rename_folder(folder.id, "Two").name == "Two"
    folder_id = folder.id
    service.delete_folder(folder_id)
    db.session.commit()
    assert count() == 1
    with pytest.raises(NotFound):
        service.get_folder(folder_id)


@pytest.mark.parametrize("name", ["", "  ", "x" * 121, "a\x07b", "Taken"])
def test_unusable_folder_names_are_refused(name: str) -> None:
    service.create_folder("Taken")
    with pytest.raises(InvalidInput) as caught:
        service.create_folder(name)
    assert caught.value.field == "name"


def test_contacts_go_into_a_folder_once_and_out_again() -> None:
    folder = service.create_folder("One")
    ids = [service.create_contact({"email": f"{n}@example.org"}).id for n in range(3)]
    service.add_to_folder(folder.id, ids)
    service.add_to_folder(folder.id, ids[:2])
    assert queries.contacts_in_folders() == {folder.id: 3}
    service.remove_from_folder(folder.id, ids[:1])
    assert queries.contacts_in_folders() == {folder.id: 2}


def test_unknown_folders_and_contacts_are_refused() -> None:
    folder = service.create_folder("One")
    with pytest.raises(InvalidInput):
        service.create_contact({"email": "a@example.org"}, [folder.id + 1])
    with pytest.raises(NotFound):
        service.add_to_folder(folder.id, [12345])


def test_suppressions_since_a_moment_and_in_a_folder_are_counted(app: Flask) -> None:
    folder = service.create_folder("One")
    contact = service.create_contact({"email": "a@example.org"}, [folder.id])
    service.create_contact({"email": "b@example.org"}, [folder.id])
    before = clock.utcnow()
    assert contact.email_index is not None
    suppress(Channel.EMAIL, contact.email_index, SuppressionSource.BY_HAND)
    assert queries.suppressed_since(Channel.EMAIL, before) == [contact.email_index]
    assert queries.suppressed_since(Channel.EMAIL, clock.utcnow()) == []
    assert queries.suppressed_in_folder(folder.id) == 1


def test_indexes_of_phone_and_whatsapp_are_one_space() -> None:
    found = indexing()(Addresses("a@example.org", "b@example.org", "+48600100200", "+48600100200"))
    assert found.phone == found.whatsapp == phone_index("+48600100200")
    assert found.email == email_index("a@example.org") != found.second_email


def test_error_of_the_database_tells_nothing_about_people() -> None:
    service.create_contact({"email": "canary@example.org", "first_name": "Canary"})
    person = clean_person({"email": "canary@example.org", "first_name": "Canary"})
    again = Known(person, indexing()(person.addresses), b"1" * 16)
    with pytest.raises(IntegrityError) as caught:
        store.add([again], clock.utcnow())
    db.session.rollback()
    for told in ("Canary", b"Canary".hex(), "INSERT"):
        assert told not in str(caught.value)
