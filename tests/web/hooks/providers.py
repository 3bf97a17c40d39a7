"""Providers of e-mail as they call us: each signs with keys that were made here."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from app.providers import sendgrid

TOPIC = "arn:aws:sns:eu-central-1:123456789012:receipts"
CERTIFICATE = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem"
CONFIRM = "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&Token=abc"
SECRET = "a signing key of some length"
SNS_ORDER = ("Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


@cache
def sns_key() -> rsa.RSAPrivateKey:
    """What Amazon SNS signs with."""
    return rsa.generate_private_key(65537, 2048)


@cache
def certificate(days_left: int = 30) -> bytes:
    """Its certificate in PEM."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(sns_key().public_key())
    made = made.serial_number(1).not_valid_before(now - timedelta(days=90)).not_valid_after(now + timedelta(days_left))
    return made.sign(sns_key(), SHA256()).public_bytes(Encoding.PEM)


def sns(told: Any = None, *, version: str = "2", **values: Any) -> dict[str, Any]:
    """A signed message of SNS; told: what SES says."""
    message = {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Message": told if isinstance(told, str) else json.dumps(told),
        "Timestamp": "2026-11-26T03:00:00.000Z",
        "SignatureVersion": version,
        "SigningCertURL": CERTIFICATE,
        **values,
    }
    text = "".join(f"{name}\n{message[name]}\n" for name in SNS_ORDER if name in message)
    signature = sns_key().sign(text.encode(), PKCS1v15(), SHA1() if version == "1" else SHA256())
    return {**message, "Signature": base64.b64encode(signature).decode()}


@cache
def sendgrid_key() -> ec.EllipticCurvePrivateKey:
    """What SendGrid signs with."""
    return ec.generate_private_key(ec.SECP256R1())


def sendgrid_public_key() -> str:
    """Its public half, as SendGrid's page shows it."""
    made = sendgrid_key().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(made).decode()


def sendgrid_headers(body: bytes, at: datetime | None = None) -> dict[str, str]:
    """The signature of SendGrid over this body."""
    stamp = str(int((at or datetime.now(UTC)).timestamp()))
    signature = sendgrid_key().sign(stamp.encode() + body, ec.ECDSA(SHA256()))
    return {sendgrid.SIGNATURE: base64.b64encode(signature).decode(), sendgrid.TIMESTAMP: stamp}


def mailgun(
    event: dict[str, Any], *, token: str = "one", at: datetime | None = None, key: str = SECRET
) -> dict[str, Any]:
    """A signed report of Mailgun."""
    stamp = str(int((at or datetime.now(UTC)).timestamp()))
    signature = hmac.new(key.encode(), f"{stamp}{token}".encode(), hashlib.sha256).hexdigest()
    return {"signature": {"timestamp": stamp, "token": token, "signature": signature}, "event-data": event}


def basic(user: str = "muster", password: str = SECRET) -> dict[str, str]:
    """The header with which Postmark shows the password."""
    return {"Authorization": f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}
