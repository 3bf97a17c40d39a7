"""Values of e-mail header fields: guarded against line breaks, encoded (RFC 2047, RFC 2231) and folded."""

import base64
import re
from functools import lru_cache
from urllib.parse import quote

from app.channels.address import needs_smtputf8, normalise_email
from app.kernel.errors import InvalidInput

_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_FILE_NAME = re.compile(r"[A-Za-z0-9 _()+,.-]{1,60}")
_LONGEST_WORD = 900  # a line ends at 998 at the latest (RFC 5322 2.1.1)
_LINE = 76
_WORD_BYTES = 39  # of UTF-8 in an encoded word: "Subject: =?utf-8?b?" + 52 + "?=" stays under 76


def refuse_control(value: str, field: str) -> str:
    """The value of a setting. Raises InvalidInput when it could end a header line."""
    if _UNSAFE.search(value):
        raise InvalidInput("There is a line break or a control character in this value. Remove it.", field)
    return value


def subject_value(text: str) -> bytes:
    """The subject, encoded and folded; control characters are blanks, runs of blanks are one."""
    if len(text) <= 66 and text.isascii() and text.isprintable() and "=?" not in text and "  " not in text:
        return text.strip().encode("ascii")
    return _subject(text) if len(text) <= 200 else _encoded_subject(text)


def _encoded_subject(text: str) -> bytes:
    plain = " ".join(_UNSAFE.sub(" ", text).split())
    if plain.isascii() and "=?" not in plain and all(len(word) <= _LONGEST_WORD for word in plain.split(" ")):
        return _folded(plain, len("Subject: ")).encode("ascii")
    return encoded_words(plain)


@lru_cache(maxsize=4096)
def _subject(text: str) -> bytes:
    return _encoded_subject(text)


def encoded_words(text: str) -> bytes:
    """The text as RFC 2047 encoded words, one a line; no character is split between two."""
    chunks: list[bytes] = []
    chunk = b""
    for char in text:
        data = char.encode("utf-8", "replace")
        if len(chunk) + len(data) > _WORD_BYTES:
            chunks.append(chunk)
            chunk = b""
        chunk += data
    chunks.append(chunk)
    return b"\r\n ".join(b"=?utf-8?b?" + base64.b64encode(chunk) + b"?=" for chunk in chunks)


def _folded(text: str, used: int) -> str:
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        if line and used + len(line) + 1 + len(word) > _LINE:
            lines.append(line)
            line, used = word, 1
        else:
            line = f"{line} {word}" if line else word
    lines.append(line)
    return "\r\n ".join(lines)


def sender_address(email: str, field: str) -> bytes:
    """The bare address of a sender, domain in punycode. Raises InvalidInput, naming the field."""
    try:
        address = normalise_email(email)
    except InvalidInput as error:
        raise error.about(field) from error
    if needs_smtputf8(address):
        raise InvalidInput(
            "The part of a sender's address before the @ sign must be plain letters; many servers refuse others.", field
        )
    return address.encode("ascii")


def mailbox(name: str, address: bytes) -> bytes:
    """`Name <address>` for From; only the address in angle brackets when there is no name."""
    name = " ".join(refuse_control(name, "from_name").split())
    if len(name) > 200:
        raise InvalidInput("The sender's name is longer than 200 characters. Shorten it.", field="from_name")
    if not name:
        return b"<" + address + b">"
    if not name.isascii() or "=?" in name:
        phrase = encoded_words(name)
    elif _ATOMS.fullmatch(name):
        phrase = name.encode("ascii")
    else:
        phrase = b'"' + name.replace("\\", "\\\\").replace('"', '\\"').encode("ascii") + b'"'
    blank = b" " if len(phrase) + len(address) <= 66 else b"\r\n "
    return phrase + blank + b"<" + address + b">"


def disposition(file_name: str) -> bytes:
    """`attachment; filename=…`, in RFC 2231 pieces when the name is long or not plain ASCII."""
    name = re.sub(r"[/\\]", "_", refuse_control(file_name, "attachments").strip()) or "attachment"
    if _FILE_NAME.fullmatch(name):
        return f'attachment; filename="{name}"'.encode("ascii")
    encoded = quote(name, safe="")
    pieces: list[str] = []
    while encoded:
        cut = 54 if len(encoded) > 54 else len(encoded)
        if len(encoded) > cut and "%" in encoded[cut - 2 : cut]:  # never inside %XX
            cut = encoded.rindex("%", 0, cut)
        pieces.append(encoded[:cut])
        encoded = encoded[cut:]
    if len(pieces) == 1:
        return f"attachment;\r\n filename*=utf-8''{pieces[0]}".encode("ascii")
    pieces[0] = "utf-8''" + pieces[0]
    lines = (f"filename*{number}*={piece}" for number, piece in enumerate(pieces))
    return ("attachment;\r\n " + ";\r\n ".join(lines)).encode("ascii")
