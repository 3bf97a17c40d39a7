"""Contacts read and written many at a time, on both dialects, around the ORM: 25,000 a second are asked for.

On MySQL and MariaDB statements are built from literals: three times as fast as binding parameters one by one
(measured). Flushes nothing, commits nothing: the caller's transaction.
"""

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, bindparam, insert, update
from sqlalchemy import text as sql
from sqlalchemy.exc import DBAPIError

from app.audience.addresses import AddressIndexes, opener, sealing
from app.audience.fields import Person
from app.audience.matching import Draft, Known
from app.audience.models import Contact, contact_folder
from app.extensions import db
from app.kernel.ahead import ahead
from app.kernel.db import is_mysql

T = TypeVar("T")

IN_LIST = 900  # from 1,000 on MariaDB joins a table of the values instead of looking each up: four times as slow
ROWS_PER_INSERT = 5000
ROWS_PER_STATEMENT = 2000  # sealed and written out while the server works on those before
STATEMENT_CHARS = 4_000_000  # MariaDB takes 16 MB at most unless told otherwise
_TABLE = Contact.__table__
_TEXTS = ("first_name", "last_name", "company", "country", "language", "time_zone")
_COLUMNS = (
    "uid",
    *_TEXTS,
    "attributes",
    "sealed",
    "email_index",
    "second_email_index",
    "phone_index",
    "whatsapp_index",
    "created_at",
    "changed_at",
)
_KEPT = frozenset({"uid", "created_at"})


def load_known(drafts: Collection[Draft]) -> list[Known]:
    """The contacts that share an address with any of the drafts, locked until the end of the transaction."""
    return load(find(drafts))


def find(drafts: Collection[Draft]) -> set[int]:
    """The ids of the contacts that share an address with any of the drafts."""
    emails = {key for draft in drafts for key in draft.indexes[:2] if key}
    phones = {key for draft in drafts for key in draft.indexes[2:] if key}
    books = {"email": emails, "second_email": emails, "phone": phones, "whatsapp": phones}
    used = _used([name for name, keys in books.items() if keys])
    ids_by = _ids_by if _on_mysql() else _ids_by_on_sqlite
    return {id_ for name in used for id_ in ids_by(name, books[name])}


def _used(names: Sequence[str]) -> list[str]:
    """Those of these addresses that any contact has: most lists know no second address."""
    if not names:
        return []
    asked = [
        f"EXISTS(SELECT 1 FROM contact{f' {_force(name)}' if _on_mysql() else ''} WHERE {name}_index IS NOT NULL)"  # noqa: S608  names
        for name in names
    ]
    (answers,) = _rows(f"SELECT {','.join(asked)}")
    return [name for name, is_used in zip(names, answers, strict=True) if is_used]


def _ids_by(name: str, keys: Collection[bytes]) -> Iterator[int]:
    """The contacts with these addresses, each looked up in the index.

    Not by an IN list: the server's statistics lag behind an import by hundreds of thousands of rows, and by them it
    read the whole index for each list, or the whole table: seconds for 5,000 addresses (measured).
    """
    listed = json.dumps(sorted([key.hex() for key in keys]))
    query = (
        f"SELECT contact.id FROM JSON_TABLE('{listed}', '$[*]' COLUMNS (hexed CHAR(32) PATH '$')) wanted "  # noqa: S608
        f"STRAIGHT_JOIN contact {_force(name)} ON contact.{name}_index = UNHEX(wanted.hexed)"  # digits and names
    )
    return (row[0] for row in _rows(query))


def _force(name: str) -> str:
    return f"FORCE INDEX ({'email_index' if name == 'email' else f'ix_contact_{name}_index'})"


def _ids_by_on_sqlite(name: str, keys: Collection[bytes]) -> Iterator[int]:
    for part in _parts(list(keys), IN_LIST):
        listed = ",".join([_hex(key) for key in part])
        yield from (row[0] for row in _rows(f"SELECT id FROM contact WHERE {name}_index IN ({listed})"))  # noqa: S608


