"""How a text message travels: its encoding and the number of segments that are paid for. Pure.

3GPP TS 23.038 has the alphabet of GSM-7 (characters of its second table take two places), TS 23.040 the header of a
message in parts: 160 places alone and 153 in parts, or 70 and 67 as soon as one character is not in the alphabet.
"""

from dataclasses import dataclass
from enum import StrEnum

MAX_UNITS = 1600  # what Twilio takes (error 21617)

_ONE_PLACE = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_TWO_PLACES = frozenset("\f^{}\\[~]|€")


class Encoding(StrEnum):
    """How the characters are written."""

    GSM_7 = "GSM-7"
    UCS_2 = "UCS-2"


PLACES = {Encoding.GSM_7: (160, 153), Encoding.UCS_2: (70, 67)}  # of a message alone, and of each of several parts


@dataclass(frozen=True, slots=True)
class Size:
    """What a text needs. units: places it takes; left: places that are free in the last segment.

    odd: the characters that make it UCS-2, each once, in their order.
    """

    encoding: Encoding
    units: int
    segments: int
    left: int
    odd: str = ""


def size_of(text: str) -> Size:
    """The size of a text as it is sent. A character is never torn between two segments."""
    odd = "".join(dict.fromkeys(each for each in text if each not in _ONE_PLACE and each not in _TWO_PLACES))
    encoding = Encoding.UCS_2 if odd else Encoding.GSM_7
    widths = [_width(each, encoding) for each in text]
    units = sum(widths)
    alone, part = PLACES[encoding]
    if units <= alone:
        return Size(encoding, units, 1 if units else 0, alone - units, odd)
    segments, used = 1, 0
    for width in widths:
        if used + width > part:
            segments, used = segments + 1, 0
        used += width
    return Size(encoding, units, segments, part - used, odd)


def _width(character: str, encoding: Encoding) -> int:
    if encoding is Encoding.UCS_2:
        return 2 if ord(character) > 0xFFFF else 1  # UTF-16, as phones read it
    return 2 if character in _TWO_PLACES else 1
