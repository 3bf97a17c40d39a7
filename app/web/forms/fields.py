"""Fields that all forms share: selects over our tables and enums, and times in a zone of the person's choice."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from flask_appbuilder.forms import DynamicForm
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import select
from wtforms import (
    BooleanField,
    DateField,
    DateTimeLocalField,
    IntegerField,
    PasswordField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    TimeField,
)
from wtforms.fields import SelectChoice
from wtforms.fields.choices import Choice
from wtforms.validators import Optional
from wtforms.widgets import Select, html_params

from app.audience.models import Folder
from app.extensions import db

FORMATS = ["%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]  # the first is written


class PanelForm(DynamicForm):
    """A form that FAB can show and that leaves writing to the services."""

    def values(self, *names: str) -> dict[str, Any]:
        """The data of these fields by name."""
        return {name: self[name].data for name in names}

    def validate(self, *args: Any, **kwargs: Any) -> bool:
        """Say of every required field at once that it is empty, where a service would say it of the first one."""
        is_valid = bool(super().validate(*args, **kwargs))
        lacking = [field for field in self if (field.render_kw or {}).get("required") and not field.data]
        for field in lacking:
            field.errors = [*field.errors, _("Fill in “%(name)s”.", name=field.label.text)]
        return is_valid and not lacking


def _control(**extra: Any) -> dict[str, Any]:
    return {"class": "form-control", **extra}


def picked(kind: str) -> dict[str, Any]:
    """The attributes of a field for the page's picker. kind: data-date, data-datetime or data-time."""
    # text, so that the picker looks the same in every browser; without a script the format can be typed
    return _control(type="text", autocomplete="off", **{kind: True})


def line(label: str, description: str = "", **extra: Any) -> StringField:
    """One line of text."""
    return StringField(label, description=description, filters=[_stripped], render_kw=_control(**extra))


def text_area(label: str, description: str = "", rows: int = 10) -> TextAreaField:
    """Several lines of text, kept as they are."""
    return TextAreaField(label, description=description, filters=[_text], render_kw=_control(rows=rows))


class LinesField(TextAreaField):
    """Several values, one in each line; data is a list of them, each once, without empty ones."""

    def process_data(self, value: Iterable[str] | None) -> None:
        """Values from the program."""
        self.data = list(value or ())

    def process_formdata(self, valuelist: list[str]) -> None:
        """What was typed."""
        if valuelist:
            stripped = (each.strip() for each in valuelist[0].splitlines())
            self.data = list(dict.fromkeys(each for each in stripped if each))

    def _value(self) -> str:
        return "\n".join(self.data or ())


def lines(label: str, description: str = "", rows: int = 5) -> LinesField:
    """Any number of values, one in each line."""
    return LinesField(label, description=description, render_kw=_control(rows=rows))


class SecretAreaField(TextAreaField):
    """Several lines that are never written back into a page, not even when the form is refused."""

    def _value(self) -> str:
        return ""


def secret_area(label: str, description: str) -> SecretAreaField:
    """A value of several lines that is written and never shown again."""
    return SecretAreaField(label, description=description, render_kw=_control(rows=4, autocomplete="off"))


def secret(label: str, description: str) -> PasswordField:
    """A value that is written and never shown again."""
    return PasswordField(label, description=description, render_kw=_control(autocomplete="new-password"))


def number(label: str, description: str = "", default: int | None = None) -> IntegerField:
    """A whole number; empty is None."""
    return IntegerField(
        label,
        description=description,
        default=default,
        validators=[Optional()],
        render_kw=_control(type="number", min="0", step="1"),
    )


class DurationField(IntegerField):
    """A whole number of seconds, minutes or hours; data in seconds. Shown in the largest unit that leaves no rest."""

    UNITS = {"seconds": 1, "minutes": 60, "hours": 3600}
    unit = "seconds"

    def process(self, formdata: Any, *args: Any, **kwargs: Any) -> None:
        """The unit has a field of its own beside the number; who sends none means seconds."""
        super().process(formdata, *args, **kwargs)
        if formdata and f"{self.name}-unit" in formdata:
            self.unit = formdata[f"{self.name}-unit"] if formdata[f"{self.name}-unit"] in self.UNITS else "seconds"
            if self.data is not None:
                self.data *= self.UNITS[self.unit]
        elif self.data:
            self.unit = next(unit for unit in reversed(self.UNITS) if self.data % self.UNITS[unit] == 0)

    def __call__(self, **kwargs: Any) -> Markup:
        """The number and its unit side by side."""
        number = self.data // self.UNITS[self.unit] if isinstance(self.data, int) else ""
        written = self.raw_data[0] if self.raw_data else number
        attributes = {"type": "number", "min": "0", "step": "1", "id": self.id, "name": self.name, **kwargs}
        names = {"seconds": _("seconds"), "minutes": _("minutes"), "hours": _("hours")}
        options = (
            Markup("<option {}>{}</option>").format(Markup(html_params(value=unit, selected=unit == self.unit)), name)
            for unit, name in names.items()
        )
        return Markup('<div class="input-group"><input {}><select {}>{}</select></div>').format(
            Markup(html_params(value=written, **attributes)),
            Markup(html_params(name=f"{self.name}-unit", class_="form-select", aria_label=_("Unit"))),
            Markup("").join(options),
        )


