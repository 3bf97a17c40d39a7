"""Sentences for people. The inner rings write English, also into the database; told() says it in a language."""

import re
from functools import lru_cache
from typing import Any

SENTENCES = frozenset({"why", "problem", "answer"})  # places that are filled with sentences, not with names
LEAST_TEXT = 7  # characters that a message has beside its places, to be told by them
PLACE = re.compile(r"%\((\w+)\)[sd]")
CONTEXT = "\x04"  # stands between context and message in a catalogue


class Phrase(str):
    """A text in English that remembers how it was made: the message of the catalogue and what fills its places."""

    message: str
    values: dict[str, object]

    def __new__(cls, message: str, /, **values: object) -> "Phrase":
        made = super().__new__(cls, message % values if values else message)
        made.message, made.values = message, values
        return made


N_ = Phrase  # the usual name of what marks a text for the catalogue and leaves it in English


def told(text: str, catalogue: Any) -> str:
    """A sentence that was stored in English, in the language of a catalogue of Babel's; as it is when that has it not.

    What was filled in, which may be nothing, is told by the text around it.
    """
    if not text or text in catalogue._catalog:
        return catalogue.gettext(text) if text else ""
    for message, pattern in _patterns(catalogue):
        if found := pattern.fullmatch(text):
            filled = {
                name: told(value, catalogue) if name in SENTENCES else value
                for name, value in found.groupdict().items()
            }
            return str(catalogue.gettext(message) % filled)
    before, colon, after = text.partition(": ")  # a column of a file and what is wrong in it
    return f"{before}{colon}{told(after, catalogue)}"


@lru_cache(maxsize=8)
def _patterns(catalogue: Any) -> list[tuple[str, re.Pattern[str]]]:
    """The messages with places as patterns, those with most text of their own first."""
    found = []
    for message in catalogue._catalog:
        if isinstance(message, str) and CONTEXT not in message:
            texts = PLACE.split(message)[::2]
            length = sum(map(len, texts))
            if len(texts) > 1 and length >= LEAST_TEXT:
                found.append((-length, message))
    return [(message, _pattern(message)) for _length, message in sorted(found)]


def _pattern(message: str) -> re.Pattern[str]:
    written, seen = [], set()
    for at, part in enumerate(PLACE.split(message)):
        if at % 2 == 0:
            written.append(re.escape(part))
        else:
            written.append(f"(?P={part})" if part in seen else f"(?P<{part}>.*)")
            seen.add(part)
    return re.compile("".join(written), re.DOTALL)
