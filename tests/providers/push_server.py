"""A push service that reads what it is sent as a browser would (RFC 8291) and checks who sent it (RFC 8292)."""

import json
import struct
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.channels.contract import Device
from tests.providers.http_server import DROP, HANG, LocalServer

__all__ = ["DROP", "HANG", "Browser", "PushServer", "Pushed", "Scripted", "decoded"]

CURVE = ec.SECP256R1()
# (path, number of the request) -> a status, (status, headers, body), or what to do
Scripted = Callable[[str, int], Any]


def decoded(text: str) -> bytes:
    """base64url without padding."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Browser:
    """The keys that a browser makes for one subscription."""

    def __init__(self, key: ec.EllipticCurvePrivateKey | None = None, auth: bytes = b"0123456789abcdef") -> None:
        self._key, self.auth = key or ec.generate_private_key(CURVE), auth
        self.p256dh = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def device(self, endpoint: str, device_id: int = 1) -> Device:
        """The subscription as a transport gets it."""
        return Device(device_id, endpoint, self.p256dh, self.auth)

    def read(self, body: bytes) -> bytes:
        """What a push message says, by RFC 8188 and 8291 step by step."""
        salt, (_size, length) = body[:16], struct.unpack(">IB", body[16:21])
        theirs, sealed = body[21 : 21 + length], body[21 + length :]
        shared = self._key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(CURVE, theirs))
        secret = self._derived(shared, self.auth, b"WebPush: info\0" + self.p256dh + theirs, 32)
        key = self._derived(secret, salt, b"Content-Encoding: aes128gcm\0", 16)
        nonce = self._derived(secret, salt, b"Content-Encoding: nonce\0", 12)
        plain = AESGCM(key).decrypt(nonce, sealed, None)
        assert plain.endswith(b"\x02"), "the last record ends so"
        return plain[:-1]

    @staticmethod
    def _derived(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
        return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(secret)


@dataclass(frozen=True)
class Pushed:
    """A request that came."""

    path: str
    headers: dict[str, str]
    body: bytes

    def signed_by(self) -> tuple[str, dict[str, Any]]:
        """(the public key, the claims) of its sign-in. Raises InvalidSignature when they do not belong together."""
        kind, _space, rest = self.headers["Authorization"].partition(" ")
        assert kind == "vapid"
        values = dict(part.strip().split("=", 1) for part in rest.split(","))
        head, claims, signature = values["t"].split(".")
        assert json.loads(decoded(head)) == {"typ": "JWT", "alg": "ES256"}
        raw = decoded(signature)
        pair = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        key = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, decoded(values["k"]))
        key.verify(pair, f"{head}.{claims}".encode(), ec.ECDSA(SHA256()))
        return values["k"], json.loads(decoded(claims))


class PushServer(LocalServer):
    """Use it as a context. pushed: every request that came, in its order; pushed_at: when, as time.time() has it."""

    def __init__(self, script: Scripted | None = None, delay_seconds: float = 0.0, port: int = 0) -> None:
        super().__init__(delay_seconds, port)
        self.pushed: list[Pushed] = []
        self.pushed_at: list[float] = []
        self._script = script

    def post(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        """Take a notification, as the script says."""
        with self.lock:
            self.pushed.append(Pushed(request.path, dict(request.headers), body))
            self.pushed_at.append(time.time())
            number = len(self.pushed)
        found = self._script(request.path, number) if self._script else 201
        self.take_time()
        if not self.fails(request, found):
            status, headers, said = found if isinstance(found, tuple) else (found or 201, {}, b"")
            self.say(request, status, said, headers)