def load(ids: Collection[int], own_since: datetime | None = None) -> list[Known]:
    """The contacts with these ids as they are now, locked until the end of the transaction.

    own_since: contacts made at or after this time count as added by the same import.
    """
    open_ = opener()
    known = []
    columns = f"id, uid, sealed, {', '.join(_TEXTS)}, attributes, email_index, second_email_index, phone_index, "
    is_own_sql = f"created_at >= '{_moment(own_since)}'" if own_since else "0"
    lock = " FOR UPDATE" if _on_mysql() else ""
    force = " FORCE INDEX (PRIMARY)" if _on_mysql() else ""
    for part in _parts(sorted(ids), IN_LIST):
        numbers = ",".join(map(str, part))
        # names of columns, numbers and a time, nothing from outside
        query = f"SELECT {columns}whatsapp_index, {is_own_sql} FROM contact{force} WHERE id IN ({numbers}){lock}"  # noqa: S608
        for id_, uid, sealed, *texts, attributes, email, second_email, phone, whatsapp, is_own in _rows(query):
            own = json.loads(attributes) if attributes else None
            person = Person._make((open_(sealed, uid), *texts, own))
            indexes = AddressIndexes(email, second_email, phone, whatsapp)
            known.append(Known(person, indexes, uid, id=id_, is_own=bool(is_own)))
    return known


def add(contacts: Sequence[Known], now: datetime) -> None:
    """Insert new contacts and give them their ids. Raises IntegrityError when an e-mail address is taken meanwhile."""
    if not contacts:
        return
    if not _on_mysql():
        # SQLite has one writer: these ids are free; and its own table knows the last one that was ever given.
        last = db.session.execute(sql("SELECT seq FROM sqlite_sequence WHERE name = 'contact'")).scalar_one_or_none()
        for number, contact in enumerate(contacts, (last or 0) + 1):
            contact.id = number
        row = _row_maker(now)
        with _saying_no_values():
            db.session.execute(insert(_TABLE), [{"id": contact.id, **row(contact)} for contact in contacts])
        return
    literal = _literal_maker(now)
    head = f"INSERT INTO contact ({','.join(_COLUMNS)}) VALUES "  # noqa: S608  names of columns
    step = _run("SELECT @@auto_increment_increment").scalar_one()
    done = 0
    for values in ahead(_statements(literal(contact, "") for contact in contacts)):
        # InnoDB gives the rows of one such statement ids in order, in every innodb_autoinc_lock_mode.
        first = _run(head + ",".join(values)).lastrowid
        for number, contact in enumerate(contacts[done : done + len(values)]):
            contact.id = first + number * step
        done += len(values)


def change(contacts: Sequence[Known], now: datetime) -> None:
    """Write contacts that load_known() gave and that differ now. Raises IntegrityError as add() does."""
    if not contacts:
        return
    if not _on_mysql():
        row = _row_maker(now)
        new: dict[str, Any] = {name: bindparam(name) for name in _COLUMNS if name not in _KEPT}
        statement = update(_TABLE).where(_TABLE.c.id == bindparam("its_id")).values(new)
        rows = [
            {"its_id": contact.id, **{name: value for name, value in row(contact).items() if name not in _KEPT}}
            for contact in contacts
        ]
        with _saying_no_values():
            db.session.connection().execute(statement, rows)
        return
    literal = _literal_maker(now)
    # The rows exist and are locked, so that this meets the primary key and never inserts.
    head = f"INSERT INTO contact (id,{','.join(_COLUMNS)}) VALUES "  # noqa: S608  names of columns
    tail = " ON DUPLICATE KEY UPDATE " + ",".join(f"{name}=VALUES({name})" for name in _COLUMNS if name not in _KEPT)
    for values in ahead(_statements(literal(contact, f"{contact.id},") for contact in contacts)):
        _run(head + ",".join(values) + tail)


