"""English and Polish: the catalogue is complete, no Polish page shows English, and a person's choice holds."""

import html
import re
from collections import deque
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

import pytest
from babel import Locale
from flask import Flask

from app import create_app
from app.audience import import_chunks
from app.audience.models import ContactImport
from app.campaigns.lifecycle import CampaignEvent, CampaignStatus, next_status
from app.channels.address import normalise_email
from app.channels.merge import Part, parse
from app.extensions import db
from app.kernel.errors import AppError, Conflict, InvalidInput, NotFound
from app.kernel.texts import N_
from app.web import vocabulary, words
from app.web.forms.accounts import PRESETS
from runner import messages
from tests import factories
from tests.web import filled
from tests.web.conftest import Browser

PLACE = re.compile(r"%\(\w+\)[sd]|\{\w+\}")
POLISH = {"Accept-Language": "pl-PL,pl;q=0.9,en;q=0.8"}

# The same in both languages.
PROVIDERS = frozenset(PRESETS) | {"Amazon SES", "SendGrid", "Postmark", "Mailgun"}
LOAN_WORDS = frozenset(
    {
        "Status",
        "Menu",
        "Demo",
        "Folder",
        "Folder · Muster",
        "Port",
        "E-mail",
        "WhatsApp",
        "Web push",
        "web push",
        "Test",
    }
)
OURS = frozenset({"Muster", "Admin", "Public", "Campaign Manager", "Analyst", "Test Admin", "tester ·", "Muster ·"})
COUNTRIES = {name for code, name in Locale("en").territories.items() if Locale("pl").territories.get(code) == name}
SAME = PROVIDERS | LOAN_WORDS | OURS | COUNTRIES | available_timezones()
# Addresses, zones, codes, times, identifiers.
NO_WORDS = re.compile(
    r"/\S*|\S+@\S+|#\w+|[A-Z][\w+-]*(/[\w+-]+)+|[A-Z0-9+-]{2,8}|[\d :-]+UTC( \(UTC\))?|\S+View|[a-z][a-z0-9_.-]*|"
    r"https?://\S+|[A-Z]{2}[0-9a-f]{32}|[a-z]+( \w+)* on .*|(can_\w+|[a-z]+)(, (can_\w+|[a-z]+))+"
)
NOT_A_PAGE = re.compile(r"/lang/|^/rq/|\.csv|/static/|^/api/|^/swagger|/preview/|/export/[\w-]{16}$")


@pytest.fixture(scope="session")
def _compiled() -> None:
    for path in messages.catalogues():
        compiled = path.with_suffix(".mo")
        if not compiled.exists() or compiled.stat().st_mtime < path.stat().st_mtime:
            messages.compile_all()


@pytest.fixture(autouse=True)
def _read_anew(panel: Flask, _compiled: None) -> Iterator[None]:
    panel.extensions["babel"].instance.domain_instance.cache.clear()
    yield


@pytest.fixture()
def polish(panel: Flask) -> Iterator[None]:
    """The rest of the test is in a request of somebody whose browser asks for Polish."""
    with panel.test_request_context(headers=POLISH):
        yield


def stranger(panel: Flask) -> Browser:
    return Browser(panel, panel.response_class, use_cookies=True)


# --- the catalogue


@pytest.mark.parametrize("path", messages.catalogues(), ids=lambda path: path.parts[-3])
def test_the_catalogue_has_a_translation_of_every_text(path: Any) -> None:
    stored = {(each.context, each.id): each for each in messages.read(path) if each.id}
    wanted = {(each.context, each.id) for each in messages.ours(path.parts[-3]) if each.id}
    assert wanted - set(stored) == set(), "run make messages and translate what it adds"
    assert set(stored) - wanted == set(), "run make messages: these are gone from the code"
    for message in stored.values():
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        assert all(strings) and not message.fuzzy, f"not translated: {message.id}"


@pytest.mark.parametrize("path", messages.catalogues(), ids=lambda path: path.parts[-3])
def test_a_translation_keeps_the_places_of_its_text(path: Any) -> None:
    catalog = messages.read(path)
    for message in catalog:
        ids = message.id if isinstance(message.id, tuple) else (message.id,)
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        assert len(strings) == (catalog.num_plurals if len(ids) == 2 else 1)
        for string in strings if message.id else ():
            assert sorted(PLACE.findall(string)) == sorted(PLACE.findall(ids[0])), message.id


def test_every_value_that_is_shown_has_its_words() -> None:
    for kind, table in vocabulary.OF_VALUES.items():
        assert set(table) == set(kind), kind


def test_without_compiled_catalogues_the_panel_speaks_english(settings: dict[str, Any], tmp_path: Any) -> None:
    bare = create_app(settings | {"BABEL_TRANSLATION_DIRECTORIES": str(tmp_path)})
    with bare.test_request_context(headers=POLISH):
        assert words.of_error(NotFound("This link leads nowhere. Copy the whole link from the message.")).startswith(
            "This"
        )
    assert stranger(bare).get("/login/", headers=POLISH).status_code == 200


