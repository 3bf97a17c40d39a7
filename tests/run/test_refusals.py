"""What keeps run.py from starting: one clear sentence, exit code 1, no traceback, and nothing left running."""

import os
import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import Keyring
from tests.conftest import free_port
from tests.run.conftest import Run, Running


def refused(running: Running) -> str:
    """The sentence of a run.py that could not start."""
    code = running.end(seconds=60) if running.process.poll() is not None else running.process.wait(60)
    running._reader.join(10)
    lines = [line for line in running.lines if "[alembic" not in line]
    assert code == 1, running.output
    assert len(lines) == 1, running.output
    assert lines[0].startswith("Muster cannot start. ")
    assert running.left_over() == []
    return lines[0]


@pytest.fixture()
def busy_port() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


def test_a_busy_port(run: Run, busy_port: int) -> None:
    assert f"Port {busy_port} of 127.0.0.1 is in use" in refused(run(MUSTER_PORT=str(busy_port)))
    names = [f"MUSTER_DEMO_{kind}_PORT" for kind in ("MAIL", "PUSH", "TEXT")]
    for busy in names:
        ports = {name: str(busy_port if name == busy else free_port()) for name in names}
        assert f"set {busy}" in refused(run("--demo", **ports))


def test_a_port_that_is_none(run: Run) -> None:
    assert "MUSTER_PORT is '80a'" in refused(run(MUSTER_PORT="80a"))


def test_a_file_in_place_of_the_folder(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for instance in (tmp_path / "file", tmp_path / "file" / "instance"):
        sentence = refused(run(instance=instance))
        assert f"The folder {instance} cannot be written" in sentence
        assert "set MUSTER_INSTANCE" in sentence


def mounted(folder: Path, options: str) -> bool:
    """Whether a small file system of its own could be put there; only root may."""
    folder.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    return os.geteuid() == 0 and subprocess.run(command, capture_output=True).returncode == 0


def test_a_read_only_folder(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "mount"
    is_mounted = mounted(folder, "size=1m,ro")
    if not is_mounted:
        folder.chmod(0o500)
    try:
        assert f"The folder {folder} cannot be written" in refused(run(instance=folder))
    finally:
        if is_mounted:
            subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "mount"
    if not mounted(folder, "size=64k"):
        folder = Path("/dev/full")  # the next best thing that any user has: it is not even a folder
    try:
        sentence = refused(run(instance=folder))
        assert f"The disk of {folder} is full" in sentence or f"The folder {folder} cannot be written" in sentence
        assert not (folder / "secret_key").exists()
        assert not (folder / "keyring.json").exists()
    finally:
        if folder.is_mount():
            subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture()
def instance(tmp_path: Path) -> Path:
    """A folder with a database in it."""
    folder = tmp_path / "instance"
    folder.mkdir()
    with sqlite3.connect(folder / "muster.db") as database:
        database.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        database.execute("INSERT INTO alembic_version VALUES ('9999')")
    database.close()
    return folder


def test_a_missing_key_file(run: Run, instance: Path) -> None:
    sentence = refused(run())
    assert f"The key file {instance / 'keyring.json'} is missing" in sentence
    assert "flask --app wsgi:migrations keys make" in sentence
    assert not (instance / "keyring.json").exists()


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe\x00", b"{}", b'{"keys": {}, "active": "", "permanent": ""}'])
def test_a_damaged_key_file(run: Run, instance: Path, damage: bytes) -> None:
    (instance / "keyring.json").write_bytes(damage)
    sentence = refused(run())
    assert "Restore it from your backup" in sentence
    assert str(instance / "keyring.json") in sentence


def test_a_database_of_a_newer_version(run: Run, instance: Path) -> None:
    (instance / "keyring.json").write_text(Keyring.generate().dump())
    assert "made by a newer version of Muster" in refused(run())


def test_a_file_that_is_no_database(run: Run, instance: Path) -> None:
    (instance / "keyring.json").write_text(Keyring.generate().dump())
    (instance / "muster.db").write_bytes(b"something else" * 100)
    assert "The database does not answer as it should" in refused(run())


def test_servers_that_are_away(run: Run, tmp_path: Path) -> None:
    keys = {"MUSTER_KEYRING": Keyring.generate().dump()}
    redis = refused(run(REDIS_URL="redis://:secret-word@127.0.0.1:1/0"))
    assert "Redis does not answer at REDIS_URL" in redis
    database = refused(run(DATABASE_URL="mysql://muster:secret-word@127.0.0.1:1/muster", **keys))
    assert "The database does not answer as it should" in database
    assert "Check DATABASE_URL" in database
    assert "secret-word" not in redis + database


@pytest.mark.parametrize("url", ["mysql://a:secret-word@h:no/b", "postgres://a:secret-word@h/b", "nonsense"])
def test_an_address_of_a_database_that_cannot_be_read(run: Run, url: str) -> None:
    sentence = refused(run(DATABASE_URL=url, MUSTER_KEYRING=Keyring.generate().dump()))
    assert "DATABASE_URL" in sentence
    assert "secret-word" not in sentence
