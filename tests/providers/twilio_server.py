"""A server that answers as Twilio's Messages API does, and fails as networks do."""

import json
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.providers.http_server import DROP, HANG, LocalServer

__all__ = ["DROP", "HANG", "SCRIPTED", "Answer", "TwilioServer", "refused"]

SCRIPTED = Callable[[dict[str, str], int], Any]  # (form, number of the request) -> an Answer, or what it is to do


class Answer(tuple[int, dict[str, Any]]):
    """A status and the JSON that goes with it."""

    def __new__(cls, status: int, body: dict[str, Any] | None = None) -> "Answer":
        return super().__new__(cls, (status, body or {}))


def refused(status: int, code: int, message: str = "no") -> Answer:
    """An error as Twilio writes it."""
    return Answer(status, {"status": status, "code": code, "message": message})


class TwilioServer(LocalServer):
    """Use it as a context. taken: the forms of messages that were taken over, in their order, and taken_at: when, as
    time.time() has it. requests: how many came. pages: what is answered to a question for a path, such as a page of
    templates; asked: the paths that were asked for. remembered: the messages that it lists, to those who ask for their
    numbers."""

    def __init__(self, script: SCRIPTED | None = None, delay_seconds: float = 0.0, port: int = 0) -> None:
        super().__init__(delay_seconds, port)
        self.taken: list[dict[str, str]] = []
        self.taken_at: list[float] = []
        self.headers: list[dict[str, str]] = []
        self.most_at_once = self.requests = self._now = 0
        self.pages: dict[str, Answer] = {}
        self.asked: list[str] = []
        self.remembered: list[dict[str, Any]] = []
        self._script = script

    def post(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        """Take a message, as the script says."""
        form = dict(parse_qsl(body.decode()))
        with self.lock:
            self.requests += 1
            number, self._now = self.requests, self._now + 1
            self.most_at_once = max(self.most_at_once, self._now)
            self.headers.append(dict(request.headers))
        found = self._script(form, number) if self._script else None
        self.take_time()
        answer = found if isinstance(found, Answer) else Answer(201, {"sid": f"SM{number:032x}", "status": "queued"})
        with self.lock:
            self._now -= 1
            if answer[0] == 201 or found in (DROP, HANG):
                self.taken.append(form)
                self.taken_at.append(time.time())
        if not self.fails(request, found):
            self._say(request, answer)

    def get(self, request: BaseHTTPRequestHandler) -> None:
        """Show the page of this path."""
        self.asked.append(request.path)
        self.headers.append(dict(request.headers))
        if request.path not in self.pages and "/Messages.json?" in request.path:
            self._say(request, self._list(dict(parse_qsl(urlsplit(request.path).query))))
        else:
            self._say(request, self.pages.get(request.path, refused(404, 20404, "not found")))

    def _list(self, asked: dict[str, str]) -> Answer:
        numbers = {name.lower(): asked[name] for name in ("To", "From") if name in asked}
        found = [each for each in self.remembered if numbers.items() <= each.items()]
        return Answer(200, {"messages": found, "next_page_uri": None})

    def _say(self, request: BaseHTTPRequestHandler, answer: Answer) -> None:
        self.say(request, answer[0], json.dumps(answer[1]).encode(), {"Content-Type": "application/json"})
