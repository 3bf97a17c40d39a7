"""Steps that tests of imports share."""

import csv
import io
from datetime import timedelta
from typing import Any

from app.audience import csv_import, import_service, service
from app.audience.models import Contact, ContactImport
from app.extensions import db
from app.kernel.db import db_now, in_transaction, transaction
from jobs.audience import run_import


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
    found: list[Contact] = db.session.query(Contact).order_by(Contact.id).all()
    return found


def emails() -> set[str | None]:
    return {service.addresses_of(contact).email for contact in contacts()}


def bad_rows(done: ContactImport) -> list[list[str]]:
    text = "".join(import_service.bad_rows_csv(done.id))
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text[1:]), delimiter=done.delimiter))


def people(numbers: range) -> str:
    rows = [f"person{n}@example.org,{600000000 + n},Name {n}" for n in numbers]
    return "\n".join(["e-mail,phone,first name", *rows]) + "\n"


def claimed(import_id: int, owner: str) -> csv_import.Run:
    run = in_transaction(lambda: csv_import.claim(import_id, owner))
    assert run is not None
    return run


def end_lease(import_id: int) -> None:
    with transaction():
        import_service.get(import_id).lease_until = db_now() - timedelta(seconds=1)
