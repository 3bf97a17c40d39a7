"""SMTP accounts: what is refused, how secrets are kept, and the test e-mail to a real server."""

from collections.abc import Iterator
from email import policy
from email.parser import BytesParser
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from flask import Flask
from sqlalchemy import func, select

from app.channels import service as channels
from app.channels.contract import Outcome, Security
from app.channels.models import SmtpAccount
from app.extensions import db
from app.kernel import clock
from app.kernel.crypto import CannotOpen, sealer
from app.kernel.db import transaction
from app.kernel.errors import InvalidInput, NotFound
from tests import factories
from tests.conftest import free_port

BAD: list[Any] = [
    # id, values, field, words
    ("no name", {"name": " "}, "name", "Give the account a name"),
    ("long name", {"name": "x" * 121}, "name", "at most 120"),
    ("name in two lines", {"name": "a\r\nb"}, "name", "one line"),
    ("sender's name in two lines", {"from_name": "Shop\r\nBcc: x@y.example"}, "from_name", "one line"),
    ("no host", {"host": None}, "host", "name of the mail server"),
    ("address as host", {"host": "https://smtp.shop.example/"}, "host", "name of the mail server"),
    ("host with port", {"host": "smtp.shop.example:587"}, "host", "name of the mail server alone"),
    ("two hosts", {"host": "a.example b.example"}, "host", "name of the mail server"),
    ("host with a line break", {"host": "a.example\r\nRSET"}, "host", "one line"),
    *((f"port {bad!r}", {"port": bad}, "port", "from 1 to 65535") for bad in (0, -1, 65536, "25", 2.5, True)),
    *((f"{bad!r} connections", {"max_connections": bad}, "max_connections", "1 to 200") for bad in (0, 201, "x")),
    ("no messages", {"messages_per_connection": 0}, "messages_per_connection", "1 to 100000"),
    *((f"{name} 0", {name: 0}, name, "from 1 to 10000000") for name in channels.LIMITS),
    ("limit as text", {"per_day": "many"}, "per_day", "leave it empty"),
    ("no sender", {"from_email": None}, "from_email", "no e-mail address"),
    ("sender without domain", {"from_email": "news"}, "from_email", "@ sign"),
    ("sender with a header", {"from_email": "a@b.example\r\nBcc: c@d.example"}, "from_email", "line break"),
    ("reply to nowhere", {"reply_to": "nowhere"}, "reply_to", "@ sign"),
    ("unknown sign-in", {"auth": "cram-md5"}, "auth", "auto, plain, login, xoauth2"),
    ("user without password", {"username": "shop"}, "secret", "password that goes with the user name"),
]


