"""Filters of lists that offer words to choose from, in place of FAB's free text, numbers and dates."""

from collections.abc import Sequence
from typing import Any

from flask_appbuilder.models.filters import BaseFilter
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, false
from wtforms import SelectField
from wtforms.fields import SelectChoice


class Chosen(BaseFilter):
    """One of choices; what is not among them matches nothing."""

    name = _l("is")
    label: Any = ""

    @classmethod
    def choices(cls) -> Sequence[tuple[str, Any]]:
        """The choices as (value, words), asked anew by each request."""
        raise NotImplementedError

    def condition(self, value: str) -> ColumnElement[bool] | None:
        """What a row of that choice fulfils; None for a choice that does not exist."""
        raise NotImplementedError

    def apply(self, query: Any, value: Any) -> Any:
        found = self.condition(str(value))
        return query.filter(false() if found is None else found)


class ChoiceFilters:
    """For a view: some of its search_columns are filtered by a choice. Stands before AppModelView."""

    choice_filters: dict[str, type[Chosen]] = {}

    def _init_properties(self) -> None:
        super()._init_properties()  # type: ignore[misc]
        mine = self._filters_prototype  # type: ignore[attr-defined]
        for column, kind in self.choice_filters.items():
            mine._search_filters[column] = mine._all_filters[column] = [kind(column, self.datamodel)]  # type: ignore[attr-defined]

    def _init_forms(self) -> None:
        self.search_form_extra_fields = {column: _select(kind) for column, kind in self.choice_filters.items()}
        super()._init_forms()  # type: ignore[misc]


def _select(kind: type[Chosen]) -> SelectField:
    return SelectField(
        kind.label,
        choices=lambda: [SelectChoice(value, words) for value, words in kind.choices()],
        validate_choice=False,
        render_kw={"class": "form-select"},
    )
