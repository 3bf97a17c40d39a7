"""The test server as a process of its own."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from app.channels.contract import Outcome
from app.providers.smtp import SmtpTransport
from tests.conftest import free_port
from tests.providers.helpers import Batch, messages, settings


def test_the_process_logs_what_it_took_and_fails_as_it_was_told(tmp_path: Path) -> None:
    port, log, refusals = free_port(), tmp_path / "accepted", tmp_path / "refused"
    command = [sys.executable, "-m", "tests.providers.servers", "--port", str(port), "--seed", "5"]
    command += ["--log", str(log), "--refusals", str(refusals)]
    command += ["--accept-then-drop", "0.05", "--tempfail", "0.1", "--permfail", "0.05", "--reply-delay", "0.001"]
    with subprocess.Popen(command) as process:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                assert process.poll() is None
        batch = Batch(messages(200))
        SmtpTransport(settings(port)).run(batch, 4)
        os.kill(process.pid, signal.SIGKILL)
    batch.assert_each_was_reported_once()
    taken = [line.split() for line in log.read_text().splitlines()]
    refused = [line.split() for line in refusals.read_text().splitlines()]

    def refs(end: str) -> set[int]:
        return {int(fields[1][1:].partition("@")[0]) for fields in taken if fields[3] == end}

    assert refs("answered") == batch.refs(Outcome.ACCEPTED)
    assert refs("dropped") == batch.refs(Outcome.UNCONFIRMED) != set()
    for code, outcome in (("451", Outcome.DEFERRED), ("550", Outcome.REFUSED)):
        expected = {f"person{ref}@example.org" for ref in batch.refs(outcome)}
        assert {fields[3] for fields in refused if fields[2] == code} == expected != set()
