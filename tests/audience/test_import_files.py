"""Imports of CSV files: what is taken from a file, what is refused, and the list of bad rows."""

import io

import pytest

from app.audience import import_chunks, import_service, queries, service
from app.audience.models import ContactImport, ImportChunk, ImportStatus
from app.extensions import db
from app.kernel.db import transaction
from app.kernel.errors import InvalidInput
from jobs.audience import run_import
from tests.audience.imports import bad_rows, contacts, counts, emails, imported, people, start, upload

pytestmark = pytest.mark.usefixtures("app")


def test_file_becomes_contacts_in_a_folder() -> None:
    with transaction():
        folder_id = service.create_folder("Shop").id
    done = imported("E-mail;Imię;Telefon;Miasto\nA@Example.org;Łucja;600 100 200;Łódź\n", folder_id=folder_id)
    assert (done.status, done.rows_done, counts(done)) == (ImportStatus.DONE, 1, (1, 0, 0, 0))
    assert done.bytes_done == done.size_bytes and done.finished_at is not None and done.lease_owner is None
    (contact,) = contacts()
    assert service.addresses_of(contact) == ("a@example.org", None, "+48600100200", None)
    assert contact.first_name == "Łucja"
    assert queries.contacts_in_folders() == {folder_id: 1}


def test_own_fields_are_imported() -> None:
    imported("e-mail,City\na@example.org,Łódź\n", mapping={"e-mail": "email", "City": "attributes.city"})
    assert contacts()[0].attributes == {"city": "Łódź"}


@pytest.mark.parametrize(
    "data",
    [
        "\ufeffe-mail,name\nż@example.org,Zażółć\n".encode(),
        "e-mail,name\nż@example.org,Zażółć\n".encode("utf-16"),
        b"\xfe\xff" + "e-mail,name\nż@example.org,Zażółć\n".encode("utf-16-be"),
        "e-mail,name\nż@example.org,Zażółć\n".encode("cp1250"),
        "e-mail\tname\rż@example.org\tZażółć\r".encode(),
    ],
    ids=["utf-8 with mark", "utf-16", "utf-16 big endian", "windows-1250", "tabs and returns"],
)
def test_encodings_are_understood(data: bytes) -> None:
    done = imported(data, mapping={"e-mail": "email", "name": "last_name"})
    assert (done.status, counts(done)) == (ImportStatus.DONE, (1, 0, 0, 0))
    assert emails() == {"ż@example.org"} and contacts()[0].last_name == "Zażółć"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"\n\r\n\n", "empty"),
        (b"e-mail\n", "no rows"),
        (b"PK\x03\x04" + b"x" * 100, "Excel"),
        (b"\x1f\x8b" + b"x" * 100, "compressed"),
        (b"e-mail\na@exa\0mple.org\n", "binary data"),
        ("e-mail\na@example.org\n".encode("utf-16-le")[:-1], "binary data"),
        ("e-mail\na@example.org\n".encode("utf-16")[:-1], "damaged"),
    ],
)
def test_unusable_files_are_refused_and_leave_nothing(data: bytes, message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as caught:
        upload(data)
    assert caught.value.field == "file"
    assert (db.session.query(ContactImport).count(), db.session.query(ImportChunk).count()) == (0, 0)


def test_upload_that_breaks_off_leaves_nothing() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell():
                raise ConnectionError
            return super().read(size)

    with pytest.raises(ConnectionError), transaction():
        import_service.create(Broken(b"e-mail\n" * 500_000), "x.csv", "tester")
    assert (db.session.query(ContactImport).count(), db.session.query(ImportChunk).count()) == (0, 0)


def test_too_large_file_is_refused_before_it_is_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_service, "MAX_BYTES", 2**20)
    stream = io.BytesIO(b"e-mail\n" * 2**20)
    with pytest.raises(InvalidInput, match="larger than 1 MB"), transaction():
        import_service.create(stream, "x.csv", "tester")
    assert stream.tell() < 2 * 2**20


def test_one_row_too_many_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_service, "MAX_ROWS", 3)
    upload('e-mail,name\n1@x.org,"a\nb\nc\nd"\n\n\n2@x.org,\n3@x.org,\n')
    with pytest.raises(InvalidInput, match="more than 3 rows"):
        upload("e-mail\n1@x.org\n2@x.org\n3@x.org\n4@x.org\n")


def test_source_is_stored_sealed_in_pieces_and_gone_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_chunks, "CHUNK_BYTES", 64)
    source = people(range(50))
    made = upload(source)
    chunks = db.session.query(ImportChunk).all()
    assert len(chunks) == -(-len(source) // 64)
    assert all(b"person" not in chunk.sealed for chunk in chunks)
    assert b"".join(import_chunks.source(made.id, made.uid)) == source.encode()
    run_import(start(made))
    assert len(contacts()) == 50
    assert db.session.query(ImportChunk).count() == 0


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\files\\a\0b.csv", "ab.csv"),
        ("x" * 300, "x" * 255),
        ("fdp\u202evsc.csv", "fdpvsc.csv"),
        ("", "contacts.csv"),
    ],
)
def test_file_names_are_harmless(given: str, shown: str) -> None:
    assert upload("e-mail\na@x.org\n", given).file_name == shown


