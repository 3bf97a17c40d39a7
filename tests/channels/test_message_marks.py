"""Marks by which a message is known again: they come back from every place a server may put them, and are not made."""

import pytest
from flask import Flask

from app.channels import message_marks
from app.kernel.errors import InvalidInput
from app.kernel.signing import TokenPurpose, key_for, mail_signer, signer

pytestmark = pytest.mark.usefixtures("app")


def path(campaign_id: int = 7, seq: int = 1) -> str:
    return message_marks.return_path("bounces@shop.example")(campaign_id, seq).decode()


def message_id(campaign_id: int = 7, seq: int = 1, token_of: tuple[int, int] | None = None) -> str:
    token = signer(key_for(TokenPurpose.TRACK))(*(token_of or (campaign_id, seq))).decode()
    return f"<{campaign_id}.{seq}.{token}@shop.example>"


def test_a_return_path_is_a_short_address_in_lower_case() -> None:
    made = path(2**32 - 1, 2**32 - 1)
    local, _, domain = made.partition("@")
    assert (domain, local == local.lower(), len(local)) == ("shop.example", True, len("bounces+") + 36)
    assert made != path(2**32 - 1, 1)


@pytest.mark.parametrize("change", [str, str.upper, lambda text: f'"Anna" <{text}>', lambda text: f"prvs=1={text}"])
def test_a_return_path_is_known_again(change: "type[str]") -> None:
    assert message_marks.find([change(path())]) == (7, 1)


def test_a_message_id_is_known_again() -> None:
    assert message_marks.find(["nothing", message_id()]) == (7, 1)


@pytest.mark.parametrize("at", [0, 10, 35])
def test_a_changed_token_is_none_of_ours(at: int) -> None:
    token = mail_signer(key_for(TokenPurpose.BOUNCE))(7, 1).decode()
    wrong = token[:at] + ("0" if token[at] != "0" else "1") + token[at + 1 :]
    assert message_marks.find([f"bounces+{wrong}@shop.example"]) is None


def test_a_token_of_another_message_or_purpose_is_none_of_ours() -> None:
    other = mail_signer(key_for(TokenPurpose.UNSUBSCRIBE))(7, 1).decode()
    assert message_marks.find([other, message_id(8, 1, token_of=(7, 1)), ""]) is None


def test_of_a_text_full_of_marks_only_the_first_are_looked_at() -> None:
    noise = f"{'ab' * 18} " * message_marks.MOST_LOOKED_AT
    assert message_marks.find([noise + path()]) is None


def test_only_postmark_gets_a_header() -> None:
    assert message_marks.header_for("smtp.example.org") is None
    line = message_marks.header_for("SMTP-broadcasts.postmarkapp.com")
    assert line is not None
    assert line(7, 1).startswith(b"X-PM-Metadata-muster: ")
    assert message_marks.find([line(7, 1).decode()]) == (7, 1)


@pytest.mark.parametrize("text", ["a+b@shop.example", f"{'x' * 28}@shop.example", "zażółć@shop.example", "nobody"])
def test_an_address_without_room_for_a_token_is_refused(text: str, app: Flask) -> None:
    with pytest.raises(InvalidInput):
        message_marks.checked_address(text)
    assert message_marks.checked_address(f"{'x' * 27}@Shop.Example") == f"{'x' * 27}@shop.example"
