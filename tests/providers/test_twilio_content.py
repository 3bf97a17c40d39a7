"""The templates of WhatsApp as a server that speaks like Twilio's Content API gives them."""

import base64
from typing import Any

import pytest

from app.channels.contract import ContentTemplate, GatewaySettings, ReadingProblem
from app.providers.twilio_content import FIRST_PAGE, templates
from tests.conftest import free_port
from tests.providers.twilio_server import Answer, TwilioServer, refused

ACCOUNT = f"AC{'1' * 32}"


def settings(url: str) -> GatewaySettings:
    return GatewaySettings(ACCOUNT, "SK1", "whatsapp:+15005550006", url, "secret", 2.0, 2.0, url)


def content(sid: str, **values: Any) -> dict[str, Any]:
    return {
        "sid": sid,
        "friendly_name": "my parcel",
        "language": "pl",
        "variables": {"1": "Ann"},
        "types": {"twilio/text": {"body": "Hi {{1}}, {{ 2 }} is here"}},
        "approval_requests": {"name": "parcel", "category": "UTILITY", "status": "approved"},
        **values,
    }


def page(*contents: Any, following: str | None = None) -> Answer:
    return Answer(200, {"contents": list(contents), "meta": {"page": 0, "next_page_url": following}})


def test_every_page_is_read_with_our_sign_in() -> None:
    with TwilioServer() as server:
        more = "/v1/ContentAndApprovals?PageSize=100&Page=1&PageToken=x"
        server.pages = {
            FIRST_PAGE: page(content("HX1"), following=f"https://content.elsewhere.example{more}"),
            more: page(content("HX2")),
        }
        found = templates(settings(server.url))
        assert server.asked == [FIRST_PAGE, more]  # of this server, whatever host the answer names
    assert [each.content_sid for each in found] == ["HX1", "HX2"]
    assert found[0] == ContentTemplate(
        "HX1", "parcel", "pl", "UTILITY", "approved", "Hi {{1}}, {{ 2 }} is here", ("1", "2")
    )
    assert base64.b64decode(server.headers[1]["Authorization"].split()[1]) == b"SK1:secret"


def test_what_was_rejected_says_why_and_what_was_never_submitted_has_no_state() -> None:
    with TwilioServer() as server:
        rejected = {"name": "x", "category": "MARKETING", "status": "rejected", "rejection_reason": "TAG_CONTENT"}
        server.pages = {
            FIRST_PAGE: page(content("HX1", approval_requests=rejected), content("HX2", approval_requests={}))
        }
        first, second = templates(settings(server.url))
    assert (first.status, first.why) == ("rejected", "TAG_CONTENT")
    assert (second.status, second.name) == ("unsubmitted", "my parcel")


@pytest.mark.parametrize(
    "broken",
    [
        content("HX1", types=None, variables=None, approval_requests=None),
        content("HX1", types={"twilio/media": {"body": None, "media": ["x"]}}, variables=[]),
        content("HX1", types=["text"], language=None),
        {"sid": "HX1"},
    ],
)
def test_a_template_of_any_shape_is_read(broken: dict[str, Any]) -> None:
    with TwilioServer() as server:
        server.pages = {FIRST_PAGE: page(broken, "words", None)}
        (found,) = templates(settings(server.url))
    assert found.content_sid == "HX1"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (refused(401, 20003, "Authenticate"), "401 Authenticate"),
        (Answer(503, {}), "503"),
        (Answer(200, ["x"]), "cannot be read"),  # type: ignore[arg-type]
    ],
)
def test_a_refusal_says_what_the_provider_said(answer: Answer, said: str) -> None:
    with TwilioServer() as server:
        server.pages = {FIRST_PAGE: answer}
        with pytest.raises(ReadingProblem, match=said):
            templates(settings(server.url))


def test_a_server_that_is_not_there_says_so() -> None:
    with pytest.raises(ReadingProblem, match="refused"):
        templates(settings(f"http://127.0.0.1:{free_port()}"))


def test_pages_without_an_end_are_read_up_to_a_bound() -> None:
    with TwilioServer() as server:
        server.pages = {FIRST_PAGE: page(content("HX1"), following=f"{server.url}{FIRST_PAGE}")}
        assert len(templates(settings(server.url))) == 50
