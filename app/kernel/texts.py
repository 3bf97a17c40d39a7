"""Sentences for people. The inner rings write English; app.web.words says it in the person's language."""


class Phrase(str):
    """A text in English that remembers how it was made: the message of the catalogue and what fills its places."""

    message: str
    values: dict[str, object]

    def __new__(cls, message: str, /, **values: object) -> "Phrase":
        made = super().__new__(cls, message % values if values else message)
        made.message, made.values = message, values
        return made


N_ = Phrase  # the usual name of what marks a text for the catalogue and leaves it in English