# --- the pages


def kind_of(path: str) -> str:
    """What addresses of the same kind of page have in common: all but their numbers."""
    return re.sub(r"\d+", "#", urlsplit(path).path)


def pages_of(browser: Browser) -> dict[str, str]:
    """The pages that links lead to from the list of campaigns, one of each kind, with the parts they ask for."""
    found: dict[str, str] = {}
    waiting, seen = deque(["/campaigns/list/"]), set[str]()
    while waiting:
        path = waiting.popleft()
        if kind_of(path) in seen or NOT_A_PAGE.search(path):
            continue
        seen.add(kind_of(path))
        answer = browser.get(path)
        if answer.status_code == 200 and answer.mimetype == "text/html":
            found[path] = answer.text
            links = re.findall(r'(?:href|hx-get)="(/[^"]*)"', answer.text)
            waiting.extend(html.unescape(each).split("#")[0] for each in links)
    return found


def texts_of(page: str) -> set[str]:
    """What a person reads or hears on a page, but for what it was filled with; keys have the names on the keyboard."""
    page = re.sub(r"<(script|style|code|pre|kbd|textarea)\b.*?</\1>", "", page, flags=re.S)
    page = re.sub(r'\bdata-(?:key|view|bs-target)="[^"]*"', "", page)
    written = re.findall(r">([^<]+)<", page)
    said = re.findall(r'\b(?:title|aria-label|placeholder|alt|data-[a-z-]+)="([^"]+)"', page)
    texts = {" ".join(html.unescape(each).split()) for each in (*written, *said)}
    return {each for each in texts if re.search(r"[A-Za-z]{2}", each) and "§" not in each}


@pytest.mark.filterwarnings("ignore:Yielding raw tuples:DeprecationWarning")  # FAB's own pages of people
def test_no_page_of_the_polish_panel_shows_english(admin: Browser) -> None:
    filled.fill()
    english = pages_of(admin)
    assert admin.get("/lang/pl").status_code == 302
    polish = pages_of(admin)
    assert len(polish) > 50 and set(polish) == set(english)
    left = {
        (path, text)
        for path in polish
        for text in texts_of(polish[path]) & texts_of(english[path])
        if text not in SAME and not NO_WORDS.fullmatch(text)
    }
    assert left == set()


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        pytest.param("/login/", 200, "Zaloguj się", id="sign-in"),
        pytest.param("/nowhere", 404, "Nic tu nie ma. Mogło zostać usunięte.", id="error page"),
        pytest.param(
            "/u/broken", 404, "Ten link jest niepełny. Skopiuj z wiadomości cały link.", id="page of a reader"
        ),
    ],
)
def test_the_first_visit_is_in_the_language_of_the_browser(panel: Flask, path: str, status: int, said: str) -> None:
    answer = stranger(panel).get(path, headers=POLISH)
    assert answer.status_code == status
    assert '<html lang="pl"' in answer.text and said in html.unescape(answer.text)


@pytest.mark.parametrize(
    ("asked", "language"),
    [("pl", "pl"), ("pl-PL,pl;q=0.9,en;q=0.8", "pl"), ("en-GB,pl;q=0.5", "en"), ("de, pl;q=0.5", "pl"), ("de", "en")],
)
def test_a_browser_asks_for_languages_in_its_order(panel: Flask, asked: str, language: str) -> None:
    page = stranger(panel).get("/login/", headers={"Accept-Language": asked}).text
    assert f'<html lang="{language}"' in page


def test_the_language_of_the_menu_stays(admin: Browser) -> None:
    page = admin.get("/campaigns/list/").text
    (address,) = re.findall(r'href="([^"]+)" lang="pl"', page)
    assert admin.get(address).status_code == 302
    for path in ("/campaigns/list/", "/contacts/add"):  # also against what the browser asks for
        assert '<html lang="pl"' in admin.get(path, headers={"Accept-Language": "en"}).text
    (address,) = re.findall(r'href="([^"]+)" lang="en"', admin.get("/campaigns/list/").text)
    assert admin.get(address).status_code == 302
    assert '<html lang="en"' in admin.get("/campaigns/list/", headers=POLISH).text


def test_an_unknown_language_is_not_taken(admin: Browser) -> None:
    assert admin.get("/lang/de").status_code == 404
    with admin.session_transaction() as session:
        session["locale"] = "de"
    assert '<html lang="pl"' in admin.get("/campaigns/list/?_l_=xx", headers=POLISH).text


def test_a_result_is_a_whole_sentence(admin: Browser) -> None:
    campaign = factories.ready_campaign(name="Wiosna")
    db.session.commit()
    admin.get("/lang/pl")
    for action, said in (
        ("publish", "Kampania Wiosna została opublikowana."),
        ("stop", "Kampania Wiosna została wstrzymana."),
        ("start", "Wysyłka kampanii Wiosna została wznowiona."),
    ):
        page = admin.post(f"/campaigns/action/{action}/{campaign.id}", follow_redirects=True).text
        assert said in page


