"""Keys and encryption at rest: AES-256-GCM for values, HMAC-SHA-256 for blind indexes, one keyring for all machines.

Sealed format: version (1 byte, 1) | key id (4 bytes) | nonce (12) | ciphertext and tag. The row's own identity is
authenticated with it, so that a sealed value copied into another row does not open.
"""

import base64
import binascii
import json
import os
import secrets
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import Flask, current_app

from app.kernel.errors import AppError

VERSION = b"\x01"
KEY_ID_BYTES = 4
NONCE_BYTES = 12
HEAD_BYTES = 1 + KEY_ID_BYTES + NONCE_BYTES
TAG_BYTES = 16
INDEX_BYTES = 16


class KeyringError(AppError):
    """The keyring is missing or unusable; the sentence says what to do."""


class CannotOpen(AppError):
    """A sealed value does not open: another key, another row, or damage."""


def _derive(key: bytes, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(key)


@dataclass(frozen=True)
class Keyring:
    """Keys by id, the active one for new values, and a permanent one for blind indexes and links.

    The permanent key never rotates: an index must find what was stored last year, a link must work as long as the mail.
    """

    active: bytes
    keys: dict[bytes, bytes] = field(repr=False)
    permanent: bytes = field(repr=False)

    @classmethod
    def generate(cls) -> "Keyring":
        """A new keyring with one key."""
        kid = secrets.token_bytes(KEY_ID_BYTES)
        return cls(kid, {kid: secrets.token_bytes(32)}, secrets.token_bytes(32))

    @classmethod
    def parse(cls, source: str) -> "Keyring":
        """Read the JSON form. Raises KeyringError naming what is wrong."""
        try:
            data: dict[str, Any] = json.loads(source)
            keys = {bytes.fromhex(kid): base64.b64decode(key, validate=True) for kid, key in data["keys"].items()}
            ring = cls(bytes.fromhex(data["active"]), keys, base64.b64decode(data["permanent"], validate=True))
        except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
            raise KeyringError(f"The keyring cannot be read ({error}). Restore it from your backup.") from error
        sizes = {len(key) for key in ring.keys.values()} | {len(ring.permanent)}
        if ring.active not in ring.keys or sizes != {32} or any(len(kid) != KEY_ID_BYTES for kid in ring.keys):
            raise KeyringError("The keyring is incomplete. Restore it from your backup.")
        return ring

    def dump(self) -> str:
        """The JSON form that parse() reads."""
        keys = {kid.hex(): base64.b64encode(key).decode() for kid, key in self.keys.items()}
        data = {"active": self.active.hex(), "keys": keys, "permanent": base64.b64encode(self.permanent).decode()}
        return json.dumps(data, indent=2)

    def rotated(self) -> "Keyring":
        """The same keyring with a new active key; the old ones still open what they sealed."""
        kid = secrets.token_bytes(KEY_ID_BYTES)
        return Keyring(kid, {**self.keys, kid: secrets.token_bytes(32)}, self.permanent)

    def only_active(self) -> "Keyring":
        """The keyring without its old keys, once nothing is sealed with them any more."""
        return Keyring(self.active, {self.active: self.keys[self.active]}, self.permanent)


class Sealer:
    """Seals and opens values of one purpose ("contact", "secret", …)."""

    def __init__(self, ring: Keyring, purpose: str) -> None:
        self._ciphers = {kid: AESGCM(_derive(key, f"enc/{purpose}")) for kid, key in ring.keys.items()}
        self._active = ring.active

    @property
    def active_prefix(self) -> bytes:
        """The first bytes of everything sealed with the active key."""
        return VERSION + self._active

    def seal(self, plain: bytes, identity: bytes) -> bytes:
        """Encrypt; identity names the row and is needed to open it again."""
        nonce = os.urandom(NONCE_BYTES)
        return VERSION + self._active + nonce + self._ciphers[self._active].encrypt(nonce, plain, identity)

    def open(self, sealed: bytes, identity: bytes) -> bytes:
        """Decrypt. Raises CannotOpen, never returns garbage."""
        if len(sealed) < HEAD_BYTES + TAG_BYTES:
            raise CannotOpen("A stored value is too short to have been sealed: it was damaged.")
        cipher = self._ciphers.get(sealed[1 : 1 + KEY_ID_BYTES])
        if cipher is None or sealed[:1] != VERSION:
            raise CannotOpen("A stored value was sealed with a key that is not in the keyring.")
        try:
            return cipher.decrypt(sealed[1 + KEY_ID_BYTES : HEAD_BYTES], sealed[HEAD_BYTES:], identity)
        except InvalidTag:
            raise CannotOpen("A stored value does not open with its key: it was damaged or moved.") from None


class BlindIndex:
    """Finds equal values without storing them: the first 16 bytes of HMAC-SHA-256.

    The two hash states that depend on the key alone are kept (RFC 2104), which makes it three times as fast as
    hmac.digest: an import computes millions.
    """

    def __init__(self, ring: Keyring, purpose: str) -> None:
        block = _derive(ring.permanent, f"index/{purpose}").ljust(sha256().block_size, b"\0")
        self._inner = sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = sha256(bytes(byte ^ 0x5C for byte in block))

    def of(self, value: str) -> bytes:
        """The index of a normalised value."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(value.encode())
        outer.update(inner.digest())
        return outer.digest()[:INDEX_BYTES]


def token_key(ring: Keyring, purpose: str) -> bytes:
    """The key that signs links of one purpose."""
    return _derive(ring.permanent, f"token/{purpose}")


def write_keyring(path: Path, ring: Keyring) -> None:
    """Store the keyring so that a crash leaves the old or the new one whole; readable by its owner only."""
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(ring.dump())
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)  # else a power cut may undo the rename, and what was sealed is lost
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def init_app(app: Flask) -> None:
    """Bind the keyring (app.config["KEYRING"]) to this app."""
    ring: Keyring = app.config["KEYRING"]
    app.extensions["muster_keyring"] = ring
    app.extensions["muster_sealers"] = cache(lambda purpose: Sealer(ring, purpose))
    app.extensions["muster_indexes"] = cache(lambda purpose: BlindIndex(ring, purpose))


def keyring() -> Keyring:
    """The keyring of this app."""
    ring: Keyring = current_app.extensions["muster_keyring"]
    return ring


def sealer(purpose: str) -> Sealer:
    """The sealer of that purpose in this app."""
    found: Sealer = current_app.extensions["muster_sealers"](purpose)
    return found


def blind_index(purpose: str) -> BlindIndex:
    """The blind index of that purpose in this app."""
    found: BlindIndex = current_app.extensions["muster_indexes"](purpose)
    return found