def test_same_file_twice_at_once_is_one_import() -> None:
    first = upload("e-mail\na@x.org\n")
    assert upload("e-mail\na@x.org\n").id == first.id
    assert upload("e-mail\nb@x.org\n").id != first.id
    assert upload("e-mail\na@x.org\n", by="another").id != first.id


def test_file_without_heading_is_imported_from_its_first_row() -> None:
    made = upload("a@example.org,Anna\nb@example.org,Jan\n")
    assert made.mapping == {} and made.columns == ["Column 1", "Column 2"]
    run_import(start(made, {"Column 1": "email", "Column 2": "first_name"}))
    assert emails() == {"a@example.org", "b@example.org"}


def test_file_can_be_read_in_another_way() -> None:
    made = upload(b"e-mail;name\na@example.org;x\n")
    with transaction():
        import_service.read_as(made.id, "cp1250", ",")
    assert import_service.get(made.id).columns == ["e-mail;name"]
    with pytest.raises(InvalidInput):
        import_service.read_as(made.id, "rot13", ",")
    with pytest.raises(InvalidInput):
        import_service.read_as(made.id, "utf-8", '"')


def test_bad_rows_are_listed_with_reasons_and_the_rest_is_imported() -> None:
    source = (
        b"e-mail,phone,first name\n"
        b"a@example.org,600100200,=1+1\n"
        b"600100201,b@example.org,swapped\n"
        b"c@example.org,4,too,many\n"
        b"d@exa\xe9mple.org,,broken byte\n"
        b'e@example.org,,"unclosed\n'
        b",,nobody\n"
        b"f@example.org,,\xc4\x85\xc4\x99\n"
    )
    done = imported(source)
    assert (done.rows_done, counts(done)) == (7, (2, 0, 0, 5))
    assert emails() == {"a@example.org", "f@example.org"}
    heading, *rows = bad_rows(done)
    assert heading == ["Line", "Problem", "e-mail", "phone", "first name"]
    assert [row[0] for row in rows] == ["3", "4", "5", "6", "7"]
    for row, reason in zip(rows, ("e-mail: ", "4 fields", "0xE9", "not closed", "no e-mail address"), strict=True):
        assert reason in row[1]
    assert rows[1][2:] == ["c@example.org", "4", "too", "many"]


def test_bad_rows_are_safe_for_spreadsheets_and_can_be_mended_and_uploaded_again() -> None:
    done = imported("e-mail,phone,first name\nnobody,+48600100200,=cmd|'/C calc'!A1\n")
    text = "".join(import_service.bad_rows_csv(done.id))
    assert "'=cmd|'/C calc'!A1" in text and "'+48600100200" in text
    again = imported(text.replace("nobody", "nobody@example.org"))
    assert counts(again) == (1, 0, 0, 0)
    (contact,) = contacts()
    assert contact.first_name == "=cmd|'/C calc'!A1"
    assert service.addresses_of(contact).phone == "+48600100200"
    third = imported(text.replace("nobody", "still nobody"))
    assert bad_rows(third)[0] == ["Line", "Problem", "e-mail", "phone", "first name"]
    assert bad_rows(third)[1][2] == "still nobody"


def test_same_person_twice_in_a_file_is_merged(small_chunks: None) -> None:
    rows = people(range(25)) + "PERSON3@example.org,,New\n,600000024,Other\n"
    done = imported(rows)
    assert counts(done) == (25, 0, 2, 0)
    names = {service.addresses_of(contact).email: contact.first_name for contact in contacts()}
    assert (names["person3@example.org"], names["person24@example.org"], len(names)) == ("New", "Other", 25)


def test_known_people_are_updated_and_a_second_import_adds_nobody(small_chunks: None) -> None:
    imported(people(range(30)))
    before = [(contact.id, contact.sealed, contact.changed_at) for contact in contacts()]
    again = imported(people(range(30)))
    assert counts(again) == (0, 30, 0, 0)
    assert [(contact.id, contact.sealed, contact.changed_at) for contact in contacts()] == before


def test_changed_people_are_written() -> None:
    imported(people(range(30)))
    created = contacts()[0].created_at
    imported("phone,last name,mail,City\n600000007,O'Neil \\ \n".replace(",mail,City", "") + "600000008,Ł\n")
    by_email = {service.addresses_of(contact).email: contact for contact in contacts()}
    assert by_email["person7@example.org"].last_name == "O'Neil \\"
    assert by_email["person8@example.org"].last_name == "Ł"
    assert by_email["person7@example.org"].first_name == "Name 7"
    assert by_email["person7@example.org"].created_at == created
    assert len(by_email) == 30


def test_row_of_two_known_contacts_is_ambiguous() -> None:
    imported("e-mail,phone\na@example.org,\n,600100200\n")
    done = imported("e-mail,phone\na@example.org,600100200\nb@example.org,\n")
    assert counts(done) == (1, 0, 0, 1)
    assert bad_rows(done)[1][:2] == ["2", bad_rows(done)[1][1]] and "mbiguous" in bad_rows(done)[1][1]