def test_a_refused_form_says_why_in_polish(admin: Browser) -> None:
    admin.get("/lang/pl")
    page = html.unescape(admin.post("/contacts/add", data={"first_name": "Anna", "email": "a..b@example.org"}).text)
    assert "Tego adresu e-mail nie można użyć: adres nie może zawierać dwóch kropek pod rząd." in page


# --- programs


def test_the_api_answers_a_program_in_english(admin: Browser) -> None:
    admin.get("/lang/pl")  # what a person chose does not count
    answer = admin.get("/api/v1/campaign/999999")
    assert answer.get_json() == {"message": "There is nothing here. It may have been deleted."}
    assert admin.post("/api/v1/folder/", json={"name": ""}).get_json()["message"] == "A folder needs a name."


def test_a_program_may_ask_for_polish(admin: Browser) -> None:
    answer = admin.post("/api/v1/folder/", json={"name": ""}, headers=POLISH)
    assert answer.get_json() == {"message": "Folder musi mieć nazwę.", "field": "name"}
    answer = admin.post("/api/v1/folder/", json={"name": 1}, headers=POLISH)
    assert answer.get_json()["message"] == "name: To musi być tekst."


# --- what the inner rings say


def refusal(step: Any, *arguments: Any) -> AppError:
    with pytest.raises(AppError) as caught:
        step(*arguments)
    return caught.value


def test_an_error_is_said_with_its_values(polish: None) -> None:
    error = refusal(next_status, CampaignStatus.ENDED, CampaignEvent.STOP)
    assert str(error) == "A campaign that is ended cannot stop."
    assert words.of_error(error) == "Kampania w stanie „zakończona na stałe” nie pozwala na czynność „wstrzymanie”."


def test_an_error_inside_an_error_is_said_too(polish: None) -> None:
    error = refusal(parse, "{{ frist_name }}", Part.SUBJECT)
    assert str(error).startswith("Line 1, column 1: There is no field “frist_name”. Did you mean first_name")
    assert words.of_error(error) == (
        "Wiersz 1, kolumna 1: Nie ma pola „frist_name”. Czy chodziło o first_name, last_name, full_name? "
        "Pole własne zapisuje się jako attributes.frist_name."
    )


def test_an_error_said_of_another_field_keeps_its_words(polish: None) -> None:
    error = refusal(normalise_email, "x" * 65 + "@example.org").about("reply_to")
    assert isinstance(error, InvalidInput) and error.field == "reply_to"
    assert words.of_error(error) == "Część przed znakiem @ ma więcej niż 64 znaków. Popraw adres."


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        ("", ""),
        ("waiting for the daily hours", "oczekiwanie na godziny wysyłki"),
        ("waiting for the limit per hour of Office", "oczekiwanie: limit godzinowy konta Office"),
        (
            "The SMTP account Back was refused: 535 5.7.8 wrong password",
            "Serwer odrzucił konto SMTP Back: 535 5.7.8 wrong password",
        ),
        (
            "Office does not answer (No connection to mail.example.org: Connection refused.)",
            "konto Office nie odpowiada (Brak połączenia z mail.example.org: połączenie odrzucone.)",
        ),
        ("E-mail: There is no e-mail address here.", "E-mail: Nie ma tu adresu e-mail."),
        (
            "The server does not offer the sign-in PLAIN/LOGIN (it offers: ).",
            "Serwer nie obsługuje logowania PLAIN/LOGIN (obsługuje: ).",
        ),
        ("550 5.1.1 <anna>: no such user", "550 5.1.1 <anna>: no such user"),
        ("Wait: what is 100%?", "Wait: what is 100%?"),
    ],
    ids=lambda text: text[:30],
)
def test_a_stored_sentence_is_found_again(polish: None, stored: str, said: str) -> None:
    assert words.sentence(stored) == said


def test_a_stored_sentence_stays_as_it_is_in_english(panel: Flask) -> None:
    with panel.test_request_context():
        assert words.sentence("Office does not answer (no answer)") == "Office does not answer (no answer)"
        assert words.of_error(Conflict("%(name)s was stopped.", name=N_("no answer"))) == "no answer was stopped."


def test_the_bad_rows_say_their_problem_in_the_language_of_who_downloads_them(admin: Browser) -> None:
    filled.fill()
    upload = db.session.scalars(db.select(ContactImport).where(ContactImport.bad > 0)).first()
    assert upload is not None
    row = (7, "E-mail: There is no e-mail address here.", ["§"])
    import_chunks.put_bad_rows(upload.id, upload.uid, 0, [row])
    db.session.commit()
    admin.get("/lang/pl")
    assert "7;E-mail: Nie ma tu adresu e-mail.;§" in admin.get(f"/imports/bad-rows/{upload.id}.csv").text
