"""Imports of CSV files, from the upload to the bad rows, through the real job."""

import csv
import io
import logging
import threading
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from app.audience import csv_import, csv_rows, import_chunks, import_service, queries, service
from app.audience.models import ChunkKind, Contact, ContactImport, ImportChunk, ImportStatus
from app.channels.address import email_domain
from app.extensions import db
from app.kernel import queues
from app.kernel.db import db_now, in_transaction, transaction
from app.kernel.errors import Conflict, InvalidInput, NotFound
from jobs.audience import run_import

pytestmark = pytest.mark.usefixtures("app")


def upload(source: str | bytes, name: str = "people.csv", by: str = "tester") -> ContactImport:
    data = source.encode() if isinstance(source, str) else source
    with transaction():
        return import_service.create(io.BytesIO(data), name, by)


def start(made: ContactImport, mapping: dict[str, str] | None = None, folder_id: int | None = None) -> int:
    with transaction():
        import_service.start(made.id, made.mapping if mapping is None else mapping, folder_id, "PL")
    return made.id


def imported(source: str | bytes, **options: Any) -> ContactImport:
    import_id = start(upload(source), **options)
    run_import(import_id)
    db.session.rollback()
    return import_service.get(import_id)


def counts(done: ContactImport) -> tuple[int, int, int, int]:
    return done.added, done.updated, done.merged, done.bad


def contacts() -> list[Contact]:
    db.session.rollback()
    return db.session.query(Contact).order_by(Contact.id).all()


def emails() -> set[str | None]:
    return {service.addresses_of(contact).email for contact in contacts()}


def bad_rows(done: ContactImport) -> list[list[str]]:
    text = "".join(import_service.bad_rows_csv(done.id))
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text[1:]), delimiter=done.delimiter))


def people(numbers: range) -> str:
    rows = [f"person{n}@example.org,{600000000 + n},Name {n}" for n in numbers]
    return "\n".join(["e-mail,phone,first name", *rows]) + "\n"


@pytest.fixture()
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_rows, "CHUNK_ROWS", 10)


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


