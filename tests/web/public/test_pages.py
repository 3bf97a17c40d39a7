"""The pages behind the links of a message, as readers, mail providers and scanners ask for them."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask
from flask_babel import Babel

from app import create_app
from app.audience.models import Contact, Suppression
from app.campaigns import service as campaigns
from app.campaigns import text_content
from app.extensions import db
from app.kernel import clock
from app.kernel.signing import TokenPurpose
from app.sending.engagement import is_unsubscribed
from app.sending.models import CampaignProgress
from app.sending.service import TEST_SEQ
from app.sending.states import RecipientState
from app.web import assets, public
from tests import factories
from tests.conftest import empty
from tests.sending.readers import FIRST, SECOND, row, sent_message, token
from tests.web.conftest import Browser, SignIn

GIF = 43
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture()
def reader(panel: Flask) -> Browser:
    """Somebody without an account."""
    return Browser(panel, panel.response_class, use_cookies=False)


@pytest.fixture()
def statements(panel: Flask) -> Iterator[list[str]]:
    """Every SQL statement from here on."""
    seen: list[str] = []

    def listen(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    sa.event.listen(db.engine, "before_cursor_execute", listen)
    yield seen
    sa.event.remove(db.engine, "before_cursor_execute", listen)


def unsubscribe_path(message: tuple[int, int]) -> str:
    return f"/u/{token(TokenPurpose.UNSUBSCRIBE, message)}"


def pixel_path(message: tuple[int, int]) -> str:
    return f"/o/{token(TokenPurpose.TRACK, message)}.gif"


def click_path(message: tuple[int, int], number: object = 0) -> str:
    return f"/c/{token(TokenPurpose.TRACK, message)}/{number}"


def is_off(message: tuple[int, int]) -> bool:
    db.session.rollback()
    return is_unsubscribed(*message)


def test_opening_the_page_unsubscribes_nobody(reader: Browser) -> None:
    message = sent_message()
    for method in ("GET", "HEAD", "GET"):
        answer = reader.open(unsubscribe_path(message), method=method)
        assert answer.status_code == 200
    assert '<form method="post">' in answer.text and "<script" not in answer.text
    assert not is_off(message) and row(message).unsubscribed_at is None


def test_the_button_unsubscribes(reader: Browser) -> None:
    message = sent_message()
    answer = reader.post(unsubscribe_path(message), data=ONE_CLICK)
    assert answer.status_code == 200 and "You are unsubscribed" in answer.text
    assert is_off(message) and row(message).unsubscribed_at is not None
    again = reader.get(unsubscribe_path(message))
    assert "You are unsubscribed" in again.text and "<form" not in again.text


@pytest.mark.parametrize("form", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_mail_provider_unsubscribes_with_one_request(reader: Browser, form: str) -> None:
    message = sent_message()
    for _ in range(2):
        answer = reader.post(unsubscribe_path(message), data=ONE_CLICK, content_type=form)
        assert answer.status_code == 200
        assert "Set-Cookie" not in answer.headers and "Location" not in answer.headers
    assert is_off(message)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Suppression)) == 1


def test_one_click_needs_no_csrf_token(settings: dict[str, Any]) -> None:
    strict = create_app(settings | {"RATELIMIT_ENABLED": False})
    with strict.app_context():
        message = sent_message()
        answer = Browser(strict, strict.response_class).post(unsubscribe_path(message), data=ONE_CLICK)
        assert answer.status_code == 200 and is_off(message)
        empty(strict)
        db.engine.dispose()


def test_a_deleted_contact_can_unsubscribe(reader: Browser) -> None:
    message = sent_message()
    db.session.execute(sa.delete(Contact))
    db.session.commit()
    assert reader.post(unsubscribe_path(message)).status_code == 200
    assert is_off(message)


def spoiled(good: str, other: str) -> list[str]:
    flipped = ("B" if good[8] == "A" else "A").join((good[:8], good[9:]))
    return [flipped, good[:-1], good[:-4], good + "=", good + "AAAA", other, "x", "%00", "ż", "A" * 4000]


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
def test_a_spoiled_unsubscribe_link_is_a_page_with_a_sentence(reader: Browser, method: str) -> None:
    message = sent_message()
    good, tracking = (token(purpose, message) for purpose in (TokenPurpose.UNSUBSCRIBE, TokenPurpose.TRACK))
    for bad in spoiled(good, tracking):
        answer = reader.open(f"/u/{bad}", method=method)
        assert answer.status_code == 404, bad
        assert method == "HEAD" or "Copy the whole link from the message." in answer.text
    assert not is_off(message)


def test_a_link_of_a_deleted_campaign_says_so(reader: Browser) -> None:
    assert "no longer known" in reader.get(unsubscribe_path((77, 1))).text
    assert reader.post(unsubscribe_path((77, 1))).status_code == 404


def test_the_link_of_a_test_message_takes_nobody_off(reader: Browser) -> None:
    campaign_id, _seq = sent_message()
    assert "test message" in reader.get(unsubscribe_path((campaign_id, TEST_SEQ))).text
    assert reader.post(unsubscribe_path((campaign_id, TEST_SEQ))).status_code == 200
    assert db.session.scalar(sa.select(Suppression.id)) is None


def test_a_click_goes_on_to_the_stored_target(reader: Browser) -> None:
    message = sent_message()
    for number, target in enumerate((FIRST, SECOND)):
        answer = reader.get(click_path(message, number), query_string={"url": "https://evil.example/"})
        assert (answer.status_code, answer.headers["Location"]) == (302, target)
        assert answer.headers["Cache-Control"] == "no-store"
    assert row(message).clicked_at is not None


def test_a_scanners_head_request_is_no_click(reader: Browser) -> None:
    message = sent_message()
    answer = reader.head(click_path(message))
    assert (answer.status_code, answer.headers["Location"]) == (302, FIRST)
    assert row(message).clicked_at is None


@pytest.mark.parametrize("number", ["2", "-1", "x", "1e1", "٣", "99999999999999999999", "0/"])
def test_an_unknown_link_is_not_found(reader: Browser, number: str) -> None:
    assert reader.get(click_path(sent_message(), number)).status_code == 404


def test_a_spoiled_click_link_is_not_found(reader: Browser) -> None:
    message = sent_message()
    good, other = (token(purpose, message) for purpose in (TokenPurpose.TRACK, TokenPurpose.UNSUBSCRIBE))
    for bad in spoiled(good, other):
        assert reader.get(f"/c/{bad}/0").status_code == 404
    assert row(message).clicked_at is None


def test_the_picture_is_always_the_same(reader: Browser) -> None:
    message = sent_message()
    good, other = (token(purpose, message) for purpose in (TokenPurpose.TRACK, TokenPurpose.UNSUBSCRIBE))
    answers = [reader.get(f"/o/{each}.gif") for each in (good, good, *spoiled(good, other))]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.data for answer in answers}) == 1 and len(answers[0].data) == GIF
    assert answers[0].data.startswith(b"GIF89a")
    assert {(answer.mimetype, answer.headers["Cache-Control"]) for answer in answers} == {("image/gif", "no-store")}
    assert row(message).opened_at is not None


def test_head_of_the_picture_is_answered_and_no_open(reader: Browser) -> None:
    message = sent_message()
    answer = reader.head(pixel_path(message))
    assert (answer.status_code, answer.headers["Content-Length"]) == (200, str(GIF))
    assert row(message).opened_at is None


def test_an_open_of_an_unconfirmed_message_confirms_it(reader: Browser) -> None:
    message = sent_message(RecipientState.UNCONFIRMED)
    reader.get(pixel_path(message))
    assert row(message).state is RecipientState.SENT


def test_a_repeated_open_reads_one_row_and_writes_nothing(reader: Browser, statements: list[str]) -> None:
    message = sent_message()
    reader.get(pixel_path(message))
    statements.clear()
    reader.get(pixel_path(message))
    asked = [each for each in statements if not each.startswith(("BEGIN", "ROLLBACK"))]
    assert len(asked) == 1 and asked[0].startswith("SELECT campaign_recipient.opened_at")


def test_public_pages_never_look_at_who_is_signed_in(sign_in: SignIn, statements: list[str]) -> None:
    browser, message = sign_in("Admin"), sent_message()
    statements.clear()
    for path in (pixel_path(message), click_path(message), unsubscribe_path(message), "/u/nonsense"):
        answer = browser.get(path)
        assert "Set-Cookie" not in answer.headers
    browser.post(unsubscribe_path(message))
    assert statements and not [each for each in statements if "ab_" in each]


def test_tokens_do_not_leave_the_page(reader: Browser) -> None:
    answer = reader.get(unsubscribe_path(sent_message()))
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_readers_who_open_at_the_same_moment_are_counted_once(panel: Flask) -> None:
    message = sent_message()
    paths = [pixel_path(message), click_path(message)] * 4
    db.session.rollback()
    start = threading.Barrier(len(paths))

    def ask(path: str) -> int:
        browser = Browser(panel, panel.response_class, use_cookies=False)
        start.wait(10)
        with panel.app_context():  # of this thread: the browser ends what the test has open
            return int(browser.get(path).status_code)

    with ThreadPoolExecutor(len(paths)) as readers:
        assert set(readers.map(ask, paths)) == {200, 302}
    counted = db.session.get_one(CampaignProgress, message[0], populate_existing=True)
    assert (counted.opened, counted.clicked) == (1, 1)


def test_without_a_database_a_picture_is_shown_and_nothing_is_promised(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    empty_one = {"SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path / 'empty.db'}", "SQLALCHEMY_ENGINE_OPTIONS": {}}
    app = create_app(settings | empty_one, with_panel=False)  # the panel's start needs the tables
    Babel(app)
    assets.init_app(app)
    public.register(app)
    with app.app_context():
        reader, message = app.test_client(), (1, 1)
        assert (len(reader.get(pixel_path(message)).data), reader.get(pixel_path(message)).status_code) == (GIF, 200)
        for answer in (
            reader.get(click_path(message)),
            reader.get(unsubscribe_path(message)),
            reader.post(unsubscribe_path(message)),
        ):
            assert answer.status_code == 503 and "Try again" in answer.text
        db.engine.dispose()


def test_a_document_of_a_text_message_is_a_download_until_its_link_ends(
    reader: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = factories.text_campaign()
    document = campaigns.attach(campaign.id, "Offer.pdf", "application/pdf", b"%PDF-1")
    link = text_content.document_link(document.id)
    db.session.commit()
    path = urlsplit(link).path
    answer = reader.get(path)
    assert (answer.data, answer.headers["Content-Disposition"]) == (b"%PDF-1", "attachment; filename=Offer.pdf")
    assert reader.get(path[:-2] + "AA").status_code == 404
    later = clock.utcnow() + timedelta(days=31)
    monkeypatch.setattr(clock, "utcnow", lambda: later)
    gone = reader.get(path)
    assert gone.status_code == 404
    assert "This link has ended" in gone.text
