"""The transport of text messages and of WhatsApp: Twilio's Messages API.

Every stage of a request is told apart: until the connection stands nothing has left; from the first byte on a lost
answer is "unconfirmed".
"""

import http.client
import ssl
import threading
from urllib.parse import urlencode

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
from app.providers.carriers import STOPPED, Carriers, KeptConnection, words_of
from app.providers.twilio_codes import Answer, result_of
from app.providers.twilio_http import headers_of, is_service


class TwilioTransport:
    """Sends through one account (channels.contract.Transport)."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings

    def run(self, feed: Feed[OutgoingText], connections: int) -> RunReport:
        """Send all that the feed gives with at most this many requests at once."""
        return Carriers(lambda stop: _Line(self._settings, stop), feed, connections).go()

    def send_one(self, message: OutgoingText) -> TestReport:
        """Send one message and keep what was said, without the secret."""
        line = _Line(self._settings, threading.Event())
        result = line.send(message)
        line.close()
        said = f"{result.code} {result.detail}".strip() or f"201 {result.provider_id}"
        return TestReport(result, (f"C: POST {line.path}", f"S: {said}"))


class _Line:
    """One connection, kept open between requests, used by one thread."""

    def __init__(self, settings: GatewaySettings, stop: threading.Event) -> None:
        self.path = f"/2010-04-01/Accounts/{settings.account}/Messages.json"
        self._settings, self._stop = settings, stop
        timeouts = settings.connect_timeout_seconds, settings.answer_timeout_seconds
        self._connection = KeptConnection(settings.base_url, *timeouts)
        self._headers = headers_of(settings) | {"Content-Type": "application/x-www-form-urlencoded"}

    def send(self, message: OutgoingText) -> SendResult:
        """Send one message; never raises what a socket raises."""
        try:
            self._connection.open()
        except (OSError, ssl.SSLError) as error:
            self.close()
            return SendResult(Outcome.NOT_TRANSMITTED, Fault.PROVIDER, detail=words_of(error))
        if self._stop.is_set():
            return STOPPED
        try:
            return result_of(Answer(*self._connection.post(self.path, self._form(message), self._headers)))
        except (OSError, http.client.HTTPException) as error:
            self.close()
            return SendResult(Outcome.UNCONFIRMED, Fault.PROVIDER, Reason.REPLY_LOST, detail=words_of(error))

    def close(self) -> None:
        """Let the connection go."""
        self._connection.close()

    def _form(self, message: OutgoingText) -> bytes:
        sender = self._settings.sender
        by = "MessagingServiceSid" if is_service(sender) else "From"
        values = {"To": message.recipient, by: sender}
        if message.content_sid:
            values |= {"ContentSid": message.content_sid, "ContentVariables": message.body}
        else:
            values["Body"] = message.body
        if message.media_url:
            values["MediaUrl"] = message.media_url
        if message.callback_url:
            values["StatusCallback"] = message.callback_url
        return urlencode(values).encode()
