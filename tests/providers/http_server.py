"""What the stand-ins for Twilio and for push services share: they listen, answer, and fail as networks do."""

import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

DROP = "drop"  # take the message, then close the connection without a word
HANG = "hang"  # take the message and never answer


class LocalServer:
    """A server on this machine, used as a context. connections: how many were made to it.

    port: where it listens, 0 for one that is free. over: set when it ends, so that nobody hangs longer.
    """

    def __init__(self, delay_seconds: float = 0.0, port: int = 0) -> None:
        self.connections = 0
        self.lock, self.over = threading.Lock(), threading.Event()
        self._delay = delay_seconds
        self._http = _Server(("127.0.0.1", port), _handler_of(self))
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def post(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        """Answer what is sent."""
        raise NotImplementedError

    def get(self, request: BaseHTTPRequestHandler) -> None:
        """Answer a question; by itself a server knows nothing."""
        self.say(request, 404)

    def take_time(self) -> None:
        """Let as much time pass as the provider takes, which is no wait of the test."""
        if self._delay:
            time.sleep(self._delay)

    def fails(self, request: BaseHTTPRequestHandler, how: object) -> bool:
        """Close without an answer, at once (DROP) or when all is over (HANG); False: it is neither."""
        if how == HANG:
            self.over.wait(30)
        request.close_connection = request.close_connection or how in (DROP, HANG)
        return how in (DROP, HANG)

    def say(
        self, request: BaseHTTPRequestHandler, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> None:
        """Send an answer."""
        request.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | dict(headers or {})).items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.over.set()
        self._http.shutdown()
        self._http.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def _handler_of(server: LocalServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            with server.lock:
                server.connections += 1

        def do_POST(self) -> None:
            server.post(self, self.rfile.read(int(self.headers["Content-Length"])))

        def do_GET(self) -> None:
            server.get(self)

        def log_message(self, *_args: Any) -> None:
            return

    return Handler
