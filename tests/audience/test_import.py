"""The run of an import: killed, cancelled, doubled and disturbed, through the real job."""

import logging
import threading
from collections.abc import Collection
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import DBAPIError

from app.audience import csv_import, csv_rows, import_chunks, import_service, service, store
from app.audience.matching import Draft
from app.audience.models import ChunkKind, Folder, ImportChunk, ImportStatus
from app.channels.address import email_domain
from app.extensions import db
from app.kernel import queues
from app.kernel.crypto import CannotOpen
from app.kernel.db import in_transaction, transaction
from app.kernel.errors import Conflict, InvalidInput, NotFound
from jobs.audience import run_import
from tests.audience.imports import (
    bad_rows,
    claimed,
    contacts,
    counts,
    emails,
    end_lease,
    imported,
    people,
    start,
    upload,
)

pytestmark = pytest.mark.usefixtures("app")


def test_killed_import_goes_on_at_its_last_chunk(small_chunks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    import_id = start(upload(people(range(95)) + "nobody,,x\n"))
    real, calls = csv_import.write, iter(range(100))

    def dies_in_the_fifth(*args: Any) -> csv_import.Written | None:
        written = real(*args)
        if next(calls) == 4:
            raise KeyboardInterrupt
        return written

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
    end_lease(import_id)
    assert import_service.wake() == [import_id]
    run_import(import_id)
    done = import_service.get(import_id)
    assert (done.status, done.rows_done, counts(done)) == (ImportStatus.DONE, 96, (95, 0, 0, 1))
    assert len(contacts()) == 95 and bad_rows(done)[1][0] == "97"
    run_import(import_id)  # a job that comes twice
    assert counts(import_service.get(import_id)) == (95, 0, 0, 1)


def test_chunk_whose_commit_was_not_confirmed_is_not_written_twice(small_chunks: None) -> None:
    import_id = start(upload(people(range(15))))
    run = claimed(import_id, "me")
    first, second = csv_import.prepared(run)
    written: csv_import.Written | None = {}
    for chunk in (first, first, second, second):
        written = in_transaction(csv_import.write, run, chunk, written)
    done = import_service.get(import_id)
    assert (done.rows_done, counts(done), len(contacts())) == (15, (15, 0, 0, 0), 15)


def test_person_of_the_chunk_before_is_met_though_the_look_was_too_early(small_chunks: None) -> None:
    run = claimed(start(upload(people(range(10)) + "person3@example.org,,Name of then\n")), "me")
    first, second = csv_import.prepared(run)
    assert not second.known_ids
    written = in_transaction(csv_import.write, run, first, {})
    assert written is not None and len(written) == 20
    in_transaction(csv_import.write, run, second, written)
    assert counts(import_service.get(run.import_id)) == (10, 0, 1, 0)
    assert contacts()[3].first_name == "Name of then"


def test_chunk_is_looked_up_again_when_nobody_knows_what_the_one_before_wrote(small_chunks: None) -> None:
    run = claimed(start(upload(people(range(10)) + "person3@example.org,,Name of then\n")), "me")
    first, second = csv_import.prepared(run)
    in_transaction(csv_import.write, run, first, {})
    assert in_transaction(csv_import.write, run, first, {}) is None  # the answer to the commit was lost
    in_transaction(csv_import.write, run, second, None)
    assert counts(import_service.get(run.import_id)) == (10, 0, 1, 0)


def test_worker_that_lost_its_lease_writes_nothing(small_chunks: None) -> None:
    import_id = start(upload(people(range(15))))
    slow = claimed(import_id, "slow")
    chunk = next(iter(csv_import.prepared(slow)))
    end_lease(import_id)
    claimed(import_id, "other")
    for step in (lambda: csv_import.write(slow, chunk, {}), lambda: csv_import.finish(slow)):
        with pytest.raises(csv_import.LeaseLost):
            in_transaction(step)
    assert contacts() == [] and import_service.get(import_id).status is ImportStatus.RUNNING


def test_chunk_out_of_turn_is_refused(small_chunks: None) -> None:
    run = claimed(start(upload(people(range(15)))), "me")
    _, second = csv_import.prepared(run)
    with pytest.raises(csv_import.LeaseLost):
        in_transaction(lambda: csv_import.write(run, second, {}))
    with pytest.raises(csv_import.LeaseLost):
        in_transaction(lambda: csv_import.finish(run))
    assert contacts() == []


def test_person_saved_by_somebody_else_at_the_same_moment_is_merged(monkeypatch: pytest.MonkeyPatch) -> None:
    with transaction():
        service.create_contact({"email": "person1@example.org", "company": "Firm"})
    real, looks = store.find, iter([True])

    def not_yet_there(drafts: Collection[Draft]) -> set[int]:
        return set() if next(looks, False) else real(drafts)

    monkeypatch.setattr(store, "find", not_yet_there)
    done = imported(people(range(3)))
    assert (done.status, counts(done), len(contacts())) == (ImportStatus.DONE, (2, 1, 0, 0), 3)
    assert {(contact.first_name, contact.company) for contact in contacts()} >= {("Name 1", "Firm")}


def test_chunks_in_the_wrong_place_do_not_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_chunks, "CHUNK_BYTES", 1000)
    made = upload(people(range(100)))
    with transaction() as session:
        first, second = session.query(ImportChunk).order_by(ImportChunk.number)[:2]
        first.sealed, second.sealed = second.sealed, first.sealed
    with pytest.raises(CannotOpen):
        list(import_chunks.source(made.id, made.uid))


