"""A feed that remembers everything, and short ways to make messages and settings."""

import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from app.channels.contract import Outcome, Outgoing, Security, SendResult, SmtpSettings
from app.kernel import clock


@dataclass(frozen=True)
class Certificates:
    """The file that trusts the authority, a server context for 127.0.0.1 and one for another name."""

    ca_file: str
    good: ssl.SSLContext
    wrong_name: ssl.SSLContext


class Batch:
    """A feed over given messages. Seconds among them are waits; what happened is kept for the test to look at."""

    def __init__(
        self,
        messages: Iterable[Outgoing | float],
        *,
        may_leave: Callable[[int], bool] = lambda ref: True,
        goes_on: Callable[["Batch"], bool] = lambda batch: True,
    ) -> None:
        self._messages = iter(messages)
        self._may_leave, self._goes_on = may_leave, goes_on
        self.taken: list[int] = []
        self.handed: list[int] = []
        self.results: dict[int, SendResult] = {}
        self.reports = 0
        self.ticks: list[float] = []
        self.stopped_at = 0.0

    def take(self) -> Outgoing | float | None:
        item = next(self._messages, None)
        if isinstance(item, Outgoing):
            self.taken.append(item.ref)
        return item

    def hand_over(self, ref: int) -> bool:
        assert ref not in self.handed
        allowed = self._may_leave(ref)
        if allowed:
            assert not self.stopped_at, "handed over after the stop"
            self.handed.append(ref)
        return allowed

    def report(self, ref: int, result: SendResult) -> None:
        self.reports += 1
        self.results[ref] = result

    def tick(self) -> bool:
        self.ticks.append(clock.steady())
        goes_on = self._goes_on(self)
        if not goes_on and not self.stopped_at:
            self.stopped_at = self.ticks[-1]
        return goes_on

    def refs(self, outcome: Outcome) -> set[int]:
        """The messages with this outcome."""
        return {ref for ref, result in self.results.items() if result.outcome is outcome}

    @property
    def counts(self) -> dict[Outcome, int]:
        """How many messages had each outcome."""
        return {outcome: len(self.refs(outcome)) for outcome in Outcome if self.refs(outcome)}

    def assert_each_was_reported_once(self) -> None:
        """What every run promises, however it ended."""
        assert sorted(self.results) == sorted(self.taken)
        assert self.reports == len(self.taken)

    def assert_ticks_went_on(self) -> None:
        """Ticks come every 100 ms or faster; single ones may be late where other processes want the processor."""
        gaps = sorted(later - earlier for earlier, later in zip(self.ticks, self.ticks[1:], strict=False))
        assert len(gaps) > 1
        assert gaps[len(gaps) // 2] <= 0.1
        assert gaps[-1] < 1.0


def message(ref: int, recipient: str | None = None, *, text: str = "Hello", **fields: Any) -> Outgoing:
    """One message; its Message-ID carries the ref."""
    to = recipient if recipient is not None else f"person{ref}@example.org"
    head = f"From: <news@shop.example>\r\nTo: <{to}>\r\nMessage-ID: <{ref}@shop.example>\r\nSubject: Hi\r\n\r\n"
    content = f"{head}{text}\r\n".encode()
    usual: dict[str, Any] = {"mail_from": b"news@shop.example", "recipient": to.encode(), "content": content}
    return Outgoing(ref=ref, **usual | fields)


def messages(count: int, **fields: Any) -> list[Outgoing]:
    """Messages 1 to count."""
    return [message(ref, **fields) for ref in range(1, count + 1)]


def settings(port: int, **changes: Any) -> SmtpSettings:
    """Settings for a server of this machine, with the patience of a test."""
    usual: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "security": Security.NONE,
        "connect_timeout_seconds": 2.0,
        "reply_timeout_seconds": 5.0,
        "accept_timeout_seconds": 5.0,
    }
    return SmtpSettings(**usual | changes)
