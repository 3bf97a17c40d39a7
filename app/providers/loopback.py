"""What the push service and the small Twilio of the demo share: they listen on the loopback interface alone."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HOST = "127.0.0.1"
IDLE_SECONDS = 120


class LoopbackHandler(BaseHTTPRequestHandler):
    """One connection, kept open between requests: a worker sends many over it."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True
    max_body_bytes = 0

    def read_body(self) -> bytes | None:
        """What was sent; None, and answered already, when it is too long or does not say how long it is."""
        length = self.headers.get("Content-Length") or ""
        if not length.isdecimal() or len(length) > 9 or int(length) > self.max_body_bytes:
            self.say(413, Connection="close")  # what it says is not read
            return None
        return self.rfile.read(int(length))

    def say(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Answer."""
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        """Nothing: the terminal is for what people must know."""


@contextmanager
def serving(port: int, handler: Callable[..., Any]) -> Iterator[None]:
    """Answer on this port of the loopback interface. Raises OSError when it cannot be used."""
    with ThreadingHTTPServer((HOST, port), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
