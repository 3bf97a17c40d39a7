"""What the editor asks while somebody writes: the plain text, what is not sent, a preview; and pictures."""

import html
import io

from flask import Flask

from app.audience.models import ContactImport
from app.campaigns.models import MessageImage
from app.extensions import db
from app.kernel import clock
from tests import factories
from tests.web.conftest import Browser

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


def upload(browser: Browser, data: bytes, name: str = "a.png") -> object:
    return browser.post("/editor/image", data={"image": (io.BytesIO(data), name)})


def test_the_plain_text_and_what_is_not_sent_are_told(manager: Browser) -> None:
    found = manager.post(
        "/editor/look", data={"html": "<p onclick=x>Hello {{ first_name }}</p><script>x</script>"}
    ).json
    assert found == {"text": "Hello {{ first_name }}\n", "taken": ["<script>", "onclick"], "problem": ""}


def test_what_cannot_be_read_is_told(manager: Browser) -> None:
    found = manager.post("/editor/look", data={"html": "{{ first_name"}).json
    assert "is not closed" in found["problem"]


def test_the_subject_is_shown_with_what_is_missing(manager: Browser) -> None:
    data = {"html": "<p>x</p>", "subject": "Hi {{ first_name }} {{ company | default: 'you' }}", "text": ""}
    assert manager.post("/editor/look", data=data).json["subject"] == "Hi [first name] you"


def test_what_is_written_now_is_previewed_shut_in(manager: Browser) -> None:
    answer = manager.post(
        "/editor/preview", data={"html": "<p>Hi {{ first_name }}</p><script>x</script>", "subject": "a"}
    )
    assert answer.headers["Content-Security-Policy"].startswith("sandbox")
    assert "<mark>[first name]</mark>" in answer.text
    assert "<script" not in answer.text


def test_a_picture_is_kept_and_shown_to_everybody_for_ever(panel: Flask, manager: Browser) -> None:
    address = upload(manager, PNG).json["url"]
    assert address.startswith(panel.config["PUBLIC_URL"] + "/i/")
    path = address.removeprefix(panel.config["PUBLIC_URL"])
    answer = Browser(panel, panel.response_class, use_cookies=False).get(path)
    assert (answer.data, answer.mimetype) == (PNG, "image/png")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert "Set-Cookie" not in answer.headers
    assert manager.get(path.replace(".png", ".gif")).status_code == 404
    assert manager.get("/i/nothing.png").headers["Cache-Control"] == "no-store"


def test_a_drawing_that_calls_itself_a_picture_is_refused(manager: Browser) -> None:
    answer = upload(manager, b"<svg><script>x</script></svg>", "a.png")
    assert answer.status_code == 422
    assert "PNG, JPEG, GIF or WebP" in answer.json["message"]
    assert db.session.query(MessageImage).count() == 0


def test_who_may_not_write_campaigns_uploads_nothing(analyst: Browser) -> None:
    upload(analyst, PNG)
    assert db.session.query(MessageImage).count() == 0


def test_the_fields_to_insert_are_those_of_contacts_and_the_own_ones_of_imports(manager: Browser) -> None:
    mapping = {"Town": "attributes.town", "E-mail": "email"}
    db.session.add(ContactImport(file_name="a.csv", mapping=mapping, created_at=clock.utcnow()))
    db.session.commit()
    page = html.unescape(manager.get("/templates/add").text)
    assert '["first_name", "first name"]' in page
    assert '["attributes.town", "town"]' in page


def test_the_launch_check_tells_what_is_not_sent(manager: Browser) -> None:
    campaign = factories.ready_campaign(html="<p onclick=x>Hi</p><script>x</script>")
    db.session.commit()
    page = html.unescape(manager.get(f"/launch/check/{campaign.id}").text)
    assert "Mail programs do not allow <script>, onclick: the message is sent without it." in page
