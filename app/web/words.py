"""Words for what the inner rings name in English: values of enums, errors, and sentences that stand in the database."""

import re
from enum import StrEnum
from functools import lru_cache
from typing import Any

from flask_babel import get_translations
from flask_babel import gettext as _

from app.channels.contract import Reason
from app.kernel.errors import AppError
from app.kernel.texts import Phrase
from app.notices.mail import TITLES
from app.notices.models import NoticeKind
from app.web.vocabulary import EXPLAINED, OF_ROLES, OF_VALUES

SENTENCES = frozenset({"why", "problem", "answer"})  # places that are filled with sentences, not with names
LEAST_TEXT = 7  # characters that a message has beside its places, to be told by them
PLACE = re.compile(r"%\((\w+)\)[sd]")
CONTEXT = "\x04"  # stands between context and message in a catalogue


def of(value: StrEnum | None) -> str:
    """The words of an enum's value; nothing for nothing."""
    if value is None:
        return ""
    table = OF_VALUES.get(type(value))
    return str(table[value]) if table else str(value).replace("-", " ")


def of_notice(kind: NoticeKind, name: str) -> str:
    """What a notice says, as its e-mail says it."""
    return _(TITLES[kind].message, name=name or "Muster")


def of_role(name: str) -> str:
    """The words of a permission, or of what it is for."""
    return str(OF_ROLES.get(name, name))


def explained(reason: Reason | None) -> str:
    """What a reason means and what to do, as a sentence; nothing for nothing."""
    return str(EXPLAINED[reason]) if reason else ""


def of_error(error: AppError) -> str:
    """The sentence of an error, in the language of the person."""
    return said(error.phrase)


def said(phrase: Phrase) -> str:
    """A phrase of an inner ring, in the language of the person."""
    if not phrase.values:
        return sentence(phrase.message)
    return _(phrase.message, **{name: _filled(name, value) for name, value in phrase.values.items()})


def _filled(name: str, value: object) -> object:
    if isinstance(value, Phrase):
        return said(value)
    if isinstance(value, StrEnum) and type(value) in OF_VALUES:
        return of(value)
    return sentence(value) if name in SENTENCES and isinstance(value, str) else value


def sentence(text: str | None) -> str:
    """A sentence that was stored in English, in the language of the person; as it is when the catalogue has it not.

    What was filled in is told by the text around it.
    """
    catalogue = get_translations()
    if not text or text in catalogue._catalog:
        return _(text) if text else ""
    for message, pattern in _patterns(catalogue):
        if found := pattern.fullmatch(text):
            return _(message, **{name: _filled(name, value) for name, value in found.groupdict().items()})
    before, colon, after = text.partition(": ")  # a column of a file and what is wrong in it
    return f"{before}{colon}{sentence(after)}"


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
            written.append(f"(?P={part})" if part in seen else f"(?P<{part}>.+)")
            seen.add(part)
    return re.compile("".join(written), re.DOTALL)
