"""Many requests at once, whatever the provider: one thread talks to the feed, the others carry one message at a time
each over connections that stay open.
"""

import http.client
import queue
import select
import ssl
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Generic, Protocol, TypeVar
from urllib.parse import urlsplit

from app.channels.contract import Fault, Feed, Numbered, Outcome, Reason, RunReport, SendResult

TICK_SECONDS = 0.05
MOST_LOST_IN_A_ROW = 5  # answers that tell nothing: then the provider is left alone before everybody is unconfirmed
MAX_ANSWER_BYTES = 100_000

STOPPED = SendResult(Outcome.NOT_TRANSMITTED)

Message = TypeVar("Message", bound=Numbered)
Taken = TypeVar("Taken", contravariant=True)


class Line(Protocol[Taken]):
    """What one carrier sends through. Never raises what a socket raises."""

    def send(self, message: Taken) -> SendResult:
        """Send one message."""

    def close(self) -> None:
        """Let its connections go."""


# Made for each carrier; the event says that what is not connected yet must not leave any more.
OpenLine = Callable[[threading.Event], Line[Message]]


class Carriers(Generic[Message]):
    """One run over a feed: this thread feeds, the carriers send, at most `limit` at once.

    believed_after: how many results in a row must say that the sender or the provider cannot be used, before the run
    ends with it. Until then such a message waits for another try.
    """

    def __init__(self, open_line: OpenLine[Message], feed: Feed[Message], limit: int, believed_after: int = 1) -> None:
        self._open_line, self._feed, self._limit = open_line, feed, max(1, limit)
        self._believed_after = believed_after
        self._stop = threading.Event()
        self._to_send: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[int, SendResult]] = queue.SimpleQueue()
        self._carriers: list[threading.Thread] = []
        self._flying = self._accepted = self._lost_in_a_row = self._unusable_in_a_row = 0
        self._ended_by: SendResult | None = None

    def go(self) -> RunReport:
        """Until the feed is over, is stopped, or the account cannot be used."""
        try:
            while not self._stop.is_set():
                if not self._feed.tick():
                    self._stop.set()
                    break
                wait = self._hand_out()
                if wait is None and not self._flying:
                    break
                self._take_in(min(wait, TICK_SECONDS) if wait is not None else TICK_SECONDS)
            while self._flying:
                self._feed.tick()
                self._take_in(TICK_SECONDS)
        finally:
            for _carrier in self._carriers:
                self._to_send.put(None)
            for carrier in self._carriers:
                carrier.join()
        ended = self._ended_by
        if ended is None:
            return RunReport(self._accepted, None)
        return RunReport(self._accepted, ended.fault, ended.code, ended.detail)

    def _hand_out(self) -> float | None:
        """Give messages to free carriers; returns the seconds until there may be more, None at the feed's end."""
        while self._flying < self._limit:
            found = self._feed.take()
            if found is None or isinstance(found, float):
                return found
            if not self._feed.hand_over(found.ref):
                self._feed.report(found.ref, STOPPED)
                continue
            self._flying += 1
            if self._flying > len(self._carriers):
                self._add_carrier()
            self._to_send.put(found)
        return TICK_SECONDS

    def _add_carrier(self) -> None:
        carrier = threading.Thread(target=self._carry, daemon=True)
        self._carriers.append(carrier)
        carrier.start()

    def _carry(self) -> None:
        line = self._open_line(self._stop)
        while (message := self._to_send.get()) is not None:
            self._done.put((message.ref, line.send(message)))
        line.close()

    def _take_in(self, seconds: float) -> None:
        """Report what has come back, waiting at most so long for the first."""
        try:
            ref, result = self._done.get(timeout=max(seconds, 0.001))
            while True:
                self._flying -= 1
                self._feed.report(ref, self._noted(result))
                ref, result = self._done.get_nowait()
        except queue.Empty:
            return

    def _noted(self, result: SendResult) -> SendResult:
        """Count a result and end the run with it if need be; returns what to report."""
        if result.outcome is Outcome.ACCEPTED:
            self._accepted += 1
        is_lost = result.outcome is Outcome.UNCONFIRMED
        self._lost_in_a_row = self._lost_in_a_row + 1 if is_lost else 0
        is_unusable = result.outcome is Outcome.NOT_TRANSMITTED and result.fault is not None
        self._unusable_in_a_row = self._unusable_in_a_row + 1 if is_unusable else 0
        is_over = self._unusable_in_a_row >= self._believed_after or self._lost_in_a_row >= MOST_LOST_IN_A_ROW
        if is_over:
            if self._ended_by is None or result.fault is Fault.SENDER:
                self._ended_by = result
            self._stop.set()
        elif is_unusable:
            reason = Reason.REJECTED if result.fault is Fault.SENDER else Reason.SERVICE_AWAY
            return replace(result, outcome=Outcome.DEFERRED, fault=Fault.RECIPIENT, reason=reason)
        return result


class KeptConnection:
    """A connection to the server of one address, kept open between requests, used by one thread."""

    def __init__(self, url: str, connect_timeout_seconds: float, answer_timeout_seconds: float) -> None:
        self._connection = connection_to(url, connect_timeout_seconds)
        self._connect_timeout, self._answer_timeout = connect_timeout_seconds, answer_timeout_seconds

    def open(self) -> None:
        """Have a connection that the other side has not closed meanwhile. Raises OSError: then nothing has left."""
        there = self._connection.sock
        if there is not None and select.select([there], [], [], 0)[0]:
            self._connection.close()  # closed, or something nobody asked for: not to be trusted with a message
            there = None
        if there is None:
            self._connection.timeout = self._connect_timeout
            self._connection.connect()
        self._connection.sock.settimeout(self._answer_timeout)

    def post(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes, str]:
        """(status, the answer's first bytes, its Retry-After). Redirects are not followed.

        Raises OSError or HTTPException: then nobody knows whether it arrived.
        """
        self._connection.request("POST", path, body, headers)
        answer = self._connection.getresponse()
        said = answer.read(MAX_ANSWER_BYTES + 1)
        if len(said) > MAX_ANSWER_BYTES:
            self.close()
        return answer.status, said[:MAX_ANSWER_BYTES], answer.headers.get("Retry-After") or ""

    def close(self) -> None:
        """Let the connection go."""
        self._connection.close()


def connection_to(url: str, timeout_seconds: float) -> http.client.HTTPConnection:
    """A connection, not opened yet, to the server of this address; over TLS the certificate is checked."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    if parts.scheme == "https":
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(host, port, timeout=timeout_seconds, context=context)
    return http.client.HTTPConnection(host, port, timeout=timeout_seconds)


def words_of(error: Exception) -> str:
    """What a broken connection says of itself."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return (text or type(error).__name__)[:255]
