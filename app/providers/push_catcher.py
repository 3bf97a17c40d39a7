"""The push service of the demo: takes every notification and shows it nowhere; devices under /gone/ are gone."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOST = "127.0.0.1"
GONE_PATH = "/gone/"
MAX_BODY_BYTES = 4096 + 1024  # a push service takes 4,096 (RFC 8030); the rest is for those who test that
IDLE_SECONDS = 120


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # a worker sends many over one connection
    timeout = IDLE_SECONDS

    def do_POST(self) -> None:
        """Answer as a push service does: created, or gone."""
        length = self.headers.get("Content-Length") or ""
        if not length.isdecimal() or len(length) > 9 or int(length) > MAX_BODY_BYTES:
            self._say(413, Connection="close")  # what it says is not read
            return
        self.rfile.read(int(length))
        self._say(410 if self.path.startswith(GONE_PATH) else 201)

    def _say(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": "0", **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        """Nothing: the terminal is for what people must know."""


@contextmanager
def catching(port: int) -> Iterator[None]:
    """Take notifications on this port of the loopback interface. Raises OSError when it cannot be used."""
    with ThreadingHTTPServer((HOST, port), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
