"""The marks by which a message is known again when something comes back of it: in its return path, its Message-ID, and,
for a provider that hides both, in a header of its own.

The return path is `bounces+TOKEN@example.org` for the bounce address bounces@example.org (variable envelope return path
with plus addressing). A token is made for one recipient of one campaign and cannot be made or changed outside.
"""

import re
from collections.abc import Callable, Iterable

from app.channels.address import LOCAL_PART_LIMIT, normalise_email
from app.kernel.errors import InvalidInput, NotFound
from app.kernel.signing import TokenPurpose, key_for, mail_signer, read, read_mail

TOKEN_LENGTH = 36
MOST_LOOKED_AT = 20  # marks in one text: of a mail that is full of them the first ones count
_TOKEN = re.compile(rf"(?<![0-9a-f])[0-9a-f]{{{TOKEN_LENGTH}}}(?![0-9a-f])", re.I)
_MESSAGE_ID = re.compile(r"(?<!\d)(\d{1,10})\.(\d{1,10})\.([A-Za-z0-9_-]{32})@")

# Postmark gives messages ids of its own and hides return paths; it repeats this header in its reports.
POSTMARK_HEADER = b"X-PM-Metadata-muster"
POSTMARK_DOMAIN = ".postmarkapp.com"

Mark = Callable[[int, int], bytes]  # (campaign id, recipient number) -> bytes


def checked_address(text: str) -> str:
    """A bounce address as it is stored. Raises InvalidInput for one that leaves no room for a token."""
    address = normalise_email(text)
    local = address.rpartition("@")[0]
    most = LOCAL_PART_LIMIT - TOKEN_LENGTH - 1
    if not local.isascii() or "+" in local or len(local) > most:
        raise InvalidInput(
            "Use at most %(most)s plain letters before the @ sign, without a plus sign, as in bounces@example.org.",
            "bounce_address",
            most=most,
        )
    return address


def return_path(bounce_address: str) -> Mark:
    """The function that makes the return path of one message."""
    local, _, domain = bounce_address.encode("ascii").rpartition(b"@")
    token, before, after = mail_signer(key_for(TokenPurpose.BOUNCE)), local + b"+", b"@" + domain
    return lambda campaign_id, seq: before + token(campaign_id, seq) + after


def header_for(host: str) -> Mark | None:
    """The function that makes the header line a provider needs to name the message; None where it needs none."""
    if not host.lower().endswith(POSTMARK_DOMAIN):
        return None
    token = mail_signer(key_for(TokenPurpose.BOUNCE))
    return lambda campaign_id, seq: POSTMARK_HEADER + b": " + token(campaign_id, seq) + b"\r\n"


def find(texts: Iterable[str]) -> tuple[int, int] | None:
    """(campaign id, recipient number) of the first mark in these texts that is ours; None without one."""
    for text in texts:
        found = _by_token(text) or _by_message_id(text)
        if found is not None:
            return found
    return None


def _by_token(text: str) -> tuple[int, int] | None:
    key = key_for(TokenPurpose.BOUNCE)
    for number, match in enumerate(_TOKEN.finditer(text)):
        if number == MOST_LOOKED_AT:
            break
        if found := read_mail(key, match[0]):
            return found
    return None


def _by_message_id(text: str) -> tuple[int, int] | None:
    key = key_for(TokenPurpose.TRACK)
    for number, match in enumerate(_MESSAGE_ID.finditer(text)):
        if number == MOST_LOOKED_AT:
            break
        try:
            found = read(key, match[3])
        except NotFound:
            continue
        if found == (int(match[1]), int(match[2])):
            return found
    return None
