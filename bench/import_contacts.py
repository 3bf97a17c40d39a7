"""How fast a million people come in from a CSV file: new ones, the same again, and the ceiling of bare INSERTs.

The ceiling reads the same file with csv.reader and inserts the same columns, without validation, encryption, merge or
folder. The bar counts for the slower of the two imports.
"""

import csv
import os
import random
import time
from pathlib import Path

import pymysql
import sqlalchemy as sa
from flask import Flask

from app.audience import import_service, service
from app.audience.models import Contact, ContactImport
from app.extensions import db
from app.kernel.db import transaction
from bench.common import house, peak_mb, result
from jobs import runtime
from jobs.audience import run_import

ROWS = int(os.environ.get("BENCH_ROWS") or 1_000_000)
BAR = 25_000
MEMORY_BAR_MB = 300
CEILING = (
    "INSERT INTO ceiling (uid, first_name, last_name, company, country, language, time_zone, attributes, sealed, "
    "email_index, second_email_index, phone_index, whatsapp_index, created_at, changed_at)"
)
COLUMNS = ("E-mail", "Telefon", "Imię", "Nazwisko", "Firma", "Kraj")


def make_file(path: Path, rows: int) -> None:
    """The same invented people every time; one row in a thousand is broken, one in a thousand comes twice."""
    dice = random.Random(20)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for n in range(rows):
            who = n - 1 if n % 1000 == 999 else n
            email = f"person{who}@example{who % 50}.org" if n % 1000 != 500 else "nobody@@nowhere"
            prefix = dice.choice(("+48 ", "0048", "", "+48"))
            phone = f"{prefix}{600 + who // 10**6} {who // 1000 % 1000:03d} {who % 1000:03d}"
            writer.writerow([email, phone, "Jürgen", f"Müller {n % 999}", "Ärger, Hüte & Co", "PL"])


def timed_import(path: Path, folder_id: int) -> tuple[ContactImport, float, float]:
    """Upload and import the file. Returns the import, the seconds of the upload and those of the job."""
    begun = time.perf_counter()
    with path.open("rb") as stream, transaction():
        upload = import_service.create(stream, path.name, by="bench")
    uploaded = time.perf_counter()
    with transaction():
        import_service.start(upload.id, upload.mapping, folder_id, "PL")
    started = time.perf_counter()
    run_import(upload.id)
    ended = time.perf_counter()
    db.session.rollback()
    return import_service.get(upload.id), uploaded - begun, ended - started


def ceiling(path: Path, rows: int) -> float:
    """Rows a second of csv.reader and INSERTs of 5,000 rows into a copy of the table: the columns as they come."""
    url = db.engine.url
    connection = pymysql.connect(
        host=url.host or "127.0.0.1", port=url.port or 3306, user=url.username, password=url.password or "",
        database=url.database, charset="utf8mb4",
    )  # fmt: skip
    filler = b"\0" * 110
    with connection, connection.cursor() as cursor, path.open(newline="", encoding="utf-8") as file:
        cursor.execute("CREATE TABLE ceiling LIKE contact")
        reader = csv.reader(file)
        next(reader)
        begun = time.perf_counter()
        portion = []
        dice = random.Random(21)
        for number, (_email, _phone, first, last, company, country) in enumerate(reader, 1):
            keys = dice.randbytes(48).hex()
            portion.append(
                f"(x'{keys[:32]}','{first}','{last}','{company}','{country}','','',NULL,x'{filler.hex()}',"
                f"x'{keys[32:64]}',NULL,x'{keys[64:]}',NULL,'2026-01-01','2026-01-01')"
            )
            if len(portion) == 5000 or number == rows:
                cursor.execute(f"{CEILING} VALUES {','.join(portion)}")
                connection.commit()
                portion.clear()
        seconds = time.perf_counter() - begun
        cursor.execute("DROP TABLE ceiling")
    return rows / seconds


def figures(app: Flask, path: Path) -> None:
    """Run the imports and the ceiling, and print."""
    runtime.use_app(app)
    with transaction():
        folder_id = service.create_folder("Bench").id
    rates = []
    for kind in ("new", "existing"):
        done, upload_seconds, seconds = timed_import(path, folder_id)
        rates.append(done.rows_done / seconds)
        print(
            f"{kind}: {rates[-1]:.0f} rows/s ({done.rows_done} rows in {seconds:.1f} s), "
            f"upload {upload_seconds:.1f} s, added {done.added}, updated {done.updated}, merged {done.merged}, "
            f"bad {done.bad}, {done.status}, peak memory {peak_mb()} MB",
            flush=True,
        )
    contacts = db.session.execute(sa.select(sa.func.count()).select_from(Contact)).scalar_one()
    db.session.rollback()
    memory = peak_mb()
    bare = ceiling(path, ROWS)
    print(f"contacts: {contacts}; peak memory: {memory} MB (bar {MEMORY_BAR_MB}); ceiling: {bare:.0f} rows/s")
    slowest = min(rates)
    is_ok = slowest >= BAR and memory < MEMORY_BAR_MB
    result("import", slowest, "rows/s", slowest / bare, BAR, is_ok)


def main() -> None:
    """Make the file, then measure."""
    with house("import") as made:
        path = made.folder / "contacts.csv"
        make_file(path, ROWS)
        figures(made.app, path)


if __name__ == "__main__":
    main()
