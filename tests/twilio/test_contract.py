"""Every request that we make to Twilio fits the description that Twilio publishes, and we read its own examples."""

import json
import urllib.error
import urllib.request
from dataclasses import replace
from datetime import UTC, date, datetime
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from app.channels.contract import GatewaySettings, Outcome, OutgoingText, RememberedText
from app.providers.twilio_content import FIRST_PAGE, templates
from app.providers.twilio_history import messages_to
from app.providers.twilio_http import headers_of
from app.providers.twilio_sms import TwilioTransport
from tests.providers.twilio_server import Answer, TwilioServer
from tests.twilio import install
from tests.twilio.conftest import Addresses

ACCOUNT, SERVICE, TEMPLATE = f"AC{'1' * 32}", f"MG{'2' * 32}", f"HX{'3' * 32}"
NUMBER, THEIRS, REPORT_TO = "+15005550006", "+48501000001", "https://muster.example/hooks/twilio/status/abc-_1"
WHATSAPP = "whatsapp:"
MESSAGES = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"


def settings(addresses: Addresses, sender: str = NUMBER) -> GatewaySettings:
    return GatewaySettings(ACCOUNT, ACCOUNT, sender, addresses.api, "secret", 2.0, 5.0, addresses.content)


SENT = {
    "text message": (NUMBER, OutgoingText(0, THEIRS, "Zażółć 😀 & more", REPORT_TO)),
    "without reports": (NUMBER, OutgoingText(0, THEIRS, "Hi")),
    "from a name": ("Muster Shop", OutgoingText(0, THEIRS, "Hi", REPORT_TO)),
    "from a short code": ("12345", OutgoingText(0, THEIRS, "Hi", REPORT_TO)),
    "messaging service": (SERVICE, OutgoingText(0, THEIRS, "Hi", REPORT_TO)),
    "WhatsApp in our words": (WHATSAPP + NUMBER, OutgoingText(0, WHATSAPP + THEIRS, "Hi", REPORT_TO)),
    "WhatsApp with a template": (
        WHATSAPP + NUMBER,
        OutgoingText(0, WHATSAPP + THEIRS, json.dumps({"1": "Ann"}), REPORT_TO, TEMPLATE),
    ),
    "WhatsApp with a picture": (
        WHATSAPP + NUMBER,
        OutgoingText(0, WHATSAPP + THEIRS, "Hi", REPORT_TO, media_url="https://muster.example/d/abc-_1"),
    ),
    "template of a service": (SERVICE, OutgoingText(0, WHATSAPP + THEIRS, "{}", REPORT_TO, TEMPLATE)),
}


@pytest.mark.parametrize(("sender", "message"), SENT.values(), ids=SENT)
def test_a_message_fits_and_its_answer_is_an_acceptance(
    addresses: Addresses, sender: str, message: OutgoingText
) -> None:
    report = TwilioTransport(settings(addresses, sender)).send_one(message)
    assert report.result.outcome is Outcome.ACCEPTED, report
    assert report.result.provider_id.startswith("SM")


@pytest.mark.parametrize("sender", [NUMBER, SERVICE, WHATSAPP + NUMBER])
def test_asking_for_messages_fits(addresses: Addresses, sender: str) -> None:
    messages_to(settings(addresses, sender), THEIRS, date(2026, 11, 26))  # raises ReadingProblem at a 422


def test_the_example_of_a_list_is_read_page_by_page(addresses: Addresses) -> None:
    found = messages_to(settings(addresses, "+12019235161"), THEIRS, date(2026, 11, 26))
    sent_at = datetime(2019, 5, 24, 17, 44, 46, tzinfo=UTC)
    # the example is a page that names another one, which is the example again; the second message in it came in
    assert found == [RememberedText("SMded05904ccb347238880ca9264e8fe1c", "testing", "sent", "", sent_at)] * 10


def test_asking_for_templates_fits_and_the_example_is_read(addresses: Addresses) -> None:
    found = templates(settings(addresses))
    assert [each.status for each in found] == ["unsubmitted", "approved", "rejected"]
    assert [each.name for each in found] == ["Some content", "Media Test", "Video Highlights"]
    assert [each.variables for each in found] == [("name",), ("1", "2"), ("1", "2", "3")]
    assert all(each.content_sid.startswith("HX") and each.language == "en" and each.body for each in found)
    assert found[2].why.startswith("INVALID_FORMAT")


@pytest.mark.usefixtures("addresses")
def test_we_use_no_name_that_the_description_lacks() -> None:
    """Prism, as Twilio, passes over names that it does not know."""
    with TwilioServer() as server:
        ours = GatewaySettings(ACCOUNT, ACCOUNT, NUMBER, server.url, "secret", 2.0, 2.0, server.url)
        for sender, message in SENT.values():
            TwilioTransport(replace(ours, sender=sender)).send_one(message)
        messages_to(ours, THEIRS, date(2026, 11, 26))
        server.pages[FIRST_PAGE] = Answer(200, {})
        templates(ours)
    path = "/2010-04-01/Accounts/{AccountSid}/Messages.json"
    assert set().union(*server.taken) <= names_of("api_v2010", path, "post")
    of_messages, of_templates = (set(parse_qs(urlsplit(each).query)) for each in server.asked)
    assert of_messages <= names_of("api_v2010", path, "get")
    assert of_templates <= names_of("content_v1", "/v1/ContentAndApprovals", "get")


def names_of(description: str, path: str, method: str) -> set[str]:
    """The names that a request may have, as Twilio describes it."""
    whole = json.loads((install.FOLDER / f"twilio_{description}.json").read_text())
    found = whole["paths"][path][method]
    if method == "post":
        return set(found["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]["properties"])
    return {each["name"] for each in found["parameters"] if each["in"] == "query"}


def answered(addresses: Addresses, form: dict[str, str], path: str = MESSAGES) -> int:
    """The status that a form of our own gets."""
    asked = urllib.request.Request(addresses.api + path, urlencode(form).encode(), headers_of(settings(addresses)))
    try:
        with urllib.request.urlopen(asked, timeout=5) as answer:
            status: int = answer.status
            return status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


GOOD = {"To": THEIRS, "From": NUMBER, "Body": "Hi"}


@pytest.mark.parametrize(
    ("form", "path"),
    [
        pytest.param({"From": NUMBER, "Body": "Hi"}, MESSAGES, id="nobody to send to"),
        pytest.param(GOOD | {"ContentSid": "HX1"}, MESSAGES, id="a template that is none"),
        pytest.param(GOOD | {"MessagingServiceSid": "MG-1"}, MESSAGES, id="a service that is none"),
        pytest.param(GOOD | {"StatusCallback": "not an address"}, MESSAGES, id="reports to nowhere"),
        pytest.param(GOOD | {"MediaUrl": "not an address"}, MESSAGES, id="a picture from nowhere"),
        pytest.param(GOOD, MESSAGES.replace(ACCOUNT, "AC1"), id="an account that is none"),
    ],
)
def test_a_wrong_request_is_caught(addresses: Addresses, form: dict[str, str], path: str) -> None:
    assert (answered(addresses, GOOD), answered(addresses, form, path)) == (201, 422)
