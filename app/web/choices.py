"""Filters of lists that offer words to choose from, in place of FAB's free text, numbers and dates."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from flask import request
from flask_appbuilder.models.filters import BaseFilter
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, false, func, select
from wtforms import SelectField
from wtforms.fields import SelectChoice

from app.campaigns.models import Campaign
from app.extensions import db
from app.web import words
from app.web.asked import row_id

MOST_CAMPAIGNS = 200  # that a log is filtered by, those with the newest rows


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

    @property
    def column(self) -> Any:
        """The column that is filtered."""
        return getattr(self.model, self.column_name)


class OfValue(Chosen):
    """The rows with one value of a closed set."""

    kind: type[StrEnum]

    @classmethod
    def choices(cls) -> Sequence[tuple[str, Any]]:
        """The whole set."""
        return [(each.value, words.of(each)) for each in cls.kind]

    def condition(self, value: str) -> ColumnElement[bool] | None:
        """With that value."""
        return self.column == self.kind(value) if value in set(self.kind) else None


class OfId(Chosen):
    """The rows that name one row of another table."""

    def condition(self, value: str) -> ColumnElement[bool] | None:
        """With that id."""
        pk = row_id(value)
        return None if pk is None else self.column == pk


class OfCampaign(OfId):
    """The rows of a log that are about one campaign. log: its model; name_then: its column with the name that the
    campaign had, by which one is offered that was deleted since; without that column it is not."""

    label = _l("Campaign")
    log: Any
    name_then: Any = None

    @classmethod
    def choices(cls) -> list[tuple[str, Any]]:
        """The campaigns that the log knows, those with the newest rows first."""
        log, then = cls.log, cls.name_then
        name = Campaign.name if then is None else func.coalesce(Campaign.name, func.max(then))
        query = select(log.campaign_id, name).join(Campaign, Campaign.id == log.campaign_id, isouter=then is not None)
        query = query.group_by(log.campaign_id, Campaign.name).order_by(func.max(log.id).desc()).limit(MOST_CAMPAIGNS)
        return [(str(pk), said) for pk, said in db.session.execute(query)]


class Named(Chosen):
    """The rows that a link of ours asks for by what nobody has in mind; never offered. asks: the column in the link."""

    asks: str

    @classmethod
    def said(cls, value: str) -> Any:
        """What the filter says in place of the value."""
        raise NotImplementedError

    @classmethod
    def choices(cls) -> list[tuple[str, Any]]:
        """What the address of the page names."""
        return [(value, cls.said(value)) for name, value in request.args.items() if name.endswith(f"_{cls.asks}")]


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
