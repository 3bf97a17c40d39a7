"""How every process writes its log: one line of fixed text, then the fields that came as `extra`, as key=value."""

import json
import logging

_USUAL = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class FieldsFormatter(logging.Formatter):
    """time LEVEL logger text key=value …; a traceback follows on lines of its own."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The line without a traceback."""
        fields = (f" {name}={_shown(value)}" for name, value in record.__dict__.items() if name not in _USUAL)
        return super().formatMessage(record) + "".join(fields)


def configure() -> None:
    """Write to stderr from now on; called once at the start of a process."""
    handler = logging.StreamHandler()
    handler.setFormatter(FieldsFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)  # six lines that say that it was imported


def _shown(value: object) -> str:
    """The value in one word, quoted where it would not be one."""
    text = str(value)
    is_word = text.isprintable() and not set(text) & set(' "=') and text != ""
    return text if is_word else json.dumps(text, ensure_ascii=False)
