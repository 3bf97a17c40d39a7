"""Contacts, folders and imports by REST."""

from typing import Any

from flask import Flask

from app.audience import import_service
from app.extensions import db
from jobs.audience import run_import
from tests.web.api.conftest import Program

ADA = {
    "email": "Ada@People.example",
    "second_email": "ada@home.example",
    "phone": "+48 600 100 200",
    "whatsapp": "+48600100201",
    "first_name": "Ada",
    "attributes": {"city": "Łódź"},
}
CSV = "E-mail;Imię;Miasto\nada@people.example;Ada;Łódź\nbroken;Bo;Kutno\n"


def test_a_contact_comes_back_with_its_addresses(admin_program: Program) -> None:
    folder = admin_program.made("/folder/", {"name": "People"})
    pk = admin_program.made("/contact/", ADA | {"folder_ids": [folder]})
    shown = admin_program.shown(f"/contact/{pk}")
    opened = [shown[name] for name in ("email", "second_email", "phone", "whatsapp")]
    assert opened == ["ada@people.example", "ada@home.example", "+48600100200", "+48600100201"]
    assert (shown["attributes"], shown["folder_ids"]) == ({"city": "Łódź"}, [folder])
    listed = admin_program.get("/contact/").json
    assert listed["count"] == 1 and listed["result"] == [shown]
    assert "sealed" not in shown and "email_index" not in shown


def test_a_second_contact_with_any_address_of_the_first_joins_it(admin_program: Program) -> None:
    first = admin_program.made("/contact/", ADA)
    again = admin_program.made("/contact/", {"second_email": "ada@people.example", "last_name": "Lovelace"})
    assert again == first
    shown = admin_program.shown(f"/contact/{first}")
    assert (shown["first_name"], shown["last_name"]) == ("Ada", "Lovelace")
    assert admin_program.get("/contact/").json["count"] == 1


def test_a_contact_is_changed_and_deleted(admin_program: Program) -> None:
    folder = admin_program.made("/folder/", {"name": "People"})
    pk = admin_program.made("/contact/", ADA | {"folder_ids": [folder]})
    answer = admin_program.put(f"/contact/{pk}", {"phone": None, "company": "Engines", "folder_ids": []})
    assert answer.status_code == 200
    shown = answer.json["result"]
    assert (shown["phone"], shown["company"], shown["first_name"]) == (None, "Engines", "Ada")
    assert shown["folder_ids"] == []
    assert admin_program.delete(f"/contact/{pk}").status_code == 200
    assert admin_program.get(f"/contact/{pk}").status_code == 404


def test_contacts_are_found_by_any_exact_address(admin_program: Program) -> None:
    pk = admin_program.made("/contact/", ADA)
    for address in ("ADA@home.example", "+48 600-100-201", "ada@people.example"):
        found = admin_program.post("/contact/find", {"address": address})
        assert [each["id"] for each in found.json["result"]] == [pk]
    assert admin_program.post("/contact/find", {"address": "bo@people.example"}).json["result"] == []
    assert admin_program.post("/contact/find", {"address": "nobody"}).status_code == 422


def test_refusals_name_the_field(admin_program: Program) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"first_name": "Ada"}, "email"),
        ({"email": "nobody"}, "email"),
        ({"email": "a@b.example", "phone": "12"}, "phone"),
        ({"email": "a@b.example", "folder_ids": [7777]}, "folder_ids"),
        ({"email": "a@b.example", "attributes": {"Big City": "x"}}, "attributes"),
        ({"email": "a@b.example", "attributes": {"city": 5}}, "attributes"),
    ]
    for body, field in cases:
        answer = admin_program.post("/contact/", body)
        assert (answer.status_code, answer.json["field"]) == (422, field), body
    assert admin_program.get("/contact/").json["count"] == 0


def test_contacts_go_into_a_folder_and_out_of_it(admin_program: Program) -> None:
    folder = admin_program.made("/folder/", {"name": "People"})
    people = [admin_program.made("/contact/", {"email": f"p{number}@people.example"}) for number in range(5)]
    for _ in range(2):
        answer = admin_program.post(f"/folder/{folder}/contacts", {"contact_ids": people})
        assert answer.status_code == 200, answer.text
    assert admin_program.shown(f"/folder/{folder}")["contacts"] == 5
    first = admin_program.get(f"/folder/{folder}/contacts?limit=3").json
    assert first == {"contact_ids": people[:3], "next_after": people[2]}
    rest = admin_program.get(f"/folder/{folder}/contacts?limit=3&after={first['next_after']}").json
    assert rest == {"contact_ids": people[3:], "next_after": None}
    assert admin_program.delete(f"/folder/{folder}/contacts/{people[0]}").status_code == 200
    assert admin_program.get("/folder/").json["result"][0]["contacts"] == 4
    assert admin_program.post(f"/folder/{folder}/contacts", {"contact_ids": [7777]}).status_code == 404


def test_a_folder_is_renamed_and_deleted_and_its_contacts_stay(admin_program: Program) -> None:
    folder = admin_program.made("/folder/", {"name": "People"})
    admin_program.made("/contact/", {"email": "a@b.example", "folder_ids": [folder]})
    assert admin_program.put(f"/folder/{folder}", {"name": "Friends"}).json["result"]["name"] == "Friends"
    taken = admin_program.post("/folder/", {"name": "Friends"})
    assert (taken.status_code, taken.json["field"]) == (422, "name")
    assert admin_program.delete(f"/folder/{folder}").status_code == 200
    assert admin_program.get("/folder/").json["count"] == 0
    assert admin_program.get("/contact/").json["count"] == 1


