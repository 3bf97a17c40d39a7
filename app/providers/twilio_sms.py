"""The transport of text messages: Twilio's Messages API, many requests at once over connections that stay open.

One thread talks to the feed, the others carry one request at a time each. Every stage of a request is told apart:
until the connection stands nothing has left; from the first byte on a lost answer is "unconfirmed".
"""

import http.client
import queue
import select
import ssl
import threading
from base64 import b64encode
from urllib.parse import urlencode, urlsplit

from app.channels.contract import (
    Fault,
    Feed,
    GatewaySettings,
    Outcome,
    OutgoingText,
    Reason,
    RunReport,
    SendResult,
    TestReport,
)
from app.providers.twilio_codes import Answer, result_of

TICK_SECONDS = 0.05
MOST_LOST_IN_A_ROW = 5  # answers that tell nothing: then the provider is left alone before everybody is unconfirmed
MAX_ANSWER_BYTES = 100_000

STOPPED = SendResult(Outcome.NOT_TRANSMITTED)


class TwilioTransport:
    """Sends through one account (channels.contract.Transport)."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings

    def run(self, feed: Feed[OutgoingText], connections: int) -> RunReport:
        """Send all that the feed gives with at most this many requests at once."""
        return _Run(self._settings, feed, max(1, connections)).go()

    def send_one(self, message: OutgoingText) -> TestReport:
        """Send one message and keep what was said, without the secret."""
        line = _Line(self._settings, threading.Event())
        result = line.send(message)
        line.close()
        said = f"{result.code} {result.detail}".strip() or f"201 {result.provider_id}"
        return TestReport(result, (f"C: POST {line.path}", f"S: {said}"))


class _Run:
    """One run over a feed: this thread feeds, the carriers send."""

    def __init__(self, settings: GatewaySettings, feed: Feed[OutgoingText], limit: int) -> None:
        self._settings, self._feed, self._limit = settings, feed, limit
        self._stop = threading.Event()  # what is not connected yet must not leave any more
        self._to_send: queue.SimpleQueue[OutgoingText | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[int, SendResult]] = queue.SimpleQueue()
        self._carriers: list[threading.Thread] = []
        self._flying = self._accepted = self._lost_in_a_row = 0
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
            if not isinstance(found, OutgoingText):
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
        line = _Line(self._settings, self._stop)
        while (message := self._to_send.get()) is not None:
            self._done.put((message.ref, line.send(message)))
        line.close()

    def _take_in(self, seconds: float) -> None:
        """Report what has come back, waiting at most so long for the first."""
        try:
            ref, result = self._done.get(timeout=max(seconds, 0.001))
            while True:
                self._flying -= 1
                self._note(result)
                self._feed.report(ref, result)
                ref, result = self._done.get_nowait()
        except queue.Empty:
            return

    def _note(self, result: SendResult) -> None:
        if result.outcome is Outcome.ACCEPTED:
            self._accepted += 1
        is_lost = result.outcome is Outcome.UNCONFIRMED
        self._lost_in_a_row = self._lost_in_a_row + 1 if is_lost else 0
        is_unusable = result.outcome is Outcome.NOT_TRANSMITTED and result.fault is not None
        if is_unusable or self._lost_in_a_row >= MOST_LOST_IN_A_ROW:
            if self._ended_by is None or result.fault is Fault.SENDER:
                self._ended_by = result
            self._stop.set()


class _Line:
    """One connection, kept open between requests, used by one thread."""

    def __init__(self, settings: GatewaySettings, stop: threading.Event) -> None:
        parts = urlsplit(settings.base_url)
        self.path = f"/2010-04-01/Accounts/{settings.account}/Messages.json"
        self._settings, self._stop = settings, stop
        host, port = parts.hostname or "", parts.port
        timeout = settings.connect_timeout_seconds
        self._connection = (
            http.client.HTTPSConnection(host, port, timeout=timeout, context=ssl.create_default_context())
            if parts.scheme == "https"
            else http.client.HTTPConnection(host, port, timeout=timeout)
        )
        pair = f"{settings.username}:{settings.secret}".encode()
        self._headers = {
            "Authorization": f"Basic {b64encode(pair).decode()}",
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
            "User-Agent": "Muster",
        }

    def send(self, message: OutgoingText) -> SendResult:
        """Send one message; never raises what a socket raises."""
        try:
            self._open()
        except (OSError, ssl.SSLError) as error:
            self.close()
            return SendResult(Outcome.NOT_TRANSMITTED, Fault.PROVIDER, detail=_words(error))
        if self._stop.is_set():
            return STOPPED
        try:
            return result_of(self._ask(self._form(message)))
        except (OSError, http.client.HTTPException) as error:
            self.close()
            return SendResult(Outcome.UNCONFIRMED, Fault.PROVIDER, Reason.REPLY_LOST, detail=_words(error))

    def close(self) -> None:
        """Let the connection go."""
        self._connection.close()

    def _open(self) -> None:
        """Have a connection that the other side has not closed meanwhile."""
        there = self._connection.sock
        if there is not None and select.select([there], [], [], 0)[0]:
            self._connection.close()  # closed, or something nobody asked for: not to be trusted with a message
            there = None
        if there is None:
            self._connection.timeout = self._settings.connect_timeout_seconds
            self._connection.connect()
        self._connection.sock.settimeout(self._settings.answer_timeout_seconds)

    def _ask(self, form: bytes) -> Answer:
        self._connection.request("POST", self.path, form, self._headers)
        answer = self._connection.getresponse()
        body = answer.read(MAX_ANSWER_BYTES + 1)
        if len(body) > MAX_ANSWER_BYTES:
            self.close()
        return Answer(answer.status, body[:MAX_ANSWER_BYTES], answer.headers.get("Retry-After") or "")

    def _form(self, message: OutgoingText) -> bytes:
        sender = self._settings.sender
        by = "MessagingServiceSid" if sender.startswith("MG") and len(sender) == 34 else "From"
        values = {"To": message.recipient, by: sender, "Body": message.body}
        if message.callback_url:
            values["StatusCallback"] = message.callback_url
        return urlencode(values).encode()


def _words(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return (text or type(error).__name__)[:255]
