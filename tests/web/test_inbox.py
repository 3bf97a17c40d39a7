"""The inbox of the demo: there only in the demo, newest first, searched, and harmless whatever a mail holds."""

from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app import create_app
from app.extensions import db
from app.kernel.mail_folder import MailWriter
from jobs import runtime
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
    writer = MailWriter(tmp_path / "mails")

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
    assert "No mail has these words" in manager.get("/inbox/?q=nobody").text


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
    name = MailWriter(tmp_path / "mails").add(raw)
    assert manager.get("/inbox/").status_code == 200
    assert manager.get(f"/inbox/{name}").status_code == 200


def test_other_files_and_pages_are_not_there(manager: Browser) -> None:
    for path in ("/inbox/keyring.json", "/inbox/..%2fkeyring.json", "/inbox/?page=x", "/inbox/?page=-1"):
        assert manager.get(path).status_code == 404, path
    assert "No mail was caught yet" in manager.get("/inbox/").text


def test_only_who_may_sees_it(panel: Flask, sign_in: SignIn) -> None:
    add_person(panel, "Analyst")
    assert sign_in("Analyst").get("/inbox/").status_code == 403
    assert Browser(panel, panel.response_class).get("/inbox/").status_code == 302
