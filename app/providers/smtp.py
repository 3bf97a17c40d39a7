"""The transport of e-mail: one SMTP server, spoken to by our own event loop (docs/decisions/0005-smtp-transport.md)."""

from app.channels.contract import (
    Fault,
    Feed,
    Outcome,
    Outgoing,
    RunReport,
    SendResult,
    SmtpSettings,
    TestReport,
)
from app.providers.smtp_loop import Run


class SmtpTransport:
    """Sends over one SMTP server (channels.contract.Transport)."""

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings

    def run(self, feed: Feed[Outgoing], connections: int) -> RunReport:
        """Send all that the feed gives over at most this many connections, and report each message exactly once."""
        return Run(self._settings, feed, max(1, connections)).go()

    def send_one(self, message: Outgoing) -> TestReport:
        """Send one message, command by command, and keep the dialogue without the secret."""
        feed, transcript = _OneMessage(message), list[str]()
        Run(self._settings, feed, 1, transcript).go()
        return TestReport(feed.result, tuple(transcript))


class _OneMessage:
    """A feed of a single message."""

    def __init__(self, message: Outgoing) -> None:
        self.result = SendResult(Outcome.NOT_TRANSMITTED, Fault.PROVIDER)
        self._message: Outgoing | None = message

    def take(self) -> Outgoing | None:
        message, self._message = self._message, None
        return message

    def hand_over(self, _ref: int) -> bool:
        return True

    def report(self, _ref: int, result: SendResult) -> None:
        self.result = result

    def tick(self) -> bool:
        return True