@pytest.mark.parametrize(("values", "field", "words"), [pytest.param(*case[1:], id=case[0]) for case in BAD])
def test_a_bad_value_is_refused_on_its_field(app: Flask, values: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as caught, transaction():
        factories.account(**values)
    assert caught.value.field == field
    assert db.session.scalar(select(func.count()).select_from(SmtpAccount)) == 0


@pytest.mark.parametrize(
    "secret",
    ["two\nlines", "NUL\0", "half \ud800 a character", "x" * 901, "ż" * 451],
    ids=lambda text: ascii(text)[:12],
)
def test_a_secret_that_cannot_be_kept_is_refused(app: Flask, secret: str) -> None:
    with pytest.raises(InvalidInput, match="at most 900 bytes") as caught:
        factories.account(secret=secret)
    assert caught.value.field == "secret"
    assert secret not in str(caught.value)


def test_an_account_is_stored_as_it_is_used(app: Flask) -> None:
    made = SmtpAccount(
        name="  Shop ", host=" smtp.shop.example ", from_email=" News@SHOP.example ", reply_to="", auth="PLAIN"
    )
    with transaction():
        channels.prepare_account(made)
        db.session.add(made)
    db.session.refresh(made)
    assert (made.name, made.host, made.from_email) == ("Shop", "smtp.shop.example", "news@shop.example")
    assert (made.reply_to, made.auth, made.from_name, made.username) == (None, "plain", "", "")
    assert (made.port, made.max_connections, made.messages_per_connection) == (587, 8, 500)
    assert made.security is Security.STARTTLS
    assert made.created_at == made.changed_at


@pytest.mark.parametrize("host", ["localhost", "10.0.0.1", "::1", "2001:db8::25", "mail-1.shop.example"])
def test_hosts_by_name_and_by_number(app: Flask, host: str) -> None:
    assert factories.account(host=host).host == host


def test_a_taken_name_is_refused(app: Flask) -> None:
    first = factories.account(name="Shop")
    with pytest.raises(InvalidInput, match="Another account has this name") as caught:
        factories.account(name="Shop ")
    assert caught.value.field == "name"
    channels.prepare_account(first)  # its own name is no other's


def test_what_is_not_there_is_not_found(app: Flask) -> None:
    with pytest.raises(NotFound):
        channels.get_account(999)


# --- secrets


@pytest.mark.parametrize("secret", ["correct horse", "zażółć", "x" * 900, " blanks "])
def test_a_secret_is_sealed_and_opened_for_its_account(app: Flask, secret: str) -> None:
    with transaction():
        made = factories.account(secret=secret, username="shop")
    db.session.refresh(made)
    assert made.secret_sealed is not None and secret.encode() not in made.secret_sealed
    settings = channels.settings_of(made)
    assert (settings.secret, settings.username) == (secret, "shop")
    assert secret not in repr(settings)


def test_a_secret_of_another_account_does_not_open(app: Flask) -> None:
    one, two = factories.account(secret="one"), factories.account(secret="two")
    two.secret_sealed = one.secret_sealed
    with pytest.raises(CannotOpen):
        channels.settings_of(two)


@pytest.mark.parametrize("kept", [None, ""])
def test_saving_without_a_secret_keeps_the_old_one(app: Flask, kept: str | None) -> None:
    made = factories.account(secret="old")
    channels.prepare_account(made, kept)
    assert channels.settings_of(made).secret == "old"
    channels.prepare_account(made, "new")
    assert channels.settings_of(made).secret == "new"


def test_without_a_secret_nothing_is_opened(app: Flask) -> None:
    assert channels.settings_of(factories.account()).secret == ""


def test_saving_clears_the_pause_and_the_breaker(app: Flask) -> None:
    made = factories.account()
    made.paused_reason, made.breaker_open_until, made.breaker_open_seconds = "535", clock.utcnow(), 60
    channels.prepare_account(made)
    assert (made.paused_reason, made.breaker_open_until, made.breaker_open_seconds) == (None, None, 0)


def test_the_name_of_our_machine_is_that_of_the_sender(app: Flask) -> None:
    assert channels.settings_of(factories.account(from_email="news@bücher.example")).helo == "xn--bcher-kva.example"


def test_an_account_signs_only_with_a_whole_key(app: Flask) -> None:
    key = generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    made = factories.account()
    assert channels.signer_of(made) is None
    made.dkim_domain, made.dkim_selector = "shop.example", "s1"
    assert channels.signer_of(made) is None
    made.dkim_key_sealed = sealer("secret").seal(pem, made.uid)
    signer = channels.signer_of(made)
    assert signer is not None
    assert b"d=shop.example; s=s1" in signer.sign(b"From: news@shop.example\r\n\r\nbody\r\n")


# --- the test e-mail


class Mailbox:
    """Keeps what a mail server got."""

    def __init__(self) -> None:
        self.got: list[Envelope] = []

    async def handle_DATA(self, _server: object, _session: object, envelope: Envelope) -> str:
        self.got.append(envelope)
        return "250 2.0.0 taken"


@pytest.fixture()
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    box, port = Mailbox(), free_port()
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    yield box, port
    server.stop()


@pytest.mark.parametrize("from_name", ["Zażółć, Shop", 'The "best" Shop, Ltd', "Shop", "", "a\\b", "x@y.example"])
def test_the_test_email_arrives_whole(app: Flask, mailbox: tuple[Mailbox, int], from_name: str) -> None:
    box, port = mailbox
    with transaction():
        account_id = factories.account(name=".Żółty dot", port=port, from_name=from_name).id
    report = channels.send_test_message(account_id, " Anna@People.example ")
    assert report.result.outcome is Outcome.ACCEPTED
    assert any("250 2.0.0 taken" in line for line in report.transcript)
    [envelope] = box.got
    assert (envelope.mail_from, envelope.rcpt_tos) == ("news@shop.example", ["anna@people.example"])
    assert isinstance(envelope.content, bytes)
    message = BytesParser(policy=policy.default).parsebytes(envelope.content)
    assert [(each.display_name, each.addr_spec) for each in message["From"].addresses] == [
        (from_name, "news@shop.example")
    ]
    assert message["To"] == "anna@people.example"
    assert message["Date"] is not None and message["Message-ID"] is not None
    body = message.get_body()
    assert body is not None
    assert "SMTP account .Żółty dot.\n" in body.get_content().replace("\r\n", "\n")


def test_no_transaction_is_open_while_the_server_is_spoken_to(app: Flask, mailbox: tuple[Mailbox, int]) -> None:
    _, port = mailbox
    with transaction():
        account_id = factories.account(port=port).id
    channels.send_test_message(account_id, "anna@people.example")
    assert not db.session.registry().in_transaction()


def test_a_server_that_is_not_there_is_reported_not_raised(app: Flask) -> None:
    with transaction():
        account_id = factories.account(port=free_port()).id
    report = channels.send_test_message(account_id, "anna@people.example")
    assert report.result.outcome is Outcome.NOT_TRANSMITTED


def test_a_test_to_nobody_is_refused(app: Flask) -> None:
    account_id = factories.account().id
    with pytest.raises(InvalidInput) as caught:
        channels.send_test_message(account_id, "nobody")
    assert caught.value.field == "to"


def test_a_line_that_begins_with_a_dot_is_stuffed(app: Flask) -> None:
    made = factories.account(from_name=".dot")
    content = channels.test_message(made, "anna@people.example", clock.utcnow()).content
    assert content.endswith(b"\r\n")
    assert not [line for line in content.split(b"\r\n") if line.startswith(b".") and not line.startswith(b"..")]
    assert b"\n" not in content.replace(b"\r\n", b"")
