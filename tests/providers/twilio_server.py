"""A server that answers as Twilio's Messages API does, and fails as networks do."""

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl

SCRIPTED = Callable[[dict[str, str], int], Any]  # (form, number of the request) -> an Answer, or what it is to do


class Answer(tuple[int, dict[str, Any]]):
    """A status and the JSON that goes with it."""

    def __new__(cls, status: int, body: dict[str, Any] | None = None) -> "Answer":
        return super().__new__(cls, (status, body or {}))


def refused(status: int, code: int, message: str = "no") -> Answer:
    """An error as Twilio writes it."""
    return Answer(status, {"status": status, "code": code, "message": message})


DROP = "drop"  # take the message, then close the connection without a word
HANG = "hang"  # take the message and never answer


class TwilioServer:
    """Use it as a context. taken: the forms of messages that were taken over, in their order. pages: what is answered
    to a question for a path, such as a page of templates; asked: the paths that were asked for."""

    def __init__(self, script: SCRIPTED | None = None, delay_seconds: float = 0.0) -> None:
        self.taken: list[dict[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.most_at_once = 0
        self.pages: dict[str, Answer] = {}
        self.asked: list[str] = []
        self._script, self._delay = script, delay_seconds
        self._lock, self._now, self._requests = threading.Lock(), 0, 0
        self.over = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                server._answer(self)

            def do_GET(self) -> None:
                server._show(self)

            def log_message(self, *_args: Any) -> None:
                return

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

        self._http = Quiet(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["Content-Length"])).decode()
        form = dict(parse_qsl(body))
        with self._lock:
            self._requests += 1
            number, self._now = self._requests, self._now + 1
            self.most_at_once = max(self.most_at_once, self._now)
            self.headers.append(dict(request.headers))
        found = self._script(form, number) if self._script else None
        if self._delay:
            time.sleep(self._delay)  # how long the provider takes, not what a test waits for
        answer = found if isinstance(found, Answer) else Answer(201, {"sid": f"SM{number:032x}", "status": "queued"})
        with self._lock:
            self._now -= 1
            if answer[0] == 201 or found in (DROP, HANG):
                self.taken.append(form)
        if found == HANG:
            self.over.wait(30)
        if found in (DROP, HANG):
            request.close_connection = True
            return
        self._send(request, answer)

    def _show(self, request: BaseHTTPRequestHandler) -> None:
        self.asked.append(request.path)
        self.headers.append(dict(request.headers))
        self._send(request, self.pages.get(request.path, refused(404, 20404, "not found")))

    def _send(self, request: BaseHTTPRequestHandler, answer: Answer) -> None:
        data = json.dumps(answer[1]).encode()
        request.send_response(answer[0])
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)

    def __enter__(self) -> "TwilioServer":
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.over.set()
        self._http.shutdown()
        self._http.server_close()
