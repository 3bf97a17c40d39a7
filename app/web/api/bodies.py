"""What a program sends: JSON bodies read strictly, fields that take no value of another type, refusals in words."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from math import isfinite
from typing import Any, NoReturn

from flask import request
from flask_babel import gettext as _
from marshmallow import Schema, ValidationError, fields, validate
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from app.kernel.errors import InvalidInput
from app.kernel.texts import N_

MAX_BODY_BYTES = 8 * 2**20
MAX_ID = 2**31 - 1
MAX_IDS = 10_000
WORDS: dict[str, str] = {
    "required": N_("This is missing."),
    "null": N_("This cannot be null."),
    "invalid": N_("This has the wrong type."),
    "unknown": N_("There is no such field here."),
    "type": N_("Send a JSON object."),
}


class Body(Schema):
    """A JSON object with exactly these fields."""

    error_messages = {"unknown": WORDS["unknown"], "type": WORDS["type"]}


def read(schema: Schema, partial: bool = False) -> dict[str, Any]:
    """The request's body, checked. Raises InvalidInput naming the field, or the HTTP error for an unreadable body."""
    try:
        values: dict[str, Any] = schema.load(json_object(), partial=partial)
    except ValidationError as error:
        field, words = _first(error.messages)
        if field is None:
            raise InvalidInput(words) from error
        raise InvalidInput("%(name)s: %(problem)s", field, name=field, problem=words) from error
    return values


def json_object() -> Any:
    """The JSON value of the request's body; an empty body is an empty object."""
    request.max_content_length = MAX_BODY_BYTES
    data = request.get_data(cache=False)
    if not data:
        return {}
    if not request.is_json:
        raise UnsupportedMediaType(_("Send JSON with the header Content-Type: application/json."))
    try:
        text = data.decode()
        value = json.loads(text, object_pairs_hook=_no_twins, parse_constant=_refused, parse_float=_finite)
        json.dumps(value, ensure_ascii=False).encode()  # half a character, written as an escape, cannot be stored
    except (ValueError, RecursionError) as error:
        raise BadRequest(_("The body is not readable JSON.")) from error
    return value


def sent_file() -> FileStorage:
    """The file of a multipart request. Raises InvalidInput when there is none."""
    file = request.files.get("file")
    if file is None:
        raise InvalidInput("Send the file as multipart/form-data in the field file.", "file")
    return file


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a name stands twice in an object")
    return values


def _refused(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise ValueError("a number is too large")
    return value


def _first(messages: Any, path: str = "") -> tuple[str | None, str]:
    """The first complaint in marshmallow's nested ones, with the field it is about."""
    while not isinstance(messages, str):
        if isinstance(messages, Mapping):
            name, messages = next(iter(messages.items()))
            if not path and isinstance(name, str) and name != "_schema":
                path = name
        else:
            messages = messages[0]
    return path or None, messages


class Text(fields.String):
    """A string."""

    default_error_messages = WORDS | {"invalid": N_("This must be a string.")}


class Whole(fields.Integer):
    """A whole number written as one: no string, no truth value, nothing after the point."""

    default_error_messages = WORDS | {"invalid": N_("This must be a whole number.")}

    def __init__(self, **kwargs: Any) -> None:
        limits = validate.Range(-MAX_ID, MAX_ID, error=N_("This number is too large."))
        super().__init__(strict=True, validate=limits, **kwargs)

    def _validated(self, value: Any) -> Any:
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.make_error("invalid")
        return value


class Flag(fields.Boolean):
    """true or false."""

    default_error_messages = WORDS | {"invalid": N_("This must be true or false.")}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid")
        return value


class Moment(fields.DateTime):
    """A time as ISO 8601 with its zone; shown in UTC."""

    default_error_messages = WORDS | {
        "invalid": N_("Give the time with its zone or offset, as 2026-05-04T09:00:00+02:00."),
    }

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        try:
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is None:
                raise self.make_error("invalid")
            return moment.astimezone(UTC)
        except (ValueError, TypeError, OverflowError) as error:
            raise self.make_error("invalid") from error


class Hour(fields.Time):
    """A time of day, as 09:30."""

    default_error_messages = WORDS | {"invalid": N_("Give a time of day, as 09:30.")}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        try:
            hour = time.fromisoformat(value)
        except (ValueError, TypeError) as error:
            raise self.make_error("invalid") from error
        if hour.tzinfo is not None or hour.microsecond:
            raise self.make_error("invalid")
        return hour


class Day(fields.Date):
    """A date, as 2026-05-04."""

    default_error_messages = WORDS | {"invalid": N_("Give a date, as 2026-05-04.")}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
            raise self.make_error("invalid")
        try:
            return date.fromisoformat(value)
        except ValueError as error:
            raise self.make_error("invalid") from error


class Ids(fields.List):
    """Ids of rows."""

    default_error_messages = WORDS | {"invalid": N_("This must be a list of ids.")}

    def __init__(self, **kwargs: Any) -> None:
        limit = validate.Length(max=MAX_IDS, error=N_("Send at most %(most)s ids at once.", most=MAX_IDS))
        super().__init__(Whole(), validate=limit, **kwargs)


class Choice(fields.Enum):
    """One of the values of an enum."""

    default_error_messages = WORDS | {"unknown": N_("Choose one of %(values)s.", values="{choices}")}

    def __init__(self, kind: Any, **kwargs: Any) -> None:
        super().__init__(kind, by_value=Text, **kwargs)


class Numbers(fields.Dict):
    """An object whose values are whole numbers."""

    default_error_messages = WORDS | {"invalid": N_("This must be an object of whole numbers.")}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(keys=Text(), values=Whole(), **kwargs)


class Texts(fields.Dict):
    """An object whose values are strings."""

    default_error_messages = WORDS | {"invalid": N_("This must be an object of strings.")}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(keys=Text(), values=Text(), **kwargs)
