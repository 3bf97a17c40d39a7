"""One small file over https: nothing but what is asked for, and not much of it."""

import http.server
import ssl
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from app.providers import fetch
from tests.providers.helpers import Certificates


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers by the path."""

    def do_GET(self) -> None:
        status, body = {"/good?a=1": (200, b"here"), "/large": (200, b"x" * (fetch.MAX_BYTES + 1))}.get(
            self.path, (302, b"")
        )
        self.send_response(status)
        self.send_header("Location", "/good?a=1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: Any) -> None:
        return


@pytest.fixture()
def address(certificates: Certificates) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = certificates.good.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture()
def trusting(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    made = ssl.create_default_context(cafile=certificates.ca_file)
    monkeypatch.setattr(fetch.ssl, "create_default_context", lambda: made)


@pytest.mark.usefixtures("trusting")
def test_a_file_is_fetched(address: str) -> None:
    assert fetch.fetch(f"{address}/good?a=1") == b"here"


@pytest.mark.usefixtures("trusting")
@pytest.mark.parametrize("path", ["/elsewhere", "/large"])
def test_redirects_are_not_followed_and_large_files_not_taken(address: str, path: str) -> None:
    with pytest.raises(OSError, match="status"):
        fetch.fetch(address + path)


def test_a_server_that_nobody_vouches_for_is_not_believed(address: str) -> None:
    with pytest.raises(OSError, match="certificate"):
        fetch.fetch(f"{address}/good?a=1")


def test_nobody_there_is_an_error() -> None:
    with pytest.raises(OSError):
        fetch.fetch("https://127.0.0.1:1/")
