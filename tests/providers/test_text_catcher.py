"""The small Twilio of the demo: takes what our transports send, reports to the panel here alone, and phones answer."""

import http.client
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from twilio.request_validator import RequestValidator

from app.channels.contract import GatewaySettings, Outcome, OutgoingText, ReadingProblem, Reason
from app.kernel import caught_texts, clock
from app.kernel.message_folder import newest_first
from app.providers import invented_phones, later, text_catcher
from app.providers.twilio_content import templates
from app.providers.twilio_history import messages_to
from app.providers.twilio_sms import TwilioTransport
from tests.conftest import free_port
from tests.providers.http_server import LocalServer
from tests.run.conftest import wait_for

ACCOUNT, TOKEN, SENDER = f"AC{'5' * 32}", "the token", "+12025550142"
PUBLIC = "https://muster.example"  # nobody may be called there
CALLBACK, WEBHOOK = f"{PUBLIC}/hooks/twilio/status/abc", f"{PUBLIC}/hooks/twilio/inbound/def"
PHONE, LOST, SAYS_STOP = "+447700900011", "+447700900078", "+447700900014"


class Panel(LocalServer):
    """Notes what it is told; refusals: the statuses that it answers first."""

    def __init__(self, *refusals: int) -> None:
        super().__init__()
        self.told: list[tuple[str, dict[str, str], str]] = []
        self.refusals, self.twiml = list(refusals), b"<Response/>"

    def post(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        """Take a form, or refuse it."""
        form = dict(parse_qsl(body.decode(), keep_blank_values=True))
        with self.lock:
            status = self.refusals.pop(0) if self.refusals else 200
            if status == 200:
                self.told.append((request.path, form, request.headers["X-Twilio-Signature"]))
        self.say(request, status, self.twiml)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Phones that take no time."""
    said = invented_phones.answer_of
    monkeypatch.setattr(invented_phones, "SENT_SECONDS", 0.0)
    monkeypatch.setattr(invented_phones, "seconds_until_told", lambda _phone: 0.001)
    monkeypatch.setattr(invented_phones, "answer_of", lambda phone: (said(phone)[0], 0.002))
    monkeypatch.setattr(later, "PAUSE_SECONDS", 0.01)


@pytest.fixture()
def told() -> Iterator[Panel]:
    """The panel on this machine."""
    with Panel() as server:
        yield server


@pytest.fixture()
def account(told: Panel, tmp_path: Path) -> Iterator[GatewaySettings]:
    """An account at the catcher, which keeps its messages in tmp_path."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with text_catcher.catching(port, tmp_path, told.url):
        yield GatewaySettings(ACCOUNT, ACCOUNT, SENDER, url, TOKEN, content_url=url)


def message(to: str = PHONE, body: str = "Zażółć", **values: str) -> OutgoingText:
    return OutgoingText(1, to, body, **values)


def kept(folder: Path) -> list[caught_texts.CaughtText]:
    """All that is kept, the oldest first."""
    found = [caught_texts.read(path) for path in reversed(newest_first(folder))]
    return [each for each in found if each is not None]


def test_a_message_is_kept_under_the_id_that_we_are_given(account: GatewaySettings, tmp_path: Path) -> None:
    picture = "http://127.0.0.1:8080/documents/a.png"
    report = TwilioTransport(account).send_one(message(media_url=picture))
    (text,) = kept(tmp_path)
    assert (report.result.outcome, report.result.provider_id) == (Outcome.ACCEPTED, text.sid)
    assert (text.account, text.sender, text.phone, text.text) == (ACCOUNT, SENDER, PHONE, "Zażółć")
    assert (text.picture_url, text.code, text.is_answer) == (picture, "", False)


def test_an_api_key_signs_in_for_its_account(account: GatewaySettings, tmp_path: Path) -> None:
    TwilioTransport(replace(account, username=f"SK{'5' * 32}")).send_one(message())
    assert [text.account for text in kept(tmp_path)] == [ACCOUNT]


def test_a_template_is_kept_with_its_values_and_only_an_approved_one(account: GatewaySettings, tmp_path: Path) -> None:
    found = {each.name: each for each in templates(account)}
    assert {each.status for each in found.values()} == {"approved", "pending", "rejected"}
    reminder = found["workshop_reminder"]
    assert reminder.variables == ("1", "2")
    values = '{"1": "Ada", "2": "Friday"}'
    send = TwilioTransport(replace(account, sender=f"whatsapp:{SENDER}")).send_one
    send(message(f"whatsapp:{PHONE}", values, content_sid=reminder.content_sid))
    assert kept(tmp_path)[0].text.startswith("Hello Ada, your workshop begins on Friday. ")
    for sid, body in (
        (found["birthday_present"].content_sid, values),
        ("HX0", values),
        (reminder.content_sid, "{"),
        (reminder.content_sid, "[]"),
    ):
        result = send(message(f"whatsapp:{PHONE}", body, content_sid=sid)).result
        assert (result.outcome, result.reason) == (Outcome.REFUSED, Reason.REJECTED_CONTENT)
    assert len(kept(tmp_path)) == 1


def test_reports_go_to_the_panel_here_signed_for_the_address_that_was_given(
    account: GatewaySettings, told: Panel
) -> None:
    sid = TwilioTransport(account).send_one(message(callback_url=CALLBACK)).result.provider_id
    wait_for("two reports", lambda: len(told.told) == 2)
    assert [form["MessageStatus"] for _path, form, _signature in told.told] == ["sent", "delivered"]
    for path, form, signature in told.told:
        assert (path, form["MessageSid"]) == ("/hooks/twilio/status/abc", sid)
        assert RequestValidator(TOKEN).validate(CALLBACK, form, signature)


def test_a_number_that_nobody_has_is_reported_as_lost(account: GatewaySettings, told: Panel, tmp_path: Path) -> None:
    TwilioTransport(account).send_one(message(LOST, callback_url=CALLBACK))
    wait_for("two reports", lambda: len(told.told) == 2)
    form = told.told[1][1]
    assert (form["MessageStatus"], form["ErrorCode"]) == ("undelivered", "30005")
    assert kept(tmp_path)[0].code == "30005"


def test_a_panel_that_is_not_ready_is_told_again(account: GatewaySettings, told: Panel) -> None:
    told.refusals = [503, 503, 404]  # what it does not know is not told again
    TwilioTransport(account).send_one(message(callback_url=CALLBACK))
    wait_for("one report", lambda: told.told and not told.refusals)
    assert len(told.told) == 1


def test_a_phone_answers_by_itself_where_a_webhook_was_noted(
    account: GatewaySettings, told: Panel, tmp_path: Path
) -> None:
    send = TwilioTransport(account).send_one
    caught_texts.set_webhooks(tmp_path, {SENDER: WEBHOOK, "whatsapp:": "elsewhere"})
    told.twiml = b"<Response><Message>Good bye &amp; all the best</Message></Response>"
    send(message(PHONE))  # one who says nothing
    send(message(SAYS_STOP))
    wait_for("an answer", lambda: len(kept(tmp_path)) == 4)
    (path, form, signature) = told.told[-1]
    assert path == "/hooks/twilio/inbound/def"
    assert RequestValidator(TOKEN).validate(WEBHOOK, form, signature)
    mine, back = kept(tmp_path)[-2:]
    assert (form["From"], form["To"], form["Body"], form["MessageSid"]) == (SAYS_STOP, SENDER, "STOP", mine.sid)
    assert (mine.text, mine.is_answer, back.text, back.is_answer) == ("STOP", True, "Good bye & all the best", False)
    assert [text.text for _path, text in caught_texts.between(tmp_path, mine)] == ["Zażółć", "STOP", back.text]


def test_nobody_is_told_of_an_answer_to_a_sender_without_a_webhook(
    account: GatewaySettings, told: Panel, tmp_path: Path
) -> None:
    send = TwilioTransport(account).send_one
    caught_texts.set_webhooks(tmp_path, {"another": WEBHOOK})
    for number, phone in enumerate((SAYS_STOP, PHONE), 1):  # what comes later is told later
        send(message(phone, callback_url=CALLBACK))
        wait_for("its reports", lambda number=number: len(told.told) == 2 * number)
    assert len(kept(tmp_path)) == 2


def test_a_visitor_answers_in_the_place_of_a_phone(account: GatewaySettings, told: Panel, tmp_path: Path) -> None:
    text_catcher.answer(account, WEBHOOK, PHONE, "Jak najszybciej, proszę")
    (text,) = kept(tmp_path)
    assert (text.phone, text.sender, text.text, text.is_answer) == (PHONE, SENDER, "Jak najszybciej, proszę", True)
    assert RequestValidator(TOKEN).validate(WEBHOOK, *told.told[0][1:])


def test_an_answer_that_the_panel_does_not_take_is_not_kept(
    account: GatewaySettings, told: Panel, tmp_path: Path
) -> None:
    told.refusals = [403]
    with pytest.raises(OSError, match="status 403"):
        text_catcher.answer(account, WEBHOOK, PHONE, "STOP")
    told.__exit__(None, None, None)
    with pytest.raises(OSError, match="status 502"):
        text_catcher.answer(account, WEBHOOK, PHONE, "STOP")
    assert kept(tmp_path) == []


def test_it_remembers_what_a_number_was_sent(account: GatewaySettings) -> None:
    send, today = TwilioTransport(account).send_one, clock.utcnow().date()
    first, second = send(message(body="one")), send(message(LOST, body="two"))
    send(OutgoingText(3, f"whatsapp:{PHONE}", "three"))
    text_catcher.answer(account, WEBHOOK, PHONE, "not ours")
    (found,) = messages_to(account, PHONE, today)
    assert (found.provider_id, found.body, found.status) == (first.result.provider_id, "one", "delivered")
    assert abs((clock.utcnow() - found.at).total_seconds()) < 10
    (lost,) = messages_to(account, LOST, today)
    assert (lost.provider_id, lost.status, lost.code) == (second.result.provider_id, "undelivered", "30005")
    assert messages_to(account, PHONE, today.replace(year=today.year + 1)) == []


def test_who_does_not_sign_in_gets_nothing(account: GatewaySettings, tmp_path: Path) -> None:
    client = http.client.HTTPConnection("127.0.0.1", int(account.base_url.rsplit(":", 1)[1]), timeout=5)
    place = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    pairs = [{}, {"Authorization": "Basic !"}, {"Authorization": "Basic QUM="}, {"Authorization": "Bearer QUM6YQ=="}]
    for headers in pairs:
        for method, path in (("POST", place), ("GET", place), ("POST", "/answers"), ("GET", "/v1/ContentAndApprovals")):
            client.request(method, path, f"To={PHONE}&Body=a" if method == "POST" else None, headers)
            answer = client.getresponse()
            answer.read()
            assert answer.status == 401
    signed = {"Authorization": "Basic QUM6YQ=="}
    for method, path, body, status in (
        ("POST", "/elsewhere", "To=1", 404),
        ("GET", "/elsewhere", None, 404),
        ("POST", place, "Body=a", 400),
        ("POST", place, "x" * 70_000, 413),
    ):
        client.request(method, path, body, signed)
        answer = client.getresponse()
        answer.read()
        assert answer.status == status
    client.close()
    assert kept(tmp_path) == []
    with pytest.raises(ReadingProblem, match="401"):
        templates(replace(account, secret=""))


def test_a_full_disk_is_an_answer(account: GatewaySettings, tmp_path: Path) -> None:
    for path in tmp_path.iterdir():
        path.unlink()
    tmp_path.rmdir()
    result = TwilioTransport(account).send_one(message()).result
    assert result.outcome is Outcome.NOT_TRANSMITTED
    tmp_path.mkdir()
