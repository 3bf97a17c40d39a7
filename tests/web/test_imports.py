"""Imports in the panel: upload, mapping, progress, cancel, bad rows."""

import io
import re
from typing import Any

import pytest
from rq import SimpleWorker
from sqlalchemy import select

from app.audience.models import Contact, ContactImport, Folder, ImportStatus
from app.extensions import db
from app.kernel.queues import QueueName, SafeJob, queue
from jobs.audience import run_import
from tests import factories
from tests.web.conftest import Browser

CSV = (
    "E-mail;Imię;Nazwisko;Miasto\nann@people.example;Ann;Nowak;Gdynia\nnobody;Bad;Row;Sopot\nbob@people.example;Bob;;\n"
)


def upload(browser: Browser, content: bytes, name: str = "clients.csv", **options: Any) -> Any:
    data = {"file": (io.BytesIO(content), name)}
    return browser.post("/imports/add", data=data, content_type="multipart/form-data", **options)


def stored() -> ContactImport:
    db.session.rollback()
    db.session.expire_all()
    return db.session.scalars(select(ContactImport)).one()


@pytest.fixture()
def uploaded(manager: Browser) -> ContactImport:
    answer = upload(manager, CSV.encode())
    assert answer.headers["Location"] == f"/imports/map/{stored().id}"
    return stored()


MAPPING = {"column-0": "email", "column-1": "first_name", "column-2": "", "column-3": "own"}


def test_columns_are_suggested_with_the_first_rows(manager: Browser, uploaded: ContactImport) -> None:
    text = manager.get(f"/imports/map/{uploaded.id}").text
    assert '<option value="email" selected>' in text
    assert '<option value="first_name" selected>' in text
    assert "Gdynia" in text


def test_an_import_from_upload_to_bad_rows(manager: Browser, uploaded: ContactImport) -> None:
    folder = factories.folder("Clients")
    db.session.commit()
    page = manager.post(f"/imports/map/{uploaded.id}", data=MAPPING | {"folder_id": folder.id}, follow_redirects=True)
    assert "queued" in page.text
    assert f'hx-get="/imports/state/{uploaded.id}"' in page.text
    assert queue(QueueName.BULK).job_ids == [f"import-{uploaded.id}"]
    assert "every 2s" in manager.get(f"/imports/state/{uploaded.id}").text
    run_import(uploaded.id)
    state = manager.get(f"/imports/state/{uploaded.id}").text
    assert 'data-status="done"' in state
    assert "every 2s" not in state
    assert 'aria-valuenow="100"' in state
    db.session.refresh(uploaded)
    assert (uploaded.added, uploaded.bad) == (2, 1)
    names = {each.first_name: each.attributes for each in db.session.scalars(select(Contact))}
    assert names == {"Ann": {"miasto": "Gdynia"}, "Bob": None}
    page = manager.get(f"/imports/progress/{uploaded.id}").text
    assert f"/imports/bad-rows/{uploaded.id}.csv" in page
    assert "/imports/state/" not in page
    rows = manager.get(f"/imports/bad-rows/{uploaded.id}.csv")
    assert "attachment" in rows.headers["Content-Disposition"]
    assert "nobody" in rows.text
    assert "ann@people.example" not in rows.text


def test_an_import_makes_its_folder_and_leads_to_its_contacts(manager: Browser, uploaded: ContactImport) -> None:
    page = manager.get(f"/imports/map/{uploaded.id}").text
    assert re.search(r'name="new_folder"[^>]* value="clients"', page)  # the first one is offered
    manager.post(f"/imports/map/{uploaded.id}", data=MAPPING | {"new_folder": "Clients"})
    run_import(uploaded.id)
    folder = db.session.scalars(select(Folder)).one()
    assert (folder.name, stored().folder_id) == ("Clients", folder.id)
    shown = f"/contacts/list/?_flt_0_folders={folder.id}"
    assert f'href="{shown}"' in manager.get(f"/imports/progress/{uploaded.id}").text
    assert ">Ann<" in manager.get(shown).text


@pytest.mark.parametrize(
    ("wrong", "why"),
    [({}, "not both"), ({"folder_id": "", "new_folder": "Old"}, "There is a folder with this name already")],
)
def test_a_folder_is_chosen_or_made(manager: Browser, uploaded: ContactImport, wrong: dict[str, str], why: str) -> None:
    folder = factories.folder("Old")
    db.session.commit()
    page = f"/imports/map/{uploaded.id}"
    assert re.search(r'name="new_folder"[^>]* value=""', manager.get(page).text)  # there is one to choose
    answer = manager.post(page, data=MAPPING | {"folder_id": folder.id, "new_folder": "New"} | wrong).text
    assert why in answer and 'href="#new_folder"' in answer
    assert stored().status is ImportStatus.UPLOADED
    assert [each.name for each in db.session.scalars(select(Folder))] == ["Old"]


def test_a_worker_of_the_queue_runs_it(manager: Browser, uploaded: ContactImport) -> None:
    manager.post(f"/imports/map/{uploaded.id}", data=MAPPING)
    bulk = queue(QueueName.BULK)
    worker = SimpleWorker([bulk], connection=bulk.connection, job_class=SafeJob, serializer="json")
    worker.work(burst=True, logging_level="ERROR")
    assert stored().status is ImportStatus.DONE


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "empty"),
        (b"PK\x03\x04 a workbook", "Excel"),
        (b"e-mail\n", ""),
        (b"a\x00b,c\n1,2\n", ""),
    ],
    ids=["empty", "workbook", "only a heading", "zero bytes"],
)
def test_a_file_that_cannot_be_used_is_refused_with_what_to_do(manager: Browser, content: bytes, sentence: str) -> None:
    page = upload(manager, content)
    assert page.status_code == 200
    assert "alert-danger" in page.text
    assert sentence in page.text
    assert db.session.scalars(select(ContactImport)).all() == []


def test_no_file_is_refused(manager: Browser) -> None:
    assert "Choose a file." in manager.post("/imports/add", data={}).text


def test_a_mapping_without_an_address_is_refused_and_kept(manager: Browser, uploaded: ContactImport) -> None:
    page = manager.post(f"/imports/map/{uploaded.id}", data={"column-1": "last_name"})
    assert "Choose the column with the e-mail address" in page.text
    assert '<option value="last_name" selected>' in page.text
    assert stored().status is ImportStatus.UPLOADED


def test_a_file_can_be_read_in_another_encoding(manager: Browser, uploaded: ContactImport) -> None:
    manager.post(f"/imports/read-as/{uploaded.id}", data={"encoding": "cp1250", "delimiter": "semicolon"})
    assert stored().encoding == "cp1250"
    page = manager.post(f"/imports/read-as/{uploaded.id}", data={"encoding": "x"}, follow_redirects=True)
    assert "Choose one of" in page.text


def test_an_import_can_be_cancelled_once(manager: Browser, uploaded: ContactImport) -> None:
    assert "was cancelled" in manager.post(f"/imports/cancel/{uploaded.id}", follow_redirects=True).text
    assert "is cancelled already" in manager.post(f"/imports/cancel/{uploaded.id}", follow_redirects=True).text
    assert stored().status is ImportStatus.CANCELLED


def test_an_import_is_reached_from_the_list(manager: Browser, uploaded: ContactImport) -> None:
    assert f"/imports/progress/{uploaded.id}" in manager.get("/imports/list/").text
    assert manager.get(f"/imports/show/{uploaded.id}").headers["Location"] == f"/imports/map/{uploaded.id}"
    assert manager.get("/imports/progress/99").status_code == 404
