"""Tokens in links."""

import string

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.errors import NotFound
from app.kernel.signing import TokenPurpose, key_for, read, signer

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
TOKEN = signer(KEY)(7, 12345).decode()
ALPHABET = string.ascii_letters + string.digits + "-_"
numbers = st.integers(0, 2**32 - 1)


@given(numbers, numbers)
def test_a_token_reads_back_and_stands_in_a_link_as_it_is(campaign_id: int, seq: int) -> None:
    token = signer(KEY)(campaign_id, seq).decode()
    assert read(KEY, token) == (campaign_id, seq)
    assert set(token) <= set(ALPHABET)


def test_no_changed_character_is_accepted() -> None:
    for position, character in enumerate(TOKEN):
        other = ALPHABET[(ALPHABET.index(character) + 1) % len(ALPHABET)]
        with pytest.raises(NotFound):
            read(KEY, TOKEN[:position] + other + TOKEN[position + 1 :])


@pytest.mark.parametrize("length", range(len(TOKEN)))
def test_no_shortened_token_is_accepted(length: int) -> None:
    with pytest.raises(NotFound):
        read(KEY, TOKEN[:length])


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(TOKEN + "=", id="padding"),
        pytest.param(TOKEN + "AAAA", id="longer"),
        pytest.param(TOKEN + "\n", id="line break"),
        pytest.param(" " + TOKEN, id="blank"),
        pytest.param(TOKEN[:8] + "!" + TOKEN[8:], id="character that base64 ignores"),
        pytest.param(TOKEN + "ż", id="not ASCII"),
        pytest.param(TOKEN + "\ud800", id="half a character"),
        pytest.param("A" * 32, id="zeros"),
        pytest.param("A" * 100_000, id="very long"),
    ],
)
def test_no_other_text_is_accepted(token: str) -> None:
    with pytest.raises(NotFound, match="Copy the whole link"):
        read(KEY, token)


@given(st.text(max_size=60))
def test_no_random_text_is_accepted(token: str) -> None:
    with pytest.raises(NotFound):
        read(KEY, token)


def test_both_alphabets_of_base64_are_not_accepted() -> None:
    token = next(made for seq in range(10_000) if "-" in (made := signer(KEY)(1, seq).decode()))
    with pytest.raises(NotFound):
        read(KEY, token.replace("-", "+"))


def test_a_token_of_another_key_is_not_accepted() -> None:
    with pytest.raises(NotFound):
        read(OTHER_KEY, TOKEN)


def test_a_tracking_link_does_not_unsubscribe(app: Flask) -> None:
    token = signer(key_for(TokenPurpose.TRACK))(1, 2).decode()
    assert read(key_for(TokenPurpose.TRACK), token) == (1, 2)
    with pytest.raises(NotFound):
        read(key_for(TokenPurpose.UNSUBSCRIBE), token)
