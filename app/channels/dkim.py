"""DKIM signatures (RFC 6376, RFC 8463), relaxed/relaxed, over finished messages."""

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from app.channels.address import normalise_email
from app.kernel.errors import InvalidInput

# Signed whether present or not: what is absent cannot be added on the way. From stands twice, so that a second one
# breaks the signature (RFC 6376 8.15). RFC 8058 wants both List-Unsubscribe fields, Gmail's feedback loop Feedback-ID.
SIGNED = tuple(
    b"from from to subject date message-id reply-to mime-version content-type"
    b" list-unsubscribe list-unsubscribe-post feedback-id".split()
)
_SELECTOR = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)
_FOLD = re.compile(rb"\r\n(?=[ \t])")
_BLANKS = re.compile(rb"[ \t]+")
_LEAST_RSA_BITS = 1024  # RFC 8301; verifiers ignore what is shorter

PrivateKey = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class DkimKey:
    """A signing key and where its public half stands: <selector>._domainkey.<domain>."""

    domain: str
    selector: str
    private_key_pem: str = field(repr=False)

    @property
    def dns_name(self) -> str:
        """The name of the TXT record."""
        return f"{self.selector}._domainkey.{_domain(self.domain)}"


class Signer:
    """Signs messages with one key. Raises InvalidInput when the key or its names cannot be used."""

    def __init__(self, key: DkimKey) -> None:
        if not _SELECTOR.fullmatch(key.selector) or len(key.selector) > 63:
            raise InvalidInput(
                "The DKIM selector is a name such as s1, of letters, digits and -.", field="dkim_selector"
            )
        algorithm, self._sign = _signing(_load(key.private_key_pem))
        names = b":".join(SIGNED).decode("ascii").replace(":content-type", ":\r\n content-type")
        self._start = (
            f"v=1; a={algorithm}; c=relaxed/relaxed;\r\n d={_domain(key.domain)}; s={key.selector};\r\n"
            f" h={names};\r\n bh="
        ).encode("ascii")

    def sign(self, message: bytes) -> bytes:
        """The DKIM-Signature field, with its CRLF, to put before the message. CRLF lines, not dot-stuffed."""
        head, _, body = message.partition(b"\r\n\r\n")
        body_hash = base64.b64encode(sha256(_relaxed_body(body)).digest())
        value = self._start + body_hash + b";\r\n b="
        signed = _signed_fields(head) + b"dkim-signature:" + _relaxed_value(value)
        signature = base64.b64encode(self._sign(signed))
        lines = [signature[start : start + 72] for start in range(0, len(signature), 72)]
        return b"DKIM-Signature: " + value + b"\r\n ".join(lines) + b"\r\n"


def generate_key() -> str:
    """A new RSA key of 2048 bits, as PEM: the largest that fits one DNS string set everywhere."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return pem.decode("ascii")


def dns_record(key: DkimKey) -> str:
    """The text of the TXT record at key.dns_name. Longer than 255 characters: most DNS panels split it themselves."""
    private = _load(key.private_key_pem)
    if isinstance(private, rsa.RSAPrivateKey):
        der = private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return f"v=DKIM1; k=rsa; p={base64.b64encode(der).decode('ascii')}"
    raw = private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return f"v=DKIM1; k=ed25519; p={base64.b64encode(raw).decode('ascii')}"


def _domain(domain: str) -> str:
    try:
        return normalise_email(f"x@{domain}").rpartition("@")[2]
    except InvalidInput as error:
        raise InvalidInput("The DKIM domain must look like example.com.", field="dkim_domain") from error


def _load(pem: str) -> PrivateKey:
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InvalidInput(
            "This is not a private key in PEM form without a password (-----BEGIN PRIVATE KEY-----).", "dkim_key"
        ) from error
    if not isinstance(key, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey):
        raise InvalidInput("DKIM takes RSA and Ed25519 keys only. Make another key.", field="dkim_key")
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size < _LEAST_RSA_BITS:
        raise InvalidInput("This RSA key is too short to be accepted. Use one of 2048 bits.", field="dkim_key")
    return key


def _signing(key: PrivateKey) -> tuple[str, Callable[[bytes], bytes]]:
    if isinstance(key, rsa.RSAPrivateKey):
        scheme, digest = padding.PKCS1v15(), hashes.SHA256()
        return "rsa-sha256", lambda data: key.sign(data, scheme, digest)
    return "ed25519-sha256", lambda data: key.sign(sha256(data).digest())  # RFC 8463 3: the hash is signed


def _relaxed_value(value: bytes) -> bytes:
    return _BLANKS.sub(b" ", _FOLD.sub(b"", value)).strip(b" ")


def _signed_fields(head: bytes) -> bytes:
    """The fields of h= in canonical form; of several of one name the last is taken first (RFC 6376 5.4.2)."""
    fields: dict[bytes, list[bytes]] = {}
    for line in _FOLD.sub(b"", head).split(b"\r\n"):
        name, _, value = line.partition(b":")
        fields.setdefault(name.strip().lower(), []).append(value)
    lines: list[bytes] = []
    for name in SIGNED:
        if fields.get(name):
            lines.append(name + b":" + _relaxed_value(fields[name].pop()) + b"\r\n")
    return b"".join(lines)


def _relaxed_body(body: bytes) -> bytes:
    if not body.endswith(b"\r\n"):
        body += b"\r\n"
    body = body.replace(b"\t", b" ")
    while b"  " in body:
        body = body.replace(b"  ", b" ")
    body = body.replace(b" \r\n", b"\r\n").rstrip(b"\r\n")
    return body + b"\r\n" if body else b""
