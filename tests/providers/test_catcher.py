"""The catcher of the demo: a real process that keeps the newest messages within bounds."""

import smtplib
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from pathlib import Path

import pytest

from app.kernel import clock
from app.kernel.message_folder import TEXT, MessageWriter, caught_at, newest_first, path_of
from config import ROOT
from tests.conftest import free_port
from tests.run.conftest import wait_for


@pytest.fixture()
def port(tmp_path: Path) -> Iterator[int]:
    """The port of a running catcher that keeps its mails in tmp_path / "mails"."""
    number = free_port()
    given = {
        "port": number,
        "push-port": free_port(),
        "text-port": free_port(),
        "panel": f"http://127.0.0.1:{free_port()}",
        "folder": tmp_path / "mails",
        "text-folder": tmp_path / "texts",
    }
    command = [sys.executable, "-m", "app.providers.catcher", *(f"--{name}={value}" for name, value in given.items())]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        wait_for("it listens", lambda: _is_open(number))
        yield number
    finally:
        process.terminate()
        assert process.wait(10) == 0


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def mail(subject: str) -> EmailMessage:
    made = EmailMessage()
    made["Subject"], made["From"], made["To"] = subject, "news@shop.example", "somebody else <x@people.example>"
    made.set_content("Zażółć\n.\n..\n")
    return made


def test_a_mail_is_kept_with_its_envelope(port: int, tmp_path: Path) -> None:
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.send_message(mail("Hello"), "bounces@shop.example", ["ada@people.example", "bo@people.example"])
    (path,) = newest_first(tmp_path / "mails")
    text = path.read_text()
    assert text.startswith(
        "Return-Path: <bounces@shop.example>\nDelivered-To: ada@people.example\nDelivered-To: bo@people.example\n"
    )
    assert "\nSubject: Hello\n" in text


def test_a_mail_that_is_too_large_is_refused(port: int, tmp_path: Path) -> None:
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.ehlo()
        assert client.mail("a@shop.example", [f"SIZE={20 * 2**20}"])[0] == 552
    assert newest_first(tmp_path / "mails") == []


def names_in(*folders: Path) -> list[str]:
    return [path.name for path in newest_first(*folders)]


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    writer = MessageWriter(tmp_path, max_messages=3, max_bytes=1000)
    names = [writer.add(b"small") for _ in range(5)]
    assert names_in(tmp_path) == names[:1:-1]
    large = writer.add(b"x" * 995)
    assert names_in(tmp_path) == [large, names[-1]]
    assert newest_first(tmp_path / "nothing") == []


def test_two_folders_are_one_list_in_the_order_of_time(tmp_path: Path) -> None:
    mails, texts = MessageWriter(tmp_path / "mails"), MessageWriter(tmp_path / "texts", TEXT)
    names = [writer.add(b"message") for writer in (mails, texts, texts, mails)]
    assert names_in(tmp_path / "mails", tmp_path / "texts", tmp_path / "nothing") == names[::-1]
    times = [caught_at(path) for path in newest_first(tmp_path / "mails", tmp_path / "texts")]
    assert times == sorted(times, reverse=True)
    assert abs((clock.utcnow() - times[0]).total_seconds()) < 10


def test_many_threads_write_one_folder(tmp_path: Path) -> None:
    writer = MessageWriter(tmp_path, TEXT, max_messages=50)
    with ThreadPoolExecutor(8) as pool:
        names = set(pool.map(lambda _: writer.add(b"{}"), range(200)))
    assert len(names) == 200
    assert names_in(tmp_path) == sorted(names, reverse=True)[:50]


def test_a_catcher_that_starts_again_keeps_the_bounds(tmp_path: Path) -> None:
    names = [MessageWriter(tmp_path, max_messages=2).add(b"mail") for _ in range(4)]
    (tmp_path / "half.eml.new").write_bytes(b"half")
    MessageWriter(tmp_path, max_messages=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == names[2:]


@pytest.mark.parametrize(
    "name", ["../keyring.json", "/etc/passwd", "a.eml", "", "20260101T000000000000-000000.eml\0", "webhooks"]
)
def test_no_other_file_is_reached(tmp_path: Path, name: str) -> None:
    (tmp_path / "keyring.json").write_text("keys")
    (tmp_path / "mails").mkdir()
    (tmp_path / "mails" / "a.eml").write_text("not one of ours")
    (tmp_path / "mails" / "webhooks").write_text("{}")
    assert path_of(tmp_path / "mails", name) is None
