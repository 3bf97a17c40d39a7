"""Reading an SMTP server: replies out of bytes, and what an EHLO reply offers. Pure."""

import re
from dataclasses import dataclass

from app.channels.contract import Fault
from app.kernel.texts import N_

# RFC 5321 allows 512 bytes a line; real servers write more, but a reply this long is no mail server's.
MAX_REPLY_BYTES = 65_536

_ENHANCED = re.compile(r"^[245]\.\d{1,3}\.\d{1,3}(?=\s|$)")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class ConnectionFailed(Exception):
    """This connection is of no use any more. fault, code and detail as in a SendResult."""

    def __init__(self, fault: Fault, detail: str, code: str = "", *, is_timeout: bool = False) -> None:
        super().__init__(detail)
        self.fault = fault
        self.detail = detail
        self.code = code
        self.is_timeout = is_timeout


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply, all its lines. lines: what follows the code on each line."""

    code: int
    lines: tuple[str, ...]

    @property
    def enhanced(self) -> str:
        """The enhanced status code of RFC 3463 ("5.1.1"), or an empty string."""
        found = _ENHANCED.match(self.lines[0])
        return found.group() if found else ""

    @property
    def words(self) -> str:
        """What the server says, on one line, without the codes and without control characters."""
        return " ".join(filter(None, (printable(_ENHANCED.sub("", line, count=1)) for line in self.lines)))

    @property
    def label(self) -> str:
        """Code and enhanced code: "550 5.1.1"."""
        return f"{self.code} {self.enhanced}".rstrip()


def printable(text: str) -> str:
    """The text with every run of control characters turned into one space."""
    return _UNPRINTABLE.sub(" ", text).strip()


class ReplyReader:
    """Cuts the bytes of a connection into replies, however they were split on the way."""

    __slots__ = ("_buffer", "_lines", "_size")

    def __init__(self) -> None:
        self._buffer = b""
        self._lines: list[str] = []
        self._size = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left over from what was fed."""
        return not self._buffer and not self._lines

    def clear(self) -> None:
        """Forget what was not read yet: before a TLS handshake it may be an attacker's."""
        self._buffer, self._lines, self._size = b"", [], 0

    def feed(self, data: bytes) -> None:
        """Add what came in."""
        self._buffer += data

    def next(self) -> Reply | None:
        """The next whole reply, or None until more has come. Raises ConnectionFailed when this is not SMTP."""
        while (end := self._buffer.find(b"\n")) >= 0:
            line, self._buffer = self._buffer[:end].removesuffix(b"\r"), self._buffer[end + 1 :]
            if not line[:3].isdigit() or len(line) < 3 or line[3:4] not in (b"", b" ", b"-"):
                raise ConnectionFailed(Fault.PROVIDER, N_("The server answered something that is not SMTP."))
            self._lines.append(line[4:].decode("utf-8", "replace"))
            self._size += len(line)
            if line[3:4] != b"-":
                reply = Reply(int(line[:3]), tuple(self._lines))
                self._lines, self._size = [], 0
                return reply
            if self._size > MAX_REPLY_BYTES:
                break
        if self._size + len(self._buffer) > MAX_REPLY_BYTES:
            raise ConnectionFailed(Fault.PROVIDER, N_("The server's answer does not end."))
        return None


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a server offers. max_size_bytes: 0 when it names no limit; auth: mechanisms in upper case."""

    has_pipelining: bool = False
    has_starttls: bool = False
    has_8bitmime: bool = False
    has_smtputf8: bool = False
    has_size: bool = False
    max_size_bytes: int = 0
    auth: frozenset[str] = frozenset()


def capabilities_of(reply: Reply) -> Capabilities:
    """Read an EHLO reply (RFC 5321 section 4.1.1.1); "AUTH=LOGIN" is the old spelling some servers still use."""
    offers: dict[str, list[str]] = {}
    for line in reply.lines[1:]:
        words = line.upper().replace("AUTH=", "AUTH ").split()
        if words:
            offers.setdefault(words[0], []).extend(words[1:])
    size = offers.get("SIZE", [])
    return Capabilities(
        has_pipelining="PIPELINING" in offers,
        has_starttls="STARTTLS" in offers,
        has_8bitmime="8BITMIME" in offers,
        has_smtputf8="SMTPUTF8" in offers,
        has_size="SIZE" in offers,
        max_size_bytes=int(size[0]) if size and size[0].isdigit() else 0,
        auth=frozenset(offers.get("AUTH", [])),
    )
