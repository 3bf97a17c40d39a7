"""What Twilio remembers of a number, as a server that speaks like its Messages API lists it."""

import base64
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from app.channels.contract import GatewaySettings, ReadingProblem, RememberedText
from app.providers.twilio_history import messages_to
from tests.providers.twilio_server import Answer, TwilioServer, refused

ACCOUNT, OURS, THEIRS = f"AC{'1' * 32}", "+15005550006", "+48501000001"
DAY = date(2026, 11, 26)


def settings(url: str, sender: str = OURS) -> GatewaySettings:
    return GatewaySettings(ACCOUNT, "SK1", sender, url, "secret", 2.0, 2.0, url)


def message(sid: str | None, **values: Any) -> dict[str, Any]:
    return {
        "sid": sid,
        "to": THEIRS,
        "from": OURS,
        "body": "Hi Ann",
        "status": "delivered",
        "error_code": None,
        "direction": "outbound-api",
        "date_created": "Thu, 26 Nov 2026 09:15:00 +0000",
        **values,
    }


def test_a_number_is_asked_for_with_our_sender_and_sign_in() -> None:
    with TwilioServer() as server:
        server.remembered = [message("SM1")]
        (found,) = messages_to(settings(server.url), THEIRS, DAY)
    asked = urlsplit(server.asked[0])
    assert asked.path == f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    assert parse_qs(asked.query) == {"To": [THEIRS], "From": [OURS], "DateSent>": ["2026-11-26"], "PageSize": ["100"]}
    assert base64.b64decode(server.headers[0]["Authorization"].split()[1]) == b"SK1:secret"
    assert found == RememberedText("SM1", "Hi Ann", "delivered", "", datetime(2026, 11, 26, 9, 15, tzinfo=UTC))


def test_of_a_messaging_service_what_it_sent_is_told_by_its_id() -> None:
    service = f"MG{'2' * 32}"
    with TwilioServer() as server:
        server.remembered = [message("SM1", messaging_service_sid=service), message("SM2")]
        found = messages_to(settings(server.url, service), THEIRS, DAY)
    assert [each.provider_id for each in found] == ["SM1"]
    assert "From" not in parse_qs(urlsplit(server.asked[0]).query)


def test_what_cannot_be_ours_is_left_out() -> None:
    odd = [{"direction": "inbound"}, {"date_created": None}, {"date_created": "soon"}]
    with TwilioServer() as server:
        server.remembered = [message("SM1", error_code=30003), message(None)]
        server.remembered += [message("SM2", **each) for each in odd]
        found = messages_to(settings(server.url), THEIRS, DAY)
    assert [(each.provider_id, each.code) for each in found] == [("SM1", "30003")]


def test_every_page_is_read_from_the_same_server() -> None:
    with TwilioServer() as server:
        more = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json?Page=1"
        server.pages[more] = Answer(200, {"messages": [message("SM2", date_created="2026-11-26T09:15:00Z")]})
        messages_to(settings(server.url), THEIRS, DAY)  # tells us the address of the first page
        server.pages[server.asked[0]] = Answer(
            200, {"messages": [message("SM1")], "next_page_uri": f"https://elsewhere.example{more}"}
        )
        found = messages_to(settings(server.url), THEIRS, DAY)
    assert [each.provider_id for each in found] == ["SM1", "SM2"]
    assert found[0].at == found[1].at


def test_a_refused_question_says_why() -> None:
    with TwilioServer() as server:
        at_first = messages_to(settings(server.url), THEIRS, DAY)
        server.pages[server.asked[0]] = refused(401, 20003, "Authenticate")
        with pytest.raises(ReadingProblem, match="401 Authenticate"):
            messages_to(settings(server.url), THEIRS, DAY)
    assert at_first == []
    with pytest.raises(ReadingProblem):  # nobody listens there any more
        messages_to(settings(server.url), THEIRS, DAY)
