"""The form of what a person wants to hear of: a select for each kind and way."""

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from wtforms import SelectField
from wtforms.fields import SelectChoice

from app.notices.choices import LEADS, Person
from app.notices.models import NoticeKind, Scope, Way
from app.web import vocabulary, words
from app.web.forms.fields import PanelForm


def _scopes() -> list[SelectChoice]:
    return [SelectChoice(scope.value, words.of(scope)) for scope in Scope]


def _leads() -> list[SelectChoice]:
    return [SelectChoice(minutes, _length(minutes)) for minutes in LEADS]


def _length(minutes: int) -> str:
    if minutes < 60:
        return ngettext("%(n)s minute before", "%(n)s minutes before", minutes, n=minutes)
    hours = minutes // 60
    return ngettext("%(n)s hour before", "%(n)s hours before", hours, n=hours)


def field_name(kind: NoticeKind, way: Way) -> str:
    """The name of the select for this kind and way."""
    return f"{kind.value}_{way.value}"


class _Base(PanelForm):
    """What does not depend on kinds."""

    lead_minutes = SelectField(_l("How long before a start"), choices=_leads, coerce=int)


def _select(kind: NoticeKind, way: Way) -> SelectField:
    control = {"class": "form-select", "data-plain": True}
    return SelectField(vocabulary.OF_VALUES[NoticeKind][kind], choices=_scopes, render_kw=control)


class ChoicesForm(type("Matrix", (_Base,), {field_name(k, w): _select(k, w) for k in NoticeKind for w in Way})):  # type: ignore[misc]
    """One select for each kind and way, and how long before a start."""

    @classmethod
    def of(cls, person: Person) -> "ChoicesForm":
        """The form as that person has chosen until now."""
        chosen: dict[str, Any] = {field_name(*each): scope.value for each, scope in person.scopes.items()}
        return cls(data={**chosen, "lead_minutes": person.lead_minutes})

    def select(self, kind: NoticeKind, way: str) -> Any:
        """The select of this kind and way."""
        return self[field_name(kind, Way(way))]

    def scopes(self) -> dict[tuple[NoticeKind, Way], Scope]:
        """What was chosen."""
        return {(kind, way): Scope(self[field_name(kind, way)].data) for kind in NoticeKind for way in Way}
