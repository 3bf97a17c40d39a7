"""Errors raised on purpose. Each carries a sentence that a manager can act on, safe to show."""

from typing import Self

from app.kernel.texts import Phrase


class AppError(Exception):
    """Base: status is the HTTP status, str() the sentence in English; field names the wrong input, if one is.

    message: the sentence as it stands in the catalogue, with %(named)s places for the values. phrase: both together,
    for app.web.words.
    """

    status = 500

    def __init__(self, message: str, /, field: str | None = None, **values: object) -> None:
        self.phrase = Phrase(message, **values)
        self.field = field
        super().__init__(self.phrase)

    def about(self, field: str) -> Self:
        """The same error, said of this field."""
        same = type(self).__new__(type(self), *self.args)
        same.__dict__.update(self.__dict__, field=field)
        return same


class InvalidInput(AppError):
    """What was given cannot be used; the sentence says what to change."""

    status = 422


class NotFound(AppError):
    """There is no such thing, or it is not for this person."""

    status = 404


class NotAllowed(AppError):
    """This person may not do this."""

    status = 403


class Conflict(AppError):
    """The state of the thing does not allow this now."""

    status = 409


class Unavailable(AppError):
    """A part we depend on does not answer; trying again later may work."""

    status = 503
