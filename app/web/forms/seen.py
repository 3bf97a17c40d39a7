"""What a person saw when a form was opened: only what they changed is written, and nobody's change is lost.

A form keeps a fingerprint of each value that it showed. What differs from it when the form comes back was changed by
this person ("mine"); what differs from it in the database was changed by somebody else meanwhile ("theirs"). Only a
field that is both, and holds two values, is a clash that a person must settle.
"""

import hashlib
import json
from collections.abc import Iterable
from datetime import date, datetime, time
from typing import Any

from flask_babel import gettext as _
from wtforms import BooleanField, Field, Form, SelectField

SHOWN_CHARACTERS = 200


def fingerprints(form: Form, names: Iterable[str]) -> str:
    """The fingerprints of what a form shows, as JSON for a hidden field."""
    return written({name: _fingerprint(form[name]) for name in names})


def written(fingerprints_by_name: dict[str, str]) -> str:
    """Fingerprints as JSON."""
    return json.dumps(fingerprints_by_name)


def read(text: str | None) -> dict[str, str] | None:
    """What a form saw, as it came back; None when that is not readable."""
    try:
        found = json.loads(text or "")
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def changed(form: Form, names: Iterable[str], seen: dict[str, str]) -> set[str]:
    """The fields that hold something else than what was seen."""
    return {name for name in names if _fingerprint(form[name]) != seen.get(name)}


def clashes(mine: Form, theirs: Form, names: Iterable[str]) -> set[str]:
    """Of fields that both sides changed, those with two different values."""
    return {name for name in names if _fingerprint(mine[name]) != _fingerprint(theirs[name])}


def shown(field: Field) -> str:
    """A value in a few words, for somebody who compares."""
    if isinstance(field, BooleanField):
        return _("yes") if field.data else _("no")
    if isinstance(field, SelectField):
        names = {str(choice[0]): str(choice[1]) for choice in field.iter_choices()}
        chosen = field.data if isinstance(field.data, list) else [field.data]
        return ", ".join(names.get(str("" if each is None else each), "") for each in chosen) or _("nothing")
    text = _canonical(field.data)
    if not text:
        return _("nothing")
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def _fingerprint(field: Field) -> str:
    return hashlib.blake2b(_canonical(field.data).encode(errors="surrogatepass"), digest_size=8).hexdigest()


def _canonical(data: Any) -> str:
    """A value as a page can carry it: no seconds, no order among chosen rows, one kind of line ends."""
    match data:
        case None:
            return ""
        case datetime():
            return f"{data:%Y-%m-%d %H:%M}"
        case time():
            return f"{data:%H:%M}"
        case date():
            return data.isoformat()
        case list() | tuple():
            return ",".join(sorted(map(str, data)))
        case str():
            return data.replace("\r\n", "\n").strip()
    return str(data)
