"""TLS and sign-in: what is proved, what is refused, and that nothing is ever weakened."""

import pytest

from app.channels.contract import Fault, Outcome, RunReport, Security
from app.providers.smtp import SmtpTransport
from app.providers.smtp_opening import Say, Wait, is_loopback, open_session
from app.providers.smtp_replies import ConnectionFailed, Reply
from tests.providers.helpers import Batch, Certificates, messages, settings
from tests.providers.script import Answer, Moment, Script, at
from tests.providers.servers import Server

STARTTLS, TLS, NONE = Security.STARTTLS, Security.TLS, Security.NONE


def send(server: Server, count: int = 5, **changes: object) -> tuple[RunReport, Batch]:
    batch = Batch(messages(count))
    report = SmtpTransport(settings(server.port, **changes)).run(batch, 2)
    batch.assert_each_was_reported_once()
    return report, batch


def assert_refused(report: RunReport, batch: Batch, server: Server) -> None:
    """A person must act; nobody was burned; nothing but the opening was said."""
    assert report.fault is Fault.SENDER
    assert report.detail
    assert set(batch.counts) == {Outcome.NOT_TRANSMITTED}
    assert len(server.visits) == 1
    assert not {"MAIL", "AUTH"} & set(server.visits[0].verbs)


@pytest.mark.parametrize("security", [STARTTLS, TLS])
@pytest.mark.parametrize("size", [100, 40_000, 3_000_000])
def test_messages_travel_encrypted(security: Security, size: int, certificates: Certificates) -> None:
    script = Script(tls=certificates.good, implicit_tls=security is TLS)
    sent = messages(6, text="x" * size)
    with Server(script) as server:
        changes = {"security": security, "ca_file": certificates.ca_file}
        report = SmtpTransport(settings(server.port, **changes)).run(Batch(sent), 2)
        server.wait_until_over()
    assert report == RunReport(6)
    assert all(visit.is_tls for visit in server.visits if visit.messages)
    assert {each.content for each in server.accepted} == {each.content for each in sent}


@pytest.mark.parametrize("security", [STARTTLS, TLS])
def test_a_certificate_for_another_name_is_refused(security: Security, certificates: Certificates) -> None:
    with Server(Script(tls=certificates.wrong_name, implicit_tls=security is TLS)) as server:
        report, batch = send(server, security=security, ca_file=certificates.ca_file)
    assert report.fault is Fault.SENDER
    assert "certificate" in report.detail
    assert set(batch.counts) == {Outcome.NOT_TRANSMITTED}
    assert not server.messages


@pytest.mark.parametrize("security", [STARTTLS, TLS])
def test_a_certificate_of_an_unknown_authority_is_refused(security: Security, certificates: Certificates) -> None:
    with Server(Script(tls=certificates.good, implicit_tls=security is TLS)) as server:
        report, _ = send(server, security=security)
    assert report.fault is Fault.SENDER
    assert "certificate" in report.detail
    assert not server.messages


@pytest.mark.parametrize("rules", [[], [at("EHLO", "500 What?")]], ids=["ehlo", "helo"])
def test_without_an_offer_of_starttls_nothing_is_sent(rules: list, certificates: Certificates) -> None:
    with Server(Script(auth="PLAIN", rules=rules)) as server:
        report, batch = send(server, security=STARTTLS, username="user", secret="secret")
        assert_refused(report, batch, server)


@pytest.mark.parametrize(("reply", "fault"), [("454 4.7.0 Not now", Fault.PROVIDER), ("502 No", Fault.SENDER)])
def test_a_refused_starttls_is_never_gone_around(reply: str, fault: Fault, certificates: Certificates) -> None:
    with Server(Script(tls=certificates.good, rules=[at("STARTTLS", reply)])) as server:
        report, batch = send(server, security=STARTTLS, ca_file=certificates.ca_file)
    assert report.fault is fault
    assert not server.messages
    assert set(batch.counts) == {Outcome.NOT_TRANSMITTED}


def test_tls_to_a_server_that_speaks_plainly_is_a_fault_of_the_settings() -> None:
    with Server() as server:
        report, batch = send(server, security=TLS, reply_timeout_seconds=0.5)
    assert report.fault is Fault.SENDER
    assert set(batch.counts) == {Outcome.NOT_TRANSMITTED}


def test_what_was_said_before_the_handshake_is_forgotten(certificates: Certificates) -> None:
    """A reply injected behind STARTTLS's would be taken for the answer to the encrypted EHLO, and shift all others."""
    injected = "220 Go\n250-evil.example\n250 AUTH XOAUTH2"
    with Server(Script(tls=certificates.good, auth="PLAIN", rules=[at("STARTTLS", injected)])) as server:
        report, _ = send(server, security=STARTTLS, ca_file=certificates.ca_file, username="user", secret="secret")
    assert report == RunReport(5)
    assert all("XOAUTH2" not in line for visit in server.visits for line in visit.lines)


def test_a_file_of_certificates_that_is_missing_is_a_fault_of_the_settings() -> None:
    with Server() as server:
        report, _ = send(server, security=TLS, ca_file="/nonexistent/ca.pem")
    assert report.fault is Fault.SENDER
    assert not server.visits


# --- sign-in


