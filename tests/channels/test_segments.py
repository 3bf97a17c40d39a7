"""Segments of text messages, by the tables of 3GPP TS 23.038 and 23.040."""

import pytest

from app.channels.segments import Encoding, size_of

GSM, UCS = Encoding.GSM_7, Encoding.UCS_2

CASES = [
    ("nothing", "", GSM, 0, 0, 160),
    ("one segment to its end", "a" * 160, GSM, 160, 1, 0),
    ("one more makes two", "a" * 161, GSM, 161, 2, 145),
    ("two to their end", "a" * 306, GSM, 306, 2, 0),
    ("three", "a" * 307, GSM, 307, 3, 152),
    (
        "letters of the alphabet",
        "Zażółć".replace("ż", "z").replace("ł", "l").replace("ó", "ò").replace("ć", "c"),
        GSM,
        6,
        1,
        154,
    ),
    ("the euro takes two places", "€" * 80, GSM, 160, 1, 0),
    ("a pair is not torn", "a" * 152 + "€" + "a" * 152, GSM, 306, 3, 152),
    ("brackets take two places", "[]{}", GSM, 8, 1, 152),
    ("line ends", "a\nb\r", GSM, 4, 1, 156),
    ("Polish letters make it UCS-2", "ż" * 70, UCS, 70, 1, 0),
    ("UCS-2 in two", "ż" * 71, UCS, 71, 2, 63),
    ("an emoji takes two places", "😀" * 35, UCS, 70, 1, 0),
    ("an emoji is not torn", "a" * 66 + "😀" + "a" * 66, UCS, 134, 3, 66),
    ("a curly apostrophe", "it’s", UCS, 4, 1, 66),
]


@pytest.mark.parametrize(
    ("text", "encoding", "units", "segments", "left"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_a_text_takes_its_segments(text: str, encoding: Encoding, units: int, segments: int, left: int) -> None:
    size = size_of(text)
    assert (size.encoding, size.units, size.segments, size.left) == (encoding, units, segments, left)


def test_the_characters_that_cost_are_named_once() -> None:
    assert size_of("żyję, żyję 😀").odd == "żę😀"
    assert size_of("plain").odd == ""
