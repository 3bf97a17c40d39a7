"""What only a person's browser can read (RFC 8291 over RFC 8188), and who we are for its push service (RFC 8292).

Pure, beside the randomness that a caller may give.
"""

import json
import os
import struct
from base64 import urlsafe_b64encode
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.channels.contract import Device

CURVE = ec.SECP256R1()
RECORD_BYTES = 4096
TOKEN_SECONDS = 12 * 3600  # a push service takes none that lasts longer than a day
LAST_RECORD = b"\x02"


def encrypt(
    plain: bytes, device: Device, salt: bytes | None = None, once: ec.EllipticCurvePrivateKey | None = None
) -> bytes:
    """The body of a push message: one record of aes128gcm.

    salt: 16 random bytes, once: a key for this message alone; both are made when they are not given.
    Raises ValueError when the device's key is no point of the curve.
    """
    salt, once = salt or os.urandom(16), once or ec.generate_private_key(CURVE)
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, device.p256dh)
    ours = _point(once.public_key())
    shared = once.exchange(ec.ECDH(), theirs)
    secret = _derived(shared, device.auth, b"WebPush: info\0" + device.p256dh + ours, 32)
    key = _derived(secret, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derived(secret, salt, b"Content-Encoding: nonce\0", 12)
    sealed = AESGCM(key).encrypt(nonce, plain + LAST_RECORD, None)
    return salt + struct.pack(">IB", RECORD_BYTES, len(ours)) + ours + sealed


def _derived(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(secret)


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


class Vapid:
    """Signs us in at push services with one key. subject: the address at which they find us."""

    def __init__(self, private_key: bytes, subject: str) -> None:
        self._key = ec.derive_private_key(int.from_bytes(private_key, "big"), CURVE)
        self._public = _text(_point(self._key.public_key()))
        self._subject = subject
        self._kept: dict[str, tuple[float, str]] = {}

    def header(self, endpoint: str, now: float) -> str:
        """The Authorization header for the push service of this address; now: seconds since 1970.

        A signature is kept for half of its life, because it costs more than the encryption.
        """
        parts = urlsplit(endpoint)
        audience = f"{parts.scheme}://{parts.netloc}"
        until, header = self._kept.get(audience, (0.0, ""))
        if until < now:
            header = f"vapid t={self._token(audience, int(now))}, k={self._public}"
            self._kept[audience] = (now + TOKEN_SECONDS / 2, header)
        return header

    def _token(self, audience: str, now: int) -> str:
        head = {"typ": "JWT", "alg": "ES256"}
        claims = {"aud": audience, "exp": now + TOKEN_SECONDS, "sub": self._subject}
        signed = ".".join(_text(json.dumps(each, separators=(",", ":")).encode()) for each in (head, claims))
        r, s = decode_dss_signature(self._key.sign(signed.encode(), ec.ECDSA(SHA256())))
        return f"{signed}.{_text(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"
