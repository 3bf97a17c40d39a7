"""Signatures, checked by another implementation (dkimpy) with the key we would publish."""

import dkim as dkimpy
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from app.channels.dkim import DkimKey, Signer, dns_record, generate_key
from app.kernel.errors import InvalidInput
from tests.channels.emails import rendered

MESSAGE = (
    b"Date: Mon, 23 Nov 2026 10:00:00 +0000\r\nFrom: Shop <news@shop.example>\r\nTo: <anna@example.com>\r\n"
    b"Subject: =?utf-8?b?w6Q=?=\r\n folded   here\r\nMessage-ID: <1.2.x@shop.example>\r\n"
    b"List-Unsubscribe: <https://t.example/u/x>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    b'Feedback-ID: 1:1:email:muster\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset="utf-8"\r\n\r\n'
    b"Hello  \t you \r\n\tand you\r\n \r\nend  \r\n\r\n\r\n"
)


def pem_of(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


RSA_PEM = generate_key()
ED25519_PEM = pem_of(ed25519.Ed25519PrivateKey.generate())


@pytest.fixture(params=[RSA_PEM, ED25519_PEM], ids=["rsa", "ed25519"])
def key(request: pytest.FixtureRequest) -> DkimKey:
    return DkimKey("shop.example", "s1", request.param)


def verifies(message: bytes, key: DkimKey) -> bool:
    asked: list[bytes] = []

    def dns(name: bytes, timeout: int = 5) -> bytes:
        asked.append(name)
        return dns_record(key).encode()

    valid: bool = dkimpy.verify(message, dnsfunc=dns)
    assert asked in ([], [key.dns_name.encode() + b"."])
    return valid


@pytest.mark.parametrize(
    "message",
    [
        MESSAGE,
        MESSAGE.partition(b"\r\n\r\n")[0] + b"\r\n\r\n",
        MESSAGE.partition(b"\r\n\r\n")[0] + b"\r\n\r\nno line end",
        MESSAGE.partition(b"\r\n\r\n")[0] + b"\r\n\r\n \t\r\n\r\n",
        MESSAGE.replace(b"Date:", b"Reply-To: <r@shop.example>\r\nDate:"),
    ],
    ids=["whole", "no-body", "no-line-end", "blank-body", "reply-to"],
)
def test_a_signed_message_verifies(message: bytes, key: DkimKey) -> None:
    assert verifies(Signer(key).sign(message) + message, key)


def test_a_rendered_message_verifies(key: DkimKey) -> None:
    html = "<p>Ä {{ first_name }}  \t </p>\n\n.\n" + "x " * 200
    message = rendered({"first_name": " \r\n.\t "}, subject="Grüße " * 20, html=html, from_name="Ä").raw
    assert verifies(Signer(key).sign(message) + message, key)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Hello", b"Hallo"),
        (b"Shop <news@", b"Shop <evil@"),
        (b"anna@example.com", b"bert@example.com"),
        (b"here\r\n", b"there\r\n"),
        (b"10:00:00", b"10:00:01"),
        (b"<1.2.x@", b"<1.2.y@"),
        (b"https://t.example/u/x", b"https://e.example/u/x"),
        (b"One-Click", b"Two-Click"),
        (b"1:1:email", b"2:1:email"),
        (b"text/plain", b"text/html"),
        (b"MIME-Version: 1.0", b"MIME-Version: 1.1"),
        (b"Date:", b"From: Evil <evil@shop.example>\r\nDate:"),
        (b"Date:", b"Reply-To: <evil@evil.example>\r\nDate:"),
    ],
)
def test_a_changed_message_does_not_verify(old: bytes, new: bytes, key: DkimKey) -> None:
    assert MESSAGE.count(old) == 1
    assert not verifies(Signer(key).sign(MESSAGE) + MESSAGE.replace(old, new), key)


def test_refolding_on_the_way_does_no_harm(key: DkimKey) -> None:
    changed = MESSAGE.replace(b"\r\n folded   here", b" folded\r\n\there").replace(b"  \t you", b" you")
    assert verifies(Signer(key).sign(MESSAGE) + changed, key)


def test_a_second_sender_would_break_the_signature(key: DkimKey) -> None:
    assert b" h=from:from:to:" in Signer(key).sign(MESSAGE)


def test_signature_lines_stay_short(key: DkimKey) -> None:
    field = Signer(key).sign(MESSAGE)
    assert field.startswith(b"DKIM-Signature: v=1;")
    assert field.endswith(b"\r\n")
    assert max(map(len, field.split(b"\r\n"))) <= 118
    assert all(line[:1] == b" " for line in field.rstrip(b"\r\n").split(b"\r\n")[1:])


def test_the_domain_of_a_signature_is_punycode() -> None:
    key = DkimKey("bücher.example", "s1", ED25519_PEM)
    assert key.dns_name == "s1._domainkey.xn--bcher-kva.example"
    assert verifies(Signer(key).sign(MESSAGE) + MESSAGE, key)


def test_a_key_is_never_shown() -> None:
    assert "PRIVATE" not in repr(DkimKey("shop.example", "s1", RSA_PEM))


@pytest.mark.parametrize(
    ("domain", "selector", "pem", "field"),
    [
        ("shop.example", "s1", "nonsense", "dkim_key"),
        ("shop.example", "s1", "", "dkim_key"),
        ("shop.example", "s1", "schlüssel", "dkim_key"),
        ("shop.example", "s1", pem_of(ec.generate_private_key(ec.SECP256R1())), "dkim_key"),
        ("shop.example", "", RSA_PEM, "dkim_selector"),
        ("shop.example", "s1\r\nX: y", RSA_PEM, "dkim_selector"),
        ("shop.example", "s1; d=evil.example", RSA_PEM, "dkim_selector"),
        ("shop.example\r\nX: y", "s1", RSA_PEM, "dkim_domain"),
        ("shop", "s1", RSA_PEM, "dkim_domain"),
    ],
)
def test_a_key_that_cannot_be_used_is_refused(domain: str, selector: str, pem: str, field: str) -> None:
    with pytest.raises(InvalidInput) as error:
        Signer(DkimKey(domain, selector, pem))
    assert error.value.field == field


def test_a_key_with_a_password_is_refused() -> None:
    locked = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    )
    with pytest.raises(InvalidInput, match="without a password"):
        Signer(DkimKey("shop.example", "s1", locked.decode()))