def add_to_folder(folder_id: int, contact_ids: Collection[int]) -> None:
    """Put contacts into a folder; those that are in it stay."""
    if not _on_mysql():
        rows = [{"folder_id": folder_id, "contact_id": id_} for id_ in contact_ids]
        if rows:
            db.session.execute(insert(contact_folder).prefix_with("OR IGNORE"), rows)
        return
    for part in _parts(sorted(contact_ids), ROWS_PER_INSERT):
        pairs = ",".join([f"({folder_id:d},{id_:d})" for id_ in part])
        _run(f"INSERT IGNORE INTO contact_folder (folder_id, contact_id) VALUES {pairs}")  # noqa: S608  numbers


def fill_folder(folder_id: int, contact_ids: Collection[int]) -> None:
    """The same for contacts that this transaction wrote or loaded. A folder that was deleted meanwhile takes nobody.

    They are locked, and the folder is here: the server need not look each of them up again and lock it for the foreign
    key, a twelfth of an import (measured).
    """
    if not _on_mysql():
        add_to_folder(folder_id, contact_ids)
        return
    if not _rows(f"SELECT id FROM folder WHERE id = {folder_id:d} LOCK IN SHARE MODE"):  # noqa: S608  a number
        return
    _run("SET foreign_key_checks = 0")
    try:
        add_to_folder(folder_id, contact_ids)
    finally:
        _run("SET foreign_key_checks = 1")


def _row_maker(now: datetime) -> Callable[[Known], dict[str, Any]]:
    seal = sealing()

    def row(contact: Known) -> dict[str, Any]:
        person = contact.person
        return {
            "uid": contact.uid,
            **dict(zip(_TEXTS, person[1:7], strict=True)),
            "attributes": person.attributes,
            "sealed": seal(person.addresses, contact.uid),
            **{f"{name}_index": value for name, value in contact.indexes._asdict().items()},
            "created_at": now,
            "changed_at": now,
        }

    return row


def _literal_maker(now: datetime) -> Callable[[Known, str], str]:
    seal, moment = sealing(), _moment(now)

    def literal(contact: Known, prefix: str) -> str:
        addresses, first_name, last_name, company, country, language, time_zone, attributes = contact.person
        email, second_email, phone, whatsapp = contact.indexes
        own = _text(json.dumps(attributes, ensure_ascii=False)) if attributes else "NULL"
        return (
            f"({prefix}{_hex(contact.uid)},{_text(first_name)},{_text(last_name)},{_text(company)},{_text(country)},"
            f"{_text(language)},{_text(time_zone)},{own},{_hex(seal(addresses, contact.uid))},{_hex(email)},"
            f"{_hex(second_email)},{_hex(phone)},{_hex(whatsapp)},'{moment}','{moment}')"
        )

    return literal


def _statements(literals: Iterator[str]) -> Iterator[list[str]]:
    """The literals in portions that fit into one statement."""
    portion: list[str] = []
    size = 0
    for literal in literals:
        if portion and (size + len(literal) > STATEMENT_CHARS or len(portion) == ROWS_PER_STATEMENT):
            yield portion
            portion, size = [], 0
        portion.append(literal)
        size += len(literal) + 1
    if portion:
        yield portion


def _text(value: str) -> str:
    """A text as every sql_mode reads it: a backslash means one thing or another, a doubled quote always itself."""
    if "\\" in value:
        return f"_utf8mb4 x'{value.encode().hex()}'"
    return "'" + value.replace("'", "''") + "'"


def _hex(value: bytes | None) -> str:
    return f"x'{value.hex()}'" if value else "NULL"


def _moment(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(" ", "microseconds")


def _parts(items: Sequence[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while part := list(islice(iterator, size)):
        yield part


def _on_mysql() -> bool:
    return is_mysql(db.session.get_bind().dialect)


def _rows(query: str) -> Sequence[Any]:
    """What the driver gives, without SQLAlchemy's rows around it."""
    result = _run(query)
    rows: Sequence[Any] = result.cursor.fetchall()
    result.close()
    return rows


@contextmanager
def _saying_no_values() -> Iterator[None]:
    """Errors of the database tell the statement and its values: thousands of people must not get into a log."""
    try:
        yield
    except DBAPIError as error:
        error.statement = error.params = None
        raise


def _run(statement: str) -> Any:
    connection: Connection = db.session.connection()
    with _saying_no_values():
        return connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
