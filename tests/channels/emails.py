"""Helpers of the e-mail tests: compile, render and read back with the standard library's parser."""

import email
import email.policy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.message import EmailMessage

from app.channels.email_message import CompiledEmail, EmailSource, compile_email

DATE = b"Mon, 23 Nov 2026 10:00:00 +0000"
PLAIN = EmailSource(
    campaign_id=7,
    content_version=2,
    subject="News",
    html="<p>Hello</p>",
    text="Hello",
    from_name="Shop",
    from_email="news@shop.example",
    reply_to=None,
    public_url="https://t.example",
    attachments=(),
    track_opens=False,
    track_clicks=False,
)
TRACK, UNSUBSCRIBE = "AAAABwAAAAUtrack_-x", "AAAABwAAAAUunsub_-x"
CLICK_URL, OPEN_URL = f"https://t.example/c/{TRACK}", f"https://t.example/o/{TRACK}.gif"
UNSUBSCRIBE_URL = f"https://t.example/u/{UNSUBSCRIBE}"


def compiled(**changes: object) -> CompiledEmail:
    """PLAIN with changes, compiled with tokens that never change."""
    source = replace(PLAIN, **changes)  # type: ignore[arg-type]
    return compile_email(source, lambda campaign, seq: TRACK.encode(), lambda campaign, seq: UNSUBSCRIBE.encode())


@dataclass
class Read:
    """A rendered message as a mail program sees it."""

    raw: bytes
    message: EmailMessage

    @property
    def text(self) -> str:
        return self._body("plain")

    @property
    def html(self) -> str:
        return self._body("html")

    def _body(self, kind: str) -> str:
        part = self.message.get_body((kind,))
        assert part is not None
        content: str = part.get_content()
        return content.replace("\r\n", "\n")


def read(raw: bytes) -> Read:
    """Check what holds for every message, and parse it."""
    assert raw.endswith(b"\r\n")
    lines = raw.split(b"\r\n")
    head = raw.partition(b"\r\n\r\n")[0].split(b"\r\n")
    body = lines[len(head) + 1 :]
    assert not any(b"\n" in line or b"\r" in line or b"\0" in line for line in lines)
    assert not any(line.startswith(b".") for line in lines)
    assert max(map(len, head)) <= 998
    assert max(map(len, body)) <= 76
    message = email.message_from_bytes(raw, policy=email.policy.default)
    for part in message.walk():
        assert not part.defects
    for name, value in message.items():
        assert not getattr(value, "defects", ()), name
    return Read(raw, message)


def rendered(values: Mapping[str, str] | None = None, recipient: str = "anna@example.com", **changes: object) -> Read:
    """PLAIN with changes, for one recipient."""
    return read(compiled(**changes).render(values or {}, recipient, 5, DATE))
