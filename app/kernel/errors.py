"""Errors raised on purpose. Each carries a sentence that a manager can act on, safe to show."""


class AppError(Exception):
    """Base: status is the HTTP status, str() the sentence for a person; field names the wrong input, if one is."""

    status = 500

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


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
