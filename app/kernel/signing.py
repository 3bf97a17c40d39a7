"""Links in messages: a token names one recipient of one campaign for one purpose and cannot be made or changed outside.

Token: base64url without padding of campaign id (4 bytes) | recipient number (4) | keyed BLAKE2b of both (16).
In the local part of an address, where servers may change case: the same in hexadecimal, with a BLAKE2b of 10 bytes.
"""

import base64
import binascii
import hmac
import struct
from collections.abc import Callable
from enum import StrEnum
from hashlib import blake2b

from flask import current_app

from app.kernel import crypto
from app.kernel.errors import NotFound

_PAYLOAD = struct.Struct(">II")
MAC_BYTES = 16
MAIL_MAC_BYTES = 10  # a guess costs an e-mail each, and 2**80 of them are needed


class TokenPurpose(StrEnum):
    """What a token is good for; one made for tracking does not unsubscribe anybody."""

    TRACK = "track"
    UNSUBSCRIBE = "unsubscribe"
    CALLBACK = "callback"  # a provider reports on a message
    INBOUND = "inbound"  # of (gateway id, 0): a provider tells what people wrote to it
    BOUNCE = "bounce"  # in the return path of an e-mail: a server reports on it
    PUSH = "push"  # of (contact id, the second since 1970 at which the link ends): they may subscribe a browser
    DOCUMENT = "document"  # of (document id, the second since 1970 at which the link ends)


def signer(key: bytes) -> Callable[[int, int], bytes]:
    """The function (campaign id, recipient number) -> token for that key; well under a microsecond."""
    pack, encode = _PAYLOAD.pack, base64.urlsafe_b64encode

    def sign(campaign_id: int, seq: int) -> bytes:
        payload = pack(campaign_id, seq)
        return encode(payload + blake2b(payload, digest_size=MAC_BYTES, key=key).digest())

    return sign


def read(key: bytes, token: str) -> tuple[int, int]:
    """(campaign id, recipient number) of a token. Raises NotFound for anything that key did not sign."""
    try:
        raw = base64.urlsafe_b64decode(token.encode("ascii"))
    except (binascii.Error, UnicodeEncodeError, ValueError):
        raise NotFound("This link is not complete. Copy the whole link from the message.") from None
    payload, mac = raw[: _PAYLOAD.size], raw[_PAYLOAD.size :]
    expected = blake2b(payload, digest_size=MAC_BYTES, key=key).digest()
    if not hmac.compare_digest(mac, expected) or base64.urlsafe_b64encode(raw).decode() != token:
        raise NotFound("This link is not complete. Copy the whole link from the message.")
    campaign_id, seq = _PAYLOAD.unpack(payload)
    return campaign_id, seq


def mail_signer(key: bytes) -> Callable[[int, int], bytes]:
    """The function (campaign id, recipient number) -> 36 digits in lower case, for the local part of an address."""
    pack = _PAYLOAD.pack

    def sign(campaign_id: int, seq: int) -> bytes:
        payload = pack(campaign_id, seq)
        return (payload + blake2b(payload, digest_size=MAIL_MAC_BYTES, key=key).digest()).hex().encode()

    return sign


def read_mail(key: bytes, token: str) -> tuple[int, int] | None:
    """(campaign id, recipient number) of 36 hexadecimal digits, or None for anything that key did not sign."""
    raw = bytes.fromhex(token)
    payload, mac = raw[: _PAYLOAD.size], raw[_PAYLOAD.size :]
    if not hmac.compare_digest(mac, blake2b(payload, digest_size=MAIL_MAC_BYTES, key=key).digest()):
        return None
    campaign_id, seq = _PAYLOAD.unpack(payload)
    return campaign_id, seq


def key_for(purpose: TokenPurpose) -> bytes:
    """The signing key of that purpose in this app."""
    keys: dict[TokenPurpose, bytes] = current_app.extensions.setdefault("muster_token_keys", {})
    if purpose not in keys:
        keys[purpose] = crypto.token_key(crypto.keyring(), purpose.value)
    return keys[purpose]