def test_killed_import_goes_on_at_its_last_chunk(small_chunks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    import_id = start(upload(people(range(95)) + "nobody,,x\n"))
    real, calls = csv_import.write, iter(range(100))

    def dies_in_the_fifth(run: csv_import.Run, chunk: csv_rows.Chunk) -> None:
        real(run, chunk)
        if next(calls) == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(csv_import, "write", dies_in_the_fifth)
    with pytest.raises(KeyboardInterrupt):
        run_import(import_id)
    monkeypatch.undo()
    monkeypatch.setattr(csv_rows, "CHUNK_ROWS", 7)
    half = import_service.get(import_id)
    assert (half.status, half.rows_done, half.added, len(contacts())) == (ImportStatus.RUNNING, 40, 40, 40)
    assert import_service.wake() == []
    run_import(import_id)  # the lease of the dead worker still runs
    assert len(contacts()) == 40
    with transaction():
        import_service.get(import_id).lease_until = db_now() - timedelta(seconds=1)
    assert import_service.wake() == [import_id]
    run_import(import_id)
    done = import_service.get(import_id)
    assert (done.status, done.rows_done, counts(done)) == (ImportStatus.DONE, 96, (95, 0, 0, 1))
    assert len(contacts()) == 95 and bad_rows(done)[1][0] == "97"
    run_import(import_id)  # a job that comes twice
    assert counts(import_service.get(import_id)) == (95, 0, 0, 1)


def test_chunk_whose_commit_was_not_confirmed_is_not_written_twice(small_chunks: None) -> None:
    import_id = start(upload(people(range(15))))
    run = in_transaction(lambda: csv_import.claim(import_id, "me"))
    assert run is not None
    first, second = csv_import.prepared(run)
    for chunk in (first, first, second, second):
        in_transaction(lambda chunk=chunk: csv_import.write(run, chunk))  # type: ignore[misc]
    done = import_service.get(import_id)
    assert (done.rows_done, counts(done), len(contacts())) == (15, (15, 0, 0, 0), 15)


def test_worker_that_lost_its_lease_writes_nothing(small_chunks: None) -> None:
    import_id = start(upload(people(range(15))))
    slow = in_transaction(lambda: csv_import.claim(import_id, "slow"))
    assert slow is not None
    chunk = next(iter(csv_import.prepared(slow)))
    with transaction():
        import_service.get(import_id).lease_until = db_now() - timedelta(seconds=1)
    run_import(import_id)
    with pytest.raises(csv_import.LeaseLost):
        in_transaction(lambda: csv_import.write(slow, chunk))
    assert len(contacts()) == 15 and counts(import_service.get(import_id)) == (15, 0, 0, 0)


def test_cancel_stops_at_the_next_chunk(small_chunks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    import_id = start(upload(people(range(50))))
    real, calls = csv_import.write, iter(range(100))

    def cancelled_before_the_third(run: csv_import.Run, chunk: csv_rows.Chunk) -> None:
        if next(calls) == 2:
            import_service.cancel(import_id)
            db.session.commit()
        real(run, chunk)

    monkeypatch.setattr(csv_import, "write", cancelled_before_the_third)
    run_import(import_id)
    done = import_service.get(import_id)
    assert (done.status, done.rows_done, len(contacts())) == (ImportStatus.CANCELLED, 20, 20)
    assert db.session.query(ImportChunk).filter_by(kind=ChunkKind.SOURCE).count() == 0
    with pytest.raises(Conflict, match="cancelled already"):
        import_service.cancel(import_id)


def test_unreadable_source_fails_with_a_sentence_and_keeps_what_is_in(
    small_chunks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_chunks, "CHUNK_BYTES", 1000)
    import_id = start(upload(people(range(100))))
    with transaction() as session:
        chunk = session.query(ImportChunk).filter_by(import_id=import_id, number=2).one()
        chunk.sealed = chunk.sealed[:-1] + b"?"
    run_import(import_id)
    done = import_service.get(import_id)
    assert done.status is ImportStatus.FAILED and "does not open" in str(done.error)
    assert 0 < done.rows_done == len(contacts()) < 100


def test_two_imports_of_the_same_people_at_once_add_each_once(small_chunks: None, app: Flask) -> None:
    ids = [start(upload(people(range(200)))), start(upload(people(range(199, -1, -1)), by="another"))]
    db.session.remove()

    def work(import_id: int) -> None:
        with app.app_context():
            run_import(import_id)
            db.session.remove()

    threads = [threading.Thread(target=work, args=(import_id,)) for import_id in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = [import_service.get(import_id) for import_id in ids]
    assert [one.status for one in done] == [ImportStatus.DONE, ImportStatus.DONE]
    assert len(contacts()) == len(emails()) == 200
    assert sum(one.added for one in done) == 200
    assert all(one.rows_done == sum(counts(one)) == 200 for one in done)


def test_started_import_rings_its_job_after_the_commit() -> None:
    made = upload("e-mail\na@x.org\n")
    import_service.start(made.id, made.mapping, None, "")
    assert queues.queue(queues.QueueName.BULK).job_ids == []
    with transaction():
        pass
    assert queues.queue(queues.QueueName.BULK).job_ids == [f"import-{made.id}"]
    assert import_service.wake() == [made.id]
    with pytest.raises(Conflict, match="queued already"):
        import_service.start(made.id, made.mapping, None, "")


def test_wrong_mapping_folder_or_country_starts_nothing() -> None:
    made = upload("e-mail,name\na@x.org,x\n")
    for mapping, folder_id, country, field in (
        ({"name": "first_name"}, None, "", "mapping"),
        ({"e-mail": "email"}, 999, "", "folder_id"),
        ({"e-mail": "email"}, None, "ZZ", "country"),
    ):
        with pytest.raises(InvalidInput) as caught, transaction():
            import_service.start(made.id, mapping, folder_id, country)
        assert caught.value.field == field
    assert import_service.get(made.id).status is ImportStatus.UPLOADED
    with pytest.raises(NotFound):
        import_service.start(made.id + 1, {}, None, "")


def test_folder_deleted_during_the_import_does_not_stop_it() -> None:
    with transaction():
        folder_id = service.create_folder("Gone").id
    import_id = start(upload(people(range(5))), folder_id=folder_id)
    with transaction():
        service.delete_folder(folder_id)
    run_import(import_id)
    assert import_service.get(import_id).status is ImportStatus.DONE and len(contacts()) == 5


def test_no_address_reaches_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    imported("e-mail,phone\ncanary@example.org,600100200\ncanary@@example.org,\n")
    logged = " ".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    assert "canary" not in logged and "600100200" not in logged
    assert email_domain("canary@example.org") not in logged
