"""The transport of web push (RFC 8030): one encrypted request for each device of a person, many people at once.

Until the connection stands nothing has left; from the first byte on a lost answer is "unconfirmed".
"""

import http.client
import ssl
import threading
from urllib.parse import urlsplit

from app.channels.contract import (
    Device,
    Fault,
    Feed,
    Outcome,
    OutgoingPush,
    PushSettings,
    Reason,
    RunReport,
    SendResult,
    TestReport,
)
from app.kernel import clock
from app.providers.carriers import STOPPED, Carriers, KeptConnection, words_of
from app.providers.push_codes import result_of, together
from app.providers.push_encryption import Vapid, encrypt

# One refusal of our key, or one service that is away, may be about a single odd device; so many in a row are not.
BELIEVED_AFTER = 3
MOST_CONNECTIONS = 8  # a carrier keeps open: there are not many push services


class WebPushTransport:
    """Sends with one VAPID key (channels.contract.Transport)."""

    def __init__(self, settings: PushSettings) -> None:
        self._settings = settings
        self._vapid = Vapid(settings.private_key, settings.subject)

    def run(self, feed: Feed[OutgoingPush], connections: int) -> RunReport:
        """Send all that the feed gives to at most this many people at once."""
        return Carriers(self._line, feed, connections, BELIEVED_AFTER).go()

    def send_one(self, message: OutgoingPush) -> TestReport:
        """Send one message to each device and keep what was said, without the addresses of the devices."""
        line = self._line(threading.Event())
        results = line.send_each(message)
        line.close()
        said = []
        for device in message.devices:
            result = results[device.id]
            said.append(f"C: POST {urlsplit(device.endpoint).hostname} ({len(message.payload)} bytes)")
            said.append(f"S: {f'{result.code} {result.detail}'.strip() or '201'}")
        return TestReport(together(results), said)

    def _line(self, stop: threading.Event) -> "_Line":
        return _Line(self._settings, self._vapid, stop)


class _Line:
    """One connection for each push service, kept open between requests, used by one thread."""

    def __init__(self, settings: PushSettings, vapid: Vapid, stop: threading.Event) -> None:
        self._settings, self._vapid, self._stop = settings, vapid, stop
        self._kept: dict[str, KeptConnection] = {}

    def send(self, message: OutgoingPush) -> SendResult:
        """Send one message to all devices; never raises what a socket raises."""
        return together(self.send_each(message))

    def send_each(self, message: OutgoingPush) -> dict[int, SendResult]:
        """What became of it at each device, by its id."""
        return {device.id: self._send(device, message) for device in message.devices}

    def close(self) -> None:
        """Let the connections go."""
        for connection in self._kept.values():
            connection.close()
        self._kept.clear()

    def _send(self, device: Device, message: OutgoingPush) -> SendResult:
        try:
            body = encrypt(message.payload, device)
        except ValueError as error:
            return SendResult(Outcome.REFUSED, Fault.RECIPIENT, Reason.DEVICE_GONE, detail=str(error)[:255])
        parts = urlsplit(device.endpoint)
        connection = self._connection(device.endpoint, parts.netloc)
        try:
            connection.open()
        except (OSError, ssl.SSLError) as error:
            connection.close()
            return SendResult(Outcome.NOT_TRANSMITTED, Fault.PROVIDER, detail=words_of(error))
        if self._stop.is_set():
            return STOPPED
        path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        try:
            return result_of(*connection.post(path, body, self._headers(device, message)))
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            return SendResult(Outcome.UNCONFIRMED, Fault.PROVIDER, Reason.REPLY_LOST, detail=words_of(error))

    def _connection(self, endpoint: str, server: str) -> KeptConnection:
        if server not in self._kept:
            if len(self._kept) >= MOST_CONNECTIONS:
                self.close()
            timeouts = self._settings.connect_timeout_seconds, self._settings.answer_timeout_seconds
            self._kept[server] = KeptConnection(endpoint, *timeouts)
        return self._kept[server]

    def _headers(self, device: Device, message: OutgoingPush) -> dict[str, str]:
        return {
            "Authorization": self._vapid.header(device.endpoint, clock.utcnow().timestamp()),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(message.ttl_seconds),
            "Topic": message.topic,
            "Urgency": "normal",
        }