def upload(program: Program, text: str = CSV, name: str = "people.csv") -> Any:
    return program.upload("/import/", text.encode(), name)


def test_a_file_is_uploaded_mapped_imported_and_its_bad_rows_fetched(admin_program: Program, panel: Flask) -> None:
    folder = admin_program.made("/folder/", {"name": "People"})
    answer = upload(admin_program)
    assert answer.status_code == 201, answer.text
    made = answer.json["result"]
    assert (made["columns"], made["status"]) == (["E-mail", "Imię", "Miasto"], "uploaded")
    assert made["mapping"] == {"E-mail": "email", "Imię": "first_name"}
    pk, mapping = made["id"], made["mapping"] | {"Miasto": "attributes.city"}
    answer = admin_program.post(f"/import/{pk}/start", {"mapping": mapping, "folder_id": folder})
    assert (answer.status_code, answer.json["result"]["status"]) == (200, "queued")
    run_import(pk)
    db.session.rollback()
    shown = admin_program.shown(f"/import/{pk}")
    assert (shown["status"], shown["is_over"], shown["percent"]) == ("done", True, 100)
    assert (shown["rows_done"], shown["added"], shown["bad"]) == (2, 1, 1)
    errors = admin_program.get(f"/import/{pk}/errors")
    assert errors.mimetype == "text/csv" and "broken;Bo;Kutno" in errors.text
    person = admin_program.post("/contact/find", {"address": "ada@people.example"}).json["result"][0]
    assert (person["first_name"], person["attributes"], person["folder_ids"]) == ("Ada", {"city": "Łódź"}, [folder])
    assert admin_program.post(f"/import/{pk}/start").status_code == 409


def test_a_file_is_read_in_another_way_and_cancelled(admin_program: Program) -> None:
    pk = upload(admin_program).json["id"]
    answer = admin_program.put(f"/import/{pk}", {"delimiter": ","})
    assert answer.json["result"]["columns"] == ["E-mail;Imię;Miasto"]
    bad = admin_program.put(f"/import/{pk}", {"delimiter": "::"})
    assert (bad.status_code, bad.json["field"]) == (422, "delimiter")
    assert admin_program.post(f"/import/{pk}/cancel").json["result"]["status"] == "cancelled"
    assert admin_program.post(f"/import/{pk}/cancel").status_code == 409
    assert admin_program.delete(f"/import/{pk}").status_code == 405


def test_a_file_that_is_none_leaves_nothing(admin_program: Program) -> None:
    for answer in (
        upload(admin_program, "PK\x03\x04rest"),
        admin_program.post("/import/", {"file": "people.csv"}),
        admin_program.call("POST", "/import/", data={"other": "x"}),
    ):
        assert (answer.status_code, answer.json["field"]) == (422, "file"), answer.text
    assert admin_program.get("/import/").json["count"] == 0
    assert import_service.wake() == []


def test_pages_of_contacts_hold_each_once_with_all_folders(admin_program: Program) -> None:
    folders = [admin_program.made("/folder/", {"name": name}) for name in ("A", "B", "C")]
    people = [
        admin_program.made("/contact/", {"email": f"p{number}@people.example", "folder_ids": folders[: number % 4]})
        for number in range(6)
    ]
    seen = []
    for page in range(3):
        answer = admin_program.get("/contact/", query_string={"q": f"(page_size:2,page:{page})"}).json
        assert answer["count"] == 6
        seen += answer["result"]
    assert [row["id"] for row in seen] == people
    assert [row["folder_ids"] for row in seen] == [folders[: number % 4] for number in range(6)]
    assert [row["email"] for row in seen] == [f"p{number}@people.example" for number in range(6)]


def test_an_address_is_suppressed_and_released(admin_program: Program) -> None:
    pk = admin_program.made("/suppression/", {"address": "Ada@People.example"})
    assert admin_program.made("/suppression/", {"address": "ada@people.example"}) == pk
    answer = admin_program.get("/suppression/")
    assert answer.json["count"] == 1 and "people.example" not in answer.text
    assert admin_program.shown(f"/suppression/{pk}")["source"] == "by-hand"
    bad = admin_program.post("/suppression/", {"address": "nobody"})
    assert (bad.status_code, bad.json["field"]) == (422, "address")
    assert admin_program.delete(f"/suppression/{pk}").status_code == 200
    assert admin_program.get("/suppression/").json["count"] == 0


def test_a_number_is_suppressed_over_one_channel_or_all(admin_program: Program) -> None:
    first = admin_program.made("/suppression/", {"address": "+48 600 100 200", "channel": "whatsapp"})
    assert admin_program.shown(f"/suppression/{first}")["channel"] == "whatsapp"
    second = admin_program.made("/suppression/", {"address": "+48600100200"})
    assert admin_program.shown(f"/suppression/{second}")["channel"] == "sms"
    assert admin_program.get("/suppression/").json["count"] == 2
    bad = admin_program.post("/suppression/", {"address": "+48600100200", "channel": "email"})
    assert (bad.status_code, bad.json["field"]) == (422, "channel")
