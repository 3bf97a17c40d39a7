"""The messages of one run between the feed and the connections: each is taken once and reported once."""

from collections import deque
from collections.abc import Callable

from app.channels.contract import Fault, Feed, Outcome, Outgoing, SendResult
from app.providers.smtp_codes import without_address
from app.providers.smtp_dialogue import envelope, objection
from app.providers.smtp_replies import Capabilities

REFUSALS_AT_ONCE = 50  # messages refused without the wire between two looks at the clock


class Intake:
    """What was taken from the feed and is on no connection, and how many are on one."""

    def __init__(self, feed: Feed[Outgoing], on_sender_fault: Callable[[SendResult], None]) -> None:
        self.is_over = False  # the feed has nothing more
        self.live = 0  # taken and not reported
        self.take_at = 0.0  # steady time before which the feed has nothing
        self.waiting: deque[Outgoing] = deque()
        self._feed = feed
        self._on_sender_fault = on_sender_fault
        self._closing: SendResult | None = None
        self._suspects: set[int] = set()

    @property
    def is_drained(self) -> bool:
        """Whether every message was reported and no more will come."""
        return not self.live and self.is_over

    def take(self, now: float) -> Outgoing | None:
        """The next message fit for the wire, if the feed has one now."""
        for _ in range(REFUSALS_AT_ONCE):
            if self.is_over or now < self.take_at:
                return None
            given = self._feed.take()
            if isinstance(given, Outgoing):
                self.live += 1
                refused = objection(given)
                if refused is None:
                    return given
                self._refuse(given, refused)
            elif given is None:
                self.is_over = True
            else:
                self.take_at = now + given
        return None

    def next_envelope(self, offers: Capabilities, now: float) -> tuple[Outgoing, bytes] | None:
        """The next message that a server with these offers can carry, with its envelope."""
        for _ in range(REFUSALS_AT_ONCE):
            message = self.waiting.popleft() if self.waiting else self.take(now)
            if message is None:
                return None
            lines = envelope(message, offers)
            if isinstance(lines, bytes):
                return message, lines
            self._refuse(message, lines)
        return None

    def put_back(self, message: Outgoing, why: SendResult, *, is_suspect: bool) -> None:
        """Keep a message that has not left for another connection.

        is_suspect: the connection may have been lost because of it; the second time it goes back to the feed.
        """
        if self._closing is not None or (is_suspect and message.ref in self._suspects):
            self.report(message, why)
            return
        if is_suspect:
            self._suspects.add(message.ref)
        self.waiting.appendleft(message)

    def report(self, message: Outgoing, result: SendResult) -> None:
        """Tell the feed what became of a message."""
        self.live -= 1
        if self._suspects:
            self._suspects.discard(message.ref)
        self._feed.report(message.ref, without_address(result, message.recipient))

    def close(self, why: SendResult) -> None:
        """Take nothing more, and give back what waits."""
        self.is_over = True
        self._closing = why
        while self.waiting:
            self.report(self.waiting.popleft(), why)

    def _refuse(self, message: Outgoing, result: SendResult) -> None:
        self.report(message, result)
        if result.fault is Fault.SENDER:
            self._on_sender_fault(result)


def not_transmitted(fault: Fault | None = None, code: str = "", detail: str = "") -> SendResult:
    """The result of a message that did not leave. fault: None when it was stopped."""
    return SendResult(Outcome.NOT_TRANSMITTED, fault, None, code, detail)