def duration(label: str, description: str = "") -> DurationField:
    """A time to wait, in a unit of the person's choice; empty is none."""
    return DurationField(label, description=description, default=0, validators=[Optional()])


def check_box(label: str, description: str = "", default: bool = False) -> BooleanField:
    """Yes or no."""
    return BooleanField(label, description=description, default=default)


def moment(
    label: str, description: str = "", default: Callable[[], datetime | None] | None = None
) -> DateTimeLocalField:
    """A date and time in the zone that the form names; read it with in_utc(). FAB's own picker gives no valid value."""
    return DateTimeLocalField(
        label,
        description=description,
        format=FORMATS,
        default=default,
        validators=[Optional()],
        render_kw=picked("data-datetime"),
    )


def hour(label: str, description: str = "") -> TimeField:
    """A time of day."""
    return TimeField(
        label,
        description=description,
        format=["%H:%M", "%H:%M:%S"],
        validators=[Optional()],
        render_kw=picked("data-time"),
    )


def day(label: str, description: str = "", **extra: Any) -> DateField:
    """A date."""
    return DateField(label, description=description, render_kw=picked("data-date"), **extra)


class RememberingSelect(Select):
    """Makes each option once: of six hundred time zones all but the chosen one look the same for everybody."""

    @classmethod
    def render_option(cls, choice: Choice, **kwargs: Any) -> Markup:
        """One option as HTML."""
        if choice.selected or choice.render_kw or kwargs:
            return super().render_option(choice, **kwargs)
        return _option(choice.value, str(choice.label))


@lru_cache(maxsize=4096)
def _option(value: Any, label: str) -> Markup:
    return Select.render_option(Choice(value, label, selected=False, render_kw={}))


def choice(label: str, choices: Iterable[tuple[str, str]], description: str = "", default: Any = "") -> SelectField:
    """One of fixed choices (value, words). default: a value, or what gives it when the form is shown."""
    return SelectField(
        label,
        description=description,
        choices=[SelectChoice(value, words) for value, words in choices],
        default=default,
        render_kw=_control(),
        widget=RememberingSelect(),
    )


def enum_choice(label: str, kind: type[StrEnum], words: dict[Any, str], default: StrEnum) -> SelectField:
    """One of the values of an enum."""
    return choice(label, [(value.value, words[value]) for value in kind], default=default.value)


def row_choice(
    label: str,
    rows: Callable[[], list[tuple[int, str]]],
    blank: str,
    description: str = "",
    default: Callable[[], int | None] | None = None,
) -> SelectField:
    """One row of a table by its id, or none."""
    return SelectField(
        label,
        default=default,
        description=description,
        choices=lambda: [SelectChoice("", blank), *(SelectChoice(str(pk), name) for pk, name in rows())],
        coerce=_id_or_none,
        validate_choice=False,
        render_kw=_control(),
    )


def row_choices(label: str, rows: Callable[[], list[tuple[int, str]]], description: str = "") -> SelectMultipleField:
    """Any number of rows of a table by their ids."""
    return SelectMultipleField(
        label,
        description=description,
        choices=lambda: [SelectChoice(pk, name) for pk, name in rows()],
        coerce=int,
        render_kw=_control(size=8),
    )


def folder_rows() -> list[tuple[int, str]]:
    """Every folder as (id, name)."""
    return _pairs(select(Folder.id, Folder.name).order_by(Folder.name))


def in_utc(value: datetime | None, zone: str) -> datetime | None:
    """A time as written on the clocks of that zone, as aware UTC."""
    return None if value is None else value.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def in_zone(value: datetime | None, zone: str) -> datetime | None:
    """An aware time as the clocks of that zone show it, for a form."""
    return None if value is None else value.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def _id_or_none(value: Any) -> int | None:
    return int(value) if value not in (None, "", "None") else None


def _stripped(value: str | None) -> str:
    return (value or "").strip()


def _text(value: str | None) -> str:
    return (value or "").replace("\r\n", "\n")


def _pairs(query: Any) -> list[tuple[int, str]]:
    return [(row[0], row[1]) for row in db.session.execute(query)]
