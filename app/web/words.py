"""Words for what the inner rings name in English: values of enums, errors, and sentences that stand in the database."""

from enum import StrEnum

from flask_babel import get_translations
from flask_babel import gettext as _

from app.channels.contract import Reason
from app.kernel.errors import AppError
from app.kernel.texts import SENTENCES, Phrase, told
from app.notices.mail import TITLES
from app.notices.models import NoticeKind
from app.web.vocabulary import EXPLAINED, OF_ROLES, OF_VALUES


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
    """A sentence that was stored in English, in the language of the person; as it is when the catalogue has it not."""
    return told(text or "", get_translations())
