"""The inbox of the demo: only there, newest first, searched, harmless whatever a mail holds, and answered."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app import create_app
from app.audience.models import Reply
from app.channels import gateways
from app.channels.contract import Channel, GatewaySettings
from app.channels.gateways import PREFIXES
from app.channels.models import Gateway
from app.extensions import db
from app.kernel import clock
from app.kernel.caught_texts import CaughtText
from app.kernel.db import transaction
from app.kernel.message_folder import TEXT, MessageWriter
from app.sending import replies
from app.sending.replies import Inbound
from jobs import runtime
from tests import factories
from tests.conftest import empty
from tests.web.conftest import Browser, SignIn, add_person
from tests.web.conftest import sign_in as sign_in


@pytest.fixture()
def panel(settings: dict[str, Any], tmp_path: Path) -> Iterator[Flask]:
    """The whole app in demo mode."""
    own = {"DEMO": True, "INSTANCE": tmp_path, "WTF_CSRF_ENABLED": False, "RATELIMIT_ENABLED": False}
    made = create_app(settings | own, with_panel=True)
    runtime.use_app(made)
    with made.app_context():
        yield made
        empty(made)
        db.engine.dispose()


Catch = Callable[..., str]


@pytest.fixture()
def catch(tmp_path: Path) -> Catch:
    """Put a mail into the folder of the catcher."""
    writer = MessageWriter(tmp_path / "mails")

    def put(to: str, subject: str, text: str = "Hello", page: str = "") -> str:
        made = EmailMessage()
        made["Delivered-To"], made["Subject"] = to, subject
        made.set_content(text)
        if page:
            made.add_alternative(page, subtype="html")
        return writer.add(made.as_bytes())

    return put


def test_the_newest_come_first_and_are_found(manager: Browser, catch: Catch) -> None:
    for number in range(60):
        catch(f"person{number:02d}@people.example", f"Żółw {number:02d}")
    first = manager.get("/inbox/").text
    assert first.index("person59@") < first.index("person58@")
    assert "person09@" not in first
    assert "person09@" in manager.get("/inbox/?page=1").text
    found = manager.get("/inbox/", query_string={"q": "żÓŁW 07"}).text
    assert "person07@" in found
    assert "person08@" not in found
    assert "No message has these words" in manager.get("/inbox/?q=nobody").text


def test_a_mail_is_shown_where_it_can_do_nothing(manager: Browser, catch: Catch) -> None:
    name = catch("ada@people.example", "<b>Hi</b>", "the text", '<script>alert("1")</script><p>the page</p>')
    page = manager.get(f"/inbox/{name}").text
    assert "<b>Hi</b>" not in page
    assert '<script>alert("1")' not in page
    frame = page[page.index("<iframe ") :].split(">", 1)[0]
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in frame
    framed = manager.get(f"/inbox/{name}/html")
    assert '<script>alert("1")</script><p>the page</p>' in framed.text
    assert framed.headers["Content-Security-Policy"].startswith("sandbox allow-popups allow-popups-to-escape-sandbox; ")
    assert "default-src 'none'" in framed.headers["Content-Security-Policy"]
    assert "the text" in page


def test_a_damaged_mail_is_shown_all_the_same(manager: Browser, tmp_path: Path) -> None:
    raw = (
        b"Delivered-To: a@b.example\nSubject: =?utf-8?b?/////?=\nContent-Type: text/plain; charset=nonsense\n\n\xff\xfe"
    )
    name = MessageWriter(tmp_path / "mails").add(raw)
    assert manager.get("/inbox/").status_code == 200
    assert manager.get(f"/inbox/{name}").status_code == 200


def test_other_files_and_pages_are_not_there(manager: Browser) -> None:
    for path in ("/inbox/keyring.json", "/inbox/..%2fkeyring.json", "/inbox/?page=x", "/inbox/?page=-1"):
        assert manager.get(path).status_code == 404, path
    assert "Nothing was caught yet" in manager.get("/inbox/").text


def test_only_who_may_sees_it(panel: Flask, sign_in: SignIn) -> None:
    add_person(panel, "Analyst")
    assert sign_in("Analyst").get("/inbox/").status_code == 403
    assert Browser(panel, panel.response_class).get("/inbox/").status_code == 302


# --- messages to phones

NUMBER = "+447700900011"
told: list[tuple[GatewaySettings, str, str, str]] = []


def tell(settings: GatewaySettings, webhook: str, phone: str, words: str) -> None:
    """The catcher, here."""
    if words == "nobody listens":
        raise OSError("refused")
    told.append((settings, webhook, phone, words))


@pytest.fixture()
def gateway(panel: Flask, monkeypatch: pytest.MonkeyPatch) -> Gateway:
    """A gateway of the demo, over WhatsApp, to whom phones may answer."""
    monkeypatch.setitem(panel.config, "DEMO_ANSWER", "tests.web.test_inbox.tell")
    told.clear()
    made = factories.whatsapp_gateway(secret="the token")
    db.session.commit()
    return made


@pytest.fixture()
def phone_got(tmp_path: Path) -> Catch:
    """Put a message to a phone, or from it, into the folder of the catcher."""
    writer = MessageWriter(tmp_path / "texts", TEXT)

    def put(text: str, channel: Channel = Channel.WHATSAPP, number: str = NUMBER, **values: Any) -> str:
        prefix = PREFIXES[channel]
        ends = {"account": f"AC{'0' * 32}", "sender": f"{prefix}+15005550006", "phone": prefix + number}
        return writer.add(CaughtText(sid="SM1", text=text, **ends | values).dump())

    return put


def test_all_channels_are_one_list_and_each_is_one_of_its_own(manager: Browser, catch: Catch, phone_got: Catch) -> None:
    catch("ada@people.example", "The mail")
    phone_got("The text\nmessage", Channel.SMS)
    phone_got("The one over WhatsApp", code="63024")
    phone_got("An answer", is_answer=True)
    page = manager.get("/inbox/").text
    assert page.index("The one over WhatsApp") < page.index("The text message") < page.index("The mail")
    assert "An answer" not in page
    for channel, words in (("email", "The mail"), ("sms", "The text message"), ("whatsapp", "The one over WhatsApp")):
        only = manager.get(f"/inbox/?channel={channel}").text
        assert [each in only for each in ("The mail", "The text message", "The one over WhatsApp")].count(True) == 1
        assert words in only
        assert ("Not delivered" in only) == (channel == "whatsapp")
    found = manager.get("/inbox/", query_string={"q": "447700900011", "channel": "sms"}).text
    assert "The text message" in found
    assert "channel=whatsapp&amp;q=447700900011" in found or "q=447700900011&amp;channel=whatsapp" in found
    for wrong in ("push", "x"):
        assert manager.get(f"/inbox/?channel={wrong}").status_code == 404


def test_a_phone_shows_what_it_got_and_said_and_nobody_elses(manager: Browser, phone_got: Catch) -> None:
    phone_got("For somebody else", number="+447700900012")
    phone_got("By text message", Channel.SMS)
    first = phone_got("<b>Look</b>", picture_url="http://localhost/documents/a.png")
    phone_got("Very nice", is_answer=True)
    page = manager.get(f"/inbox/texts/{first}").text
    assert "<b>Look</b>" not in page
    assert page.index("&lt;b&gt;Look&lt;/b&gt;") < page.index("Very nice")
    assert 'src="http://localhost/documents/a.png"' in page
    assert "For somebody else" not in page
    assert "By text message" not in page
    assert 'name="text"' not in page  # there is no gateway that could be told of an answer
    for path in ("/inbox/texts/x.json", "/inbox/texts/20260101T000000000000-000000.json"):
        assert manager.get(path).status_code == 404
        assert manager.post(f"{path}/answer", data={"text": "STOP"}).status_code == 404
    assert manager.post(f"/inbox/texts/{first}/answer", data={"text": "STOP"}).status_code == 404


def test_a_visitor_answers_for_a_phone(
    manager: Browser, gateway: Gateway, phone_got: Catch, panel: Flask, sign_in: SignIn
) -> None:
    name = phone_got("Hello")
    assert 'name="text"' in manager.get(f"/inbox/texts/{name}").text
    answer = manager.post(f"/inbox/texts/{name}/answer", data={"text": " Jak najszybciej "})
    assert answer.headers["Location"] == f"/inbox/texts/{name}#newest"
    ((settings, webhook, phone, words),) = told
    assert (phone, words) == (f"whatsapp:{NUMBER}", "Jak najszybciej")
    assert (settings.account, settings.secret, webhook) == (
        gateway.account_sid,
        "the token",
        gateways.inbound_address(gateway),
    )
    for text, said in (("", "Write what the person answers."), ("nobody listens", "The answer did not arrive.")):
        page = manager.post(f"/inbox/texts/{name}/answer", data={"text": text}, follow_redirects=True).text
        assert said in page
    assert len(told) == 1
    manager.post(f"/inbox/texts/{name}/answer", data={"text": "x" * 5000})
    assert len(told[-1][3]) == 1600
    assert sign_in("Analyst").post(f"/inbox/texts/{name}/answer", data={"text": "STOP"}).status_code == 403


def test_a_gateway_with_an_api_key_is_told_nothing(manager: Browser, gateway: Gateway, phone_got: Catch) -> None:
    gateway.key_sid = f"SK{'1' * 32}"
    db.session.commit()
    name = phone_got("Hello")
    assert 'name="text"' not in manager.get(f"/inbox/texts/{name}").text
    page = manager.post(f"/inbox/texts/{name}/answer", data={"text": "STOP"}, follow_redirects=True).text
    assert "Nobody can answer to this gateway" in page
    assert told == []


def test_beside_a_phone_stands_what_an_answer_did(manager: Browser, gateway: Gateway, phone_got: Catch) -> None:
    contact = factories.contact(whatsapp=NUMBER, first_name="Ada", last_name="Nowak")
    db.session.commit()
    address = f"/inbox/texts/{phone_got('Hello')}"
    before = manager.get(address).text
    assert f'href="/contacts/show/{contact.id}">Ada Nowak</a>' in before
    assert "only templates" in before
    assert "opted out" not in before
    with transaction():
        replies.receive(gateway.id, Channel.WHATSAPP, Inbound("SM2", f"whatsapp:{NUMBER}", "STOP"))
    after = manager.get(address).text
    assert "a day after the last answer" in after
    assert "opted out" in after
    with transaction():
        db.session.query(Reply).update({"received_at": clock.utcnow() - timedelta(days=1)})
    assert "only templates" in manager.get(address).text
    assert "nobody with this number" in manager.get(f"/inbox/texts/{phone_got('Hi', number='1234')}").text