@pytest.mark.parametrize("offered", ["PLAIN", "LOGIN", "XOAUTH2", "CRAM-MD5 LOGIN PLAIN", "DIGEST-MD5 LOGIN"])
@pytest.mark.parametrize("secret", ["secret", "zażółć gęślą", "s" * 3000], ids=["short", "utf8", "token"])
def test_sign_in_takes_what_the_server_offers(offered: str, secret: str, certificates: Certificates) -> None:
    script = Script(tls=certificates.good, auth=offered, auth_needs_tls=True, username="shop", secret=secret)
    with Server(script) as server:
        report, _ = send(server, security=STARTTLS, ca_file=certificates.ca_file, username="shop", secret=secret)
    assert report == RunReport(5)


@pytest.mark.parametrize("mechanism", ["plain", "login", "xoauth2"])
def test_a_chosen_sign_in_is_used_or_refused(mechanism: str) -> None:
    with Server(Script(auth="PLAIN LOGIN XOAUTH2")) as server:
        report, _ = send(server, username="user", secret="secret", auth=mechanism)
        assert report == RunReport(5)
    assert f"AUTH {mechanism.upper()}" in server.visits[0].lines[1]
    with Server(Script(auth="GSSAPI")) as server:
        report, batch = send(server, username="user", secret="secret", auth=mechanism)
        assert_refused(report, batch, server)


def test_a_server_that_offers_no_sign_in_is_named_as_such() -> None:
    with Server(Script()) as server:
        report, batch = send(server, username="user", secret="secret")
        assert_refused(report, batch, server)
    assert report.detail.startswith("The server offers no sign-in. Choose STARTTLS or TLS")


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "XOAUTH2"])
def test_a_wrong_secret_is_tried_once_and_pauses_the_account(mechanism: str) -> None:
    with Server(Script(auth=mechanism)) as server:
        batch = Batch(messages(50))
        report = SmtpTransport(settings(server.port, username="user", secret="wrong")).run(batch, 20)
        server.wait_until_over()
    assert (report.fault, report.code) == (Fault.SENDER, "535 5.7.8")
    assert len(server.visits) == 1
    assert not server.messages
    assert all(result.fault is Fault.SENDER for result in batch.results.values())


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        ("454 4.7.0 Temporary trouble", Fault.PROVIDER),
        ("421 4.7.0 Try later", Fault.PROVIDER),
        ("530 5.7.0 STARTTLS first", Fault.SENDER),
        ("534 5.7.9 Too weak", Fault.SENDER),
        ("538 5.7.11 Encrypt", Fault.SENDER),
    ],
)
def test_a_refused_sign_in_is_about(reply: str, fault: Fault) -> None:
    with Server(Script(auth="PLAIN", rules=[at("AUTH", reply)])) as server:
        report, _ = send(server, username="user", secret="secret")
    assert (report.fault, report.code) == (fault, " ".join(reply.split()[:2]))


def test_a_server_that_wants_a_sign_in_without_an_account_is_a_fault_of_the_settings() -> None:
    with Server(Script(auth="PLAIN")) as server:
        report, batch = send(server)
    assert (report.fault, report.code) == (Fault.SENDER, "530 5.7.0")
    assert set(batch.counts) == {Outcome.NOT_TRANSMITTED}


def test_a_second_sign_in_refused_while_others_work_does_not_stop_them() -> None:
    def only_first(moment: Moment) -> Answer | None:
        return "535 5.7.8 One at a time" if moment.stage == "AUTH" and moment.connection > 1 else None

    with Server(Script(auth="PLAIN", rules=[only_first], reply_delay=0.002)) as server:
        report, _ = send(server, 100, username="user", secret="secret")
    assert report == RunReport(100)


@pytest.mark.parametrize(
    ("address", "expected"),
    [("127.0.0.1", True), ("127.8.9.1", True), ("::1", True), ("::ffff:127.0.0.1", True), ("fe80::1%eth0", False)]
    + [("10.0.0.1", False), ("198.51.100.7", False), ("::ffff:198.51.100.7", False)],
)
def test_this_machine_is_known_by_its_address(address: str, expected: bool) -> None:
    assert is_loopback(address) is expected


def test_a_secret_is_not_sent_in_clear_text_to_another_machine() -> None:
    dialogue = open_session(settings(25, username="user", secret="secret"), is_loopback=False)
    assert next(dialogue) is Wait.LISTEN
    assert dialogue.send(Reply(220, ("hello",))) == Say("EHLO localhost", "EHLO localhost")
    with pytest.raises(ConnectionFailed) as failure:
        dialogue.send(Reply(250, ("mx.example", "AUTH PLAIN LOGIN")))
    assert failure.value.fault is Fault.SENDER


@pytest.mark.parametrize("helo", ["", "two words", "evil\r\nMAIL", "zażółć", "x" * 300])
def test_a_name_for_ehlo_that_is_none_is_a_fault_of_the_settings(helo: str) -> None:
    with Server() as server:
        report, _ = send(server, helo=helo)
    assert report.fault is Fault.SENDER


def test_a_zero_byte_in_the_secret_is_a_fault_of_the_settings() -> None:
    with Server(Script(auth="PLAIN")) as server:
        report, batch = send(server, username="user", secret="a\0b")
        assert_refused(report, batch, server)