def test_cancel_stops_at_the_next_chunk(small_chunks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    import_id = start(upload(people(range(50))))
    real, calls = csv_import.write, iter(range(100))

    def cancelled_before_the_third(*args: Any) -> csv_import.Written | None:
        if next(calls) == 2:
            import_service.cancel(import_id)
            db.session.commit()
        return real(*args)

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


def test_file_that_the_database_refuses_fails_once_and_for_all(
    small_chunks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id = start(upload(people(range(30))))
    real, calls = store.add, iter(range(100))

    def refused_in_the_second(*args: Any) -> None:
        real(*args)
        if next(calls) == 1:
            db.session.execute(sa.text("SELECT nothing FROM nowhere"))

    monkeypatch.setattr(store, "add", refused_in_the_second)
    with pytest.raises(DBAPIError):
        run_import(import_id)
    done = import_service.get(import_id)
    assert (done.status, done.rows_done, len(contacts())) == (ImportStatus.FAILED, 10, 10)
    assert "database refused" in str(done.error)


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


def test_texts_that_mean_something_to_a_database_come_in_as_they_are() -> None:
    odd = ["O'Neill", "back\\slash", "\\'; DROP TABLE contact; --", "''", "x\\", "😀 100% _ %s :name", 'a"b`c']
    rows = [f'odd{n}@example.org,"{text.replace(chr(34), chr(34) * 2)}"' for n, text in enumerate(odd)]
    done = imported("\n".join(["e-mail,last name", *rows]) + "\n")
    assert counts(done) == (len(odd), 0, 0, 0)
    assert [contact.last_name for contact in contacts()] == odd


@pytest.mark.mariadb
def test_folder_that_is_filled_waits_with_its_deletion_and_foreign_keys_hold_again(app: Flask) -> None:
    with transaction():
        folder_id = service.create_folder("Shop").id
    import_id = start(upload(people(range(5))), folder_id=folder_id)
    run = claimed(import_id, "me")
    (only,) = csv_import.prepared(run)
    csv_import.write(run, only, {})
    with db.engine.connect() as other:
        other.exec_driver_sql("SET innodb_lock_wait_timeout = 1")
        with pytest.raises(DBAPIError, match="1205"):
            other.execute(sa.delete(Folder).where(Folder.id == folder_id))
    assert db.session.execute(sa.text("SELECT @@foreign_key_checks")).scalar_one() == 1
    db.session.commit()
    with transaction():
        service.delete_folder(folder_id)
    assert db.session.execute(sa.text("SELECT COUNT(*) FROM contact_folder")).scalar_one() == 0


@pytest.mark.mariadb
def test_folder_that_is_gone_takes_nobody(app: Flask) -> None:
    with transaction():
        contact_id = service.create_contact({"email": "a@example.org"}).id
        store.fill_folder(12345, [contact_id])
    assert db.session.execute(sa.text("SELECT COUNT(*) FROM contact_folder")).scalar_one() == 0
