"""Replies out of bytes."""

import pytest

from app.channels.contract import Fault
from app.providers.smtp_replies import (
    MAX_REPLY_BYTES,
    Capabilities,
    ConnectionFailed,
    Reply,
    ReplyReader,
    capabilities_of,
)


def read_all(reader: ReplyReader) -> list[Reply]:
    found = []
    while (reply := reader.next()) is not None:
        found.append(reply)
    return found


STREAM = b"250-first\r\n250-second\r\n250 2.1.0 third\r\n354\r\n550 5.1.1 no\r\n221 bye\n"
REPLIES = [
    Reply(250, ("first", "second", "2.1.0 third")),
    Reply(354, ("",)),
    Reply(550, ("5.1.1 no",)),
    Reply(221, ("bye",)),
]


@pytest.mark.parametrize("cut", range(len(STREAM) + 1))
def test_replies_are_the_same_wherever_they_are_split(cut: int) -> None:
    reader = ReplyReader()
    found = []
    for piece in (STREAM[:cut], STREAM[cut:]):
        reader.feed(piece)
        found += read_all(reader)
    assert found == REPLIES
    assert reader.is_empty


def test_replies_byte_by_byte() -> None:
    reader = ReplyReader()
    found = []
    for value in STREAM:
        reader.feed(bytes([value]))
        found += read_all(reader)
    assert found == REPLIES


@pytest.mark.parametrize(
    "rubbish", [b"HTTP/1.1 400 Bad\r\n", b"\r\n", b"25\r\n", b"250_ok\r\n", b"SSH-2.0-x\r\n", b"\x15\x03\x01\n"]
)
def test_what_is_not_smtp_fails_the_connection(rubbish: bytes) -> None:
    reader = ReplyReader()
    reader.feed(rubbish)
    with pytest.raises(ConnectionFailed) as failure:
        reader.next()
    assert failure.value.fault is Fault.PROVIDER


@pytest.mark.parametrize("endless", [b"2" * 100, b"250-x\r\n" * 20], ids=["line", "lines"])
def test_a_reply_without_end_fails_the_connection(endless: bytes) -> None:
    reader = ReplyReader()
    with pytest.raises(ConnectionFailed):
        for _ in range(MAX_REPLY_BYTES):
            reader.feed(endless)
            assert reader.next() is None


def test_cleared_reader_has_forgotten_everything() -> None:
    reader = ReplyReader()
    reader.feed(b"250-half\r\n250 who")
    assert reader.next() is None
    reader.clear()
    assert reader.is_empty
    reader.feed(b"220 go\r\n")
    assert reader.next() == Reply(220, ("go",))


def test_words_and_codes_of_a_reply() -> None:
    reply = Reply(550, ("5.1.1 No such", "5.1.1 user"))
    assert (reply.enhanced, reply.words, reply.label) == ("5.1.1", "No such user", "550 5.1.1")
    assert Reply(250, ("Ok",)).label == "250"
    assert Reply(550, ("5.1.1x no",)).enhanced == ""


def test_ehlo_reply_is_read() -> None:
    offered = ["PIPELINING", "SIZE 1000", "8bitmime", "SMTPUTF8", "STARTTLS", "AUTH PLAIN login", "AUTH=XOAUTH2", ""]
    assert capabilities_of(Reply(250, ("mx.example", *offered))) == Capabilities(
        has_pipelining=True,
        has_starttls=True,
        has_8bitmime=True,
        has_smtputf8=True,
        has_size=True,
        max_size_bytes=1000,
        auth=frozenset({"PLAIN", "LOGIN", "XOAUTH2"}),
    )


@pytest.mark.parametrize("size", ["SIZE", "SIZE 0", "SIZE many"])
def test_size_without_a_number_is_no_limit(size: str) -> None:
    offers = capabilities_of(Reply(250, ("mx.example", size)))
    assert offers.has_size
    assert offers.max_size_bytes == 0


def test_the_name_of_the_server_is_no_capability() -> None:
    assert capabilities_of(Reply(250, ("PIPELINING",))) == Capabilities()
