"""Twilio as others wrote it, once for all tests of this folder; and our panel where it can call us, over TLS."""

import base64
import json
import ssl
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import trustme
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from app.extensions import db
from runner import front
from tests.twilio import install


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the servers listen. emulate: a Twilio that keeps what it is told; api, content: those that check each
    request against Twilio's own description, and answer with its examples."""

    emulate: str
    api: str
    content: str


@dataclass(frozen=True, slots=True)
class Panel:
    """Our web server. url: https, with a certificate of the authority in ca_file; answers: the status of each."""

    url: str
    ca_file: Path
    answers: list[int]


@dataclass(frozen=True, slots=True)
class Emulated:
    """The account at emulate's Twilio, as its owner uses it."""

    url: str
    account: str = f"AC{'0' * 32}"
    token: str = "twilio_test_auth_token"

    def call(self, path: str, **form: str) -> dict[str, Any]:
        """Ask for a path, or post a form to it. Ends the transaction of the test, which would lock our server out."""
        db.session.rollback()
        pair = base64.b64encode(f"{self.account}:{self.token}".encode()).decode()
        body = urlencode(form).encode() if form else None
        asked = urllib.request.Request(self.url + path, body, {"Authorization": f"Basic {pair}"})
        with urllib.request.urlopen(asked, timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def numbers(self, **form: str) -> dict[str, Any]:
        """Get a number. form: PhoneNumber, and SmsUrl that is told what people write to it."""
        return self.call(f"/2010-04-01/Accounts/{self.account}/IncomingPhoneNumbers.json", **form)

    def messages(self, **asked: str) -> list[dict[str, Any]]:
        """The messages that it has."""
        found = self.call(f"/2010-04-01/Accounts/{self.account}/Messages.json?{urlencode(asked)}")["messages"]
        assert isinstance(found, list)
        return found

    def reports(self, message_id: str, status: str) -> None:
        """Let a message come so far; whoever asked for it is told."""
        self.call("/_twilio/simulate/message-status", MessageSid=message_id, Status=status)

    def writes(self, number: str, to: str, text: str) -> None:
        """Somebody writes to a number of the account; its owner is told."""
        self.call("/_twilio/simulate/inbound-message", From=number, To=to, Body=text)


class _Handler(WSGIRequestHandler):
    answers: list[int]

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Keep the status instead of printing it."""
        self.answers.append(int(code))


@pytest.fixture(scope="session")
def web(_panel_app: Flask, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    """The panel over TLS."""
    authority = trustme.CA()
    ca_file = tmp_path_factory.mktemp("twilio") / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    answers: list[int] = []
    handler = type("Handler", (_Handler,), {"answers": answers})
    server = make_server("127.0.0.1", 0, _panel_app, threaded=True, request_handler=handler, ssl_context=context)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield Panel(f"https://127.0.0.1:{server.server_port}", ca_file, answers)
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def addresses(web: Panel) -> Iterator[Addresses]:
    """All servers, in one process of Node.js."""
    if not install.is_done():
        pytest.skip("Not run: the servers of tests/twilio are not installed; `make test` does it.")
    node, _npm, environ = front.tools()
    environ |= {"NODE_EXTRA_CA_CERTS": str(web.ca_file)}
    command = [*node, str(install.HERE / "servers.mjs")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ) as process:
        assert process.stdin is not None and process.stdout is not None
        said = process.stdout.readline()
        assert said, "servers.mjs ended before it listened"
        yield Addresses(**json.loads(said))
        process.stdin.close()


@pytest.fixture()
def emulated(addresses: Addresses, web: Panel, panel: Flask, monkeypatch: pytest.MonkeyPatch) -> Emulated:
    """The panel sends to emulate's Twilio, which reports to it."""
    web.answers.clear()
    monkeypatch.setitem(panel.config, "TWILIO_URL", addresses.emulate)
    monkeypatch.setitem(panel.config, "PUBLIC_URL", web.url)
    return Emulated(addresses.emulate)
